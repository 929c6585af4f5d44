# SPDX-License-Identifier: Apache-2.0
"""Sees which stages DVC locked while a program ran: the entries of dvc.lock that were not there before.

It looks into the dvc.lock of the folder that the program starts in, and into those above, up to the root of the
project. The facts of ``after``: ``{"locked": [{"path": "/project/dvc.lock", "stage": "train", "digest": "..."}]}``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from lineage.capture.found import Found, Json
from lineage.errors import LineageError
from lineage.sources import dvc_lock

#: A file with more bytes is not looked into: parsing takes a second for some of them.
LARGEST = 2 << 20
#: The bytes of each file; ``None`` where there was none.
Locks: TypeAlias = Mapping[Path, bytes | None]


def locks(here: Path, found: Found) -> Locks:
    """The files as they are now, their bytes unparsed; nothing outside of a project of DVC."""
    above = [here, *here.parents]
    root = next((number for number, place in enumerate(above) if (place / ".dvc").is_dir()), None)
    if root is None:
        return {}
    read: dict[Path, bytes | None] = {}
    for place in above[: root + 1]:
        path = place / dvc_lock.NAME
        try:
            read[path] = _bytes(path)
        except OSError as error:
            found.miss(f"stages in {path}", error.strerror or str(error))
    return read


def after(before: Locks) -> Found:
    """The stages whose entries are others than before."""
    found, told = Found(), list[Json]()
    for path, data in before.items():
        try:
            now = _bytes(path)
            if now is None or now == data:
                continue
            held = {} if data is None else dvc_lock.stages(data, str(path))
            for name, said in dvc_lock.stages(now, str(path)).items():
                if said != held.get(name):
                    told.append({"path": str(path), "stage": name, "digest": dvc_lock.digest(said)})
        except OSError as error:
            found.miss(f"stages in {path}", error.strerror or str(error))
        except LineageError as error:
            found.miss(f"stages in {path}", error.what)
    found.facts["locked"] = told
    return found


def _bytes(path: Path) -> bytes | None:
    """Raises ``OSError`` for what is there and cannot be read."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(file, "rb") as opened:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            raise OSError("it is no plain file")
        if about.st_size > LARGEST:
            raise OSError(f"it has more than {LARGEST:,} bytes")
        return opened.read(LARGEST)

# SPDX-License-Identifier: Apache-2.0
"""Sees which files a Python program opens, by an audit hook (PEP 578): whatever opens them through Python is seen,
in this process and in those forked from it; what a library opens by itself, such as Arrow, is not.

Each file is written down when it is first opened, so that nothing is lost where a process dies. Its bytes are read
when the run ends: as long as size, times and inode are those of the moment of its opening, they are what was read.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from lineage.capture import watch
from lineage.capture.found import Budget, Found, Json
from lineage.capture.probes import files
from lineage.capture.record import Record

#: The layer's name, as a witness.
WITNESS = "opened"
#: Seconds in which their bytes are read at the end.
_SECONDS = 60.0


def start(record: Record) -> None:
    """Write down which files this process opens from now on, for a run."""
    watch.watch().start(record.opened)


def stop() -> None:
    """Watch no longer."""
    watch.watch().stop()


def observed(record: Record) -> Found:
    """What all processes of the run opened, with the bytes that they read and wrote: files as ``files.probe`` tells
    them, ``{"inputs": [...], "outputs": [...], "witness": "opened"}``.
    """
    found, budget = Found(), Budget(_SECONDS)
    told = record.events("opened")
    if len(told) >= watch.MOST:
        found.miss("files", f"only the first {watch.MOST:,} that were opened are told")
    moved = {each["was"] for each in told if "was" in each}
    read = {each["path"]: each["about"] for each in reversed(told) if not each["writes"]}
    written = dict.fromkeys(each["path"] for each in told if each["writes"])
    first = {each["path"]: each["writes"] for each in reversed(told)}
    inputs, outputs = list[Json](), list[Json]()
    for path, about in read.items():
        if first[path]:
            continue  # its own
        if path not in written and _is_still(path, about):
            inputs += _bytes(path, found, budget)
        else:
            found.miss(f"bytes of {path}", "it was written to, or is gone, since it was read")
    for path in written:
        if path not in moved:
            outputs += _bytes(path, found, budget)
    found.facts = {"inputs": inputs, "outputs": outputs, "witness": WITNESS}
    return found


def _bytes(path: str, found: Found, budget: Budget) -> list[Json]:
    seen = files.probe([path], Path("/"), budget)
    found.unseen |= seen.unseen
    listed = seen.facts["files"]
    assert isinstance(listed, list)
    return [file for file in listed if isinstance(file, dict) and "missing" not in file]


def _is_still(path: str, about: Any) -> bool:
    """Whether a file is the one that was opened, as it was."""
    with suppress(OSError):
        return bool(watch.marks(Path(path).stat()) == about)
    return False

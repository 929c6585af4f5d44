# SPDX-License-Identifier: Apache-2.0
"""Remembers what the metadata of packages said, as long as no file of it has changed."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias, TypedDict

from lineage.capture.found import Json
from lineage.version import __version__

Facts: TypeAlias = dict[str, Json]

#: What a file changed in so many nanoseconds before it was read is read again: it may change once more in
#: the same tick of a coarse clock (git calls such a file racy).
_RACY = 2_000_000_000
#: Files that are larger are none of ours (bytes).
_LARGEST = 64 * 1024 * 1024


class _Kept(TypedDict):
    stamp: list[int]
    parts: list[str]
    facts: Facts


class PackageCache:
    """The facts of what lies in one folder, kept in one file of the folder ``cache``. What is damaged there,
    or was written by another version of this package, counts for nothing.
    """

    def __init__(self, cache: Path | None, folder: Path) -> None:
        self._file: Path | None = None
        self._known: dict[str, _Kept] = {}
        self._met: dict[str, _Kept] = {}
        if cache is not None:
            name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]
            self._file = cache / f"packages-{name}.json"
            self._known = _loaded(self._file)

    def facts(self, path: Path, parts: Sequence[str], read: Callable[[Path], Facts]) -> Facts:
        """The facts of a record: of a file, or of a folder in which these files, where there are such, say
        something; ``read`` makes them where they are not known.
        """
        place, name = str(path), path.name
        kept = self._known.get(name)
        if kept is not None and kept["stamp"] == _stamp(place, kept["parts"]):
            self._met[name] = kept
            return kept["facts"]
        has = _present(place, parts)
        before = _stamp(place, has)
        facts = read(path)
        # Written while it was read, or just before: what it says now is not known.
        if (
            before is not None
            and max(before[3::4]) < time.time_ns() - _RACY
            and before == _stamp(place, has)
        ):
            self._met[name] = {"stamp": before, "parts": has, "facts": facts}
        return facts

    def save(self) -> None:
        """Keep what was met; where that cannot be written, the next look takes longer."""
        if self._file is None or self._met == self._known:
            return
        data = json.dumps(self._met, separators=(",", ":")).encode()
        part = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            # Never one that stands there: it could be a link to somewhere else.
            with part.open("xb") as file:
                file.write(_head(data) + data)
            part.replace(self._file)
        except OSError:
            with suppress(OSError):
                part.unlink()


def _head(data: bytes) -> bytes:
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    return f"lineagedb {__version__} packages {digest}\n".encode()


def _loaded(file: Path) -> dict[str, _Kept]:
    try:
        if file.stat().st_size > _LARGEST:
            return {}
        head, _, data = file.read_bytes().partition(b"\n")
    except OSError:
        return {}
    if head + b"\n" != _head(data):
        return {}
    kept: dict[str, _Kept] = json.loads(data)
    return kept


def _present(place: str, parts: Sequence[str]) -> list[str]:
    """Which of the files lie in a folder; none where it is a file."""
    try:
        names = set(os.listdir(place))  # noqa: PTH208 - thousands of folders
    except OSError:
        return []
    return [part for part in parts if part in names]


def _stamp(place: str, parts: Sequence[str]) -> list[int] | None:
    """What changes when a record does: of itself and of its files inode, size, and both times. A file that
    comes or goes changes those of the folder. ``None`` where one of them is not there.
    """
    stamp: list[int] = []
    try:
        for path in (place, *[f"{place}/{part}" for part in parts]):
            about = os.lstat(path)
            stamp += (about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
    except OSError:
        return None
    return stamp

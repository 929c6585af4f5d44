# SPDX-License-Identifier: Apache-2.0
"""Imports crates: a folder or zip file with RO-Crate metadata, whose files are compared with those
listed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from importers.base import Importer, Options, Source
from importers.tally import Tally
from lineage.access.mask import masked
from lineage.errors import InputMissing, LimitExceeded
from lineage.formats import rocrate
from lineage.formats.rocrate import Listed, archive, words
from lineage.model.record import Batch
from lineage.sources import git_lfs

_PIECE = 1024 * 1024
#: Files looked at in one crate; further ones are counted.
MOST_FILES = 100_000

#: The pieces of a file of the crate by its path; ``OSError`` or ``KeyError`` where it is not there.
Open = Callable[[str], Iterator[bytes]]


class _Given(NamedTuple):
    """A crate as given: its metadata, the exact records beside them, and a way to its files."""

    metadata: bytes
    records: bytes | None
    open: Open


class RoCrateImporter(Importer):
    """Reads crates; paths in them name things of this crate only."""

    name = "rocrate"
    summary = "a Research Object Crate: a folder, zip file or ro-crate-metadata.json"

    def sniffs(self, source: Source) -> bool:
        """A folder that holds the metadata, or a file that the format recognises."""
        if source.path is not None and source.path.is_dir():
            return any((source.path / name).is_file() for name in words.METADATA_NAMES)
        if source.path is not None and not source.path.is_file():
            return False
        try:
            return (source.data is not None or source.path is not None) and (
                rocrate.FORMAT.sniffs(source.read())
            )
        except InputMissing:
            return False
        except LimitExceeded:
            # Of what is too large to be read the beginning is looked at.
            return rocrate.FORMAT.sniffs(source.head())

    def read(self, source: Source, options: Options) -> Iterator[Batch]:
        """Yield the whole crate as one batch; files that are missing or differ are counted."""
        del options
        if source.path is not None and source.path.is_dir():
            yield masked(_read(_folder(source.path, source.address), source.address))
            return
        data = source.read()
        if not data.startswith(archive.MAGIC):
            yield masked(rocrate.read(data, where=source.address, parts=True))
            return
        with archive.opened(data, source.address) as crate:
            records = crate.read(words.SIDECAR) if words.SIDECAR in crate.files else None
            given = _Given(crate.metadata, records, crate.chunks)
            yield masked(_read(given, source.address))


def _read(given: _Given, where: str) -> Batch:
    batch = rocrate.read(given.metadata, given.records, where=where, parts=True)
    tally = Tally()
    seen = Counter({"files there": 0, "files verified": 0})
    for number, file in enumerate(rocrate.listed(given.metadata, where=where)):
        if number == MOST_FILES:
            tally.lose("files", f"not looked at, for there are more than {MOST_FILES}")
            break
        _compare(file, given.open, tally, seen)
    return replace(batch, seen={**batch.seen, **seen}, losses=(*batch.losses, *tally.losses()))


def _compare(file: Listed, opener: Open, tally: Tally, seen: Counter[str]) -> None:
    """Look at one file that the metadata list. Whatever is wrong with it is counted."""
    path = file.path
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or "\0" in path or {"", ".", ".."} & set(parts):
        tally.lose("files", "listed outside the crate; not opened", first=path)
        return
    digests = {
        algorithm: hashlib.new(algorithm, usedforsecurity=False) for algorithm in file.digests
    }
    size, head = 0, b""
    try:
        for piece in opener(path):
            head = head or piece
            size += len(piece)
            for digest in digests.values():
                digest.update(piece)
    except (OSError, KeyError) as error:
        why = (
            "listed, but a link or no file; not opened" if _refused(error) else "listed, not there"
        )
        tally.lose("files", why, first=path)
        return
    seen["files there"] += 1
    found = {algorithm: digest.hexdigest() for algorithm, digest in digests.items()}
    if size == len(head) and (pointed := git_lfs.pointer(head)) is not None:
        # Of the object itself no more is known than its sha256 and its size.
        size = pointed.size
        found = {"sha256": pointed.sha256} if "sha256" in digests else {}
    for algorithm, hex_ in found.items():
        if hex_ != file.digests[algorithm]:
            tally.lose("files", f"another {algorithm} than listed", first=path)
            return
    if file.size is not None and file.size != size:
        tally.lose("files", "another size than listed", first=path)
    elif found:
        seen["files verified"] += 1
    elif digests:
        reason = "Git LFS left a pointer, whose digests are not those listed; git lfs pull"
        tally.lose("files", reason, first=path)


def _refused(error: Exception) -> bool:
    return isinstance(error, OSError) and not isinstance(error, FileNotFoundError)


def _folder(path: Path, where: str) -> _Given:
    """A crate that is a folder. Raises ``InputMissing`` and ``LimitExceeded``."""

    def opener(name: str) -> Iterator[bytes]:
        return _pieces(path, name)

    def whole(name: str) -> bytes:
        found = bytearray()
        for piece in opener(name):
            found += piece
            if len(found) > archive.MOST_READ:
                message = f"{name} has more than {archive.MOST_READ} bytes"
                raise LimitExceeded(message, where=where)
        return bytes(found)

    name = next((n for n in words.METADATA_NAMES if (path / n).is_file()), None)
    if name is None:
        raise InputMissing(f"the folder holds no {words.METADATA}", where=where)
    try:
        metadata = whole(name)
    except OSError as error:
        raise InputMissing(f"cannot read {name}: {error.strerror}", where=where) from error
    try:
        records = whole(words.SIDECAR)
    except OSError:
        records = None
    return _Given(metadata, records, opener)


def _pieces(root: Path, name: str) -> Iterator[bytes]:
    """A file below a folder, a piece at a time. Every step is opened without following links, so
    that nothing outside the folder is, whatever happens to it meanwhile. Raises ``OSError``.
    """
    *folders, last = name.split("/")
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            inner = os.open(folder, flags, dir_fd=here)
            os.close(here)
            here = inner
        file = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
    finally:
        os.close(here)
    with os.fdopen(file, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(f"{name} is no file")
        while piece := stream.read(_PIECE):
            yield piece


IMPORTER = RoCrateImporter()

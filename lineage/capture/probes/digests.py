# SPDX-License-Identifier: Apache-2.0
"""The digests of files, and a memory of them: a large file that has not changed is not read twice.

What a file is known again by is what git goes by: device, inode, size and both times. That is not enough where bytes
change without a trace in them. So nothing is remembered of a file that changed in the last seconds (git's "racy"
files), that a process has mapped for writing (a store into a page that is written to already leaves no time), or that
lies in a file system of which we do not know that it keeps times as ext4 does.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from lineage.capture.found import Budget

#: Bytes that are read at once.
_PIECE = 1 << 20
#: Smaller files are read as quickly as it is found out whether they may be remembered (bytes).
SMALLEST = 16 << 20
#: Files that are remembered; the longest ago are forgotten first.
_MOST = 100_000
_NAMES = ("md5", "sha1", "sha256", "git")
#: Nanoseconds before its reading in which a file must not have changed.
_RACY = 2_000_000_000
#: File systems that give a file a new time whenever a mapped page of it is first written to.
_KEEP_TIMES = frozenset({"btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "xfs"})
_TABLE = """
CREATE TABLE IF NOT EXISTS digests (
  device INTEGER, inode INTEGER, size INTEGER, mtime INTEGER, ctime INTEGER,
  md5 TEXT, sha1 TEXT, sha256 TEXT, git TEXT,
  PRIMARY KEY (device, inode, size, mtime, ctime)
)"""
_FOUND = (
    "SELECT md5, sha1, sha256, git FROM digests"
    " WHERE (device, inode, size, mtime, ctime) = (?, ?, ?, ?, ?)"
)
_KEPT = "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FORGOTTEN = "DELETE FROM digests WHERE rowid <= (SELECT max(rowid) FROM digests) - ?"
_OCTAL = re.compile(r"\\([0-7]{3})")
#: A mapping of a process: permissions, device, inode (proc_pid_maps(5)).
_MAPPED = re.compile(rb"^\S+ .w.s \S+ ([0-9a-f]+):([0-9a-f]+) (\d+)", re.MULTILINE)


def digests_of(path: Path, budget: Budget) -> dict[str, str] | None:
    """The digests of the bytes of a file, taken in one reading: ``md5``, ``sha1``, ``sha256``, and ``git``, the SHA-1 of
    git's blob; ``None`` where reading them takes longer than there is time. Raises ``OSError``.
    """
    # Nobody's security rests on the older ones: other tools know files by them.
    md5, sha1 = (hashlib.new(name, usedforsecurity=False) for name in ("md5", "sha1"))
    sha256, blob = hashlib.sha256(), hashlib.sha1(usedforsecurity=False)
    buffer = memoryview(bytearray(_PIECE))
    with path.open("rb", buffering=0) as file:
        blob.update(b"blob %d\0" % os.fstat(file.fileno()).st_size)
        while size := file.readinto(buffer):
            for one in (md5, sha1, sha256, blob):
                one.update(buffer[:size])
            if budget.over:
                return None
    return dict(zip(_NAMES, (one.hexdigest() for one in (md5, sha1, sha256, blob)), strict=True))


class Known:
    """The digests of files that were read before, in one file, which is made. Where that cannot be used, the next
    reading takes longer.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, about: os.stat_result) -> dict[str, str] | None:
        """The digests of a file that is as it was when it was read."""
        if about.st_size < SMALLEST or not self._path.exists():
            return None
        found = self._done(_FOUND, _key(about))
        return dict(zip(_NAMES, found, strict=True)) if found else None

    def keep(self, path: Path, about: os.stat_result, digests: dict[str, str]) -> None:
        """Remember the digests of a file that was read just now, and was ``about`` before and after that."""
        changed = max(about.st_mtime_ns, about.st_ctime_ns)
        if (
            about.st_size >= SMALLEST
            and changed < time.time_ns() - _RACY
            and file_system(path) in _KEEP_TIMES
            and not is_mapped(about)
        ):
            self._done(_KEPT, (*_key(about), *(digests[name] for name in _NAMES)))
            self._done(_FORGOTTEN, (_MOST,))

    def _done(self, statement: str, given: Sequence[int | str]) -> tuple[str, ...] | None:
        """The first row that a statement gives; nothing where the file cannot be had."""
        import sqlite3

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)  # digests tell what somebody has
            with closing(sqlite3.connect(self._path, timeout=0.2, isolation_level=None)) as db:
                db.execute(_TABLE)
                found: tuple[str, ...] | None = db.execute(statement, given).fetchone()
                return found
        except (OSError, sqlite3.Error):
            return None


def _key(about: os.stat_result) -> tuple[int, int, int, int, int]:
    return (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)


def is_mapped(about: os.stat_result, proc: Path = Path("/proc")) -> bool:
    """Whether a process has a file mapped for writing, together with others; yes, where somebody but root who may write to
    it cannot be looked at.
    """
    place = (os.major(about.st_dev), os.minor(about.st_dev), about.st_ino)
    alone = about.st_uid == os.getuid() and not about.st_mode & 0o022
    for each in proc.glob("[0-9]*/maps"):
        try:
            maps = each.read_bytes()
        except PermissionError:
            if not alone:
                return True
            continue
        except OSError:
            continue  # it has ended
        if any((int(a, 16), int(b, 16), int(i)) == place for a, b, i in _MAPPED.findall(maps)):
            return True
    return False


def file_system(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """The type of the file system that a file is in (proc_pid_mountinfo(5)); ``None`` where that is not known."""
    try:
        place, lines = (
            os.path.realpath(path),
            mounts.read_text("utf-8", "surrogateescape").splitlines(),
        )
    except OSError:
        return None
    best, found = -1, None
    for line in lines:
        words, _, more = line.partition(" - ")
        # Spaces and their like are written as octal numbers, letters of any script as they are.
        point = _OCTAL.sub(lambda found: chr(int(found[1], 8)), words.split(" ")[4])
        inside = place == point or place.startswith(f"{point.rstrip('/')}/")
        if inside and len(point) >= best:  # the last one lies above the others
            best, found = len(point), more.split(" ")[0]
    return found

# SPDX-License-Identifier: Apache-2.0
"""Reads the files that differ from HEAD, and withholds those that nobody wants in a repository."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lineage.capture.found import Budget
from lineage.errors import BadInput
from lineage.sources.git.status import Changed
from lineage.sources.git.working_tree import WorkingTree, blob_name

#: No more files than this are taken in (each is an object of its own).
MOST_FILES = 10_000
#: Bytes of one file, where the caller says nothing else.
LARGEST_FILE = 16 << 20
#: The part of the time that is left for writing.
_RESERVED = 0.4


@dataclass(slots=True)
class Allowance:
    """Bytes, files and time that may still be taken, by all repositories of a probe together. Of files with
    secrets the digest under ``key`` is known, if there is one.
    """

    total: int
    budget: Budget
    key: bytes | None = None
    bytes: int = field(init=False)
    files: int = MOST_FILES

    def __post_init__(self) -> None:
        self.bytes = self.total

    @property
    def over(self) -> bool:
        """Whether the rest of the time is needed to write what was read."""
        return self.budget.left <= _RESERVED * self.budget.seconds

    @property
    def largest(self) -> int:
        """Bytes of the largest single file."""
        return min(LARGEST_FILE, self.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A file as it is: its mode in git, the object that it is, and its bytes where they are to be written."""

    mode: str
    oid: str
    data: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A file that is not taken in: its size in bytes, if there is one, and why; of one with secrets the HMAC-SHA256,
    by which two states can be told apart.
    """

    size: int | None
    reason: str
    hmac: str | None = None


def taken(
    tree: WorkingTree, changes: Iterable[Changed], allowance: Allowance
) -> dict[bytes, Taken | Withheld]:
    """Every changed file that is there, tracked ones before others and small ones before large: what a
    limit leaves out is the same each time.
    """
    found: dict[bytes, Taken | Withheld] = {}
    there: list[tuple[bool, int, Changed, os.stat_result]] = []
    for change in changes:
        if (change.staged, change.unstaged) == ("D", "."):
            continue  # taken out of the index: if it still lies there, git ignores it
        try:
            about = tree.lstat(change.path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            found[change.path] = Withheld(size=None, reason=_said(error))
            continue
        # A tracked file in the place of which a folder is has gone; its files are changes of their own.
        if not stat.S_ISDIR(about.st_mode):
            untracked = change.staged == "?"
            there.append((untracked, about.st_size if untracked else 0, change, about))
    for _, _, change, about in sorted(there, key=lambda x: (x[0], x[1], x[2].path)):
        if allowance.over:
            found[change.path] = Withheld(size=about.st_size, reason="the time was over")
        elif allowance.files <= 0 and change.unstaged != ".":
            reason = f"there are more than {MOST_FILES:,} files"
            found[change.path] = Withheld(size=about.st_size, reason=reason)
        else:
            found[change.path] = _One(tree, change, about).taken(allowance)
    return found


@dataclass(frozen=True, slots=True)
class _One:
    """One file that differs from HEAD."""

    tree: WorkingTree
    change: Changed
    about: os.stat_result

    @property
    def path(self) -> str:
        return os.fsdecode(self.change.path)

    def taken(self, allowance: Allowance) -> Taken | Withheld:
        from lineage.access.secret_files import is_credential_file

        size = self.about.st_size
        if stat.S_ISLNK(self.about.st_mode):
            return self._link()
        if not stat.S_ISREG(self.about.st_mode):
            return Withheld(size=None, reason="it is no regular file")
        secret = (
            "it is a file of credentials, by its name" if is_credential_file(self.path) else None
        )
        in_index = self.change.unstaged == "."
        if reason := _too_much(size, allowance):
            if secret or not in_index:
                return Withheld(size=size, reason=secret or reason)
            return Taken(mode=self.change.mode, oid=self.change.in_index)
        try:
            data = _read(self.tree.at(self.change.path), size)
        except OSError as error:
            return Withheld(size=size, reason=secret or _said(error))
        if data is None:
            return Withheld(size=size, reason=secret or "it changed while it was read")
        if secret or self._tells(data):
            mark = hmac.new(allowance.key, data, hashlib.sha256) if allowance.key else None
            digest = mark.hexdigest() if mark else None
            return Withheld(size=size, reason=secret or "a secret is in it", hmac=digest)
        if in_index:
            return Taken(mode=self.change.mode, oid=self.change.in_index)
        allowance.bytes -= size
        allowance.files -= 1
        return Taken(mode=self._mode(), oid=blob_name(data, self.tree.algorithm), data=data)

    def _link(self) -> Taken | Withheld:
        try:
            target = os.fsencode(self.tree.at(self.change.path).readlink())
        except OSError as error:
            return Withheld(size=None, reason=_said(error))
        return Taken(mode="120000", oid=blob_name(target, self.tree.algorithm), data=target)

    def _tells(self, data: bytes) -> bool:
        """Whether there is a secret in it that HEAD does not have of the file already."""
        # Its patterns take some milliseconds to compile, and most work trees are clean.
        from lineage.access.secret_files import secrets_in_file

        secrets = secrets_in_file(self.path, data)
        if not secrets or not self.change.in_head.strip("0"):
            return bool(secrets)
        try:
            return not secrets <= secrets_in_file(self.path, self.tree.read(self.change.in_head))
        except BadInput:
            return True

    def _mode(self) -> str:
        """Its mode in git: as git sees it, else as the file says."""
        known = self.change.mode if self.tree.trusts_modes else self.change.mode_in_head
        if known in {"100644", "100755"}:
            return known
        runs = self.tree.trusts_modes and self.about.st_mode & stat.S_IXUSR
        return "100755" if runs else "100644"


def _too_much(size: int, allowance: Allowance) -> str | None:
    if size > allowance.largest:
        return f"it is larger than {allowance.largest:,} bytes"
    if size > allowance.bytes:
        return f"all files together are larger than {allowance.total:,} bytes"
    return None


def _read(path: Path, size: int) -> bytes | None:
    """The bytes of a file; ``None`` where they changed meanwhile. Raises ``OSError``."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            return None
        data = file.read(size + 1)
        after = os.fstat(handle)
    same = (before.st_mtime_ns, before.st_ctime_ns) == (after.st_mtime_ns, after.st_ctime_ns)
    return data if same and len(data) == size else None


def _said(error: OSError) -> str:
    return f"it cannot be read: {error.strerror or error}"

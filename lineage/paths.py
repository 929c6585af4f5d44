# SPDX-License-Identifier: Apache-2.0
"""Paths as people type them, and as they are stored; and how a file gets its name for good."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath


def expanded(path: str | Path) -> Path:
    """A path with the home folder for its ``~``; as it is written where nobody here is called so, since
    files may begin with that sign too.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib raises where nobody is called so


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where this user keeps what can be made again (XDG Base Directory Specification); it need not be there."""
    return expanded(environ.get("XDG_CACHE_HOME") or "~/.cache") / "lineagedb"


def is_file(path: Path) -> bool:
    """Whether a file lies at a path; no, where that cannot be seen."""
    return os.path.isfile(path)  # noqa: PTH113 - pathlib raises where a folder may not be entered


def is_folder(path: Path) -> bool:
    """Whether a folder lies at a path; no, where that cannot be seen."""
    return os.path.isdir(path)  # noqa: PTH112 - the same


def is_there(path: Path) -> bool:
    """Whether anything lies at a path; no, where that cannot be seen."""
    return os.path.exists(path)  # noqa: PTH110 - the same


def as_text(path: PurePath) -> str:
    """A path as text; bytes that are not UTF-8 are written out, so that it can be stored."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def put_in_place(part: Path, target: Path) -> None:
    """Give a file that is written its name: it has that with all its bytes or not at all, and keeps it when
    the power is cut. Raises ``OSError``.
    """
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(target)
    settle(target.parent)


def settle(folder: Path) -> None:
    """Make the names of the files in a folder outlast a crash of the machine. Raises ``OSError``."""
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)

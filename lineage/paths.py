# SPDX-License-Identifier: Apache-2.0
"""Paths as people type them, and as they are stored."""

from __future__ import annotations

import os
from pathlib import Path, PurePath


def expanded(path: str | Path) -> Path:
    """A path with the home folder for its ``~``; as it is written where nobody here is called so, since
    files may begin with that sign too.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib raises where nobody is called so


def as_text(path: PurePath) -> str:
    """A path as text; bytes that are not UTF-8 are written out, so that it can be stored."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")

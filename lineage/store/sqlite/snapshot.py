# SPDX-License-Identifier: Apache-2.0
"""A whole store as one file, as it is committed at one moment, while others read and write it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from lineage.paths import put_in_place


def write_snapshot(source: sqlite3.Connection, target: Path) -> None:
    """Write what a connection sees to a new file, which appears whole or not at all, for its owner only
    (SQLite's Online Backup API). Raises ``sqlite3.Error``, ``OSError``.
    """
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        with closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
            # One file, that can be read where nothing can be written beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
        put_in_place(part, target)
    finally:
        part.unlink(missing_ok=True)

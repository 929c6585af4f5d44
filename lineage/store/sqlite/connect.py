# SPDX-License-Identifier: Apache-2.0
"""Opening the file, its pragmas and layout, and SQLite's errors in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from lineage.errors import (
    InputMissing,
    StoreBusy,
    StoreDamaged,
    StoreFull,
    StoreMissing,
    StoreTooNew,
    TimedOut,
)
from lineage.store.base import LAYOUT
from lineage.store.sqlite.select import teach

#: How long a writer waits for another (milliseconds).
PATIENCE = 30_000
#: Pages of write-ahead log before they are folded into the file: 64 MB. A bulk load touches the
#: same pages again and again, and folds them once instead of often.
CHECKPOINT = 16_000
#: "Lin1" in ASCII: marks a file as ours (PRAGMA application_id).
MARK = 0x4C696E31

_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def connect(path: Path, *, create: bool, durability: str, patience: int) -> sqlite3.Connection:
    """A connection to a store's file.

    ``durability`` "full" survives power loss; "fast" may lose the last commits on power loss,
    never on a crash of the process. Raises ``StoreMissing``, ``StoreDamaged``, ``StoreTooNew``.
    """
    if not path.exists() and not create:
        raise StoreMissing(f"there is no store at {path}", where=str(path))
    if not path.parent.is_dir():
        raise InputMissing(f"there is no folder {path.parent}", where=str(path))
    with translated(path):
        connection = sqlite3.connect(
            path, timeout=patience / 1000, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection, path, durability, patience)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, durability: str, patience: int) -> None:
    connection.execute(f"PRAGMA busy_timeout = {int(patience)}")
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    layout = connection.execute("PRAGMA user_version").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if not empty and mark != MARK:
        raise StoreDamaged(
            "the file is a SQLite database, but not a lineage store",
            where=str(path),
            hint="Name another file with --store; this one was not changed.",
        )
    if layout > LAYOUT:
        raise StoreTooNew(
            f"the store has layout {layout}, this version knows {LAYOUT}", where=str(path)
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if durability == 'fast' else 'FULL'}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA mmap_size = 1073741824")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
    teach(connection)
    if empty:
        lay_out(connection)


def lay_out(connection: sqlite3.Connection) -> None:
    """Make the tables, unless another process has made them meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            text = files("lineage.store.sqlite").joinpath("schema.sql").read_text("utf-8")
            for statement in _statements(text):
                connection.execute(statement)
            connection.execute("INSERT INTO head VALUES (1, 0, x'')")
            connection.execute(f"PRAGMA application_id = {MARK}")
            connection.execute(f"PRAGMA user_version = {LAYOUT}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(text: str) -> list[str]:
    kept = "\n".join(row for row in text.splitlines() if not row.startswith("--"))
    return [part for part in kept.split(";") if part.strip()]


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except UnicodeDecodeError as error:
        message = "the store holds text that is not UTF-8"
        raise StoreDamaged(message, where=str(path)) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0)
        where, text = str(path), str(error)
        if code & 0xFF == sqlite3.SQLITE_INTERRUPT:
            raise TimedOut("the question takes longer than it may") from error
        if code & 0xFF in _BUSY:
            raise StoreBusy("another process is writing to the store", where=where) from error
        if code & 0xFF in (c & 0xFF for c in _FULL):
            raise StoreFull(f"the store cannot be written: {text}", where=where) from error
        if code & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            raise InputMissing(f"the store cannot be opened: {text}", where=where) from error
        if code & 0xFF in _DAMAGED or isinstance(error, sqlite3.DatabaseError):
            raise StoreDamaged(f"the store cannot be read: {text}", where=where) from error
        raise StoreDamaged(text, where=where) from error

# SPDX-License-Identifier: Apache-2.0
"""Opens the file, lays it out, and translates SQLite's errors into ours."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from lineage.errors import (
    InputMissing,
    MissingExtra,
    StoreBusy,
    StoreDamaged,
    StoreFull,
    StoreMissing,
    StoreReadOnly,
    StoreTooNew,
    TimedOut,
)
from lineage.model.vocabulary import KEPT, Translation, Vocabulary
from lineage.store.sqlite import names, select
from lineage.store.sqlite.migrations import LAYOUT, lacking, migrate

#: How long a writer waits for another (milliseconds).
PATIENCE = 30_000
#: Pages of write-ahead log before they are folded into the file: 64 MB. A bulk load touches the
#: same pages again and again, and folds them once instead of often.
CHECKPOINT = 16_000
#: Bytes of the file that are mapped: more would be no faster, and all of it be memory of the process.
MAPPED = 32 << 20
#: Bytes of pages that a connection keeps; more made nothing faster, as the system keeps them too.
CACHED = 8 << 20
#: "Lin1" in ASCII: marks a file as ours (PRAGMA application_id).
MARK = 0x4C696E31

_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_REFUSED = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Connection(sqlite3.Connection):
    """A connection that knows the relations of its store by their codes.

    ``names`` are those of all of them, ``known`` the relations that this version shows them as;
    ``codes`` the way back. Asking for a code that came after the store was opened raises
    ``StoreTooNew``. ``rows`` are the terms as the store keeps them; ``journal`` is how changes are
    journaled: a backup has no write-ahead log until it is written to.
    """

    journal: str = "wal"

    vocabulary: Vocabulary = Vocabulary()
    rows: Sequence[tuple[str, bytes]] = ()
    names: Mapping[int, str]
    known: Mapping[int, str]
    codes: Mapping[str, int]

    def learn(self, vocabulary: Vocabulary) -> None:
        """Take over the terms that the store keeps."""
        self.rows = [(KEPT + n, term.to_bytes()) for n, term in sorted(vocabulary.terms.items())]
        translation = Translation(vocabulary.unknown)
        self.vocabulary, self.codes = vocabulary, vocabulary.codes
        self.names = _Codes((code, name) for name, code in self.codes.items())
        self.known = _Codes((code, translation.relation(name)) for code, name in self.names.items())


class _Codes(dict[int, str]):
    def __missing__(self, code: int) -> str:
        raise StoreTooNew(
            f"the store holds a relation of code {code}, which was unknown when it was opened",
            hint="A newer version wrote it meanwhile: open the store again.",
        )


def connect(path: Path, *, create: bool, durability: str, busy_timeout: int) -> Connection:
    """Connect to a store's file.

    ``durability`` "full" survives power loss; "fast" may lose the last commits on power loss,
    never on a crash of the process. A store of an older layout is migrated, behind a backup beside
    it. Raises ``StoreMissing``, ``StoreDamaged``, ``StoreTooNew``.
    """
    if not path.exists() and not create:
        raise StoreMissing(f"there is no store at {path}", where=str(path))
    if not path.parent.is_dir():
        raise InputMissing(f"there is no folder {path.parent}", where=str(path))
    with translated(path):
        if not path.exists():
            # It holds keys: whoever can read the file can undo pseudonyms. SQLite gives the files beside
            # it the mode that it has.
            with suppress(OSError):
                path.touch(mode=0o600)
        for mode in _modes(path):
            connection = sqlite3.connect(
                f"file:{quote(os.fspath(path.absolute()))}?{mode}",
                timeout=busy_timeout / 1000,
                isolation_level=None,
                check_same_thread=False,
                factory=Connection,
                uri=True,
            )
            try:
                _prepare(connection, path, durability, busy_timeout)
            except sqlite3.Error as error:
                connection.close()
                if (
                    mode == "mode=rwc"
                    and _is_refused(error)
                    and not os.access(path.parent, os.W_OK)
                ):
                    continue
                raise
            except BaseException:
                connection.close()
                raise
            break
    return connection


def _modes(path: Path) -> Sequence[str]:
    """How a file is opened, and how where nothing can be written beside it. There readers could not share
    the index of a write-ahead log: without a log the file is as it was closed; on a file system that
    nobody writes to it stays so.
    """
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        return "mode=rwc", "mode=ro"
    with suppress(OSError):
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            return "mode=rwc", "mode=ro&immutable=1"
    return "mode=rwc", "mode=ro"


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else is writing."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _BUSY


def _is_refused(error: sqlite3.Error) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _REFUSED


def _prepare(connection: Connection, path: Path, durability: str, busy_timeout: int) -> None:
    connection.execute(f"PRAGMA busy_timeout = {int(busy_timeout)}")
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if not empty and mark != MARK:
        raise StoreDamaged(
            "the file is a SQLite database, but not a lineage store",
            where=str(path),
            hint="Name another file with --store; this one was not changed.",
        )
    if not empty:
        lacking(connection, path)
    if empty:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if durability == 'fast' else 'FULL'}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute(f"PRAGMA cache_size = -{CACHED >> 10}")
    connection.execute(f"PRAGMA mmap_size = {MAPPED}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
    select.register_functions(connection)
    names.register_functions(connection)
    if empty:
        lay_out(connection)
    else:
        migrate(connection, path)


def lay_out(connection: sqlite3.Connection) -> None:
    """Make the tables, unless another process has made them meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in statements():
                connection.execute(statement)
            connection.execute("INSERT INTO head VALUES (1, 0, x'')")
            connection.execute("INSERT INTO named VALUES (1, 0, 0)")
            names.configure(connection)
            connection.execute(f"PRAGMA application_id = {MARK}")
            connection.execute(f"PRAGMA user_version = {LAYOUT}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def statements() -> list[str]:
    """The statements that lay out a new store."""
    from importlib.resources import files

    text = files("lineage.store.sqlite").joinpath("schema.sql").read_text("utf-8")
    kept = "\n".join(row for row in text.splitlines() if not row.startswith("--"))
    return [*(part for part in kept.split(";") if part.strip()), *select.indexes()]


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Translate SQLite's errors into ours."""
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
        if is_busy(error):
            raise StoreBusy("another process is writing to the store", where=where) from error
        if code & 0xFF in (c & 0xFF for c in _FULL):
            raise StoreFull(f"the store cannot be written: {text}", where=where) from error
        if code & 0xFF == sqlite3.SQLITE_READONLY or (
            code & 0xFF in _REFUSED and not os.access(path.parent, os.W_OK)
        ):
            raise StoreReadOnly(f"the store cannot be written: {text}", where=where) from error
        if code & 0xFF in _REFUSED:
            raise InputMissing(f"the store cannot be opened: {text}", where=where) from error
        if text.startswith(("no such module", "no such tokenizer")):
            raise MissingExtra(
                f"the SQLite of this Python lacks FTS5 with trigrams, which stores need: {text}",
                where=where,
                hint="Use a Python whose SQLite is 3.34 or newer and has FTS5, as most have.",
            ) from error
        if code & 0xFF in _DAMAGED or isinstance(error, sqlite3.DatabaseError):
            raise StoreDamaged(f"the store cannot be read: {text}", where=where) from error
        raise StoreDamaged(text, where=where) from error

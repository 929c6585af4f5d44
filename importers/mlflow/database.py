# SPDX-License-Identifier: Apache-2.0
"""Connections to the two databases MLflow is kept in: reading only, one kind of error."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from lineage.errors import BadInput, InputMissing, InputTruncated, MissingExtra

Rows = Sequence[tuple[Any, ...]]

#: Seconds to wait for another process that holds the SQLite file.
BUSY_TIMEOUT = 2.0
#: Longest single value read (MLflow's own limits are far below).
_LONGEST_VALUE = 32 * 1024 * 1024
_MAGIC = b"SQLite format 3\0"


class Unreadable(str):
    """A text of a database that is not UTF-8: the bytes that are none are replaced."""

    __slots__ = ()


class Database(Protocol):
    """A connection that reads. Statements write their parameters as ``?``."""

    address: str

    def tables(self) -> Mapping[str, frozenset[str]]:
        """The columns of each base table; views and virtual tables run code and are not read."""
        ...

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Rows:
        """The rows of a statement."""
        ...

    def pages(self, asked: str, table: str, key: str, size: int) -> Iterator[Rows]:
        """What is asked of the rows of a table that have a text as their key, in its order: each once, and
        so many at a time that no lock is held for long. Raises ``BadInput`` where the pages do not move on.
        """
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class SqliteDatabase:
    """A SQLite file, which MLflow may be writing: every statement takes its lock for itself only.

    Raises ``InputMissing``, ``InputTruncated`` and ``BadInput``.
    """

    def __init__(self, path: Path, *, busy_timeout: float = BUSY_TIMEOUT) -> None:
        self.address = str(path)
        self._path = path
        if not path.is_file():
            raise InputMissing(f"there is no file {path}", where=self.address)
        if not (head := _head(path)):
            raise InputTruncated("the file is empty", where=self.address)
        if not head.startswith(_MAGIC):
            raise BadInput("it is not an SQLite database", where=self.address)
        try:
            self._connection = sqlite3.connect(
                f"file:{quote(str(path))}?mode=ro", uri=True, timeout=busy_timeout
            )
            self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
            self._connection.execute("PRAGMA trusted_schema = OFF")
        except sqlite3.Error as error:
            raise self._failure(error) from error
        self._connection.text_factory = _text

    def tables(self) -> Mapping[str, frozenset[str]]:
        """The columns of each base table."""
        listed = self.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            " AND sql LIKE 'CREATE TABLE%' ORDER BY name"
        )
        return {
            str(name): frozenset(
                str(row[0]) for row in self.rows("SELECT name FROM pragma_table_info(?)", (name,))
            )
            for (name,) in listed
        }

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Rows:
        """The rows of a statement."""
        try:
            return self._connection.execute(statement, parameters).fetchall()
        except (sqlite3.Error, UnicodeError) as error:  # a damaged schema is quoted byte by byte
            raise self._failure(error) from error

    def pages(self, asked: str, table: str, key: str, size: int) -> Iterator[Rows]:
        """See ``Database.pages``. The bytes of a key move a page on, for its text may not be UTF-8 and would
        then be another key, before or behind.
        """
        after = f'"{key}" COLLATE BINARY > CAST(? AS TEXT)'
        statement = (
            f'SELECT CAST("{key}" AS BLOB), {asked} FROM "{table}" WHERE typeof("{key}") = \'text\''  # noqa: S608
            f' AND {after} ORDER BY "{key}" COLLATE BINARY LIMIT {size}'
        )
        yield from _pages(self, statement, b"", size)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _failure(self, error: Exception) -> BadInput:
        text = str(error)
        if "locked" in text or "busy" in text:
            return BadInput(
                "another process holds the database",
                where=self.address,
                hint="MLflow is writing to it. Run the same command again in a moment.",
            )
        if (whole := _promised_size(_head(self._path))) > self._path.stat().st_size:
            size = self._path.stat().st_size
            return InputTruncated(f"the file ends at {size} of {whole} bytes", where=self.address)
        return BadInput(f"SQLite cannot read it: {text}", where=self.address)


def _text(found: bytes) -> str:
    try:
        return found.decode()
    except UnicodeDecodeError:
        return Unreadable(found.decode("utf-8", "replace"))


def _pages(database: Database, statement: str, after: Any, size: int) -> Iterator[Rows]:
    """The pages of a statement behind a key, which is its parameter and its first column."""
    met = {after}
    while found := database.rows(statement, (after,)):
        yield [row[1:] for row in found]
        after = found[-1][0]
        if len(found) < size:
            return
        if after in met:
            message = "it gives the same rows again and again"
            raise BadInput(message, where=database.address, hint="Is an index of it damaged?")
        met.add(after)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(100)
    except OSError as error:
        raise InputMissing(f"cannot read it: {error.strerror}", where=str(path)) from error


def _promised_size(head: bytes) -> int:
    """The size that the header of an SQLite file states (file format, section 1.3)."""
    page = int.from_bytes(head[16:18], "big")
    return (65536 if page == 1 else page) * int.from_bytes(head[28:32], "big")


class PostgresDatabase:
    """A PostgreSQL database, read in one transaction that cannot write.

    Raises ``MissingExtra`` without the driver, and ``BadInput`` for what the server refuses.
    """

    def __init__(self, address: str, login: str | None) -> None:
        self.address = address
        try:
            self._driver = import_module("psycopg")
        except ImportError as error:
            raise MissingExtra(
                "reading PostgreSQL needs the driver psycopg",
                where=address,
                hint='Install it: pip install "psycopg[binary]"',
            ) from error
        scheme, _, rest = address.partition("://")
        user = f"{login}@" if login else ""
        url = f"{scheme.partition('+')[0]}://{user}{rest}"
        try:
            self._connection = self._driver.connect(url, connect_timeout=10)
            self._connection.read_only = True
            self._connection.isolation_level = self._driver.IsolationLevel.REPEATABLE_READ
        except self._driver.Error as error:
            raise InputMissing(
                f"cannot connect: {_first_line(error)}",
                where=address,
                hint="Check host, database, user and password; libpq's .pgpass is read too.",
            ) from error

    def tables(self) -> Mapping[str, frozenset[str]]:
        """The columns of each base table."""
        found: dict[str, set[str]] = {}
        for table, column in self.rows(
            "SELECT table_name, column_name FROM information_schema.columns"
            " JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
            " ORDER BY table_name, column_name"
        ):
            found.setdefault(str(table), set()).add(str(column))
        return {table: frozenset(columns) for table, columns in found.items()}

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Rows:
        """The rows of a statement."""
        try:
            shown = statement.replace("%", "%%").replace("?", "%s")
            rows: Rows = self._connection.execute(shown, tuple(parameters)).fetchall()
        except self._driver.Error as error:
            message = f"the server refused to answer: {_first_line(error)}"
            raise BadInput(message, where=self.address) from error
        return rows

    def pages(self, asked: str, table: str, key: str, size: int) -> Iterator[Rows]:
        """See ``Database.pages``."""
        statement = (
            f'SELECT "{key}", {asked} FROM "{table}" WHERE "{key}" > ?'  # noqa: S608
            f' ORDER BY "{key}" LIMIT {size}'
        )
        yield from _pages(self, statement, "", size)

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(self._driver.Error):
            self._connection.close()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__

# SPDX-License-Identifier: Apache-2.0
"""The ledger in SQLite: its head, its entries with and without their bodies, its leaf hashes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from lineage.errors import StoreDamaged
from lineage.ledger.log import Entry, Header
from lineage.ledger.merkle import Frontier
from lineage.store.base import View
from lineage.store.sqlite.body import compressed, expanded
from lineage.store.sqlite.connect import Connection
from lineage.store.sqlite.read import to_json

_HEADER = ", ".join(Header.__dataclass_fields__)
_HEADERS = f"SELECT {_HEADER} FROM entry WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"  # noqa: S608 - our own names
_HEADERS_AT = f"""SELECT {_HEADER} FROM entry
WHERE seq <= ? AND seq IN (SELECT value FROM json_each(?))"""  # noqa: S608 - our own names
_NEW_ENTRY = f"""INSERT INTO entry ({_HEADER}, body)
VALUES ({", ".join("?" * (len(Header.__dataclass_fields__) + 1))})"""  # noqa: S608 - our own names
_BODIES = "SELECT seq, body FROM entry WHERE seq IN (SELECT value FROM json_each(?))"
_LEAVES = "SELECT leaf FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"
#: More entries than there are.
_LAST = 2**62


def last(view: View) -> int:
    """Find the last sequence number that a view sees."""
    return _LAST if view.as_of is None else view.as_of


def head(connection: Connection, path: Path) -> Frontier:
    """The log as the file says it stands. Raises ``StoreDamaged``."""
    row = connection.execute("SELECT size, peaks FROM head").fetchone()
    try:
        return Frontier.from_bytes(*row)
    except (TypeError, ValueError) as error:
        raise StoreDamaged(f"the ledger's head is damaged: {error}", where=str(path)) from error


def recorded(connection: Connection, seq: int) -> str | None:
    """When an entry was recorded; ``None`` where there is none."""
    row = connection.execute("SELECT recorded FROM entry WHERE seq = ?", (seq,)).fetchone()
    return None if row is None else row[0]


def has(connection: Connection, entry: Entry) -> bool:
    """Whether the very entry is there."""
    query = "SELECT 1 FROM entry WHERE seq = ? AND leaf = ?"
    return connection.execute(query, (entry.seq, entry.leaf)).fetchone() is not None


def append(connection: Connection, path: Path, entry: Entry) -> None:
    """Add an entry at the end. Raises ``StoreDamaged`` where it is not the next one."""
    grown = head(connection, path).append(entry.leaf_hash())
    if grown.size != entry.seq:
        raise StoreDamaged(f"entry {entry.seq} does not follow entry {grown.size - 1}")
    row = (*(getattr(entry, name) for name in Header.__dataclass_fields__), compressed(entry.body))
    connection.execute(_NEW_ENTRY, row)
    connection.execute("UPDATE head SET size = ?, peaks = ?", (grown.size, grown.to_bytes()))


def headers(connection: Connection, after: int, limit: int, view: View) -> list[Header]:
    """See ``Store.headers``."""
    return _headers(connection, _HEADERS, after, last(view), limit)


def headers_at(connection: Connection, seqs: Collection[int], view: View) -> Mapping[int, Header]:
    """See ``Store.headers_at``."""
    found = _headers(connection, _HEADERS_AT, last(view), to_json(seqs))
    return {header.seq: header for header in found}


def _headers(connection: Connection, query: str, *parameters: Any) -> list[Header]:
    names = Header.__dataclass_fields__
    rows = connection.execute(query, parameters)
    return [Header(**dict(zip(names, row, strict=True))) for row in rows]


def bodies(connection: Connection, seqs: Collection[int]) -> Mapping[int, bytes]:
    """See ``Store.bodies``."""
    rows = connection.execute(_BODIES, (to_json(seqs),))
    return {seq: expanded(kept) for seq, kept in rows}


def leaves(connection: Connection, after: int, limit: int) -> Sequence[bytes]:
    """See ``Store.leaves``. Raises ``StoreDamaged`` for what is no hash."""
    rows = connection.execute(_LEAVES, (after, limit)).fetchall()
    try:
        return [bytes.fromhex(row[0]) for row in rows]
    except (TypeError, ValueError) as error:
        raise StoreDamaged(f"a leaf of the ledger is no hash: {error}") from error

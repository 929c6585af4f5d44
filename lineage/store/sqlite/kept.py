# SPDX-License-Identifier: Apache-2.0
"""Values kept beside graph and ledger in SQLite, the terms of the store's vocabulary among them."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from lineage.model.record import Record
from lineage.model.vocabulary import KEPT, Vocabulary
from lineage.store.sqlite.connect import Connection
from lineage.store.sqlite.read import to_json
from lineage.version import __version__

_VALUES = "SELECT name, value FROM kept WHERE name IN (SELECT value FROM json_each(?))"
_VALUES_UNDER = """
SELECT name, value FROM kept WHERE name >= :prefix AND substr(name, 1, :length) = :prefix
AND name > :after ORDER BY name LIMIT :limit"""
_KEEP_VALUE = """
INSERT INTO kept VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"""


def values(connection: sqlite3.Connection, names: Collection[str]) -> Mapping[str, bytes]:
    """See ``Store.values``."""
    return dict(connection.execute(_VALUES, (to_json(names),)))


def values_under(
    connection: sqlite3.Connection, prefix: str, after: str | None, limit: int
) -> Sequence[tuple[str, bytes]]:
    """See ``Store.values_under``."""
    parameters = {"prefix": prefix, "length": len(prefix), "after": after or "", "limit": limit}
    return connection.execute(_VALUES_UNDER, parameters).fetchall()


def keep(
    connection: sqlite3.Connection,
    changes: Mapping[str, bytes | None],
    expecting: Mapping[str, bytes | None],
) -> bool:
    """See ``Store.keep``."""
    found = values(connection, expecting)
    if any(found.get(name) != value for name, value in expecting.items()):
        return False
    gone = [(name,) for name, value in changes.items() if value is None]
    connection.executemany("DELETE FROM kept WHERE name = ?", gone)
    rows = [(name, value) for name, value in changes.items() if value is not None]
    connection.executemany(_KEEP_VALUE, rows)
    return True


def vocabulary(connection: Connection) -> Vocabulary:
    """Read the terms that the store keeps now."""
    rows = connection.execute(_VALUES_UNDER, _ALL_TERMS).fetchall()
    # Read at every write: mostly nothing has changed.
    return connection.vocabulary if rows == connection.rows else Vocabulary.of_values(dict(rows))


def growing(connection: Connection, path: Path, added: Iterable[Record]) -> Vocabulary:
    """The terms that the store keeps, those of new records among them from this write on. Raises
    ``StoreTooNew`` where a newer version has kept some that this one does not know.
    """
    found = vocabulary(connection)
    found.demand_known(str(path))
    if not (more := found.to_add(added, __version__)):
        return found
    rows = [(KEPT + name, term.to_bytes()) for name, term in sorted(more.items())]
    connection.executemany(_KEEP_VALUE, rows)
    return found.grown(more)


_ALL_TERMS = {"prefix": KEPT, "length": len(KEPT), "after": "", "limit": 10_000}

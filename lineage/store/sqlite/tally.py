# SPDX-License-Identifier: Apache-2.0
"""How many things of each kind and how many links readers see now, counted with every write."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping

from lineage.store.sqlite.read import IMPLIED

#: What links are counted as; things are counted as their kinds, which have capital letters.
EDGES = "edge"
_TALLY = "SELECT of, number FROM tally WHERE number <> 0"
_ADD = """
INSERT INTO tally VALUES (?, ?) ON CONFLICT (of) DO UPDATE SET number = number + excluded.number"""
#: What several sources assert alike is one link.
_COUNTED = f"""
SELECT kind, count(*) FROM node WHERE until IS NULL GROUP BY kind
UNION ALL SELECT '{EDGES}', count(*) FROM (SELECT DISTINCT effect, relation, cause, variant FROM edge
  WHERE until IS NULL AND relation NOT IN ({", ".join(map(str, IMPLIED))}))"""  # noqa: S608 - our own names


def tally(connection: sqlite3.Connection) -> tuple[Mapping[str, int], int]:
    """Read how many things there are of each kind, and how many links."""
    kinds = dict(connection.execute(_TALLY))
    edges = kinds.pop(EDGES, 0)
    return kinds, edges


def add_to_tally(connection: sqlite3.Connection, more: Counter[str]) -> None:
    """Count what came and what went."""
    connection.executemany(_ADD, [(of, number) for of, number in more.items() if number])


def miscounted(connection: sqlite3.Connection) -> Iterator[tuple[str, int, int]]:
    """Find what is not as many as is kept: of what, the number kept, and how many there are."""
    kept, found = dict(connection.execute(_TALLY)), dict(connection.execute(_COUNTED))
    for of in sorted(kept.keys() | found.keys()):
        if kept.get(of, 0) != found.get(of, 0):
            yield of, kept.get(of, 0), found.get(of, 0)

# SPDX-License-Identifier: Apache-2.0
"""The rival on SQLite: the best SQL we can write by hand over tables of the same shape, without
ledger, digests or checks.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lineage.model import terms
from lineage.model.record import Batch, text

_SCHEMA = """
CREATE TABLE node (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT, label TEXT,
  attributes TEXT, since INTEGER, until INTEGER, described INTEGER);
CREATE INDEX node_kind ON node (kind, label);
CREATE TABLE statement (node INTEGER, source INTEGER, since INTEGER, slot INTEGER, until INTEGER,
  kind TEXT, label TEXT, attributes TEXT, bundle TEXT,
  PRIMARY KEY (node, source, since, slot)) WITHOUT ROWID;
CREATE TABLE edge (effect INTEGER, relation INTEGER, cause INTEGER, variant INTEGER,
  source INTEGER, since INTEGER, until INTEGER, follow INTEGER, attributes TEXT, id TEXT,
  bundle TEXT, PRIMARY KEY (effect, relation, cause, variant, source, since)) WITHOUT ROWID;
CREATE INDEX edge_cause ON edge (cause, relation, effect);
"""
_NODE = """INSERT INTO node (id, kind, label, attributes, since, described)
VALUES (?, ?, ?, ?, 1, 1) ON CONFLICT DO NOTHING"""
_STATEMENT = """INSERT INTO statement (node, source, since, slot, kind, label, attributes)
VALUES (?, 1, 1, 0, ?, ?, ?) ON CONFLICT DO NOTHING"""
_EDGE = """INSERT INTO edge (effect, relation, cause, variant, source, since, follow, attributes)
VALUES (?, ?, ?, 0, 1, 1, 1, ?) ON CONFLICT DO NOTHING"""
_KEYS = "SELECT id, key FROM node WHERE id IN (SELECT value FROM json_each(?))"
_CODES = {name: relation.code for name, relation in terms.RELATIONS.items()}
_WALK = """
WITH RECURSIVE up(id) AS (SELECT ? UNION SELECT e.{far} FROM up JOIN edge e ON e.{near} = up.id)
SELECT e.effect, e.relation, e.cause, e.attributes FROM up JOIN edge e ON e.{near} = up.id"""
_LEVEL = """
SELECT effect, relation, cause, attributes FROM edge
WHERE {near} IN (SELECT value FROM json_each(?))"""
_ROWS = """
SELECT key, id, kind, label, attributes FROM node WHERE key IN (SELECT value FROM json_each(?))"""


class Bare:
    """Nodes and edges in SQLite, addressed by identifier, loaded idempotently."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
        self.db.executescript("PRAGMA cache_size = -65536; PRAGMA mmap_size = 1073741824;")
        self.db.executescript(_SCHEMA)

    def load(self, batches: Iterable[Batch]) -> None:
        """Each batch in a transaction; what is there already stays."""
        for batch in batches:
            self.db.execute("BEGIN IMMEDIATE")
            nodes = [(n.id, n.kind, n.label, text(n.attributes)) for n in batch.nodes]
            self.db.executemany(_NODE, nodes)
            ends = {e.effect for e in batch.edges} | {e.cause for e in batch.edges}
            ends.update(n.id for n in batch.nodes)
            keys = dict(self.db.execute(_KEYS, (json.dumps(list(ends)),)))
            self.db.executemany(_STATEMENT, [(keys[row[0]], *row[1:]) for row in nodes])
            edges = [
                (keys[e.effect], _CODES[e.relation], keys[e.cause], text(e.attributes))
                for e in batch.edges
            ]
            self.db.executemany(_EDGE, edges)
            self.db.execute("COMMIT")

    def _start(self, ident: str) -> int:
        return int(self.db.execute("SELECT key FROM node WHERE id = ?", (ident,)).fetchone()[0])

    def by_cte(self, ident: str, near: str = "effect") -> tuple[list[Any], list[Any]]:
        """One recursive statement for the edges, one for the rows of the nodes."""
        start = self._start(ident)
        far = "cause" if near == "effect" else "effect"
        edges = self.db.execute(_WALK.format(near=near, far=far), (start,)).fetchall()
        return self._named(edges, start)

    def by_level(self, ident: str, near: str = "effect") -> tuple[list[Any], list[Any]]:
        """A statement a level."""
        start = self._start(ident)
        far = 2 if near == "effect" else 0
        query = _LEVEL.format(near=near)
        seen, level, edges = {start}, [start], []
        while level:
            found = self.db.execute(query, (json.dumps(level),)).fetchall()
            edges += found
            reached = {row[far] for row in found} - seen
            seen |= reached
            level = list(reached)
        return self._named(edges, start)

    def _named(self, edges: list[Any], start: int) -> tuple[list[Any], list[Any]]:
        keys = {start} | {row[0] for row in edges} | {row[2] for row in edges}
        rows = self.db.execute(_ROWS, (json.dumps(list(keys)),)).fetchall()
        names = {row[0]: row[1] for row in rows}
        return [row[1:] for row in rows], [
            (relation, names[effect], names[cause], attributes)
            for effect, relation, cause, attributes in edges
        ]

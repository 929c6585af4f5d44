# SPDX-License-Identifier: Apache-2.0
"""DuckDB: columns in a file, integer keys inside, edges in the order of their effects.

Of what we measured a recursive statement for the keys and one scan each for nodes and edges was faster
than a statement a level, which scans once a level; an index on the ends of edges brought nothing. Of a
large answer joins in one statement were faster than going through Python's lists of keys.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from bench.peers.contract import PAGE, Found, Queried
from lineage.model.record import Batch
from lineage.model.value import text

_SCHEMA = """
CREATE TABLE node (key INTEGER, id VARCHAR, kind VARCHAR, label VARCHAR, status VARCHAR,
  attributes VARCHAR);
CREATE TABLE edge (effect INTEGER, relation VARCHAR, cause INTEGER, attributes VARCHAR);
"""
_REACHED = """
WITH RECURSIVE reached(key) AS (SELECT key FROM node WHERE id = $id
  UNION SELECT e.{far} FROM reached JOIN edge e ON e.{near} = reached.key) """
_UP = _REACHED.format(near="effect", far="cause")
_DOWN = _REACHED.format(near="cause", far="effect")
_NODES = "SELECT key, id, kind, label, attributes FROM node WHERE key IN (SELECT unnest($keys))"
_EDGES = """
SELECT relation, effect, cause, attributes FROM edge WHERE effect IN (SELECT unnest($keys))"""
_JOINED_NODES = "SELECT id, kind, label, attributes FROM node SEMI JOIN found USING (key)"
_JOINED_EDGES = """
SELECT e.relation, a.id, b.id, e.attributes FROM edge e SEMI JOIN found ON found.key = e.cause
JOIN node a ON a.key = e.effect JOIN node b ON b.key = e.cause"""
_SHOWN = "SELECT id, kind, label, attributes FROM node WHERE {} ORDER BY id LIMIT {}"
_FAILED = _SHOWN.format("kind = 'Run' AND status = 'failed'", PAGE)
_FIND = _SHOWN.format("contains(lower(id), $text) OR contains(lower(label), $text)", PAGE)


class DuckDB(Queried):
    """A DuckDB file, with 2 GB of memory at most."""

    version = duckdb.__version__
    failed_query, find_query = _FAILED, _FIND

    def __init__(self, folder: Path) -> None:
        self._files = folder / "files"
        self._files.mkdir()
        self._db = duckdb.connect(folder / "store" / "duck.db", config={"memory_limit": "2GB"})

    def prepare(self, batches: Iterable[Batch]) -> None:
        """See ``Peer``: CSV."""
        keys: dict[str, int] = {}
        with (
            (self._files / "node.csv").open("w", newline="") as nodes,
            (self._files / "edge.csv").open("w", newline="") as edges,
        ):
            node, edge = csv.writer(nodes), csv.writer(edges)
            for batch in batches:
                for n in batch.nodes:
                    key = keys[n.id] = len(keys)
                    status = n.attributes.get("status")
                    node.writerow((key, n.id, n.kind, n.label, status, text(n.attributes)))
                for e in batch.edges:
                    ends = keys[e.effect], e.relation, keys[e.cause]
                    edge.writerow((*ends, text(e.attributes)))

    def load(self) -> None:
        """See ``Peer``."""
        self._db.execute(_SCHEMA)
        for table in ("node", "edge"):
            self._db.execute(f"COPY {table} FROM '{self._files / table}.csv' (HEADER false)")
        self._db.execute("CREATE INDEX node_id ON node (id)")
        self._db.execute("CHECKPOINT")

    def _all(self, query: str, **parameters: Any) -> list[Any]:
        return self._db.execute(query, parameters or None).fetchall()

    def upstream(self, model: str) -> Found:
        """See ``Peer``."""
        keys = [row[0] for row in self._all(_UP + "FROM reached", id=model)]
        nodes = self._all(_NODES, keys=keys)
        names = {row[0]: row[1] for row in nodes}
        edges = [(r, names[a], names[b], x) for r, a, b, x in self._all(_EDGES, keys=keys)]
        return [row[1:] for row in nodes], edges

    def effects(self, hub: str) -> Found:
        """See ``Peer``."""
        self._all(f"CREATE OR REPLACE TEMP TABLE found AS {_DOWN} FROM reached", id=hub)
        return self._all(_JOINED_NODES), self._all(_JOINED_EDGES)

    def identifiers(self, hub: str) -> Collection[str]:
        """See ``Peer``."""
        rows = self._all(_DOWN + "SELECT id FROM reached JOIN node USING (key)", id=hub)
        return [row[0] for row in rows]

    def counts(self, hub: str) -> Mapping[str, int]:
        """See ``Peer``."""
        query = _DOWN + "SELECT kind, count(*) FROM reached JOIN node USING (key) GROUP BY kind"
        return dict(self._all(query, id=hub))

    def close(self) -> None:
        """See ``Closeable``."""
        self._db.close()

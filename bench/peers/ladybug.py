# SPDX-License-Identifier: Apache-2.0
"""Ladybug, the graph database that goes on where Kuzu ended: one table of nodes, one of edges.

Walks are ``SHORTEST``, which visits each node once; other recursive patterns of its enumerate paths. It
has no index but that on identifiers; one on texts is an extension that has to be downloaded.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import ladybug

from bench.peers.contract import PAGE, Found, Queried
from lineage.model.record import Batch
from lineage.model.value import text

_SCHEMA = (
    """CREATE NODE TABLE Node (id STRING, kind STRING, label STRING, status STRING,
    attributes STRING, PRIMARY KEY (id))""",
    "CREATE REL TABLE Edge (FROM Node TO Node, relation STRING, attributes STRING)",
    # The longest walk, in hops; without it they end at 30.
    "CALL var_length_extend_max_depth = 10000",
)
_ROW = "n.id, n.kind, n.label, n.attributes"
_WALK = "MATCH (s:Node {{id: $id}}){left}[:Edge* SHORTEST 1..10000]{right}(n:Node) "
_UP, _DOWN = _WALK.format(left="-", right="->"), _WALK.format(left="<-", right="-")
_SELF = "MATCH (n:Node {id: $id})"
_CAUSES = "-[e:Edge]->(m:Node) RETURN e.relation, n.id, m.id, e.attributes"
_EFFECTS = "<-[e:Edge]-(m:Node) RETURN e.relation, m.id, n.id, e.attributes"
_SHOWN = f"MATCH (n:Node) WHERE {{}} RETURN {_ROW} ORDER BY n.id LIMIT {PAGE}"
_FAILED = _SHOWN.format("n.kind = 'Run' AND n.status = 'failed'")
_FIND = _SHOWN.format("lower(n.id) CONTAINS $text OR lower(n.label) CONTAINS $text")


class Ladybug(Queried):
    """A Ladybug file, with 2 GB of memory at most for its pages."""

    version = ladybug.__version__
    failed_query, find_query = _FAILED, _FIND

    def __init__(self, folder: Path) -> None:
        self._files = folder / "files"
        self._files.mkdir()
        self._base = ladybug.Database(folder / "store" / "bug.db", buffer_pool_size=2 << 30)
        self._db = ladybug.Connection(self._base)

    def prepare(self, batches: Iterable[Batch]) -> None:
        """See ``Peer``: CSV."""
        with (
            (self._files / "Node.csv").open("w", newline="") as nodes,
            (self._files / "Edge.csv").open("w", newline="") as edges,
        ):
            node, edge = csv.writer(nodes), csv.writer(edges)
            for batch in batches:
                for n in batch.nodes:
                    status = n.attributes.get("status")
                    node.writerow((n.id, n.kind, n.label, status, text(n.attributes)))
                edge.writerows(
                    (e.effect, e.cause, e.relation, text(e.attributes)) for e in batch.edges
                )

    def load(self) -> None:
        """See ``Peer``."""
        for statement in _SCHEMA:
            self._all(statement)
        quotes = """(HEADER = false, QUOTE = '"', ESCAPE = '"')"""
        for table in ("Node", "Edge"):
            self._all(f"COPY {table} FROM '{self._files / table}.csv' {quotes}")
        self._all("CHECKPOINT")

    def _all(self, query: str, **parameters: Any) -> list[Any]:
        with self._db.execute(query, parameters) as result:
            return [tuple(row) for row in result.get_all()]

    def upstream(self, model: str) -> Found:
        """See ``Peer``."""
        return self._walk(_UP, _CAUSES, model)

    def effects(self, hub: str) -> Found:
        """See ``Peer``."""
        return self._walk(_DOWN, _EFFECTS, hub)

    def _walk(self, walk: str, edges: str, ident: str) -> Found:
        # The start is not within one hop or more of itself.
        nodes = self._all(f"{_SELF} RETURN {_ROW}", id=ident)
        nodes += self._all(f"{walk} RETURN {_ROW}", id=ident)
        return nodes, self._all(_SELF + edges, id=ident) + self._all(
            walk.rstrip() + edges, id=ident
        )

    def identifiers(self, hub: str) -> Collection[str]:
        """See ``Peer``."""
        return [hub, *(row[0] for row in self._all(_DOWN + "RETURN n.id", id=hub))]

    def counts(self, hub: str) -> Mapping[str, int]:
        """See ``Peer``."""
        found: dict[str, int] = dict(self._all(_DOWN + "RETURN n.kind, count(*)", id=hub))
        ((kind,),) = self._all(_SELF + " RETURN n.kind", id=hub)
        return {**found, kind: found.get(kind, 0) + 1}

    def close(self) -> None:
        """See ``Closeable``."""
        self._db.close()
        self._base.close()

# SPDX-License-Identifier: Apache-2.0
"""rustworkx: a compiled graph in memory whose nodes and edges are the rows themselves. It keeps nothing,
and has to be loaded whole by every process; it stands for how fast a walk can be at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import rustworkx

from bench.peers.contract import Found, Peer
from lineage.model.record import Batch
from lineage.model.value import text


class Rustworkx(Peer):
    """A directed graph with parallel edges, from effects to causes."""

    version = rustworkx.__version__
    keeps = False
    cannot = dict.fromkeys(("failed", "find"), "looks nothing up")

    def __init__(self, _: Path) -> None:
        self._graph = rustworkx.PyDiGraph()
        self._keys: dict[str, int] = {}
        self._nodes: list[tuple[str, ...]] = []
        self._edges: list[tuple[int, int, tuple[str, ...]]] = []

    def prepare(self, batches: Iterable[Batch]) -> None:
        """See ``Peer``: lists."""
        for batch in batches:
            for n in batch.nodes:
                self._keys[n.id] = len(self._nodes)
                self._nodes.append((n.id, n.kind, n.label or "", text(n.attributes)))
            for e in batch.edges:
                row = e.relation, e.effect, e.cause, text(e.attributes)
                self._edges.append((self._keys[e.effect], self._keys[e.cause], row))

    def load(self) -> None:
        """See ``Peer``."""
        self._graph.add_nodes_from(self._nodes)
        self._graph.add_edges_from(self._edges)
        self._nodes, self._edges = [], []

    def upstream(self, model: str) -> Found:
        """See ``Peer``."""
        graph, start = self._graph, self._keys[model]
        reached = rustworkx.descendants(graph, start) | {start}
        edges = [row for key in reached for _, _, row in graph.out_edges(key)]
        return [graph[key] for key in reached], edges

    def effects(self, hub: str) -> Found:
        """See ``Peer``."""
        graph, reached = self._graph, self._reached(hub)
        edges = [row for key in reached for _, _, row in graph.in_edges(key)]
        return [graph[key] for key in reached], edges

    def _reached(self, hub: str) -> set[int]:
        start = self._keys[hub]
        return rustworkx.ancestors(self._graph, start) | {start}

    def identifiers(self, hub: str) -> Collection[str]:
        """See ``Peer``."""
        return [self._graph[key][0] for key in self._reached(hub)]

    def counts(self, hub: str) -> Mapping[str, int]:
        """See ``Peer``."""
        return Counter(self._graph[key][1] for key in self._reached(hub))

    def close(self) -> None:
        """See ``Closeable``."""
        self._graph.clear()

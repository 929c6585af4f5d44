# SPDX-License-Identifier: Apache-2.0
"""Finds the shortest connections of two nodes of a store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lineage.graph.components import Graph
from lineage.graph.paths import shortest_paths
from lineage.graph.reach import reachable
from lineage.store.base import Store, View, Walk
from lineage.store.rows import EdgeRow

Path = tuple[EdgeRow, ...]


def connections(store: Store, walk: Walk, one: str, other: str, k: int, view: View) -> list[Path]:
    """Find the ``k`` shortest chains of edges between two nodes, whichever of them is the effect;
    none where neither depends on the other. Of ``walk`` the start is not looked at.
    """
    for effect, cause in ((one, other), (other, one)):
        up = store.walk(replace(walk, start=frozenset({effect}), toward="causes"), view)
        if any(row.id == cause for row in up.node_rows):
            return shortest_paths(_between(up.ordered_edges, cause), effect, cause, k)
    return []


def _between(rows: Iterable[EdgeRow], cause: str) -> Graph[str, EdgeRow]:
    """Of the edges upstream of something, those that lead to one of its causes."""
    rows = list(rows)
    effects: dict[str, list[str]] = {}
    for row in rows:
        effects.setdefault(row.cause, []).append(row.effect)
    reach = reachable(effects, (cause,))
    out: dict[str, list[tuple[str, EdgeRow]]] = {}
    for row in rows:
        if row.effect in reach and row.cause in reach:
            out.setdefault(row.effect, []).append((row.cause, row))
    return out

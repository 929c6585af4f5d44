# SPDX-License-Identifier: Apache-2.0
"""Finds the shortest connections of two nodes of a store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from lineage.errors import TimedOut
from lineage.graph.components import Graph
from lineage.graph.paths import shortest_paths
from lineage.graph.reach import reachable
from lineage.query.plan import Between, ByIds, EdgeFilter, PlanRequest
from lineage.store.base import Cut, Store, Subgraph, View, Walk
from lineage.store.rows import EdgeRow, NodeRow

Path = tuple[EdgeRow, ...]


@dataclass(frozen=True, slots=True)
class Connections:
    """Chains of edges, shortest first, and why there may be more or shorter ones; ``nodes`` are all that they
    lead through, and more.
    """

    paths: Sequence[Path]
    cut: Cut | None = None
    nodes: Sequence[NodeRow] = ()


def connections(store: Store, walk: Walk, one: str, other: str, k: int, view: View) -> Connections:
    """Find the ``k`` shortest chains of edges between two nodes, whichever of them is the effect;
    none where neither depends on the other. Of ``walk`` the start is not looked at. It is cut where
    more is between them than ``walk`` allows, or where its seconds have passed: what was found by then is
    the answer.
    """
    left = countdown(walk.seconds)
    follow = EdgeFilter(walk.relations)
    for effect, cause in ((one, other), (other, one)):
        between = Between(ByIds(frozenset({cause})), ByIds(frozenset({effect})), follow)
        asked = PlanRequest(plan=between, follow=follow, limit=walk.limit, seconds=left())
        try:
            read = store.run(asked, view)
        except TimedOut:
            return Connections((), Cut(reason="time"))
        if read.node_rows:
            found = among(read, (effect, cause), k, left)
            cut = found.cut or (read.cut and Cut(reason=read.cut.reason))
            return replace(found, cut=cut)
    return Connections(())


def countdown(seconds: float | None) -> Callable[[], float | None]:
    """Begin to count seconds down: what it returns tells how many are left."""
    end = None if seconds is None else time.monotonic() + seconds
    return lambda: None if end is None else end - time.monotonic()


def _any_left(left: Callable[[], float | None]) -> bool:
    seconds = left()
    return seconds is None or seconds > 0


def among(
    read: Subgraph, ends: tuple[str, str], k: int, left: Callable[[], float | None]
) -> Connections:
    """Find them among all that is downstream of one of two nodes and upstream of the other."""
    in_time = partial(_any_left, left)
    one, other = ends
    for effect, cause in ((one, other), (other, one)):
        between = _between(read.ordered_edges, cause)
        if effect in between:
            found = shortest_paths(between, effect, cause, k, in_time)
            cut = None if found.whole else Cut(reason="time")
            return Connections(found.found, cut, read.node_rows)
    return Connections((), nodes=read.node_rows)


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

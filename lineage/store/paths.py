# SPDX-License-Identifier: Apache-2.0
"""The shortest connections of two things of a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from heapq import heappop, heappush

from lineage.graph.reach import between
from lineage.store.base import Store, View, Walk
from lineage.store.rows import EdgeRow

Path = tuple[EdgeRow, ...]
_Out = Mapping[str, list[EdgeRow]]


def connections(store: Store, walk: Walk, one: str, other: str, k: int, view: View) -> list[Path]:
    """The ``k`` shortest chains of edges between two things, whichever of them is the effect;
    none where neither depends on the other. Of ``walk`` the start is not looked at.
    """
    for effect, cause in ((one, other), (other, one)):
        up = store.walk(replace(walk, start=frozenset({effect}), toward="causes"), view)
        if any(row.id == cause for row in up.node_rows):
            return shortest(_between(up.ordered_edges, cause), effect, cause, k)
    return []


def _between(rows: Iterable[EdgeRow], cause: str) -> _Out:
    """Of the edges upstream of something, those that lead to one of its causes."""
    rows = list(rows)
    reach = between([(row.cause, row.effect) for row in rows], {cause})
    out: dict[str, list[EdgeRow]] = {}
    for row in rows:
        if row.effect in reach and row.cause in reach:
            out.setdefault(row.effect, []).append(row)
    return out


def shortest(out: _Out, start: str, end: str, k: int) -> list[Path]:
    """The ``k`` shortest loopless paths (Yen 1971), shortest first; parallel edges count once."""
    first = _path(out, start, end, set(), set())
    found = [first] if first else []
    waiting: list[tuple[int, Path]] = []
    while found and len(found) < k:
        last = found[-1]
        for spot in range(len(last)):
            root = last[:spot]
            barred = {
                (path[spot].effect, path[spot].cause)
                for path in found
                if len(path) > spot and _ends(path[:spot]) == _ends(root)
            }
            closed = {row.effect for row in root}
            rest = _path(out, last[spot].effect, end, barred, closed)
            if rest and (len(root) + len(rest), (*root, *rest)) not in waiting:
                heappush(waiting, (len(root) + len(rest), (*root, *rest)))
        if not waiting:
            break
        found.append(heappop(waiting)[1])
    return found


def _ends(path: Path) -> list[tuple[str, str]]:
    return [(row.effect, row.cause) for row in path]


def _path(
    out: _Out, start: str, end: str, barred: set[tuple[str, str]], closed: set[str]
) -> Path | None:
    """One shortest path by levels, avoiding some edges and nodes."""
    came: dict[str, EdgeRow | None] = {start: None}
    level = [start]
    while level and end not in came:
        reached = []
        for spot in level:
            for row in out.get(spot, ()):
                if row.cause in came or row.cause in closed or (spot, row.cause) in barred:
                    continue
                came[row.cause] = row
                reached.append(row.cause)
        level = reached
    steps: list[EdgeRow] = []
    step = came.get(end)
    while step is not None:
        steps.append(step)
        step = came[step.effect]
    return tuple(reversed(steps)) or None

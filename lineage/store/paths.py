# SPDX-License-Identifier: Apache-2.0
"""Shapes within a set of arcs: shortest connections, what lies between, roots and sinks."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from typing import TypeVar

from lineage.store.base import Store, View, Walk
from lineage.store.rows import EdgeRow

K = TypeVar("K", bound=Hashable)
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


def between(arcs: Iterable[tuple[K, K]], starts: Collection[K]) -> set[K]:
    """What arcs, from near to far, lead to from some nodes, these included."""
    out: dict[K, list[K]] = {}
    for near, far in arcs:
        out.setdefault(near, []).append(far)
    seen = set(starts)
    level: Sequence[K] = list(seen)
    while level:
        reached = {far for near in level for far in out.get(near, ()) if far not in seen}
        seen |= reached
        level = list(reached)
    return seen


def ends(arcs: Iterable[tuple[K, K]], members: Collection[K]) -> set[K]:
    """The members from which arcs lead to no other member, save around a cycle they are on.

    Linear in the arcs: components come out of Tarjan's algorithm (1972) after all that they lead
    to, so that one look at the neighbours of each is enough.
    """
    out: dict[K, list[K]] = {}
    for near, far in arcs:
        out.setdefault(near, []).append(far)
    found: set[K] = set()
    component: dict[K, int] = {}
    leads: list[bool] = []
    for number, nodes in enumerate(_components(out, members)):
        beyond = {component[far] for node in nodes for far in out.get(node, ()) if far in component}
        component.update(dict.fromkeys(nodes, number))
        inside = [node for node in nodes if node in members]
        if not any(leads[other] for other in beyond):
            found.update(inside)
        leads.append(bool(inside) or any(leads[other] for other in beyond))
    return found


def _components(out: Mapping[K, Sequence[K]], starts: Iterable[K]) -> Iterable[list[K]]:
    """Strongly connected components within reach, each after all that it leads to."""
    low: dict[K, int] = {}
    order: dict[K, int] = {}
    done: set[K] = set()
    stack: list[K] = []
    for start in starts:
        if start in order:
            continue
        order[start] = low[start] = len(order)
        stack.append(start)
        work = [(start, iter(out.get(start, ())))]
        while work:
            node, rest = work[-1]
            for far in rest:
                if far not in order:
                    order[far] = low[far] = len(order)
                    stack.append(far)
                    work.append((far, iter(out.get(far, ()))))
                    break
                if far not in done:
                    low[node] = min(low[node], order[far])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    place = stack.index(node) if stack[-1] != node else len(stack) - 1
                    nodes = stack[place:]
                    del stack[place:]
                    done.update(nodes)
                    yield nodes


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

# SPDX-License-Identifier: Apache-2.0
"""Why are these two connected: the shortest chains of edges from an effect to a cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from typing import Any

from lineage.errors import NotFound, Usage
from lineage.model.record import Edge
from lineage.services.answer import Answer, answered
from lineage.services.context import Context
from lineage.services.resolve import resolve
from lineage.services.trace import relations
from lineage.services.when import view_at
from lineage.store.base import NOW, EdgeRow, Subgraph, View, Walk

#: Connections asked for at once, at most.
MOST = 50
Path = tuple[EdgeRow, ...]
_Out = Mapping[str, list[EdgeRow]]


def why(
    ctx: Context,
    one: str,
    other: str,
    *,
    k: int = 1,
    via: Iterable[str] | None = None,
    at: str | int | None = None,
) -> Answer:
    """The ``k`` shortest connections between two things, whichever of them is the effect.

    Raises ``NotFound`` where neither depends on the other.
    """
    if not 1 <= k <= MOST:
        raise Usage(f"k is between 1 and {MOST}")
    view = view_at(ctx, at)
    a, b = resolve(ctx, one, view).id, resolve(ctx, other, view).id
    chosen = relations(via)
    for effect, cause in ((a, b), (b, a)):
        paths = shortest(_between(ctx, effect, cause, chosen, view), effect, cause, k)
        if paths:
            return _answer(ctx, paths, (effect, cause), view)
    raise NotFound(
        f"nothing connects {one} and {other}",
        hint="Name relations that default walks do not follow with --via, such as parent.",
    )


def _between(
    ctx: Context, effect: str, cause: str, chosen: frozenset[str] | None, view: View = NOW
) -> _Out:
    """The lineage between two things: what is upstream of one and downstream of the other."""
    up = ctx.store.walk(Walk(start=frozenset({effect}), relations=chosen), view)
    if not any(row.id == cause for row in up.node_rows):
        return {}
    into: dict[str, list[EdgeRow]] = {}
    for row in up.edge_rows:
        into.setdefault(row.cause, []).append(row)
    reach, level = {cause}, [cause]
    while level:
        level = [
            row.effect for end in level for row in into.get(end, ()) if row.effect not in reach
        ]
        reach.update(level)
    out: dict[str, list[EdgeRow]] = {}
    for row in sorted(up.edge_rows):
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


def _answer(ctx: Context, paths: list[Path], start: tuple[str, str], view: View) -> Answer:
    rows = list(dict.fromkeys(row for path in paths for row in path))
    names = {row.effect for row in rows} | {row.cause for row in rows}
    nodes = ctx.store.get(names, view)
    shown: list[Any] = [[_step(row.edge()) for row in path] for path in paths]
    graph = Subgraph(node_rows=list(nodes.values()), edge_rows=rows)
    return answered(ctx, graph, view, start, paths=shown)


def _step(edge: Edge) -> dict[str, str]:
    return {"type": edge.relation, "effect": edge.effect, "cause": edge.cause}

# SPDX-License-Identifier: Apache-2.0
"""Why are these two connected: the shortest chains of edges from an effect to a cause."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lineage.errors import NotFound, Usage
from lineage.model.record import Edge
from lineage.query.parse import MOST_PATHS
from lineage.services.answer import Answer, answered
from lineage.services.context import Context
from lineage.services.resolve import resolve
from lineage.services.trace import relations
from lineage.services.when import at_one_moment
from lineage.store.base import Subgraph, View, Walk
from lineage.store.paths import Path, connections


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
    if not 1 <= k <= MOST_PATHS:
        raise Usage(f"k is between 1 and {MOST_PATHS}")
    walk = Walk(start=frozenset(), relations=relations(via), seconds=ctx.budget)

    def read(view: View) -> Connected:
        a, b = resolve(ctx, one, view).id, resolve(ctx, other, view).id
        return connected(ctx, connections(ctx.store, walk, a, b, k, view), view)

    found, stand = at_one_moment(ctx, at, read)
    if not found.paths:
        raise NotFound(
            f"nothing connects {one} and {other}",
            hint="Name relations that default walks do not follow with --via, such as parent.",
        )
    return answered(found.graph, stand, found.ends, paths=found.paths)


class Connected(NamedTuple):
    """Chains of edges: as a graph, by their ends, and link by link."""

    graph: Subgraph
    ends: tuple[str, ...]
    paths: list[list[dict[str, str]]]


def connected(ctx: Context, paths: list[Path], view: View) -> Connected:
    """Chains of edges with their nodes; nothing of nothing."""
    rows = list(dict.fromkeys(row for path in paths for row in path))
    names = {row.effect for row in rows} | {row.cause for row in rows}
    nodes = ctx.store.get(names, view)
    graph = Subgraph(node_rows=list(nodes.values()), edge_rows=rows)
    steps = [[_step(row.edge()) for row in path] for path in paths]
    ends = (paths[0][0].effect, paths[0][-1].cause) if paths else ()
    return Connected(graph, ends, steps)


def _step(edge: Edge) -> dict[str, str]:
    return {"type": edge.relation, "effect": edge.effect, "cause": edge.cause}

# SPDX-License-Identifier: Apache-2.0
"""Finds how two things are connected: the shortest chains of edges from an effect to a cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Annotated, NamedTuple

from lineage.errors import TimedOut
from lineage.model.record import Edge
from lineage.query.parse import MOST_PATHS
from lineage.query.plan import Between, EdgeFilter, PlanRequest, Union
from lineage.services.answer import Answer, certify
from lineage.services.as_of import at_one_moment
from lineage.services.context import Context
from lineage.services.read.resolve import called, resolve
from lineage.services.read.trace import relations
from lineage.services.request import Request, Says, Via, When, reference
from lineage.store.base import NOW, Subgraph, View, Walk
from lineage.store.paths import Connections, among, connections, countdown
from lineage.store.unresolved import Unresolved


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WhyAnswer(Answer):
    """The shortest connections of two things: ``paths`` are their edges, link by link."""

    paths: Sequence[Sequence[Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class WhyRequest(
    Request[WhyAnswer],
    graphql="why",
    weight=200,
    rows=1_000,
    examples=("why model:fraud@v3 dataset:data/raw.csv -k 3",),
):
    """The shortest connections between two things, whichever of them is the effect."""

    one: Annotated[str, reference("The first", "a")]
    other: Annotated[str, reference("The second", "b")]
    _: KW_ONLY
    k: Annotated[
        int, Says(text="How many connections.", at_least=1, at_most=MOST_PATHS, flag="-k")
    ] = 1
    via: Via = None
    at: When = None

    def answer(self, ctx: Context) -> WhyAnswer:
        """See ``Request.answer``. Where neither depends on the other there are no paths, which is an
        answer: ``start`` has the two things then. Where the time was not enough for all, those found
        by then are the answer, and it is cut.
        """
        walk = Walk(start=frozenset(), relations=relations(self.via), seconds=ctx.budget)

        def read(view: View) -> Connected:
            known = _at_first_sight(ctx, self, walk, view)
            if isinstance(known, Connected):
                return known
            a, b = (
                known.get(text) or resolve(ctx, text, view).id for text in (self.one, self.other)
            )
            return connected(ctx, connections(ctx.store, walk, a, b, self.k, view), (a, b), view)

        found, stand = at_one_moment(ctx, self.at, read)
        return WhyAnswer(
            found=found.graph,
            certificate=certify(stand, found.graph.cut),
            start=found.ends,
            paths=found.paths,
        )


def _at_first_sight(
    ctx: Context, asked: WhyRequest, walk: Walk, view: View
) -> Connected | Mapping[str, str]:
    """The connections of what two references mean at first sight, in one question where looking names up by
    itself costs as much; else the identifiers of those that mean one thing.
    """
    one, other = called(asked.one), called(asked.other)
    if one is None or other is None or view != NOW or not ctx.store.caps.resolves:
        return {}
    left = countdown(walk.seconds)
    follow = EdgeFilter(walk.relations)
    plan = Union((Between(other, one, follow), Between(one, other, follow)))
    question = PlanRequest(plan=plan, follow=follow, limit=walk.limit, seconds=walk.seconds)
    try:
        read = ctx.store.run(question, view)
    except (Unresolved, TimedOut) as error:
        rows = error.rows if isinstance(error, Unresolved) else {}
        known = ((text, rows.get(name)) for text, name in ((asked.one, one), (asked.other, other)))
        return {text: row.id for text, row in known if row is not None}
    ends = read.called[one].id, read.called[other].id
    found = among(read, ends, asked.k, left)
    nodes = (*found.nodes, *read.called.values())
    return connected(ctx, replace(found, nodes=nodes), ends, view)


class Connected(NamedTuple):
    """Chains of edges: as a graph, by their ends, and link by link."""

    graph: Subgraph
    ends: tuple[str, ...]
    paths: list[list[dict[str, str]]]


def connected(ctx: Context, chains: Connections, asked: tuple[str, str], view: View) -> Connected:
    """Read chains of edges with their nodes; where there is no chain, the two things asked about."""
    paths = chains.paths
    rows = list(dict.fromkeys(row for path in paths for row in path))
    names = {row.effect for row in rows} | {row.cause for row in rows} or set(asked)
    nodes = {row.id: row for row in chains.nodes if row.id in names}
    if missing := names - nodes.keys():
        nodes |= ctx.store.get(missing, view)
    graph = Subgraph(node_rows=list(nodes.values()), edge_rows=rows, cut=chains.cut)
    steps = [[_step(row.edge()) for row in path] for path in paths]
    ends = (paths[0][0].effect, paths[0][-1].cause) if paths and paths[0] else asked
    return Connected(graph, ends, steps)


def _step(edge: Edge) -> dict[str, str]:
    return {"type": edge.relation, "effect": edge.effect, "cause": edge.cause}

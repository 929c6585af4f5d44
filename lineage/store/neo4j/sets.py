# SPDX-License-Identifier: Apache-2.0
"""Plans in Neo4j: sets of identifiers, one statement a step, the walk's text for walks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from lineage.errors import TimedOut
from lineage.graph.reach import reachable
from lineage.query.condition import Condition, node_test
from lineage.query.plan import PlanRequest, Traverse, has_names
from lineage.store import execute, reference
from lineage.store.base import NOW, Cut, Filter, Hop, Page, Reach, Store, Subgraph, View, Walk
from lineage.store.neo4j import compile as cypher
from lineage.store.neo4j.rows import edge_rows, edges_among, node_rows
from lineage.store.neo4j.select import Sieve, sieve
from lineage.store.neo4j.statement import NotOneStatement, Statement, statement
from lineage.store.reference import ALL, Clock
from lineage.store.rows import EdgeRow, NodeRow
from lineage.store.unresolved import Unresolved


class Statements(Store, Protocol):
    """A store that carries out statements of ours."""

    def column(self, text: str, clock: Clock, /, **parameters: Any) -> list[str]:
        """The texts that a read lists, within the time that is left."""
        ...

    def rows(self, text: str, clock: Clock, /, **parameters: Any) -> list[NodeRow]:
        """The nodes that a read lists."""
        ...

    def gathered(self, text: str, clock: Clock, /, **parameters: Any) -> Subgraph:
        """The nodes and edges that a read lists."""
        ...

    def columns(self, text: str, clock: Clock, /, **parameters: Any) -> list[Any]:
        """The columns of a read."""
        ...


class NameSets(reference.Sets):
    """Sets of identifiers in one view; what has a statement of its own here is not done by hops."""

    def __init__(self, store: Statements, view: View, clock: Clock) -> None:
        super().__init__(store, view, clock)
        self._neo4j = store

    def every(self) -> set[str]:
        """See ``execute.Sets.every``."""
        if self.view != NOW:
            return super().every()
        return set(self._neo4j.column(cypher.EVERY, self.clock))

    def where(self, condition: Condition) -> set[str]:
        """See ``execute.Sets.where``."""
        found = self.store.find(Filter(also=condition), Page(limit=ALL), self.view)
        return {row.id for row in found.rows}

    def reach(
        self, keys: set[str], hop: Hop, depth: int | None = None, within: set[str] | None = None
    ) -> set[str]:
        """See ``execute.Sets.reach``."""
        if not keys or depth == 0:
            return keys
        if self.view != NOW:
            return super().reach(keys, hop, depth, within)
        source = cypher.reached(hop, depth, bounded=within is not None)
        parameters: dict[str, Any] = {"start": sorted(keys)}
        if within is not None:
            parameters["within"] = sorted(within)
        return keys.union(self._neo4j.column(cypher.names(source), self.clock, **parameters))

    def reach_and_keep(self, keys: set[str], hop: Hop, condition: Condition) -> set[str]:
        """See ``execute.Sets.reach_and_keep``."""
        if self.view != NOW:
            return super().reach_and_keep(keys, hop, condition)
        sieved = sieve(condition)
        source = f"{cypher.reached(hop, None)} WHERE {sieved.text}"
        parameters = {**sieved.parameters, "start": sorted(keys), "most": ALL}
        rows = self._neo4j.rows(cypher.page(source), self.clock, **parameters)
        meets = node_test(condition)
        return {row.id for row in rows if sieved.exact or meets(row)}

    def gathered(self, request: PlanRequest) -> Subgraph | None:
        """The whole answer in one statement, where the plan has that form and the answer fits.

        Raises ``Unresolved`` where it has not, and has names in it.
        """
        named = has_names(request.plan)
        if self.view == NOW and request.after is None and execute.walk_of(request) is None:
            try:
                made = statement(request.plan, request.follow, request.limit, request.beside)
                return self._gathered(made)
            except NotOneStatement:
                pass
            except TimedOut:
                # A walk is cut then, and says how far it came.
                if not (named and isinstance(request.plan, Traverse)):
                    raise
        if named:
            raise Unresolved({})
        return None

    def _gathered(self, made: Statement) -> Subgraph | None:
        read = self._neo4j.columns(made.text, self.clock, **made.parameters)
        nodes, keys, edges, onward, uses, used, called = read
        meant = dict(zip(made.names, map(node_rows, called), strict=True))
        one = {name: rows[0] for name, rows in meant.items() if len(rows) == 1}
        found = None
        if nodes is not None and all(n in one and one[n].kind not in n.but for n in meant):
            rows = node_rows(nodes)
            found = _chosen(made, rows, edges_among(edges, keys, rows))
            if onward is not None and not _are_all(found.node_rows, onward):
                found = None
        if found is None:
            if meant:
                raise Unresolved(one)
            return None
        beside = None
        if uses is not None:
            beside = Subgraph(node_rows=node_rows(used), edge_rows=edge_rows(uses))
        return replace(found, beside=beside, called=one)

    def shown(self, members: set[str] | Condition, request: PlanRequest) -> Subgraph:
        """See ``execute.Sets.shown``."""
        if isinstance(members, set):
            return self._shown_set(members, request)
        page = Page(limit=request.limit, after=request.after)
        found = self.store.find(Filter(also=members), page, self.view)
        own = {row.id: row for row in found.rows}
        hop = execute.hop(request.follow, "causes")
        rows = self.store.edges(own, hop, self.view)
        beyond = self.store.get({row.cause for row in rows} - own.keys(), self.view)
        meets = node_test(members)
        chosen = own.keys() | {ident for ident, row in beyond.items() if meets(row)}
        edges = [row for row in rows if row.cause in chosen]
        cut = Cut(reason="limit") if found.after else None
        return Subgraph(node_rows=list(own.values()), edge_rows=edges, cut=cut)

    def _shown_set(self, members: set[str], request: PlanRequest) -> Subgraph:
        if self.view != NOW:
            return super().shown(members, request)
        page, cut = reference.paged(members, request)
        text = cypher.gathered(cypher.NAMED, execute.hop(request.follow, "causes"))
        found = self._neo4j.gathered(text, self.clock, start=page, most=ALL)
        among = [edge for edge in found.edge_rows if edge.cause in members]
        return Subgraph(node_rows=found.node_rows, edge_rows=among, cut=cut)


def _chosen(made: Statement, rows: list[NodeRow], edges: list[EdgeRow]) -> Subgraph:
    """What a statement found, without what its condition does not hold for."""
    if made.condition is not None:
        rows = list(filter(node_test(made.condition), rows))
        own = {row.id for row in rows}
        edges = [edge for edge in edges if edge.cause in own and edge.effect in own]
    return Subgraph(node_rows=rows, edge_rows=edges)


def _are_all(ends: Sequence[NodeRow], onward: Sequence[str]) -> bool:
    """Whether all other members of a set lead to one of these, step by step, each as ``near SEP far``: there are
    no more ends then. On a cycle the steps may lead round.
    """
    back: dict[str, list[str]] = {}
    for near, _, far in (step.partition(cypher.SEPARATOR) for step in onward):
        back.setdefault(far, []).append(near)
    return len(reachable(back, [row.id for row in ends])) == len(ends) + len(onward)


def _looking(sieved: Sieve, after: str | None = None) -> str:
    """Binds ``n`` to what comes through a sieve."""
    beyond = "" if after is None else "n.uid > $after AND "
    return f"{sieved.match} WITH n WHERE {beyond}{sieved.text}"


def matching(store: Statements, condition: Condition, page: Page, clock: Clock) -> list[NodeRow]:
    """At most one row more than the page holds, by identifier: what comes through the sieve is
    looked at, and more is fetched until there is enough or no more.
    """
    wanted, after = page.limit + 1, page.after
    sieved = sieve(condition)
    found: list[NodeRow] = []
    size = wanted if sieved.exact else max(wanted, 1_000)
    while True:
        text = cypher.page(_looking(sieved, after))
        rows = store.rows(text, clock, **sieved.parameters, after=after, most=size)
        found += rows if sieved.exact else filter(node_test(condition), rows)
        if len(rows) < size or len(found) >= wanted:
            return found[:wanted]
        after = rows[-1].id
        size = min(size * 4, ALL)


def within_reach(store: Statements, walk: Walk, view: View, *, counts: bool) -> Reach:
    """See ``Store.reach``: one statement, where the whole is asked for as it stands and is not cut."""
    if view == NOW and walk.depth is None and (walk.seconds is None or walk.seconds > 0):
        text = cypher.kinds_within(walk.hop, counts=counts)
        start, most = sorted(walk.start), walk.limit + 1
        with suppress(TimedOut):
            [found] = store.columns(text, Clock(walk.seconds), start=start, most=most)
            if found is not None and counts:
                return Reach(kinds=Counter(found))
            if found is not None:
                return reference.reach_of(found, None)
    return reference.reach(store, walk, view, counts=counts)

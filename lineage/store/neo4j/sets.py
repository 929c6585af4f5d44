# SPDX-License-Identifier: Apache-2.0
"""Plans in Neo4j: sets of identifiers, one statement a step, the walk's text for walks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lineage.query.condition import Condition, accepts
from lineage.query.plan import Question
from lineage.store import execute, reference
from lineage.store.base import NOW, Cut, Filter, Hop, NodeRow, Page, Subgraph, View
from lineage.store.neo4j import compile as cypher
from lineage.store.neo4j.select import sieve
from lineage.store.reference import ALL, Clock

if TYPE_CHECKING:
    from lineage.store.neo4j.engine import Neo4jStore


class NameSets(reference.Sets):
    """Sets of identifiers in one view; what has a statement of its own here is not done by hops."""

    def __init__(self, store: Neo4jStore, view: View, clock: Clock) -> None:
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
        text = cypher.reach(hop, self.view, depth, bounded=within is not None)
        parameters: dict[str, Any] = {"start": sorted(keys), "as_of": self.view.as_of}
        if within is not None:
            parameters["within"] = sorted(within)
        return keys.union(self._neo4j.column(text, self.clock, **parameters))

    def shown(self, members: set[str] | Condition, question: Question) -> Subgraph:
        """See ``execute.Sets.shown``."""
        if isinstance(members, set):
            return super().shown(members, question)
        page = Page(limit=question.limit, after=question.after)
        found = self.store.find(Filter(also=members), page, self.view)
        own = {row.id: row for row in found.rows}
        hop = execute.hop(question.follow, "causes")
        rows = self.store.edges(own, hop, self.view)
        beyond = self.store.get({row.cause for row in rows} - own.keys(), self.view)
        chosen = own.keys() | {i for i, row in beyond.items() if accepts(members, row)}
        edges = [row for row in rows if row.cause in chosen]
        cut = Cut(reason="limit") if found.after else None
        return Subgraph(node_rows=list(own.values()), edge_rows=edges, cut=cut)


def matching(store: Neo4jStore, condition: Condition, page: Page) -> list[NodeRow]:
    """At most one row more than the page holds, by identifier: what comes through the sieve is
    looked at, and more is fetched until there is enough or no more.
    """
    wanted, after = page.limit + 1, page.after or ""
    sieved = sieve(condition)
    found: list[NodeRow] = []
    size = wanted if sieved.exact else max(wanted, 1_000)
    while True:
        rows = store.nodes_where(sieved, after, size)
        found += rows if sieved.exact else [row for row in rows if accepts(condition, row)]
        if len(rows) < size or len(found) >= wanted:
            return found[:wanted]
        after = rows[-1].id
        size = min(size * 4, ALL)

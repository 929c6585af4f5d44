# SPDX-License-Identifier: Apache-2.0
"""Reads a store that a newer version wrote, in the terms that this version knows.

A node of an unknown kind is shown as one of its family, an edge of an unknown relation as one of its
base, both with the ``prov:type`` that says what they are. Nothing is ever written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from lineage.ledger.log import Draft, Entry, Header
from lineage.ledger.merkle import Frontier
from lineage.model import terms
from lineage.model.record import Batch, Record
from lineage.model.value import text
from lineage.model.vocabulary import KEPT, Translation, Vocabulary, too_new
from lineage.query.condition import accepts
from lineage.query.plan import PlanRequest
from lineage.store import reference
from lineage.store.base import (
    Caps,
    Filter,
    Hop,
    Moment,
    Page,
    Reach,
    Slice,
    Stats,
    Store,
    Subgraph,
    View,
    Walk,
)
from lineage.store.claims import Arc, Around, Claim, NodeHistory, Statement
from lineage.store.paging import values_under
from lineage.store.rows import EdgeRow, NodeRow
from lineage.store.writes import Receipt, Write, ignored


def readable(store: Store) -> Store:
    """Make a store readable by this version: the store itself, or one that translates the terms
    that only a newer version knows.
    """
    vocabulary = Vocabulary.of_values(dict(values_under(store, KEPT)))
    return NewerStore(store, Translation(vocabulary.unknown)) if vocabulary.unknown else store


class NewerStore:
    """Reads a store with every term translated; see ``Store`` for the calls. Whatever writes raises
    ``StoreTooNew``.
    """

    def __init__(self, store: Store, translation: Translation) -> None:
        self.inner = store
        self.translation = translation
        self.caps: Caps = replace(store.caps, native_walk=False)

    # --- writing ---

    def write(self, draft: Draft, batch: Batch, retract: Sequence[Record] = ()) -> Receipt:
        """See ``Store.write``."""
        del draft, batch, retract
        raise too_new(self.translation.unknown)

    def write_all(
        self, writes: Sequence[Write], progress: Callable[[int], None] = ignored
    ) -> Sequence[Receipt]:
        """See ``Store.write_all``."""
        del writes, progress
        raise too_new(self.translation.unknown)

    def rebuild_graph(self, progress: Callable[[int, int], None]) -> Frontier:
        """See ``Store.rebuild_graph``."""
        del progress
        raise too_new(self.translation.unknown)

    def replay(self, entry: Entry) -> None:
        """See ``Store.replay``."""
        del entry
        raise too_new(self.translation.unknown)

    def keep(
        self,
        changes: Mapping[str, bytes | None],
        expecting: Mapping[str, bytes | None] | None = None,
        act: Draft | None = None,
    ) -> bool:
        """See ``Store.keep``."""
        del changes, expecting, act
        raise too_new(self.translation.unknown)

    # --- what has no terms ---

    def head(self) -> Frontier:
        """See ``Store.head``."""
        return self.inner.head()

    def headers(self, after: int, limit: int, view: View) -> Sequence[Header]:
        """See ``Store.headers``."""
        return self.inner.headers(after, limit, view)

    def headers_at(self, seqs: Collection[int], view: View) -> Mapping[int, Header]:
        """See ``Store.headers_at``."""
        return self.inner.headers_at(seqs, view)

    def bodies(self, seqs: Collection[int]) -> Mapping[int, bytes]:
        """See ``Store.bodies``; the lines are as they were written."""
        return self.inner.bodies(seqs)

    def leaves(self, after: int, limit: int) -> Sequence[bytes]:
        """See ``Store.leaves``."""
        return self.inner.leaves(after, limit)

    def moment(self) -> AbstractContextManager[Moment]:
        """See ``Store.moment``."""
        return self.inner.moment()

    def identifiers(self, after: str | None, limit: int, view: View) -> Sequence[str]:
        """See ``Store.identifiers``."""
        return self.inner.identifiers(after, limit, view)

    def values(self, names: Collection[str]) -> Mapping[str, bytes]:
        """See ``Store.values``."""
        return self.inner.values(names)

    def values_under(
        self, prefix: str, after: str | None = None, limit: int = 1_000
    ) -> Sequence[tuple[str, bytes]]:
        """See ``Store.values_under``."""
        return self.inner.values_under(prefix, after, limit)

    def integrity_faults(self) -> Iterable[str]:
        """See ``Store.integrity_faults``."""
        return self.inner.integrity_faults()

    def snapshot(self, path: Path) -> bool:
        """See ``Store.snapshot``."""
        return self.inner.snapshot(path)

    def close(self) -> None:
        """See ``Store.close``."""
        self.inner.close()

    # --- the graph, translated ---

    def get(self, ids: Collection[str], view: View) -> Mapping[str, NodeRow]:
        """See ``Store.get``."""
        return {ident: self._node(row) for ident, row in self.inner.get(ids, view).items()}

    def find(self, where: Filter, page: Page, view: View) -> Slice:
        """See ``Store.find``: names and kinds are found by the engine, the rest here."""
        kinds = None if where.kinds is None else self.translation.widened(where.kinds)
        wanted = replace(where, kinds=kinds, also=None)
        found: list[NodeRow] = []
        after = page.after
        while True:
            more = self.inner.find(wanted, Page(limit=page.limit + 1, after=after), view)
            found += [row for row in map(self._node, more.rows) if accepts(where.condition, row)]
            after = more.after
            if after is None or len(found) > page.limit:
                break
        rows = tuple(found[: page.limit])
        return Slice(rows, rows[-1].id if len(found) > page.limit else None)

    def edges(self, ids: Collection[str], hop: Hop, view: View) -> Sequence[EdgeRow]:
        """See ``Store.edges``."""
        relations, followed = self._widened(hop.relations, followed=hop.followed)
        wider = replace(hop, relations=relations, followed=followed)
        return [self._edge(row) for row in self.inner.edges(ids, wider, view)]

    def walk(self, walk: Walk, view: View) -> Subgraph:
        """See ``Store.walk``."""
        relations, followed = self._widened(walk.relations, followed=walk.followed)
        found = self.inner.walk(replace(walk, relations=relations, followed=followed), view)
        return Subgraph(
            node_rows=list(map(self._node, found.node_rows)),
            edge_rows=list(map(self._edge, found.edge_rows)),
            cut=found.cut,
        )

    def reach(self, walk: Walk, view: View, *, counts: bool = False) -> Reach:
        """See ``Store.reach``."""
        return reference.reach(self, walk, view, counts=counts)

    def around(self, ident: str, most: int, view: View) -> Around:
        """See ``Store.around``."""
        return reference.around(self, ident, most, view)

    def run(self, request: PlanRequest, view: View) -> Subgraph:
        """See ``Store.run``."""
        return reference.run(self, request, view)

    def held(self, ids: Collection[str], view: View) -> Mapping[str, NodeHistory]:
        """See ``Store.held``."""
        return {
            ident: held._replace(
                row=self._node(held.row), claims=tuple(map(self._claim, held.claims))
            )
            for ident, held in self.inner.held(ids, view).items()
        }

    def asserted(self, source: str, view: View) -> Iterator[Record]:
        """See ``Store.asserted``."""
        return map(self.translation.record, self.inner.asserted(source, view))

    def stats(self, view: View) -> Stats:
        """See ``Store.stats``."""
        found = self.inner.stats(view)
        kinds: Counter[str] = Counter()
        for kind, number in found.kinds.items():
            kinds[self.translation.kind(kind)] += number
        return replace(found, kinds=kinds)

    # --- terms ---

    def _widened(
        self, relations: frozenset[str] | None, *, followed: bool
    ) -> tuple[frozenset[str], bool]:
        """The relations that a hop takes, and whether only as far as default walks follow them."""
        if relations is None:
            return self.translation.widened(terms.RELATIONS), True
        return self.translation.widened(relations), followed

    def _node(self, row: NodeRow) -> NodeRow:
        if row.kind not in self.translation.unknown:
            return row
        node = self.translation.record(row.node())
        return row._replace(kind=self.translation.kind(row.kind), attributes=text(node.attributes))

    def _edge(self, row: EdgeRow) -> EdgeRow:
        if row.relation not in self.translation.unknown:
            return row
        edge = self.translation.record(row.edge())
        relation = self.translation.relation(row.relation)
        return row._replace(relation=relation, attributes=text(edge.attributes))

    def _claim(self, claim: Claim) -> Claim:
        what = claim.what
        if isinstance(what, Statement):
            shown = self._node(NodeRow(*what[:4]))
            return claim._replace(what=Statement(*shown, what.bundle))
        row = self._edge(what.row())
        arc: Arc = what._replace(relation=row.relation, attributes=row.attributes)
        return claim._replace(what=arc)

# SPDX-License-Identifier: Apache-2.0
"""Walks and plans made of one-hop steps: for engines that have none of their own, and to test those
that do.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from heapq import nsmallest
from operator import attrgetter

from lineage.errors import TimedOut
from lineage.ledger import log
from lineage.model import terms
from lineage.query.condition import Condition, accepts
from lineage.query.plan import PlanRequest, Toward
from lineage.store import execute, prepare
from lineage.store.base import (
    NOW,
    Cut,
    Filter,
    Hop,
    Page,
    Reach,
    Slice,
    Stats,
    Store,
    Subgraph,
    View,
    Walk,
)
from lineage.store.claims import Around
from lineage.store.paging import pages
from lineage.store.rows import EdgeRow, NodeRow, edge_order

#: More nodes than there are.
ALL = 2**62
_CHUNK = 2_000
#: The relations of edges that somebody asserts.
ASSERTED = frozenset(row.name for row in terms.TABLE if row.implied_by is None)
_SIDES: tuple[Toward, ...] = ("causes", "effects")
#: Identifiers that may have been written since, for a view to be worked out from what stands now.
_FEW = 60_000
_ENTRIES = 64


class Clock:
    """Counts down seconds."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def limited(self) -> bool:
        """Whether there is a limit."""
        return self._end is not None

    @property
    def left(self) -> float | None:
        """The seconds left."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    @property
    def out(self) -> bool:
        """Whether the time has passed."""
        return self._end is not None and time.monotonic() > self._end

    def check(self) -> None:
        """Raise ``TimedOut`` where the time has passed."""
        if self.out:
            raise TimedOut(f"the question takes longer than {self._seconds:g} seconds")


def reach(store: Store, wanted: Walk, view: View, *, counts: bool = False) -> Reach:
    """Say what a walk finds, for engines that have no shorter way."""
    found = store.walk(wanted, view)
    return reach_of(((row.id, row.kind) for row in found.node_rows), found.cut, counts=counts)


def reach_of(nodes: Iterable[tuple[str, str]], cut: Cut | None, *, counts: bool = False) -> Reach:
    """Make the answer of identifiers with their kinds."""
    ids: dict[str, list[str]] = {}
    for ident, kind in nodes:
        ids.setdefault(kind, []).append(ident)
    kinds = {kind: len(held) for kind, held in ids.items()}
    return Reach(kinds=kinds, ids=None if counts else ids, cut=cut)


def walk(store: Store, wanted: Walk, view: View) -> Subgraph:
    """Walk level by level, marking each node once, so that it ends on cycles and never counts
    paths.

    Where a level would pass the limit, its nodes are taken by identifier, so that every engine
    cuts alike.
    """
    clock = Clock(wanted.seconds)
    level = set(store.get(wanted.start, view))
    seen = set(level)
    rows: dict[EdgeRow, None] = {}
    cut: Cut | None = None
    depth = 0
    while level:
        if clock.out:
            cut = Cut(reason="time")
            break
        found = store.edges(level, wanted.hop, view)
        reached = {_far(row, wanted.hop) for row in found} - seen
        if wanted.depth is not None and depth >= wanted.depth:
            cut = cut or (Cut(reason="depth", left=len(reached)) if found else None)
            break
        if len(seen) + len(reached) > wanted.limit:
            kept = set(nsmallest(max(0, wanted.limit - len(seen)), reached))
            cut = Cut(reason="limit", left=len(reached) - len(kept))
            reached = kept
        seen |= reached
        rows.update(dict.fromkeys(row for row in found if _far(row, wanted.hop) in seen))
        level = reached
        depth += 1
        if cut is not None:
            break
    nodes = store.get(seen, view)
    return Subgraph(node_rows=list(nodes.values()), edge_rows=list(rows), cut=cut)


def _far(row: EdgeRow, hop: Hop) -> str:
    return row.cause if hop.toward == "causes" else row.effect


def scan(store: Store, where: Filter, page: Page, view: View) -> Slice:
    """Find the nodes of a filter by looking at every node; shortly after the entry of the view, at
    what was written since.
    """
    if view.as_of is not None and (soon := _soon_after(store, where, page, view)) is not None:
        return soon
    found: list[NodeRow] = []
    for row in _rows(store, view, page.after):
        if accepts(where.condition, row):
            if len(found) == page.limit:
                return Slice(tuple(found), found[-1].id)
            found.append(row)
    return Slice(tuple(found))


def _soon_after(store: Store, where: Filter, page: Page, view: View) -> Slice | None:
    """A filter as of an entry that few records were written since: what the filter finds now, but
    for the nodes that later entries speak of, which are looked at as they were.
    """
    if (size := _written_since(store, view)) is None:
        return None
    wanted = Page(limit=page.limit + size + 1, after=page.after)
    now = store.find(where, wanted, NOW)
    # Read after what stands now: an entry that came in between is among them.
    touched = _touched(store, view)
    if touched is None or len(touched) > size:
        return None
    found = [row for row in now.rows if row.id not in touched]
    then = store.get([i for i in touched if page.after is None or i > page.after], view)
    found += [row for row in then.values() if accepts(where.condition, row)]
    found.sort(key=attrgetter("id"))
    rows = tuple(found[: page.limit])
    return Slice(rows, rows[-1].id if len(found) > page.limit else None)


def _written_since(store: Store, view: View) -> int | None:
    """How many identifiers later entries speak of at most; ``None`` where that is too much."""
    total, after = 0, view.as_of or 0
    while headers := store.headers(after, _ENTRIES, NOW):
        # A record speaks of three at most: an edge of its ends and its plan.
        total += sum(3 * (header.added + header.retracted) for header in headers)
        if total > _FEW:
            return None
        after = headers[-1].seq
    return total


def _touched(store: Store, view: View) -> set[str] | None:
    """What later entries speak of; ``None`` where only a newer version can read them."""
    found: set[str] = set()
    try:
        for entry in pages(store, _ENTRIES, view.as_of or 0):
            added, gone = log.split(entry)
            found.update(prepare.ends([*added, *gone]))
    except log.UnknownTerm:
        return None
    return found


def _rows(store: Store, view: View, after: str | None = None) -> Iterator[NodeRow]:
    """Every node of a view, by identifier."""
    while chunk := store.identifiers(after, _CHUNK, view):
        rows = store.get(chunk, view)
        yield from (rows[ident] for ident in chunk if ident in rows)
        after = chunk[-1]


def stats(store: Store, view: View) -> Stats:
    """Count how much there was as of an entry. ``root`` is that of the log today."""
    kinds: Counter[str] = Counter()
    edges: set[EdgeRow] = set()
    for row in _rows(store, view):
        kinds[row.kind] += 1
    after: str | None = None
    while chunk := store.identifiers(after, _CHUNK, view):
        edges.update(store.edges(chunk, Hop(relations=ASSERTED), view))
        after = chunk[-1]
    found = Stats.of(kinds, len(edges), store.head())
    return found if view.as_of is None else replace(found, entries=view.as_of)


def around(store: Store, ident: str, most: int, view: View) -> Around:
    """Read everything that is next to a node, and keep the first of it."""
    edges = {
        row
        for toward in _SIDES
        for row in store.edges([ident], Hop(toward=toward, relations=ASSERTED), view)
    }
    held = store.held([ident], view)
    claims = list(held[ident].said(view.as_of)) if ident in held else []
    return Around(
        edges=nsmallest(most, edges, key=edge_order),
        claims=claims[:most],
        more_edges=max(0, len(edges) - most),
        more_claims=max(0, len(claims) - most),
    )


def run(store: Store, request: PlanRequest, view: View) -> Subgraph:
    """Carry out a plan by one-hop steps."""
    return execute.run(store, Sets(store, view, Clock(request.seconds)), request, view)


def paged(members: Collection[str], request: PlanRequest) -> tuple[list[str], Cut | None]:
    """Cut one page out of a set, by identifier, and count how many are left behind it."""
    left = [ident for ident in members if request.after is None or ident > request.after]
    page = nsmallest(request.limit, left)
    return page, Cut(reason="limit", left=len(left) - len(page)) if len(left) > len(page) else None


class Sets:
    """Sets of identifiers, by the contract's own calls."""

    def __init__(self, store: Store, view: View, clock: Clock) -> None:
        self.store: Store = store
        self.view: View = view
        self.clock: Clock = clock

    def named(self, ids: Collection[str]) -> set[str]:
        """See ``execute.Sets.named``."""
        return set(self.store.get(ids, self.view))

    def every(self) -> set[str]:
        """See ``execute.Sets.every``."""
        return {row.id for row in self._checked(_rows(self.store, self.view))}

    def where(self, condition: Condition) -> set[str]:
        """See ``execute.Sets.where``."""
        rows = self._checked(_rows(self.store, self.view))
        return {row.id for row in rows if accepts(condition, row)}

    def keep(self, keys: set[str], condition: Condition) -> set[str]:
        """See ``execute.Sets.keep``."""
        rows = self._checked(self.store.get(keys, self.view).values())
        return {row.id for row in rows if accepts(condition, row)}

    def reach_and_keep(self, keys: set[str], hop: Hop, condition: Condition) -> set[str]:
        """See ``execute.Sets.reach_and_keep``."""
        return self.keep(self.reach(keys, hop), condition)

    def _checked(self, rows: Iterable[NodeRow]) -> Iterator[NodeRow]:
        for number, row in enumerate(rows):
            if number % _CHUNK == 0:
                self.clock.check()
            yield row

    def reach(
        self, keys: set[str], hop: Hop, depth: int | None = None, within: set[str] | None = None
    ) -> set[str]:
        """See ``execute.Sets.reach``."""
        seen = level = set(keys)
        hops = 0
        while level and (depth is None or hops < depth):
            self.clock.check()
            level = {_far(row, hop) for row in self.store.edges(level, hop, self.view)} - seen
            level = level if within is None else level & within
            seen = seen | level
            hops += 1
        return seen

    def arcs(self, keys: set[str], hop: Hop) -> Iterable[tuple[str, str]]:
        """See ``execute.Sets.arcs``."""
        rows = self.store.edges(self.reach(keys, hop), hop, self.view)
        back = hop.toward == "effects"
        return [(row.cause, row.effect) if back else (row.effect, row.cause) for row in rows]

    def shown(self, members: set[str] | Condition, request: PlanRequest) -> Subgraph:
        """See ``execute.Sets.shown``."""
        chosen = members if isinstance(members, set) else self.where(members)
        page, cut = paged(chosen, request)
        rows = self.store.get(page, self.view)
        found = self.store.edges(page, execute.hop(request.follow, "causes"), self.view)
        edges = [row for row in found if row.cause in chosen]
        return Subgraph(node_rows=[rows[ident] for ident in page], edge_rows=edges, cut=cut)

# SPDX-License-Identifier: Apache-2.0
"""The contract of engines, and the values that travel through it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, Protocol

from lineage.ledger.log import Draft, Entry, Header
from lineage.ledger.merkle import Frontier
from lineage.model.record import Batch, Edge, Node, Record
from lineage.query import condition
from lineage.query.condition import Condition
from lineage.query.plan import Called, EdgeFilter, PlanRequest, Toward
from lineage.store.claims import Around, NodeHistory
from lineage.store.rows import EdgeRow, NodeRow, edge_order
from lineage.store.writes import Receipt, Write, ignored


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a reader sees: the store as of an entry; ``None`` is now. Every read of the graph and of
    entries takes one, so that what else limits a reader can join it here.
    """

    as_of: int | None = None


NOW = View()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop(EdgeFilter):
    """One step along the edges of a filter, toward causes or effects; ``followed`` takes of all
    relations named only those edges that the default walk would take.
    """

    toward: Toward = "causes"
    followed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A set traversal: every node within reach once, with the edges between what was reached.

    ``depth`` counts hops (``None``: as far as it goes); ``limit`` bounds the nodes of the answer,
    ``seconds`` the time it takes: it is cut where that has passed.
    """

    start: frozenset[str]
    toward: Toward = "causes"
    relations: frozenset[str] | None = None
    followed: bool = False
    depth: int | None = None
    limit: int = 1_000_000
    seconds: float | None = None

    @property
    def hop(self) -> Hop:
        """One step of this walk."""
        return Hop(toward=self.toward, relations=self.relations, followed=self.followed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Why an answer is not whole, and how many nodes are known to be beyond the cut."""

    reason: Literal["depth", "limit", "time", "permission"]
    left: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What is within reach: how many of each kind, and their identifiers unless only that was asked."""

    kinds: Mapping[str, int]
    ids: Mapping[str, Sequence[str]] | None = None
    cut: Cut | None = None


@dataclass(frozen=True, kw_only=True)
class Subgraph:
    """What a walk or a plan found, as rows; what was wanted ``beside`` it, and what names meant."""

    node_rows: Sequence[NodeRow]
    edge_rows: Sequence[EdgeRow]
    cut: Cut | None = None
    beside: Subgraph | None = None
    called: Mapping[Called, NodeRow] = field(default_factory=dict)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, by identifier."""
        return tuple(row.node() for row in self.ordered_nodes)

    @cached_property
    def ordered_nodes(self) -> Sequence[NodeRow]:
        """The rows of nodes, by identifier."""
        return sorted(self.node_rows, key=attrgetter("id"))

    @cached_property
    def ordered_edges(self) -> Sequence[EdgeRow]:
        """The rows of edges, in the order of their ends."""
        return sorted(self.edge_rows, key=edge_order)

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """The edges, in the order of their ends."""
        return tuple(row.edge() for row in self.ordered_edges)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Selects nodes for which everything given holds. ``prefix`` is of identifiers; ``text`` occurs
    in the identifier or the label, in either case; ``also`` is any other condition.
    """

    kinds: frozenset[str] | None = None
    label: str | None = None
    prefix: str | None = None
    text: str | None = None
    also: Condition | None = None

    @property
    def condition(self) -> Condition:
        """The filter as one condition."""
        parts: list[Condition | None] = [
            None if self.kinds is None else condition.KindIn(self.kinds),
            None if self.label is None else condition.LabelIs(self.label),
            None if self.prefix is None else condition.IdPrefix(self.prefix),
            None if self.text is None else condition.TextContains(self.text),
            self.also,
        ]
        return condition.AllOf(tuple(part for part in parts if part is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of at most ``limit`` rows, behind the identifier ``after``."""

    limit: int = 100
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of nodes, by identifier; ``after`` goes on behind it, ``None`` at the end."""

    rows: tuple[NodeRow, ...]
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """How much a store holds now. ``root`` is the ledger's root in hex."""

    nodes: int
    edges: int
    entries: int
    root: str
    kinds: Mapping[str, int]

    @classmethod
    def of(cls, kinds: Mapping[str, int], edges: int, head: Frontier) -> Stats:
        """Count nodes of each kind together, at a head of the ledger."""
        return cls(
            nodes=sum(kinds.values()),
            edges=edges,
            entries=head.size,
            root=head.root.hex(),
            kinds=kinds,
        )

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage stats``."""
        return {
            "nodes": self.nodes,
            "edges": self.edges,
            "entries": self.entries,
            "root": self.root,
            "kinds": dict(sorted(self.kinds.items())),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The capabilities of an engine; the contract suite and the server read them.

    ``threads`` is how many reads at once it is faster with than with one; ``readers`` how many
    connections a served store is read with, so that reads need not wait for a commit. ``records`` is
    how many records one transaction holds, where it has to be kept in memory. ``resolves`` says that it
    pays to look names up with the plan that they are in (``plan.Called``).
    """

    name: str
    persistent: bool
    native_walk: bool
    threads: int = 1
    readers: int = 1
    records: int | None = None
    resolves: bool = False


@dataclass(slots=True)
class Moment:
    """Reads that belong to one answer. ``head`` is the ledger's, once they are over, where
    everything was read at that head; ``None`` where somebody may have written in between.
    """

    head: Frontier | None = None


class Store(Protocol):
    """Keeps nodes, edges and the ledger. Every call is bulk; every list is bounded; every read of
    nodes, edges and entries takes a view. Errors are those of ``lineage.errors``.

    An engine may be slow (``reference`` carries out walks and plans by ``edges`` and ``get`` alone),
    but never different: the contract suite runs on all of them.
    """

    caps: Caps

    # --- writing ---

    def write(self, draft: Draft, batch: Batch, retract: Sequence[Record] = ()) -> Receipt:
        """Assert a batch and retract records of the same source, graph and ledger in one
        transaction. What the source asserts already is not asserted again: the same batch twice
        is once, and an entry is made only when something changed. Raises ``StoreTooNew`` where the
        store holds terms that this version does not know.
        """
        ...

    def write_all(
        self, writes: Sequence[Write], progress: Callable[[int], None] = ignored
    ) -> Sequence[Receipt]:
        """Write several entries as ``write`` does, all of them in one transaction: readers see every one
        or none, and where it fails nothing was written. ``progress`` is told how many are done.
        """
        ...

    def rebuild_graph(self, progress: Callable[[int, int], None]) -> Frontier:
        """Empty the graph and draw it anew from the store's own entries; the ledger stays, and is
        returned. ``progress`` is told each entry done, and of how many. Readers see the former graph or
        are refused (``StoreUnfinished``) until it is whole; interrupted, it is to be called again.
        """
        ...

    def replay(self, entry: Entry) -> None:
        """Append an entry as it stands in another ledger, at the same place in the sequence; nothing
        where it is there already.
        """
        ...

    # --- the ledger ---

    def head(self) -> Frontier:
        """The size and peaks of the log, as the store has them."""
        ...

    def headers(self, after: int, limit: int, view: View) -> Sequence[Header]:
        """Read at most ``limit`` entries behind sequence number ``after``, in order, without
        records.
        """
        ...

    def headers_at(self, seqs: Collection[int], view: View) -> Mapping[int, Header]:
        """Read the entries of these sequence numbers, without records."""
        ...

    def bodies(self, seqs: Collection[int]) -> Mapping[int, bytes]:
        """The signed lines of entries. They are proofs as much as reads: whoever hands them on
        looks first at what their reader may see.
        """
        ...

    def leaves(self, after: int, limit: int) -> Sequence[bytes]:
        """Read at most ``limit`` leaf hashes behind sequence number ``after``, in order, for
        proofs.
        """
        ...

    # --- the graph ---

    def moment(self) -> AbstractContextManager[Moment]:
        """Reads inside belong to one answer, and see one state where the engine can hold one."""
        ...

    def get(self, ids: Collection[str], view: View) -> Mapping[str, NodeRow]:
        """Read the nodes of these identifiers that stand in the view."""
        ...

    def find(self, where: Filter, page: Page, view: View) -> Slice:
        """Find nodes that match, by identifier."""
        ...

    def edges(self, ids: Collection[str], hop: Hop, view: View) -> Sequence[EdgeRow]:
        """Read the edges that one hop takes from these nodes."""
        ...

    def around(self, ident: str, most: int, view: View) -> Around:
        """Read what is next to a node and who says so, at most ``most`` edges and as many claims; which of
        more is for the engine to choose, and the same each time.
        """
        ...

    def walk(self, walk: Walk, view: View) -> Subgraph:
        """Walk to everything within reach."""
        ...

    def reach(self, walk: Walk, view: View, *, counts: bool = False) -> Reach:
        """Walk, and say what ``walk`` would find by its identifiers; ``counts``: by numbers alone."""
        ...

    def run(self, request: PlanRequest, view: View) -> Subgraph:
        """Read one page of what a plan selects, by identifier, with the edges among the selected
        whose effect is on the page. Raises ``TimedOut`` where a plan that no part of would be true
        of takes longer than the request allows, and ``Unresolved`` where names are to be looked up before.
        """
        ...

    def identifiers(self, after: str | None, limit: int, view: View) -> Sequence[str]:
        """Read the identifiers there ever were up to the view, in order, behind ``after``."""
        ...

    def held(self, ids: Collection[str], view: View) -> Mapping[str, NodeHistory]:
        """Read everything claimed of these nodes up to the view, also what was retracted before it."""
        ...

    def asserted(self, source: str, view: View) -> Iterator[Record]:
        """Yield what a source asserts in the view."""
        ...

    def stats(self, view: View) -> Stats:
        """Count what there is in the view."""
        ...

    # --- what is kept beside them ---

    def values(self, names: Collection[str]) -> Mapping[str, bytes]:
        """Read the values kept under these names."""
        ...

    def values_under(
        self, prefix: str, after: str | None = None, limit: int = 1_000
    ) -> Sequence[tuple[str, bytes]]:
        """Read at most ``limit`` values whose names begin so, by name, behind the name ``after``."""
        ...

    def keep(
        self,
        changes: Mapping[str, bytes | None],
        expecting: Mapping[str, bytes | None] | None = None,
        act: Draft | None = None,
    ) -> bool:
        """Keep, replace and (``None``) drop values in one transaction, and return whether it was
        done: nothing is where another value is kept than one that is expected (``None``: none). An
        ``act`` is made an entry without records in the same transaction; what it changes has to be
        expected.
        """
        ...

    # --- the engine ---

    def integrity_faults(self) -> Iterable[str]:
        """Find what is damaged below the model (pages, indexes, constraints), in words."""
        ...

    def snapshot(self, path: Path) -> bool:
        """Write the whole store as it stands to a new SQLite file, whole or not at all, where the engine
        can do that by itself: whether it can. Raises ``OSError`` where it cannot be written.
        """
        ...

    def close(self) -> None:
        """Release the file or connection; calling twice is harmless."""
        ...


def standing(since: int, until: int | None, view: View) -> bool:
    """Whether something stands in a view."""
    if view.as_of is None:
        return until is None
    return since <= view.as_of and (until is None or until > view.as_of)

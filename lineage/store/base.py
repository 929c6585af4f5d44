# SPDX-License-Identifier: Apache-2.0
"""The contract of engines, and the values that travel through it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, Protocol

from lineage.ledger.log import Draft, Entry
from lineage.ledger.merkle import Frontier
from lineage.model import terms
from lineage.model.record import Batch, Edge, Node, Record, read_text

#: The layout that this version writes; engines refuse a higher one.
LAYOUT = 1

Toward = Literal["causes", "effects"]


class NodeRow(NamedTuple):
    """A node as engines hand it out: its attributes are still JSON text."""

    id: str
    kind: str
    label: str | None
    attributes: str

    def node(self) -> Node:
        """The node, decoded."""
        return Node(
            id=self.id, kind=self.kind, label=self.label, attributes=read_text(self.attributes)
        )


class EdgeRow(NamedTuple):
    """An edge as engines hand it out: its attributes are still JSON text."""

    relation: str
    effect: str
    cause: str
    attributes: str
    id: str | None
    bundle: str | None

    def edge(self) -> Edge:
        """The edge, decoded."""
        return Edge(
            relation=self.relation,
            effect=self.effect,
            cause=self.cause,
            attributes=read_text(self.attributes),
            id=self.id,
            bundle=self.bundle,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a reader sees: the store as of an entry; ``None`` is now."""

    as_of: int | None = None


NOW = View()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step: toward causes or effects, along the relations named, or along the default ones."""

    toward: Toward = "causes"
    relations: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A set traversal: every node within reach once, with the edges between what was reached.

    ``depth`` counts hops (``None``: as far as it goes); ``limit`` bounds the nodes of the answer.
    """

    start: frozenset[str]
    toward: Toward = "causes"
    relations: frozenset[str] | None = None
    depth: int | None = None
    limit: int = 1_000_000

    @property
    def hop(self) -> Hop:
        """One step of this walk."""
        return Hop(toward=self.toward, relations=self.relations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Why an answer is not whole, and how many nodes are known to be beyond the cut."""

    reason: Literal["depth", "limit", "time", "permission"]
    left: int | None = None


@dataclass(frozen=True, kw_only=True)
class Subgraph:
    """What a walk found, as rows; decoded when asked for."""

    node_rows: Sequence[NodeRow]
    edge_rows: Sequence[EdgeRow]
    cut: Cut | None = None

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, by identifier."""
        return tuple(row.node() for row in sorted(self.node_rows))

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """The edges, in the order of their ends."""
        return tuple(row.edge() for row in sorted(self.edge_rows, key=edge_order))


def edge_order(row: EdgeRow) -> tuple[str, ...]:
    """The one order in which edges are shown."""
    return (row.effect, row.relation, row.cause, row.attributes, row.id or "", row.bundle or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which nodes: all conditions hold. ``prefix`` is of identifiers; ``text`` occurs in the
    identifier or the label, in either case; ``attributes`` are compared by equality."""

    kinds: frozenset[str] | None = None
    label: str | None = None
    prefix: str | None = None
    text: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """At most ``limit`` rows, from behind the identifier ``after``."""

    limit: int = 100
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of nodes, by identifier; ``after`` goes on behind it, ``None`` at the end."""

    rows: tuple[NodeRow, ...]
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a write did: the entry it made (``None``: nothing was new) and how many records were
    added, retracted, or stood there already."""

    seq: int | None
    added: int = 0
    retracted: int = 0
    unchanged: int = 0


class Claim(NamedTuple):
    """One record that a source asserts, or asserted: from its entry ``since`` until ``until``.

    ``parts`` says by the same words in every engine what the graph holds of it, for ``verify``.
    """

    source: str
    record: Record
    since: int
    until: int | None


class Standing(NamedTuple):
    """A node as the graph shows it now, and from when to when it stands."""

    row: NodeRow
    since: int
    until: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """How much a store holds now. ``root`` is the ledger's root in hex."""

    nodes: int
    edges: int
    entries: int
    root: str
    kinds: Mapping[str, int]

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
    """What an engine does natively; the contract suite reads it."""

    name: str
    persistent: bool
    native_walk: bool


class Store(Protocol):
    """Keeps nodes, edges and the ledger. Every call is bulk; every list is bounded; every read
    takes a view. Errors are those of ``lineage.errors``."""

    caps: Caps

    def write(self, draft: Draft, batch: Batch, retract: Sequence[Record] = ()) -> Receipt:
        """Assert a batch and retract records of the same source, graph and ledger in one
        transaction. What the source asserts already is not asserted again: the same batch twice
        is once, and an entry is made only when something changed."""
        ...

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """At most ``limit`` entries behind sequence number ``after``, in order."""
        ...

    def head(self) -> Frontier:
        """The log as the store says it stands."""
        ...

    def get(self, ids: Collection[str], view: View) -> Mapping[str, NodeRow]:
        """The nodes of these identifiers that stand in the view."""
        ...

    def find(self, where: Filter, page: Page, view: View) -> Slice:
        """Nodes that match, by identifier."""
        ...

    def edges(self, ids: Collection[str], hop: Hop, view: View) -> Sequence[EdgeRow]:
        """The edges one hop takes from these nodes."""
        ...

    def walk(self, walk: Walk, view: View) -> Subgraph:
        """Everything within reach."""
        ...

    def evidence(self, ids: Collection[str]) -> Sequence[Claim]:
        """Who says so: all claims about these nodes, and of edges that have them as effect."""
        ...

    def claims(self, source: str | None, after: str | None, limit: int) -> Sequence[Claim]:
        """Claims as the graph holds them: those of one source that stand now, or (``None``) all
        there ever were. A page of whole nodes each with its outgoing edges, behind the identifier
        ``after``: at least one node where there is one, and ``limit`` claims or a few more."""
        ...

    def standings(self, after: str | None, limit: int) -> Sequence[Standing]:
        """The nodes as the graph shows them now, ended ones too, by identifier."""
        ...

    def faults(self) -> Iterable[str]:
        """What is damaged below the model: pages, indexes, constraints, in words."""
        ...

    def setting(self, name: str, default: str | None = None) -> str | None:
        """A setting kept with the store; ``default`` is stored when there is none yet."""
        ...

    def wipe(self) -> None:
        """Empty the graph and the ledger; settings stay. For ``rebuild``, which writes anew."""
        ...

    def replay(self, entry: Entry) -> None:
        """Append an entry as it stands in another ledger, at the same place in the sequence."""
        ...

    def stats(self) -> Stats:
        """How much there is now."""
        ...

    def close(self) -> None:
        """Release the file or connection; calling twice is harmless."""
        ...


def takes(hop: Hop, relation: str, follow: bool) -> bool:
    """Whether a hop takes an edge: the default ones, or those of the relations named."""
    return follow if hop.relations is None else relation in hop.relations


def codes(relations: Iterable[str]) -> list[int]:
    """The stored codes of relations."""
    return sorted(terms.RELATIONS[name].code for name in relations)


def standing(since: int, until: int | None, view: View) -> bool:
    """Whether something stands in a view."""
    if view.as_of is None:
        return until is None
    return since <= view.as_of and (until is None or until > view.as_of)


def pages(store: Store, size: int = 256) -> Iterator[Entry]:
    """All entries of a store, in order, a page at a time."""
    after = 0
    while page := store.entries(after, size):
        yield from page
        after = page[-1].seq


def all_claims(store: Store, source: str | None, size: int = 5_000) -> Iterator[Claim]:
    """All claims, a page at a time."""
    after: str | None = None
    while page := store.claims(source, after, size):
        yield from page
        last = page[-1].record
        after = last.id if isinstance(last, Node) else last.effect

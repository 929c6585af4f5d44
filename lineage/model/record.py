# SPDX-License-Identifier: Apache-2.0
"""What sources assert: nodes, edges and the batches they come in, with their canonical form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias
from typing import Literal as OneOf

import orjson

from lineage import ids
from lineage.model import dictionary, terms
from lineage.model.value import Attributes, Ref, from_json, plain, refs, wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What one source says of an entity, activity or agent."""

    id: str
    kind: str
    label: str | None = None
    attributes: Attributes = field(default_factory=dict)
    bundle: str | None = None

    @property
    def title(self) -> str:
        """The label, or what is readable of the identifier."""
        return ids.title(self.id, self.label)

    def to_dict(self) -> dict[str, Any]:
        """The node in the one JSON shape of answers (docs/reference/answers.md)."""
        return {
            "id": self.id,
            "kind": self.kind,
            "label": self.title,
            "attributes": plain(self.attributes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What one source says of how an effect depends on a cause."""

    relation: str
    effect: str
    cause: str
    attributes: Attributes = field(default_factory=dict)
    id: str | None = None
    bundle: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The edge in the one JSON shape of answers."""
        shown: dict[str, Any] = {
            "type": self.relation,
            "effect": self.effect,
            "cause": self.cause,
            "attributes": plain(self.attributes),
        }
        if self.id:
            shown["id"] = self.id
        if self.bundle:
            shown["bundle"] = self.bundle
        return shown


Record: TypeAlias = Node | Edge


class Loss(NamedTuple):
    """Something of a source that did not become a record: what, how many, and why."""

    what: str
    number: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The nodes and edges that one source asserts at one time.

    ``nodes`` and ``edges`` may hold several statements of one thing. ``prefixes`` (and, per
    bundle, ``bundles``) are the short forms a document used; ``seen`` counts what the source
    holds and ``losses`` what of it is not here. ``partial`` marks a batch out of a source that
    was read in part only, so that nothing is retracted because of it. ``source`` is what the tool
    itself calls the store that these are out of, wherever that lies; ``None``: its place says it.

    How a document of RDF was written, so that it is written so again (nothing of it is asserted):
    ``base`` stands for its own address where it named things relative to it, ``bare`` holds the
    lines of relations whose cause is in the unqualified form alone.
    """

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    prefixes: Mapping[str, str] = field(default_factory=dict)
    bundles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()
    partial: bool = False
    source: str | None = None
    base: str | None = None
    bare: frozenset[bytes] = frozenset()

    @property
    def records(self) -> Iterator[Record]:
        """All records: nodes, then edges."""
        yield from self.nodes
        yield from self.edges

    @property
    def things(self) -> int:
        """How many nodes are described, each by one statement or several."""
        return len({node.id for node in self.nodes})

    @property
    def relations(self) -> int:
        """How many edges there are, each told once."""
        return len({(e.relation, e.effect, e.cause, variant(e)) for e in self.edges})

    def __len__(self) -> int:
        return len(self.nodes) + len(self.edges)


def names_in(batch: Batch) -> set[str]:
    """Collect the identifiers of a batch's records and of the bundles that they are in."""
    found: set[str | None] = {node.id for node in batch.nodes}
    found.update([node.bundle for node in batch.nodes])
    for attribute in ("effect", "cause", "id", "bundle"):
        found.update(map(attrgetter(attribute), batch.edges))
    found.discard(None)
    return found  # type: ignore[return-value]


Sign = OneOf["+", "-"]


def line(record: Record) -> bytes:
    """The canonical JSON (RFC 8785) of one record: the leaf that an entry's digest is taken over.

    Put together key by key in sorted order: building an object to serialise costs twice as much,
    and this runs for every record there is.

    >>> line(Edge(relation="used", effect="urn:r", cause="urn:d"))
    b'{"edge":{"cause":"urn:d","effect":"urn:r","type":"used"}}'
    """
    attributes = record.attributes
    shown = _shown(attributes) if attributes else b""
    if record.bundle is not None:
        shown += b'"bundle":%b,' % _quoted(record.bundle)
    if isinstance(record, Node):
        label = b"" if record.label is None else b',"label":' + _quoted(record.label)
        ident, kind = _quoted(record.id), _quoted(record.kind)
        return b'{"node":{%b"id":%b,"kind":%b%b}}' % (shown, ident, kind, label)
    ident = b"" if record.id is None else b',"id":' + _quoted(record.id)
    cause, effect, type_ = _quoted(record.cause), _quoted(record.effect), _quoted(record.relation)
    return b'{"edge":{%b"cause":%b,"effect":%b%b,"type":%b}}' % (shown, cause, effect, ident, type_)


_quoted = orjson.dumps


def _shown(attributes: Attributes) -> bytes:
    if len(attributes) == 1:
        ((key, value),) = attributes.items()
        if type(value) is str:
            return _single(key, value)
    return b'"attributes":%b,' % ids.canonical(wire(attributes))


@lru_cache(maxsize=4096)
def _single(key: str, value: str) -> bytes:
    """One attribute of text, mostly the role of an edge: few different ones, on most edges."""
    return b'"attributes":%b,' % ids.canonical({key: value})


def named(record: Record) -> Iterator[str]:
    """Yield every identifier in a record: of nodes, relations, bundles, and in values."""
    if isinstance(record, Node):
        yield record.id
    else:
        yield from (record.effect, record.cause)
        if record.id is not None:
            yield record.id
    if record.bundle is not None:
        yield record.bundle
    for value in record.attributes.values():
        yield from refs(value)
        yield from dictionary.entities(value)


def from_wire(value: Mapping[str, Any]) -> Record:
    """Read a record out of its JSON object. Raises ``KeyError`` where it is no record."""
    if "node" in value:
        shown = value["node"]
        return Node(
            id=shown["id"],
            kind=shown["kind"],
            label=shown.get("label"),
            attributes=from_json(shown.get("attributes", {})),
            bundle=shown.get("bundle"),
        )
    shown = value["edge"]
    return Edge(
        relation=shown["type"],
        effect=shown["effect"],
        cause=shown["cause"],
        attributes=from_json(shown.get("attributes", {})),
        id=shown.get("id"),
        bundle=shown.get("bundle"),
    )


def variant(edge: Edge) -> int:
    """What tells edges of one relation between the same two ends apart: 0 for the plain one.

    Sixty-three bits of the digest of id, bundle and attributes.
    """
    if not edge.attributes and edge.id is None and edge.bundle is None:
        return 0
    shown = _quoted([edge.id, edge.bundle]) + ids.canonical(wire(edge.attributes))
    return int.from_bytes(sha256(shown).digest()[:8], "big") >> 1 or 1


def implied_variant(number: int, cause: str) -> int:
    """What tells edges apart that others imply, of which these are the variant and the cause: two
    agents who follow one plan are two reasons for one way to the plan, and each may end by itself.
    """
    return int.from_bytes(sha256(f"{number} {cause}".encode()).digest()[:8], "big") >> 1 or 1


def arcs(edge: Edge) -> Iterator[Edge]:
    """Yield the edge, and those it implies: an association with a plan leads to the plan too."""
    yield edge
    implied = terms.IMPLIES.get(edge.relation)
    if implied is not None:
        plan = edge.attributes.get(implied[0])
        if isinstance(plan, Ref):
            yield Edge(
                relation=implied[1].name, effect=edge.effect, cause=plan.iri, bundle=edge.bundle
            )

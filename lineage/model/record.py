# SPDX-License-Identifier: Apache-2.0
"""What sources assert: nodes, edges and the batches they come in, with their canonical form."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias
from typing import Literal as OneOf

import orjson

from lineage import ids
from lineage.model import terms


@dataclass(frozen=True, slots=True)
class Literal:
    """A value with a datatype or a language, kept by its text (PROV-DM section 5.7.3).

    ``datatype`` is an IRI in compact form (``xsd:decimal``); ``language`` a BCP 47 tag.
    """

    value: str
    datatype: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Ref:
    """An attribute value that names a thing: a qualified name in PROV, an IRI in RDF."""

    iri: str


Scalar: TypeAlias = str | int | float | bool | Literal | Ref
#: One value, or several of one key; a tuple is a set written in canonical order.
Value: TypeAlias = Scalar | tuple[Scalar, ...]
Attributes: TypeAlias = Mapping[str, Value]

_SAFE_INTEGER = 2**53


def clean(values: Mapping[str, Any]) -> dict[str, Value]:
    """Python values as attributes: ``None`` left out, times as text, lists as sets.

    >>> clean({"a": None, "b": [2, 1, 2], "c": date(2026, 1, 2)})
    {'b': (1, 2), 'c': '2026-01-02'}
    """
    return {
        key: value
        for key, raw in values.items()
        if raw is not None and (value := clean_value(raw)) != ()
    }


def clean_value(raw: Any) -> Value:
    """One Python value as an attribute value. Raises ``TypeError`` for what PROV cannot hold."""
    if isinstance(raw, list | tuple | set | frozenset):
        return several(clean_scalar(item) for item in raw if item is not None)
    return clean_scalar(raw)


def clean_scalar(raw: Any) -> Scalar:
    """One Python scalar as an attribute scalar."""
    if isinstance(raw, datetime):
        return (
            raw.astimezone(UTC).isoformat().replace("+00:00", "Z")
            if raw.tzinfo
            else raw.isoformat()
        )
    if isinstance(raw, date):
        return raw.isoformat()
    if isinstance(raw, str | int | float | bool | Literal | Ref):
        return raw
    raise TypeError(f"{type(raw).__name__} is not an attribute value")


def several(values: Iterable[Scalar]) -> Value:
    """Several values of one key as one attribute value, in canonical order and without repeats."""
    unique = {ids.canonical(_wire_scalar(value)): value for value in values}
    ordered = tuple(unique[text] for text in sorted(unique))
    return ordered[0] if len(ordered) == 1 else ordered


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
        return self.label or ids.short(self.id)

    def to_dict(self) -> dict[str, Any]:
        """The node in the one JSON shape of answers (docs/answers.md)."""
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
    was read in part only, so that nothing is retracted because of it.
    """

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    prefixes: Mapping[str, str] = field(default_factory=dict)
    bundles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()
    partial: bool = False

    @property
    def records(self) -> Iterator[Record]:
        """Nodes, then edges."""
        yield from self.nodes
        yield from self.edges

    def __len__(self) -> int:
        return len(self.nodes) + len(self.edges)


# --- values to JSON and back ---------------------------------------------------------------------


def _wire_scalar(value: Scalar) -> Any:
    """A scalar in the canonical form that digests are taken over: no floats, no large integers."""
    kind = type(value)
    if kind is str or kind is bool:
        return value
    if kind is int:
        if -_SAFE_INTEGER < value < _SAFE_INTEGER:  # type: ignore[operator]
            return value
        return {"$": str(value), "type": "xsd:integer"}
    if isinstance(value, float):
        return {"$": _float_text(value), "type": "xsd:double"}
    if isinstance(value, Ref):
        return {"$": value.iri, "type": "prov:QUALIFIED_NAME"}
    if isinstance(value, Literal):
        shown = {"$": value.value}
        if value.datatype:
            shown["type"] = value.datatype
        if value.language:
            shown["lang"] = value.language
        return shown
    raise TypeError(f"{type(value).__name__} is not an attribute value")


def _float_text(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else ("INF" if value > 0 else "-INF")


def _plain_scalar(value: Scalar) -> Any:
    """A scalar as people read it in JSON: finite floats are numbers, however they were given."""
    if type(value) is int:
        return _wire_scalar(value)
    shown = _wire_scalar(value)
    back = _scalar(shown)
    return back if isinstance(back, float) and math.isfinite(back) else shown


_NATIVE = frozenset({str, bool})


def _simple(attributes: Attributes) -> bool:
    """Whether all values are JSON as they stand: the common case, which is not copied."""
    for value in attributes.values():
        kind = type(value)
        if kind is not str and kind is not bool:
            if kind is int and -_SAFE_INTEGER < value < _SAFE_INTEGER:  # type: ignore[operator]
                continue
            return False
    return True


def wire(attributes: Attributes) -> Mapping[str, Any]:
    """Attributes in canonical form."""
    if _simple(attributes):
        return attributes
    return {
        key: value if type(value) in _NATIVE else _each(value, _wire_scalar)
        for key, value in attributes.items()
    }


def plain(attributes: Attributes) -> Mapping[str, Any]:
    """Attributes as answers show them."""
    if _simple(attributes):
        return attributes
    return {
        key: value if type(value) in _NATIVE else _each(value, _plain_scalar)
        for key, value in attributes.items()
    }


def _each(value: Value, shown: Callable[[Scalar], Any]) -> Any:
    if type(value) is tuple:
        value = several(value)
    return [shown(item) for item in value] if type(value) is tuple else shown(value)  # type: ignore[arg-type]


def from_json(attributes: Mapping[str, Any]) -> dict[str, Value]:
    """Attributes back out of either JSON form."""
    return {
        key: value
        if type(value) in _NATIVE
        else (tuple(_scalar(item) for item in value) if isinstance(value, list) else _scalar(value))
        for key, value in attributes.items()
    }


def _scalar(value: Any) -> Scalar:
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]
    text, kind, language = value["$"], value.get("type"), value.get("lang")
    if language is None:
        if kind == "prov:QUALIFIED_NAME":
            return Ref(text)
        if kind == "xsd:double":
            return _double(text)
        if kind == "xsd:integer" and _is_large(text):
            return int(text)
    return Literal(text, kind, language)


_ODD_DOUBLES = {"NaN": math.nan, "INF": math.inf, "-INF": -math.inf}


def _double(text: str) -> Scalar:
    """A float where its own text comes back, else the literal as it was written."""
    if text in _ODD_DOUBLES:
        return _ODD_DOUBLES[text]
    try:
        value = float(text)
    except ValueError:
        return Literal(text, "xsd:double")
    return value if repr(value) == text else Literal(text, "xsd:double")


def _is_large(text: str) -> bool:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 400:
        return False
    return str(int(text)) == text and abs(int(text)) >= _SAFE_INTEGER


# --- records to canonical lines and back ---------------------------------------------------------

Sign = OneOf["+", "-"]


def line(record: Record) -> bytes:
    """The canonical JSON (RFC 8785) of one record: the leaf that an entry's digest is taken over.

    Put together key by key in sorted order: building an object to serialise costs twice as much,
    and this runs for every record there is.

    >>> line(Edge(relation="used", effect="urn:r", cause="urn:d"))
    b'{"edge":{"cause":"urn:d","effect":"urn:r","type":"used"}}'
    """
    attributes = record.attributes
    shown = b'"attributes":' + _canonical(attributes) + b"," if attributes else b""
    if record.bundle is not None:
        shown += b'"bundle":' + _quoted(record.bundle) + b","
    if isinstance(record, Node):
        label = b"" if record.label is None else b',"label":' + _quoted(record.label)
        ident, kind = _quoted(record.id), _quoted(record.kind)
        return b'{"node":{' + shown + b'"id":' + ident + b',"kind":' + kind + label + b"}}"
    shown += b'"cause":' + _quoted(record.cause) + b',"effect":' + _quoted(record.effect)
    if record.id is not None:
        shown += b',"id":' + _quoted(record.id)
    return b'{"edge":{' + shown + b',"type":' + _quoted(record.relation) + b"}}"


_quoted = orjson.dumps


def _canonical(attributes: Attributes) -> bytes:
    if len(attributes) == 1:
        ((key, value),) = attributes.items()
        if type(value) is str:
            return _single(key, value)
    return ids.canonical(wire(attributes))


@lru_cache(maxsize=4096)
def _single(key: str, value: str) -> bytes:
    """One attribute of text, mostly the role of an edge: few different ones, on most edges."""
    return ids.canonical({key: value})


def from_wire(value: Mapping[str, Any]) -> Record:
    """A record back out of its JSON object. Raises ``KeyError`` for what is none."""
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


def text(attributes: Attributes) -> str:
    """Attributes as the JSON text that engines keep and answers show.

    Keys are sorted, so that the same attributes are the same text in every engine.
    """
    return (
        orjson.dumps(plain(attributes), option=orjson.OPT_SORT_KEYS).decode()
        if attributes
        else "{}"
    )


def read_text(attributes: str) -> dict[str, Value]:
    """Attributes back out of the text that engines keep."""
    return from_json(orjson.loads(attributes)) if attributes != "{}" else {}


def variant(edge: Edge) -> int:
    """What tells edges of one relation between the same two ends apart: 0 for the plain one.

    Sixty-three bits of the digest of id, bundle and attributes.
    """
    if not edge.attributes and edge.id is None and edge.bundle is None:
        return 0
    shown = _quoted([edge.id, edge.bundle]) + ids.canonical(wire(edge.attributes))
    return int.from_bytes(sha256(shown).digest()[:8], "big") >> 1 or 1


def arcs(edge: Edge) -> Iterator[Edge]:
    """The edge, and those it implies: an association with a plan leads to the plan too."""
    yield edge
    implied = terms.IMPLIES.get(edge.relation)
    if implied is not None:
        plan = edge.attributes.get(implied[0])
        if isinstance(plan, Ref):
            yield Edge(
                relation=implied[1].name, effect=edge.effect, cause=plan.iri, bundle=edge.bundle
            )

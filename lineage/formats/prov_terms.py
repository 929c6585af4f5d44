# SPDX-License-Identifier: Apache-2.0
"""Translates records into PROV-DM's elements and relations, which every PROV syntax writes, and
back.

A record says ``kind="Run"``, ``label="train"``, ``started=...``; PROV says ``prov:type``, ``prov:label``,
``prov:startTime``. Every format reads and writes through the functions here, so that a document is
the same batch whatever syntax it came in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from math import isfinite, isnan
from operator import attrgetter
from typing import NamedTuple

from lineage import ids
from lineage.formats import agent_types, unnamed
from lineage.model import dictionary, kinds, namespaces, terms
from lineage.model.record import Batch, Edge, Node, Record, line
from lineage.model.terms import Family, Relation
from lineage.model.value import (
    Literal,
    Ref,
    Scalar,
    Value,
    each,
    several,
    unwired,
)

#: Goes before an attribute key that is also the name of something else where it stands.
ALSO = "urn:lineage:attribute:"
_HELD: Mapping[str, type] = {"time": str, "ref": Ref}
#: PROV's words for elements -> their family.
ELEMENTS: Mapping[str, Family] = {"entity": "Entity", "activity": "Activity", "agent": "Agent"}
#: PROV's times of an activity -> the attributes they are here.
TIMES = {"prov:startTime": "started", "prov:endTime": "ended"}
TYPE, LABEL = "prov:type", "prov:label"

_UNKNOWN = ids.UNKNOWN
_TIMES_BACK = {short: key for key, short in TIMES.items()}


class Parts(NamedTuple):
    """A relation as PROV-DM has it: its ends (``None`` where left out), arguments, attributes."""

    relation: Relation
    effect: str | None
    cause: str | None
    arguments: Mapping[str, Value]
    attributes: Mapping[str, Value]


def node(word: str, ident: str, attributes: dict[str, Value], bundle: str | None = None) -> Node:
    """Make the record of an element. ``attributes`` are PROV's, by compact key, and are taken over:
    ``prov:label``, ``prov:startTime`` and a ``prov:type`` that is one of our kinds are moved.
    """
    label = attributes.get(LABEL)
    if type(label) is str:
        del attributes[LABEL]
    else:
        label = None
    family = ELEMENTS[word]
    if family == "Activity":
        for key, short in TIMES.items():
            if key in attributes:
                attributes[short] = attributes.pop(key)
    kind = _take_kind(attributes, family) if TYPE in attributes else family
    return Node(id=ident, kind=kind, label=label, attributes=attributes, bundle=bundle)


def edge(
    relation: Relation,
    ends: tuple[str | None, str | None],
    attributes: dict[str, Value],
    ident: str | None = None,
    bundle: str | None = None,
) -> Edge:
    """Make the record of a relation from its effect to its cause. ``attributes`` hold PROV's
    optional arguments too. An end that PROV-DM leaves out is something unnamed that must exist
    (section 5; ``lineage.formats.unnamed``). Raises ``BadInput``
    for what only looks like a set of PROV-Dictionary.
    """
    if TYPE in attributes:
        relation = _take_subtype(attributes, relation)
    if not RARE.isdisjoint(attributes):
        _told_apart(relation, attributes, where=f"{relation.name} of {ends[0]}")
    effect, cause = ends
    if effect is None or cause is None:
        effect, cause = unnamed.ends(relation.name, ends, attributes, ident, bundle)
    return Edge(
        relation=relation.name,
        effect=effect,
        cause=cause,
        attributes=attributes,
        id=ident,
        bundle=bundle,
    )


def _told_apart(relation: Relation, attributes: dict[str, Value], where: str) -> None:
    """Attributes that are called like a place of the relation get their own names back; what is in
    the place of a set of PROV-Dictionary is one.
    """
    for key in [key for key in attributes if key in _ALSO_KEYS]:
        put(attributes, key.removeprefix(ALSO), attributes.pop(key))
    for key in dictionary.ARGUMENTS.get(relation.name, ()):
        if dictionary.holds(value := attributes.get(key, ())):
            dictionary.members(value, where=where)


def put(attributes: dict[str, Value], key: str, value: Value) -> None:
    """Add a value to a key, which has several where it was spelled in two ways."""
    before = attributes.get(key)
    attributes[key] = value if before is None else several((*each(before), *each(value)))


_ALSO_KEYS = frozenset(
    ALSO + key
    for relation in terms.TABLE
    for key in (
        relation.effect_key,
        relation.cause_key,
        *(argument.key for argument in relation.arguments),
    )
)
#: Keys that few relations have, and that need a look.
RARE = _ALSO_KEYS | dictionary.KEYS


def word(record: Node) -> str:
    """PROV's word for what a node is: entity, activity or agent."""
    return kinds.family(record.kind).lower()


def marks(record: Node) -> tuple[Ref, ...]:
    """The types that say of what kind a node is, beside its own."""
    return agent_types.marks(record.kind, each(record.attributes.get(TYPE, ())))


def described(record: Node) -> dict[str, Value]:
    """A node's attributes in PROV's words, its kind and label among them."""
    attributes = dict(record.attributes)
    if kinds.family(record.kind) == "Activity":
        for short, key in _TIMES_BACK.items():
            if short in attributes and _fits("time", attributes[short]):
                attributes[key] = attributes.pop(short)
    if marked := marks(record):
        attributes[TYPE] = several((*marked, *each(attributes.get(TYPE, ()))))
    if record.label is not None:
        # The label comes first: what reads it back takes a single text for the label.
        others = attributes.get(LABEL, ())
        attributes[LABEL] = (record.label, *each(others)) if others != () else record.label
    return attributes


def parts(record: Edge) -> Parts | None:
    """Take an edge apart in PROV's words; ``None`` where another statement implies it. What it
    gives is not to be changed: where nothing had to be, it is the record's own.
    """
    row = _ROWS.get(record.relation)
    if row is None:
        return None
    relation, places, kind = row
    attributes: Mapping[str, Value] = record.attributes
    arguments: dict[str, Value] = {}
    if not places.keys().isdisjoint(attributes):
        others: dict[str, Value] = {}
        for key, value in attributes.items():
            place = places.get(key)
            if place is None:
                others[key] = value
            elif type(value) is place[1] or _fits(place[0], value):
                arguments[key] = value
            else:
                others[ALSO + key] = value
        attributes = others
    if kind is not None:
        attributes = {**attributes, TYPE: _with(attributes.get(TYPE, ()), kind)}
    effect, cause = record.effect, record.cause
    if effect.startswith(_UNKNOWN) or cause.startswith(_UNKNOWN):
        attributes = {**attributes, **unnamed.said(record)}
    return Parts(
        relation,
        None if effect.startswith(_UNKNOWN) else effect,
        None if cause.startswith(_UNKNOWN) else cause,
        arguments,
        attributes,
    )


def crowded_places(edges: Iterable[Edge]) -> int:
    """How many places of relations hold several values, where PROV has one."""
    return sum(
        type(value) is tuple and key in _ROWS[edge.relation][1]
        for edge in edges
        if edge.attributes and edge.relation in _ROWS
        for key, value in edge.attributes.items()
    )


def bundled(batch: Batch) -> dict[str | None, list[Record]]:
    """Group the records by document (``None``, always there) and bundle, empty bundles too."""
    inside: dict[str | None, list[Record]] = {None: []}
    for bundle in sorted(batch.bundles):
        inside.setdefault(bundle, [])
    for record in batch.records:
        inside.setdefault(record.bundle, []).append(record)
    return {bundle: inside[bundle] for bundle in sorted(inside, key=lambda name: name or "")}


def ordered(records: Iterable[Record]) -> list[Record]:
    """Sort records into the one order that documents are written in: elements by identifier,
    relations by their ends, statements of the same by their canonical line. It depends on nothing
    else.
    """
    nodes: list[Record] = []
    edges: list[Record] = []
    for record in records:
        (nodes if isinstance(record, Node) else edges).append(record)
    return [*_sorted(nodes, attrgetter("id")), *_sorted(edges, attrgetter(*_PLACE))]


_PLACE = ("effect", "relation", "cause")


def _sorted(records: list[Record], place: Callable[[Record], object]) -> list[Record]:
    records.sort(key=place)  # type: ignore[arg-type]
    at, end = 0, len(records)
    while at < end - 1:
        last, here = at + 1, place(records[at])
        while last < end and place(records[last]) == here:
            last += 1
        if last > at + 1:
            records[at:last] = sorted(records[at:last], key=line)
        at = last
    return records


def signature(relation: Relation) -> tuple[str, ...]:
    """The keys of a relation's places in PROV-N and PROV-XML: both ends, what it names, its time."""
    times = tuple(a.key for a in relation.arguments if a.holds == "time")
    others = tuple(a.key for a in relation.arguments if a.holds != "time")
    return (relation.effect_key, relation.cause_key, *others, *times)


def base_iri(base_type: str) -> str:
    """The full IRI of the type that makes a relation a sub-property."""
    if base_type.startswith("lineage:"):
        return namespaces.LINEAGE + base_type.removeprefix("lineage:")
    return namespaces.expand(base_type)


def typed(text: str, datatype: str | None) -> Scalar:
    """A value by its text and datatype: of the types that PROV-JSON's own numbers and truths stand
    for (its section 2.4), in the form they are written in, it is the number or truth itself.

    >>> typed("3", "xsd:int"), typed("03", "xsd:int")
    (3, Literal(value='03', datatype='xsd:int', language=None))
    """
    read = _NATIVE.get(datatype or "")
    found = None if read is None else read(text)
    return Literal(text, datatype) if found is None else found


def _whole(low: int, high: int, but: range) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        if _WHOLE.fullmatch(text) and low <= (value := int(text)) < high and value not in but:
            return value
        return None

    return read


def _double(text: str) -> float | None:
    value = unwired({"$": text, "type": "xsd:double"})
    return value if isinstance(value, float) else None


_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,399}")
_INT, _HUGE = 2**31, 10**400
#: From here on our canonical JSON calls an integer ``xsd:integer`` (``lineage.model.value``), for a number
#: of JSON need not hold it exactly: of one that a source calls ``xsd:long`` the text is kept.
_SAFE = 2**53
_NATIVE: Mapping[str, Callable[[str], Scalar | None]] = {
    "xsd:string": lambda text: text,
    "xsd:boolean": {"true": True, "false": False}.get,
    "xsd:double": _double,
    "xsd:int": _whole(-_INT, _INT, range(0)),
    "xsd:long": _whole(1 - _SAFE, _SAFE, range(-_INT, _INT)),
    "xsd:integer": _whole(-_HUGE, _HUGE, range(1 - _SAFE, _SAFE)),
}


def integer(value: int) -> str:
    """The datatype that ``typed`` reads this number back from."""
    if -_INT <= value < _INT:
        return "xsd:int"
    return "xsd:long" if -_SAFE < value < _SAFE else "xsd:integer"


def lexical(value: float | bool) -> tuple[str, str]:
    """The text and datatype of a number or truth, as ``typed`` reads them back."""
    if isinstance(value, bool):
        return ("true" if value else "false"), "xsd:boolean"
    if isinstance(value, int):
        return str(value), integer(value)
    if isfinite(value):
        return repr(value), "xsd:double"
    return ("NaN" if isnan(value) else "INF" if value > 0 else "-INF"), "xsd:double"


def datatype(iri: str) -> str:
    """A datatype as literals hold it: compact, our own with their prefix."""
    short = namespaces.compact(iri)
    return "lineage:" + short if ":" not in short else short


#: Relation -> the one of PROV-DM, its places with what they hold, the type of a sub-property.
_ROWS: Mapping[str, tuple[Relation, Mapping[str, tuple[str, type | None]], Ref | None]] = {
    relation.name: (
        _base := terms.RELATIONS[relation.base or relation.name],
        {
            _base.effect_key: ("end", None),
            _base.cause_key: ("end", None),
            **{a.key: (a.holds, _HELD.get(a.holds)) for a in relation.arguments},
        },
        Ref(base_iri(relation.base_type)) if relation.base_type else None,
    )
    for relation in terms.TABLE
    if not relation.implied_by
}


#: Relation -> PROV's word for it; what another statement implies has none.
WRITTEN: Mapping[str, str] = {name: row[0].name for name, row in _ROWS.items()}


def _fits(holds: str, value: Value) -> bool:
    """Whether a place of a relation can hold a value: no end is an attribute, a time is text."""
    if holds == "set":
        return dictionary.holds(value)
    if holds in _HELD:
        return all(isinstance(item, _HELD[holds]) for item in each(value))
    return holds != "end"


def _with(values: Value | tuple[()], one: Scalar) -> Value:
    return several((one, *each(values)))


def _take_kind(attributes: dict[str, Value], family: Family) -> str:
    """The kind that a ``prov:type`` names, those of ours taken out of the attributes; else the family."""
    types = each(attributes[TYPE])
    stated = agent_types.said(types) if family == "Agent" else []
    for item in types:
        if isinstance(item, Ref) and item.iri.startswith(namespaces.LINEAGE):
            kind = item.iri.removeprefix(namespaces.LINEAGE)
            if kind in kinds.KINDS and kind not in kinds.PLAIN and kinds.family(kind) == family:
                _without(attributes, item)
                if stated == [kind]:
                    _without(attributes, Ref(namespaces.PROV + kind))
                return kind
    if stated and agent_types.PLAIN in types:
        _without(attributes, agent_types.PLAIN)
        return family
    return stated[0] if stated else family


def _take_subtype(attributes: dict[str, Value], relation: Relation) -> Relation:
    """A derivation whose type makes it a revision, quotation, ... is that sub-property."""
    for item in each(attributes[TYPE]):
        if not isinstance(item, Ref):
            continue
        found = terms.BY_BASE_TYPE.get((relation.name, datatype(item.iri)))
        if found is not None:
            _without(attributes, item)
            return found
    return relation


def _without(attributes: dict[str, Value], item: Scalar) -> None:
    left = tuple(value for value in each(attributes[TYPE]) if value != item)
    if left:
        attributes[TYPE] = left[0] if len(left) == 1 else left
    else:
        del attributes[TYPE]

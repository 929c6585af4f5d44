# SPDX-License-Identifier: Apache-2.0
"""What the places of one statement hold: one value each (constraint 23), and in that of a time an
``xsd:dateTime`` (PROV-DM section 5.7.3).

Syntaxes of RDF and JSON can say several times, or several activities, of one generation.
"""

from __future__ import annotations

from lineage.model import terms
from lineage.model.constraints import times
from lineage.model.constraints.findings import Findings
from lineage.model.constraints.scope import ACTIVITIES, Scope
from lineage.model.constraints.unique import SLOTS
from lineage.model.record import Edge, Node
from lineage.model.value import Literal, Ref, Scalar, Value, each

_TIME = "prov:time"
_DATE_TIMES = frozenset({None, "xsd:dateTime", "xsd:dateTimeStamp"})


def inspect(scope: Scope, findings: Findings) -> None:
    """Look at each statement by itself."""
    for node in scope.nodes:
        if node.kind in ACTIVITIES and node.attributes:
            for key in ("started", "ended"):
                if key in node.attributes:
                    _times(node, node.id, key, node.attributes[key], findings)
    for relation, slots in SLOTS.items():
        timed = any(a.key == _TIME for a in terms.RELATIONS[relation].arguments)
        for edge in scope.of(relation):
            if not edge.attributes:
                continue
            if timed and _TIME in edge.attributes:
                _times(edge, edge.id or edge.effect, "time", edge.attributes[_TIME], findings)
            for key in slots:
                if type(edge.attributes.get(key)) is tuple:
                    _one(edge, key, each(edge.attributes[key]), findings)


def _times(record: Node | Edge, subject: str, name: str, value: Value, findings: Findings) -> None:
    for item in (value,) if type(value) is str else each(value):
        if not _is_time(item):
            text = repr(_text(item))
            message = (
                f"{findings.names.short(subject)} has {text} for {name}, which is no xsd:dateTime"
            )
            findings.doubt("prov-time", None, subject, message, (record,))


def _is_time(item: Scalar) -> bool:
    if isinstance(item, Literal):
        return item.datatype in _DATE_TIMES and item.language is None and times.stated(item.value)
    return isinstance(item, str) and times.stated(item)


def _text(item: Scalar) -> str:
    text = item.iri if isinstance(item, Ref) else getattr(item, "value", item)
    return str(text)[:60]


def _one(edge: Edge, key: str, values: tuple[Scalar, ...], findings: Findings) -> None:
    """Constraint 23: a place has one value, where a time may be written in several ways."""
    short = findings.names.short
    first = values[0]
    for value in values[1:]:
        if key == _TIME and times.same(_text(first), _text(value)):
            continue
        name = short(edge.id) if edge.id else f"one {edge.relation} of {short(edge.effect)}"
        shown = [short(v.iri) if isinstance(v, Ref) else _text(v) for v in (first, value)]
        message = f"{name} has two values of {key.removeprefix('prov:')}: {shown[0]} and {shown[1]}"
        findings.error(23, edge.id or edge.effect, message, (edge,))
        return

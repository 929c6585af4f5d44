# SPDX-License-Identifier: Apache-2.0
"""What a relation leaves out is something unnamed that must exist (PROV-DM section 5), and which thing
that is comes back from every format.

Reading makes one of the statement. Where it is another (one agent of several statements, one that an
importer made of a run, one of a statement that stood in a bundle), the statement says so.
"""

from __future__ import annotations

from lineage import ids
from lineage.model.record import Edge
from lineage.model.value import Attributes, Ref, Value, wire

#: Which thing the effect of a statement is, and its cause, where they are left out.
_KEYS = ("unnamedEffect", "unnamedCause")
Ends = tuple[str | None, str | None]


def ends(
    relation: str, named: Ends, attributes: dict[str, Value], ident: str | None, bundle: str | None
) -> tuple[str, str]:
    """Effect and cause of a statement that leaves out one of them; what says which thing that is,
    is taken out of the attributes.
    """
    stated = [
        _taken(attributes, key) if end is None else end
        for key, end in zip(_KEYS, named, strict=True)
    ]
    made = _made(relation, named, attributes, ident, bundle)
    return stated[0] or made[0], stated[1] or made[1]


def said(record: Edge) -> dict[str, Value]:
    """The attributes that say which unnamed things the ends of a relation are; none where reading
    makes the same of the statement.
    """
    effect, cause = record.effect, record.cause
    named = (
        None if ids.is_unknown(effect) else effect,
        None if ids.is_unknown(cause) else cause,
    )
    if None not in named:
        return {}
    made = _made(record.relation, named, record.attributes, record.id, record.bundle)
    return {
        key: Ref(end)
        for key, end, name, other in zip(_KEYS, (effect, cause), named, made, strict=True)
        if name is None and end != other
    }


def _taken(attributes: dict[str, Value], key: str) -> str | None:
    value = attributes.get(key)
    if isinstance(value, Ref) and ids.is_unknown(value.iri):
        del attributes[key]
        return value.iri
    return None


def _made(
    relation: str, named: Ends, attributes: Attributes, ident: str | None, bundle: str | None
) -> tuple[str, str]:
    shown = [relation, *named, wire(attributes), ident, bundle]
    return ids.unknown_id([*shown, "effect"]), ids.unknown_id([*shown, "cause"])

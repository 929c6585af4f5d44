# SPDX-License-Identifier: Apache-2.0
"""The terms of PROV-JSONLD (openprovenance.org, W3C Member Submission of 2024) for every relation."""

from __future__ import annotations

from collections.abc import Mapping

from lineage.formats import prov_terms
from lineage.model.terms import TABLE, Relation

CONTEXT = "https://openprovenance.org/prov-jsonld/context.jsonld"
#: What the context has been called; known by name, never fetched.
CONTEXTS = frozenset(
    {
        CONTEXT,
        "http://openprovenance.org/prov-jsonld/context.jsonld",
        "https://openprovenance.org/prov-jsonld/context.json",
        "https://openprovenance.org/prov-jsonld.json",
        "http://openprovenance.org/prov-jsonld.json",
    }
)
_NAMED = {
    "specializationOf": "Specialization",
    "alternateOf": "Alternate",
    "hadMember": "Membership",
}
#: Relation -> its type; the submission has no term for the others, so theirs is one of ours.
TYPES: Mapping[str, str] = {
    r.name: _NAMED.get(r.name)
    or (r.qualified if r.qualified not in ("Insertion", "Removal") else None)
    or "lineage:" + r.name[0].upper() + r.name[1:]
    for r in TABLE
    if r.base is None and not r.implied_by
}
RELATIONS: Mapping[str, Relation] = {
    TYPES[r.name]: r for r in TABLE if r.base is None and not r.implied_by
}
#: Relations that nobody else reads out of PROV-JSONLD.
OURS = frozenset(name for name, kind in TYPES.items() if kind.startswith("lineage:"))
ELEMENTS = {word.capitalize(): word for word in prov_terms.ELEMENTS}
#: Terms whose texts are names; of all other keys a text is a text.
COERCED = {"type": "prov:type", "role": "prov:role", "location": "prov:location"}
#: Terms of attributes -> their keys.
KEYS: Mapping[str, str] = {**COERCED, "label": "prov:label", "value": "prov:value"}
TERMS: Mapping[str, str] = {key: term for term, key in KEYS.items()}


def term(key: str) -> str:
    """An argument as the submission writes it."""
    return key.removeprefix("prov:")


#: Relation -> term -> the argument.
PLACES: Mapping[str, Mapping[str, str]] = {
    r.name: {term(key): key for key in prov_terms.signature(r)} for r in RELATIONS.values()
}

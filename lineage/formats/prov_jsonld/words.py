# SPDX-License-Identifier: Apache-2.0
"""The terms of PROV-JSONLD (openprovenance.org, W3C Member Submission of 2024) for every relation."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lineage.formats import prov_terms
from lineage.model.terms import TABLE, Relation

CONTEXT = "https://openprovenance.org/prov-jsonld/context.jsonld"
#: What the context has been called, dated ones and the submission's among them; known by name, never
#: fetched.
_CONTEXTS = re.compile(
    r"https?://(?:www\.)?(?:openprovenance\.org/prov(?:-jsonld)?(?:\.json(?:ld)?|/\S*)"
    r"|w3\.org/\S*SUBM-prov-jsonld\S*)"
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


def is_context(address: str) -> bool:
    """Whether a context is PROV-JSONLD's."""
    return _CONTEXTS.fullmatch(address) is not None


def term(key: str) -> str:
    """An argument as the submission writes it."""
    return key.removeprefix("prov:")


#: Relation -> term -> the argument.
PLACES: Mapping[str, Mapping[str, str]] = {
    r.name: {term(key): key for key in prov_terms.signature(r)} for r in RELATIONS.values()
}

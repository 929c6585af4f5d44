# SPDX-License-Identifier: Apache-2.0
"""The terms of PROV-JSONLD (openprovenance.org, W3C Member Submission of 2024) for every relation."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lineage.formats import prov_terms
from lineage.model import terms
from lineage.model.namespaces import LINEAGE
from lineage.model.terms import TABLE, Relation

CONTEXT = "https://openprovenance.org/prov-jsonld/context.jsonld"
#: What the context has been called, dated ones and the submission's among them; known by name, never
#: fetched.
_CONTEXTS = re.compile(
    r"https?://(?:www\.)?(?:openprovenance\.org/prov(?:-jsonld)?(?:\.json(?:ld)?|/\S*)"
    r"|w3\.org/\S*SUBM-prov-jsonld\S*|w3\.org/[Ss]ubmissions?/(?:\d+/)?prov-jsonld/\S*)"
)
#: The same among the bytes of a document.
CONTEXTS = re.compile(b'"' + _CONTEXTS.pattern.replace(r"\S", '[^\\s"]').encode() + b'"')
_NAMED = {
    "specializationOf": "Specialization",
    "alternateOf": "Alternate",
    "hadMember": "Membership",
}
#: Relations that the submission has no term for -> the one of PROV-DM that each implies (PROV-Links 4,
#: PROV-Dictionary 3.1 to 3.3): they are written as that, with their own name as a type.
IMPLIED: Mapping[str, str] = {
    "mentionOf": "specializationOf",
    "hadDictionaryMember": "hadMember",
    "derivedByInsertionFrom": "wasDerivedFrom",
    "derivedByRemovalFrom": "wasDerivedFrom",
}
#: Relations that nobody else reads as what they are.
OURS = frozenset(IMPLIED)
_ROWS = [r for r in TABLE if r.base is None and not r.implied_by]
#: Relation -> its type.
TYPES: Mapping[str, str] = {
    r.name: _NAMED.get(r.name) or r.qualified or "" for r in _ROWS if r.name not in IMPLIED
}
RELATIONS: Mapping[str, Relation] = {kind: terms.RELATIONS[name] for name, kind in TYPES.items()}
#: Type of a statement, and one in its ``type`` -> the relation that the two are.
NARROWED: Mapping[tuple[str, str], Relation] = {
    (TYPES[base], LINEAGE + name[0].upper() + name[1:]): terms.RELATIONS[name]
    for name, base in IMPLIED.items()
}
MARKS: Mapping[str, str] = {relation.name: iri for (_, iri), relation in NARROWED.items()}
ELEMENTS = {word.capitalize(): word for word in prov_terms.ELEMENTS}
#: Terms whose texts are names; of all other keys a text is a text.
COERCED = {"type": "prov:type", "role": "prov:role", "location": "prov:location"}
#: Terms of attributes -> their keys.
KEYS: Mapping[str, str] = {**COERCED, "label": "prov:label", "value": "prov:value"}
TERMS: Mapping[str, str] = {key: term for term, key in KEYS.items()}
_ELEMENT, _EVENT = frozenset({"location"}), frozenset({"role", "location"})
#: Type -> the terms of attributes that it has in the submission's schema, beside type and label.
ALLOWED: Mapping[str, frozenset[str]] = {
    "Entity": _ELEMENT | {"value"},
    "Activity": _ELEMENT,
    "Agent": _ELEMENT,
    "Association": frozenset({"role"}),
    **dict.fromkeys(("Usage", "Generation", "Invalidation", "Start", "End"), _EVENT),
}


def is_context(address: str) -> bool:
    """Whether a context is PROV-JSONLD's."""
    return _CONTEXTS.fullmatch(address) is not None


def term(key: str) -> str:
    """An argument as the submission writes it."""
    return key.removeprefix("prov:")


#: Relation -> term -> the argument.
PLACES: Mapping[str, Mapping[str, str]] = {
    r.name: {term(key): key for key in prov_terms.signature(r)} for r in _ROWS
}

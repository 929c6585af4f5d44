# SPDX-License-Identifier: Apache-2.0
"""The elements of PROV-XML (W3C Note of 2013-04-30) for every relation and argument."""

from __future__ import annotations

from collections.abc import Mapping

from lineage.formats import agent_types, prov_terms
from lineage.model import namespaces
from lineage.model.terms import TABLE, Relation

PROV = "{" + namespaces.PROV + "}"
XSI_SPACE = "http://www.w3.org/2001/XMLSchema-instance"
ID, REF = PROV + "id", PROV + "ref"
XSI_TYPE = "{" + XSI_SPACE + "}type"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
INTERNATIONALIZED = namespaces.PROV + "InternationalizedString"
XML_LITERAL = namespaces.PREFIXES["rdf"] + "XMLLiteral"
OURS = "{" + namespaces.LINEAGE + "}"
#: An attribute that the schema has no place for: JSON of its key and its value.
ATTRIBUTE = OURS + "attribute"
#: Says that a statement in ``prov:other`` is the one before it, in full.
RESTATES = OURS + "restates"
#: Datatypes of qualified names: white space around them says nothing.
NAMES = frozenset({namespaces.PROV + "QUALIFIED_NAME", namespaces.XSD + "QName"})
TIMES = frozenset({"prov:time"})

RELATIONS: Mapping[str, Relation] = {
    r.name: r for r in TABLE if r.base is None and not r.implied_by
}
#: Elements that say a type with their name -> the word and the type.
SUBTYPES: Mapping[str, tuple[str, str]] = {
    **{
        name[0].lower() + name[1:]: (word, namespaces.PROV + name)
        for word, found in (
            ("agent", tuple(agent_types.KINDS.values())),
            (
                "entity",
                (
                    "Plan",
                    "Bundle",
                    "Collection",
                    "EmptyCollection",
                    "Dictionary",
                    "EmptyDictionary",
                ),
            ),
        )
        for name in found
    },
    **{
        r.name: (r.base, prov_terms.base_iri(r.base_type))
        for r in TABLE
        if r.base and r.base_type and r.base_type.startswith("prov:")
    },
}
#: Namespaces that XML keeps for itself (Namespaces in XML 1.0, section 3).
TAKEN = frozenset({"http://www.w3.org/2000/xmlns/", "http://www.w3.org/XML/1998/namespace"})
_RENAMED = {"prov:after": "newDictionary", "prov:before": "oldDictionary", "prov:key-set": "key"}


def element(key: str) -> str:
    """The local name of the element that holds an argument."""
    return _RENAMED.get(key) or key.removeprefix("prov:")


#: Relation -> local name of an element in it -> the argument.
PLACES: Mapping[str, Mapping[str, str]] = {
    r.name: {element(key): key for key in prov_terms.signature(r)} for r in RELATIONS.values()
}
#: Relation -> its arguments in the order of the schema: key, element, and what it holds.
SIGNATURES: Mapping[str, tuple[tuple[str, str, str | None], ...]] = {
    r.name: tuple(
        (key, f"prov:{element(key)}", {a.key: a.holds for a in r.arguments}.get(key))
        for key in prov_terms.signature(r)
    )
    for r in RELATIONS.values()
}
#: PROV's own attributes come first and in this order (prov.xsd).
ORDER = ("prov:label", "prov:location", "prov:role", "prov:type", "prov:value")
_EVENT = frozenset({"prov:label", "prov:location", "prov:role", "prov:type"})
_COMMON = frozenset({"prov:label", "prov:type"})
#: Relations whose elements have no identifier and no attributes in the schema (PROV-DM 5.5.1, 5.5.2,
#: 5.6.2, PROV-Links, PROV-Dictionary 3.3).
BARE = frozenset(
    {"specializationOf", "alternateOf", "hadMember", "mentionOf", "hadDictionaryMember"}
)
#: Relations -> the argument without which the schema has no element for them.
NEEDS: Mapping[str, str] = {
    "mentionOf": "prov:bundle",
    "hadDictionaryMember": "prov:key",
    "derivedByInsertionFrom": "prov:key-entity-set",
    "derivedByRemovalFrom": "prov:key-set",
}
#: Word of an element or name of a relation -> PROV's own attributes that it has in the schema.
ALLOWED: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(RELATIONS, _COMMON),
    **dict.fromkeys(BARE, frozenset()),
    **dict.fromkeys(
        ("wasGeneratedBy", "used", "wasStartedBy", "wasEndedBy", "wasInvalidatedBy"), _EVENT
    ),
    "wasAssociatedWith": _COMMON | {"prov:role"},
    "activity": _COMMON | {"prov:location"},
    "agent": _COMMON | {"prov:location"},
    "entity": _COMMON | {"prov:location", "prov:value"},
}

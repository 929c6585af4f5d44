# SPDX-License-Identifier: Apache-2.0
"""The properties and classes of PROV-O (W3C Recommendation of 2013-04-30) for every relation.

All of it follows from the table of relations: ``prov:qualifiedUsage`` from the class ``prov:Usage``, the
property to the other end from its family. What PROV-O has no word for is in our namespace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from lineage.formats import agent_types, prov_terms
from lineage.formats.names import plain
from lineage.formats.prov_terms import base_iri
from lineage.model import namespaces
from lineage.model.namespaces import LINEAGE, PREFIXES, PROV
from lineage.model.terms import RELATIONS, TABLE, Relation

RDF, RDFS = PREFIXES["rdf"], PREFIXES["rdfs"]
TYPE, LABEL = RDF + "type", RDFS + "label"
#: A blank node that states one of several statements of a thing, which RDF would otherwise merge.
STATES = LINEAGE + "states"
#: Goes before the properties of such a node: whoever asks for entities and their labels finds each once.
STATED = "urn:lineage:stated:"
#: The effect of a relation, where a statement stands apart from it.
EFFECT = LINEAGE + "effect"
#: Marks a subject of which nobody said that it is an entity, an activity or an agent.
UNDECLARED = "undeclared"
#: Goes before an attribute key that is also the name of a PROV-O property for another attribute:
#: PROV-DM's ``prov:location`` is ``prov:atLocation`` in PROV-O, so an attribute called that is said twice.
ALSO = prov_terms.ALSO
#: Bundle without statements: a graph that no quad can show.
EMPTY_BUNDLE = LINEAGE + "EmptyBundle"
AS_IN_BUNDLE, MENTION_OF = PROV + "asInBundle", PROV + "mentionOf"
_INFLUENCER = {"Entity": PROV + "entity", "Activity": PROV + "activity", "Agent": PROV + "agent"}
_GENERAL = PROV + "influencer"


#: Attribute keys of ours -> properties, where PROV-O's name is not the key itself.
ELEMENT_KEYS: Mapping[str, str] = {
    "prov:type": TYPE,
    "prov:label": LABEL,
    "prov:location": PROV + "atLocation",
    "prov:startTime": PROV + "startedAtTime",
    "prov:endTime": PROV + "endedAtTime",
}
RELATION_KEYS: Mapping[str, str] = {
    "prov:type": TYPE,
    "prov:label": LABEL,
    "prov:location": PROV + "atLocation",
    "prov:role": PROV + "hadRole",
    "prov:time": PROV + "atTime",
    "prov:plan": PROV + "hadPlan",
    "prov:activity": PROV + "hadActivity",
    "prov:generation": PROV + "hadGeneration",
    "prov:usage": PROV + "hadUsage",
    "prov:starter": PROV + "hadActivity",
    "prov:ender": PROV + "hadActivity",
    "prov:bundle": AS_IN_BUNDLE,
    "prov:key": PROV + "pairKey",
}
#: What the sets of keys of PROV-Dictionary are written as, and what a pair in one says.
SETS: Mapping[str, str] = {
    "prov:key-entity-set": PROV + "insertedKeyEntityPair",
    "prov:key-set": PROV + "removedKey",
}
PAIR_KEY, PAIR_ENTITY = PROV + "pairKey", PROV + "pairEntity"


def _keys_back(relation: Relation) -> Mapping[str, str]:
    """Property -> attribute key, on the node that qualifies a relation."""
    own = {argument.key for argument in relation.arguments}
    return {
        iri: key
        for key, iri in {**RELATION_KEYS, **SETS}.items()
        if key in own or key in ("prov:type", "prov:label", "prov:location", "prov:role")
    }


def own(key: str) -> str:
    """The key of an attribute that is no set, though it is called like one of PROV-Dictionary's."""
    return ALSO + key if key in SETS else key


def unstated(prop: str) -> str:
    """A property out of the one of ours that stands for it on a node which states something apart."""
    found = plain(prop)
    return found[len(STATED) :] if found.startswith(STATED) else prop


def key_of(prop: str) -> str:
    """The attribute key of a property that is no more than one."""
    return namespaces.compact(plain(prop))


@dataclass(frozen=True, kw_only=True)
class Words:
    """What PROV-O calls one relation.

    ``plain`` are the properties from effect to cause that a writer writes, ``qualified`` the
    property to the node that qualifies it, ``classes`` that node's types, ``influencer`` the property
    from it to the cause, ``keys`` the attribute keys that its other properties are. ``bare`` says whether the node is written where it would say nothing.
    """

    relation: Relation
    plain: tuple[str, ...]
    qualified: str
    classes: tuple[str, ...]
    influencer: str
    keys: Mapping[str, str]
    bare: bool = True

    @cached_property
    def uses(self) -> dict[str, tuple[str, str]]:
        """Property -> what it is on the qualifying node, and its attribute key; filled as they come."""
        return {}

    def use(self, prop: str) -> tuple[str, str]:
        """What a property is on the qualifying node: the cause, a type, a time, a set of keys, or an
        attribute; and the key it has as one.
        """
        key = self.keys.get(prop) or key_of(prop)
        if prop == self.influencer:
            found = ("cause", key)
        elif prop == TYPE:
            found = ("type", key)
        elif key in SETS:
            found = ("set", key)
        else:
            found = ("time" if key in TIME_KEYS else "attribute", key)
        self.uses[prop] = found
        return found

    @cached_property
    def named(self) -> tuple[str, ...]:
        """The classes by which a statement that stands apart is known to be of this relation."""
        name = self.relation.name
        return self.classes or (LINEAGE + name[0].upper() + name[1:],)

    @cached_property
    def terms(self) -> frozenset[str]:
        """The classes as terms of N-Quads."""
        return frozenset(f"<{iri}>" for iri in self.named)

    @cached_property
    def renamed(self) -> Mapping[str, str]:
        """Attribute key -> property, where PROV-O's name is not the key itself."""
        return {key: iri for iri, key in self.keys.items()}

    @cached_property
    def also(self) -> tuple[str, ...]:
        """The relation whose unqualified property is written beside that of a sub-property."""
        base = self.relation.base
        return (base,) if base and len(self.plain) > 1 else ()


def _words(relation: Relation) -> Words:
    if relation.ours:
        return _own(relation)
    if relation.name == "hadDictionaryMember":
        # PROV-Dictionary states membership by a node that has the key and the entity.
        return Words(
            relation=relation,
            plain=(),
            qualified=relation.iri,
            classes=(),
            influencer=PROV + "pairEntity",
            keys=_keys_back(relation),
        )
    plain = (relation.iri, PROV + relation.base) if relation.base else (relation.iri,)
    if relation.qualified:
        name, space, bare = relation.qualified, PROV, True
    else:
        name, space, bare = relation.name[0].upper() + relation.name[1:], LINEAGE, False
    influencer = _GENERAL if relation.any_ends else _INFLUENCER[relation.cause]
    if relation.effect_key == "prov:after":
        influencer = PROV + "dictionary"
    return Words(
        relation=relation,
        plain=plain,
        qualified=f"{space}qualified{name}",
        classes=(space + name,),
        influencer=influencer,
        keys=_keys_back(relation),
        bare=bare,
    )


def _own(relation: Relation) -> Words:
    """A sub-property of ours is the relation of PROV that it narrows, with a type. What walks do not
    follow here (the history of commits), a partner's walk along the base shall not follow either.
    """
    base = _words(RELATIONS[relation.root])
    narrowing = base.plain if relation.follow == base.relation.follow else ()
    return replace(
        base,
        relation=relation,
        plain=(relation.iri, *narrowing),
        classes=(*base.classes, base_iri(relation.base_type or "")),
        bare=True,
    )


#: Relation -> its words; what another statement implies has none.
WORDS: Mapping[str, Words] = {r.name: _words(r) for r in TABLE if not r.implied_by}
#: Property -> the relation it states, from subject to object.
PLAIN: Mapping[str, Relation] = {w.plain[0]: w.relation for w in WORDS.values() if w.plain}
#: Property to a qualifying node -> the relation.
QUALIFIED: Mapping[str, Words] = {
    words.qualified: words for words in WORDS.values() if not words.relation.ours
}
#: Class of a qualifying node, as a term -> the relation, where nothing but the node speaks of it.
CLASSES: Mapping[str, Words] = {f"<{words.named[-1]}>": words for words in WORDS.values()}
#: Inverse property -> the relation it states, from object to subject (PROV-O appendix B).
INVERSE: Mapping[str, Relation] = {
    PROV + r.inverse: r for r in TABLE if not r.implied_by and r.inverse != r.name
}
#: (relation, a type of the node that qualifies it, as a term) -> the sub-property it makes of it.
NARROWER: Mapping[tuple[str, str], Words] = {
    (words.relation.base, f"<{words.classes[-1]}>"): words
    for words in WORDS.values()
    if words.relation.base
}
#: What a statement about a subject is, where it is more than an attribute.
_ROLES: Mapping[str, str] = {
    TYPE: "type",
    **dict.fromkeys(PLAIN, "plain"),
    **dict.fromkeys(INVERSE, "inverse"),
    **dict.fromkeys(QUALIFIED, "qualified"),
}


@lru_cache(maxsize=10_000)
def use(prop: str) -> tuple[str, str]:
    """What a property is on a subject, and the attribute key it has as no more than that."""
    key = ELEMENT_BACK.get(prop) or key_of(prop)
    return _ROLES.get(prop) or ("time" if key in TIME_KEYS else "attribute"), key


#: Shortcut properties of a time, as attribute keys -> the relation with something unnamed.
SHORTCUTS: Mapping[str, str] = {
    "prov:generatedAtTime": "wasGeneratedBy",
    "prov:invalidatedAtTime": "wasInvalidatedBy",
}
#: Attribute keys of properties that say of what family their subject is (``rdfs:domain`` in PROV-O).
DOMAINS: Mapping[str, str] = {
    **{key_of(p): r.effect.lower() for p, r in PLAIN.items() if not r.any_ends},
    **{key_of(p): r.cause.lower() for p, r in INVERSE.items() if not r.any_ends},
    **{
        key_of(p): w.relation.effect.lower()
        for p, w in QUALIFIED.items()
        if not w.relation.any_ends
    },
    **dict.fromkeys(prov_terms.TIMES, "activity"),
    **dict.fromkeys((*SHORTCUTS, "prov:value"), "entity"),
}
#: Classes that make their instances an entity or an agent without saying so.
SUBCLASSES: Mapping[str, str] = {
    **dict.fromkeys(
        (
            PROV + name
            for name in (
                "Plan",
                "Bundle",
                "Collection",
                "EmptyCollection",
                "Dictionary",
                "EmptyDictionary",
            )
        ),
        "entity",
    ),
    **dict.fromkeys(agent_types.KINDS, "agent"),
}
#: The classes of PROV's families, as terms of N-Quads.
FAMILIES: Mapping[str, str] = {
    f"<{PROV}Entity>": "entity",
    f"<{PROV}Activity>": "activity",
    f"<{PROV}Agent>": "agent",
}

ELEMENT_BACK: Mapping[str, str] = {iri: key for key, iri in ELEMENT_KEYS.items()}
#: Keys whose value is a time (xsd:dateTime) rather than a text.
TIME_KEYS = frozenset({"prov:startTime", "prov:endTime", "prov:time"})

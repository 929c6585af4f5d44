# SPDX-License-Identifier: Apache-2.0
"""PROV-O as records: what others write is accepted, and what becomes no relation stays an attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pyoxigraph import BlankNode, NamedNode

from lineage.formats import statement
from lineage.formats.names import plain
from lineage.formats.prov_o import words
from lineage.formats.prov_o.quads import Graph, Quads, Said, scalar
from lineage.formats.prov_o.syntax import BLANK
from lineage.formats.prov_o.words import Words
from lineage.model import kinds, terms
from lineage.model.record import Batch, Edge, Node
from lineage.model.terms import Relation
from lineage.model.value import Ref, Scalar, Value, several, wire

_PROV = terms.PROV


def batch_of(quads: Quads) -> Batch:
    """The records of a document; a named graph is a bundle."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    bundles: dict[str, Mapping[str, str]] = {}
    for name, graph in quads.graphs.items():
        if name is not None:
            bundles[name] = {}
        reader = _Reader(graph, name, quads)
        reader.read()
        nodes += reader.nodes
        edges += reader.edges
        bundles.update({ident: {} for ident in reader.empty})
    prefixes = {prefix or "default": iri for prefix, iri in quads.prefixes.items()}
    if prefixes.get("prov", _PROV) != _PROV:
        del prefixes["prov"]
    return Batch(
        nodes=tuple(nodes),
        edges=tuple(edges),
        prefixes=prefixes,
        bundles=bundles,
        base=quads.base,
    )


class _Reader:
    """One reading of one graph."""

    def __init__(self, graph: Graph, bundle: str | None, quads: Quads) -> None:
        self._subjects = graph.subjects
        self._used = graph.used
        self._bundle = bundle
        self._quads = quads
        self._name = quads.name
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.empty: list[str] = []
        #: Subjects that are read as part of another: they are no elements of their own.
        self._taken: set[str] = set()
        #: Those of them that state one thing apart from what they speak of.
        self._apart: set[str] = set()
        #: Relations with a qualifying node: their unqualified form says nothing more.
        self._qualified: set[tuple[str, str, str]] = set()
        #: What statements that stand apart already said of a subject.
        self._said: dict[str, set[tuple[str, Any]]] = {}
        #: The same for relations, at their effect: property and identifier.
        self._related: set[tuple[str, str, str]] = set()

    def read(self) -> None:
        """Read everything: what stands apart, then what qualifies, then the rest."""
        for subject, said in self._subjects.items():
            for prop, obj in said:
                if prop == words.STATES:
                    self._stated(subject, said, self._name(obj))
                    break
        for subject, said in self._subjects.items():
            for prop, obj in said:
                if prop in words.QUALIFIED:
                    self._qualify(subject, words.QUALIFIED[prop], obj)
        for subject, said in self._subjects.items():
            if subject not in self._taken and not self._lonely(subject, said):
                self._subject(subject, said)

    # Statements that stand apart.

    def _stated(self, subject: str, said: Said, ident: str) -> None:
        """A node that states one thing about another, which RDF would merge with the others."""
        self._taken.add(subject)
        self._apart.add(subject)
        covered = self._said.setdefault(ident, set())
        covered.update(said)
        rest = [(prop, obj) for prop, obj in said if prop != words.STATES]
        types = {self._name(obj) for prop, obj in rest if prop == words.TYPE and _names(obj)}
        known_words = words.WORDS.values()
        fitting = [w for w in known_words if w.classes and types.issuperset(w.classes)]
        if any(prop == words.EFFECT for prop, _ in rest) and fitting:
            known = max(fitting, key=lambda w: len(w.classes))
            effect = next(self._name(obj) for prop, obj in rest if prop == words.EFFECT)
            rest = [(prop, obj) for prop, obj in rest if prop != words.EFFECT]
            edge = self._edge(known, effect, ident, rest)
            self._cover(edge)
        else:
            self._element(ident, rest)

    def _cover(self, edge: Edge) -> None:
        known = words.WORDS[edge.relation]
        self._related.update((edge.effect, prop, edge.cause) for prop in known.plain)
        if edge.id is not None:
            self._related.add((edge.effect, known.qualified, edge.id))

    # Qualified relations.

    def _qualify(self, effect: str, known: Words, obj: Any) -> None:
        """A relation from the node that qualifies it; left as it is where it is none of PROV-O's."""
        if not _names(obj):
            return
        ident = self._name(obj)
        said = self._subjects.get(ident)
        if said is None or ident in self._apart or ident in self._said or ident == effect:
            return
        for prop, term in said:
            if prop == words.TYPE:
                iri = term.value
                if iri in words.FAMILIES:
                    return
                if iri not in known.classes:
                    known = words.NARROWER.get((known.relation.name, iri), known)
        named = type(obj) is NamedNode or self._used.get(obj.value, 0) > 1
        self._edge(known, effect, ident if named else None, said)
        self._taken.add(ident)

    def _lonely(self, subject: str, said: Said) -> bool:
        """A node that qualifies a relation whose effect was left out; whether it is one."""
        types = [self._name(obj) for prop, obj in said if prop == words.TYPE and _names(obj)]
        known = [words.CLASSES[iri] for iri in types if iri in words.CLASSES]
        if not known or subject in self._said or not words.FAMILIES.keys().isdisjoint(types):
            return False
        one = max(known, key=lambda w: (len(w.classes), w.relation.base is not None))
        named = not subject.startswith(BLANK) or subject in self._referenced()
        self._edge(one, None, subject if named else None, said)
        return True

    def _referenced(self) -> set[str]:
        """The blank nodes that stand as objects."""
        return {self._name(BlankNode(label)) for label in self._used}

    def _edge(self, known: Words, effect: str | None, ident: str | None, said: Said) -> Edge:
        relation, classes, influencer = known.relation, known.classes, known.influencer
        back = known.keys
        cause: str | None = None
        found: dict[str, Value] = {}
        members: dict[str, list[Any]] = {}
        for prop, obj in said:
            kind = type(obj)
            if kind is NamedNode:
                if prop == words.TYPE and obj.value in classes:
                    continue
                if cause is None and prop == influencer:
                    cause = self._name(obj)
                    continue
            elif cause is None and prop == influencer and kind is BlankNode:
                cause = self._name(obj)
                continue
            key = back.get(prop) or _key(prop)
            if prop in words.SETS.values() and self._member(key, obj, members):
                continue
            _put(found, key, self._value(key, obj))
        for key, values in members.items():
            found[key] = statement.json_set(values)
        if cause is None:
            cause = _influencer(found)
        edge = statement.edge(relation, (effect, cause), found, ident, self._bundle)
        self._qualified.add((relation.name, edge.effect, edge.cause))
        for name in known.also:
            self._qualified.add((name, edge.effect, edge.cause))
        self.edges.append(edge)
        return edge

    def _member(self, key: str, obj: Any, members: dict[str, list[Any]]) -> bool:
        """One key, or pair of key and entity, of a dictionary's set; whether it is one."""
        if not _names(obj):
            members.setdefault(key, []).append(wire({"": scalar(obj, self._quads)})[""])
            return True
        pair = dict(self._subjects.get(self._name(obj), ()))
        if not pair or pair.keys() - {words.PAIR_KEY, words.PAIR_ENTITY}:
            return False
        shown = {}
        if words.PAIR_KEY in pair:
            shown["key"] = wire({"": scalar(pair[words.PAIR_KEY], self._quads)})[""]
        if words.PAIR_ENTITY in pair:
            shown["$"] = self._name(pair[words.PAIR_ENTITY])
        members.setdefault(key, []).append(shown)
        self._taken.add(self._name(obj))
        return True

    def _value(self, key: str, obj: Any) -> Scalar:
        if key in words.TIME_KEYS and not _names(obj) and obj.datatype.value == _DATE_TIME:
            return str(obj.value)
        return scalar(obj, self._quads)

    # Everything else.

    def _subject(self, subject: str, said: Said) -> None:
        if self._said:
            covered = self._said.get(subject, ())
            said = [p for p in said if p not in covered and not self._again(subject, *p)]
        rest: Said = []
        for prop, obj in said:
            if prop in words.PLAIN:
                if _names(obj):
                    self._plain(words.PLAIN[prop], subject, self._name(obj))
                    continue
            elif prop in words.INVERSE:
                if _names(obj):
                    self._plain(words.INVERSE[prop], self._name(obj), subject)
            elif prop in words.QUALIFIED and _names(obj) and self._name(obj) in self._taken:
                continue
            rest.append((prop, obj))
        if rest:
            self._element(subject, rest)

    def _again(self, subject: str, prop: str, obj: Any) -> bool:
        """Whether a relation that stands apart said this already."""
        return _names(obj) and (subject, prop, self._name(obj)) in self._related

    def _plain(self, relation: Relation, effect: str, cause: str) -> None:
        mark = (relation.name, effect, cause)
        if mark not in self._qualified:
            self._qualified.add(mark)
            edge = statement.edge(relation, (effect, cause), {}, None, self._bundle)
            self.edges.append(edge)

    def _element(self, ident: str, said: Said) -> None:
        """One element of each family that its types name, with all that is said of it."""
        families: dict[str, None] = {}
        found: dict[str, Value] = {}
        for prop, obj in said:
            if prop == words.TYPE and _names(obj):
                iri = self._name(obj)
                if iri in words.FAMILIES:
                    families[words.FAMILIES[iri]] = None
                    continue
                if iri == words.EMPTY_BUNDLE:
                    self.empty.append(ident)
                    continue
            key = words.ELEMENT_BACK.get(prop) or _key(prop)
            _put(found, key, self._value(key, obj))
        if not families:
            families.update(_implied(found.get(statement.TYPE, ())))
        if not families and not found:
            return
        if not families:
            found[words.UNDECLARED] = True
            families["entity"] = None
        self._shortcuts(ident, found)
        for family in families:
            own = dict(found) if len(families) > 1 else found
            self.nodes.append(statement.node(family, ident, own, self._bundle))

    def _shortcuts(self, ident: str, found: Mapping[str, Value]) -> None:
        """Times of a generation or invalidation by something unnamed."""
        for key, name in words.SHORTCUTS.items():
            if key not in found:
                continue
            for value in _each(found[key]):
                time = getattr(value, "value", value)
                if isinstance(time, str):
                    relation = terms.RELATIONS[name]
                    attributes: dict[str, Value] = {"prov:time": time}
                    edge = statement.edge(relation, (ident, None), attributes, None, self._bundle)
                    self.edges.append(edge)


_DATE_TIME = terms.XSD + "dateTime"
_INFLUENCERS = ("prov:entity", "prov:activity", "prov:agent", "prov:influencer")


def _names(term: Any) -> bool:
    return type(term) is NamedNode or type(term) is BlankNode


@cache
def _key(iri: str) -> str:
    return terms.compact(plain(iri))


def _influencer(found: Mapping[str, Value]) -> str | None:
    """The cause where it was named by another of the properties that there are for it."""
    for key in _INFLUENCERS:
        for value in _each(found.get(key, ())):
            if isinstance(value, Ref):
                return value.iri
    return None


def _each(value: Value | tuple[()]) -> tuple[Scalar, ...]:
    return value if isinstance(value, tuple) else (value,)


def _put(found: dict[str, Value], key: str, value: Scalar) -> None:
    """One value more of a key."""
    found[key] = several((*_each(found[key]), value)) if key in found else value


def _implied(types: Value | tuple[()]) -> Iterator[tuple[str, None]]:
    """The families of PROV's and our own classes, for what says no more than these."""
    for item in _each(types):
        if isinstance(item, Ref):
            kind = item.iri.removeprefix(terms.LINEAGE)
            if item.iri in words.SUBCLASSES:
                yield words.SUBCLASSES[item.iri], None
            elif kind != item.iri and kind in kinds.KINDS:
                yield kinds.family(kind).lower(), None

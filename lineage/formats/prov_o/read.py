# SPDX-License-Identifier: Apache-2.0
"""Reads PROV-O into records: what others write is accepted, and what becomes no relation stays an
attribute.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from lineage import ids
from lineage.formats import names, prov_terms
from lineage.formats.prov_o import words
from lineage.formats.prov_o.elements import Elements, take_also
from lineage.formats.prov_o.quads import Graph, Quads, Said, Term
from lineage.formats.prov_o.words import Words
from lineage.model import dictionary, namespaces
from lineage.model.dictionary import Member, Pair
from lineage.model.record import Batch, Edge, Loss, Node, line
from lineage.model.value import Ref, Value, each, several

_PROV = namespaces.PROV


def batch_of(quads: Quads) -> Batch:
    """Read the records of a document; a named graph is a bundle."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    bare: list[bytes] = []
    bundles: dict[str, Mapping[str, str]] = {}
    for name, graph in quads.graphs.items():
        if name is not None:
            bundles[name] = {}
        reader = _Reader(graph, name, quads)
        reader.read()
        nodes += reader.elements.nodes
        edges += reader.edges
        bare += reader.bare
        bundles.update({ident: {} for ident in reader.elements.empty})
    prefixes = {prefix or "default": iri for prefix, iri in quads.prefixes.items()}
    if prefixes.get("prov", _PROV) != _PROV:
        del prefixes["prov"]
    return Batch(
        nodes=tuple(nodes),
        edges=tuple(edges),
        prefixes=prefixes,
        bundles=bundles,
        base=quads.base,
        bare=frozenset(bare),
    )


def said_wrongly(quads: Quads) -> tuple[Loss, ...]:
    """What a document says under a namespace that was meant to be PROV's: in RDF names are IRIs, and
    these are others.
    """
    bound = quads.prefixes.get("prov", _PROV)
    if not names.is_slip(bound):
        return ()
    reason = f"prov is bound to {bound}: what is called by it is none of PROV's"
    return (Loss("prefixes", 1, reason),)


def without_prov(batch: Batch) -> tuple[Loss, ...]:
    """What is said of a document of RDF in which nothing is PROV: all of it is kept, and none followed."""
    undeclared = all(node.attributes.get(words.UNDECLARED) is True for node in batch.nodes)
    if batch.edges or not batch.nodes or not undeclared:
        return ()
    reason = f"there are none in it: what it says of {len(batch.nodes)} things stands as their attributes"
    return (Loss("statements of PROV", 0, reason),)


class _Reader:
    """One reading of one graph."""

    def __init__(self, graph: Graph, bundle: str | None, quads: Quads) -> None:
        self._graph = graph
        self._subjects = graph.subjects
        self._properties = graph.properties
        #: Nodes that qualify more than one relation: they are not of one alone, so they keep a name.
        self._shared = _repeated(obj for _, _, obj in graph.qualified)
        #: Relations whose unqualified property occurs at all.
        self._plainly = {words.PLAIN[iri].name for iri in graph.properties & words.PLAIN.keys()}
        self._plainly |= {words.INVERSE[i].name for i in graph.properties & words.INVERSE.keys()}
        self._used = graph.used
        self._marked: dict[str, Collection[str]] = {}
        self._bundle = bundle
        self._quads = quads
        self._name = quads.name
        self.edges: list[Edge] = []
        self.bare: list[bytes] = []
        #: Subjects that are read as part of another: they are no elements of their own.
        self._taken: set[str] = set()
        #: Those of them that state one thing apart from what they speak of.
        self._apart: set[str] = set()
        twice = any(words.unstated(p).startswith(words.ALSO) for p in graph.properties)
        self._twice = twice
        self.elements: Elements = Elements(quads, bundle, self.edges, self._taken, twice=twice)
        #: What statements that stand apart already said of a subject.
        self._said: dict[str, set[tuple[str, Term]]] = {}
        #: The same for relations, at their effect: property and identifier.
        self._related: set[tuple[str, str, str]] = set()

    def read(self) -> None:
        """Read everything: what stands apart, then what qualifies, then the rest."""
        odd = self._twice or words.STATES in self._properties
        if words.STATES in self._properties:
            for subject, said in self._subjects.items():
                for prop, obj in said:
                    if prop == words.STATES:
                        self._stated(subject, said, self._name(obj))
                        break
        for subject, prop, obj in self._graph.qualified:
            known = words.QUALIFIED[prop]
            if odd or not self._plain(subject, known, obj):
                self._qualify(subject, known, obj)
        self._adopt()
        if words.AS_IN_BUNDLE in self._properties:
            for subject, said in self._subjects.items():
                self._subjects[subject] = self._mention(self._name(subject), said)
        for subject, said in self._subjects.items():
            if subject not in self._taken:
                self._subject(subject, said)
        self.elements.settle()

    # Statements that stand apart.

    def _stated(self, subject: Term, said: Said, ident: str) -> None:
        """A node that states one thing about another, which RDF would merge with the others."""
        self._taken.add(subject)
        self._apart.add(subject)
        said = [(words.unstated(prop), obj) for prop, obj in said]
        self._said.setdefault(ident, set()).update(said)
        rest = [(prop, obj) for prop, obj in said if prop != words.STATES]
        types = {obj for prop, obj in rest if prop == words.TYPE}
        fitting = [w for w in words.WORDS.values() if types >= w.terms]
        effects = [self._name(obj) for prop, obj in rest if prop == words.EFFECT]
        if effects and fitting:
            known = max(fitting, key=lambda w: len(w.terms))
            rest = [(prop, obj) for prop, obj in rest if prop != words.EFFECT]
            self._cover(self._edge(known, effects[0], ident, rest))
        else:
            self.elements.read(ident, rest)

    def _cover(self, edge: Edge) -> None:
        known = words.WORDS[edge.relation]
        self._related.update((edge.effect, prop, edge.cause) for prop in known.plain)
        if edge.id is not None:
            self._related.add((edge.effect, known.qualified, edge.id))

    # Qualified relations.

    def _qualify(self, effect: Term, known: Words, obj: Term) -> None:
        """A relation from the node that qualifies it; left as it is where it is none of PROV-O's."""
        said = self._subjects.get(obj)
        if said is None or obj == effect or obj in self._apart:
            return
        if self._said and self._name(obj) in self._said:
            return
        own = known.terms
        for prop, term in said:
            if prop == _TYPE and term not in own:
                if term in words.FAMILIES:
                    return
                known = words.NARROWER.get((known.relation.name, term), known)
        named = (
            obj[0] == "<" or obj in self._used or obj in self._shared or self._several(known, said)
        )
        self._edge(known, self._name(effect), self._name(obj) if named else None, said)
        self._taken.add(obj)

    def _plain(self, effect: Term, known: Words, obj: Term) -> bool:
        """Read the relation from a node as nearly all are: without a name, with its class, one cause that
        has a name, and each property once. Whether it was one; if not, nothing was done.
        """
        said = self._subjects.get(obj)
        if said is None or obj in self._used or obj in self._shared:
            return False
        if obj[0] != "_" or effect[0] != "<" or obj == effect:
            return False
        uses, quads, cause = known.uses, self._quads, None
        found: dict[str, Value] = {}
        for prop, term in said:
            kind, key = uses[prop] if prop in uses else known.use(prop)
            if kind == "cause":
                if cause is not None or term[0] != "<":
                    return False
                cause = term
            elif kind == "type":
                if term not in known.terms:
                    return False
            elif term[0] == "_" or key in found or kind == "set" or key in prov_terms.RARE:
                return False
            elif kind == "time":
                found[key] = quads.times[term] if term in quads.times else quads.time(term)
            else:
                found[key] = quads.values[term] if term in quads.values else quads.scalar(term)
        if cause is None:
            return False
        names, name = quads.names, known.relation.name
        start = names[effect] if effect in names else quads.name(effect)
        end = names[cause] if cause in names else quads.name(cause)
        self.edges.append(
            Edge(relation=name, effect=start, cause=end, attributes=found, bundle=self._bundle)
        )
        for mark in self._marks(known) if self._plainly else ():
            self.elements.qualified.add((mark, start, end))
        self._taken.add(obj)
        return True

    def _marks(self, known: Words) -> Collection[str]:
        """The relations whose unqualified form says nothing more beside this one."""
        found = self._marked.get(known.relation.name)
        if found is None:
            found = {known.relation.name, *known.also} & self._plainly
            self._marked[known.relation.name] = found
        return found

    def _adopt(self) -> None:
        """A qualified relation that does not name its cause has the one that is said beside it,
        where that is one: so CWLProv and others say who an association with a plan is with.
        """
        if not any(ids.is_unknown(edge.cause) for edge in self.edges):
            return
        unnamed: dict[tuple[str, str], list[int]] = {}
        named: dict[tuple[str, str], set[str]] = {}
        for at, edge in enumerate(self.edges):
            key = (edge.effect, edge.relation)
            if ids.is_unknown(edge.cause):
                unnamed.setdefault(key, []).append(at)
            else:
                named.setdefault(key, set()).add(edge.cause)
        said = {self._name(subject): found for subject, found in self._subjects.items()}
        for (effect, name), places in unnamed.items():
            plain = words.WORDS[name].plain
            causes = {
                self._name(obj)
                for prop, obj in said.get(effect, ())
                if plain and prop == plain[0] and obj[0] != '"'
            } - named.get((effect, name), set())
            if len(causes) == 1 and len(places) == 1:
                edge = replace(self.edges[places[0]], cause=causes.pop())
                self.edges[places[0]] = edge
                self.bare.append(line(edge))
                self.elements.qualified.add((name, effect, edge.cause))

    def _lonely(self, subject: Term, said: Said) -> bool:
        """A node that qualifies a relation whose effect was left out; whether it is one."""
        types = [obj for prop, obj in said if prop == words.TYPE]
        known = [words.CLASSES[term] for term in types if term in words.CLASSES]
        ident = self._name(subject)
        if ident in self._said or not words.FAMILIES.keys().isdisjoint(types):
            return False
        one = max(known, key=lambda w: (len(w.classes), w.relation.base is not None))
        named = subject[0] == "<" or subject in self._used or self._several(one, said)
        self._edge(one, None, ident if named else None, said)
        return True

    def _edge(self, known: Words, effect: str | None, ident: str | None, said: Said) -> Edge:
        """A relation out of what is said of the node that qualifies it. With several causes it is as
        many statements of one identifier, which contradict each other (PROV-CONSTRAINTS 23).
        """
        uses, scalar = known.uses, self._quads.scalar
        cause: str | None = None
        more: list[str] = []
        found: dict[str, Value] = {}
        members: dict[str, list[Member]] = {}
        others = self._others(known, said)
        for prop, obj in said:
            kind, key = uses.get(prop) or known.use(prop)
            if kind == "cause" and obj[0] != '"' and obj not in others:
                if cause is None:
                    cause = self._name(obj)
                else:
                    more.append(self._name(obj))
                continue
            if kind == "type" and obj in known.terms:
                continue
            if kind == "set" and self._member(key, obj, members):
                continue
            value: Value = self._quads.time(obj) if kind == "time" else scalar(obj)
            found[key] = several((*each(found[key]), *each(value))) if key in found else value
        for key, values in members.items():
            found[key] = dictionary.written(values)
        if self._twice:
            take_also(found, known.keys)
        if cause is None:
            cause = _influencer(found)
        for other in more:
            self._say(known, (effect, other), dict(found), ident)
        return self._say(known, (effect, cause), found, ident)

    def _others(self, known: Words, said: Said) -> Collection[Term]:
        """What an attribute that is called like the property to the cause holds, and is no cause."""
        if not self._twice:
            return ()
        mark = words.ALSO + namespaces.compact(known.influencer)
        return {obj for prop, obj in said if prop == mark}

    def _several(self, known: Words, said: Said) -> bool:
        """Whether a node that qualifies a relation names several causes."""
        causes = [obj for prop, obj in said if prop == known.influencer and obj[0] != '"']
        return len(causes) > 1 and len(set(causes).difference(self._others(known, said))) > 1

    def _say(
        self,
        known: Words,
        ends: tuple[str | None, str | None],
        attributes: dict[str, Value],
        ident: str | None,
    ) -> Edge:
        edge = prov_terms.edge(known.relation, ends, attributes, ident, self._bundle)
        if self._plainly:
            for name in {edge.relation, *known.also} & self._plainly:
                self.elements.qualified.add((name, edge.effect, edge.cause))
        self.edges.append(edge)
        return edge

    def _member(self, key: str, obj: Term, members: dict[str, list[Member]]) -> bool:
        """One key, or pair of key and entity, of a dictionary's set; whether it is one."""
        if obj[0] == '"':
            members.setdefault(key, []).append(self._quads.scalar(obj))
            return True
        pair = dict(self._subjects.get(obj, ()))
        if not pair or pair.keys() - {words.PAIR_KEY, words.PAIR_ENTITY}:
            return False
        member = Pair(
            self._quads.scalar(pair[words.PAIR_KEY]) if words.PAIR_KEY in pair else None,
            self._name(pair[words.PAIR_ENTITY]) if words.PAIR_ENTITY in pair else None,
        )
        members.setdefault(key, []).append(member)
        self._taken.add(obj)
        return True

    # Everything else.

    def _subject(self, subject: Term, said: Said) -> None:
        """An element, and the unqualified relations from it; or a relation that has no effect."""
        for prop, obj in said:
            if prop == _TYPE and obj in _CLASSES and self._lonely(subject, said):
                return
        ident = self._name(subject)
        if self._said:
            covered = self._said.get(ident, ())
            said = [
                (prop, obj)
                for prop, obj in said
                if (names.plain(prop), obj) not in covered and not self._again(ident, prop, obj)
            ]
        self.elements.read(ident, said)

    def _mention(self, ident: str, said: Said) -> Said:
        """The bundle of a mention goes into it (PROV-Links section 4); what is left to read."""
        bundles = [self._name(o) for p, o in said if p == words.AS_IN_BUNDLE and o[0] != '"']
        mentions = [self._name(o) for p, o in said if p == words.MENTION_OF and o[0] != '"']
        known = [e for e in self.edges if e.effect == ident and e.relation == "mentionOf"]
        covered = {v.iri for e in known if isinstance(v := e.attributes.get("prov:bundle"), Ref)}
        if len(bundles) == 1 and len(mentions) == 1 and not known:
            attributes: dict[str, Value] = {"prov:bundle": Ref(bundles[0])}
            relation = words.PLAIN[words.MENTION_OF]
            ends = (ident, mentions[0])
            self.edges.append(prov_terms.edge(relation, ends, attributes, None, self._bundle))
            self.elements.qualified.add((relation.name, *ends))
            covered.add(bundles[0])
        return [
            (p, o)
            for p, o in said
            if not (p == words.AS_IN_BUNDLE and o[0] != '"' and self._name(o) in covered)
        ]

    def _again(self, ident: str, prop: str, obj: Term) -> bool:
        """Whether a relation that stands apart said this already."""
        return obj[0] != '"' and (ident, prop, self._name(obj)) in self._related


_TYPE, _CLASSES = words.TYPE, words.CLASSES
_INFLUENCERS = ("prov:entity", "prov:activity", "prov:agent", "prov:influencer")


def _repeated(terms_: Iterable[Term]) -> set[Term]:
    seen: set[Term] = set()
    return {term for term in terms_ if term in seen or seen.add(term)}  # type: ignore[func-returns-value]


def _influencer(found: Mapping[str, Value]) -> str | None:
    """The cause where it was named by another of the properties that there are for it."""
    for key in _INFLUENCERS:
        for value in each(found.get(key, ())):
            if isinstance(value, Ref):
                return value.iri
    return None

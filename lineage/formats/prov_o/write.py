# SPDX-License-Identifier: Apache-2.0
"""Writes records as PROV-O: every relation in its unqualified form and, beside it, the qualified
one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import chain
from typing import NamedTuple

from lineage import ids
from lineage.formats import prov_terms, unnamed
from lineage.formats.document import Document, Section
from lineage.formats.prov_o import words
from lineage.formats.prov_o.subjects import Subjects
from lineage.formats.prov_o.syntax import Graphs, Syntax
from lineage.model import dictionary, kinds, namespaces
from lineage.model.dictionary import Pair
from lineage.model.record import Edge, Node, Record, line
from lineage.model.value import Attributes, Literal, Ref, Scalar, Value, each

_Subjects = dict[str, list[str]]


class _Keys(NamedTuple):
    """How the attribute keys of elements, or of one relation, are written; and what was so far."""

    renamed: Mapping[str, str]
    taken: frozenset[str]
    predicates: dict[str, str]
    pairs: dict[tuple[str, str], str]

    @classmethod
    def of(cls, renamed: Mapping[str, str], *taken: str) -> _Keys:
        """Nothing written yet. ``taken`` are other properties that say something else."""
        return cls(renamed, frozenset({*renamed.values(), *taken}), {}, {})


class Writer:
    """One writing of a batch in one syntax. ``space`` goes before every property."""

    def __init__(self, document: Document, syntax: Syntax, space: str = "") -> None:
        self._document = document
        self._syntax = syntax
        self._space = space
        self._elements = _Keys.of(words.ELEMENT_KEYS)
        self._relations = {
            name: _Keys.of(w.renamed, w.influencer, words.EFFECT) for name, w in words.WORDS.items()
        }
        iri = syntax.iri
        self._a = self._property(words.TYPE)
        self._crowded: Collection[tuple[str, str, str]] = _NONE
        self._apart: Writer | None = None
        #: Members of dictionaries that are written: the same set may stand in several places.
        self._members_written: set[str] = set()
        self._families: dict[str, str] = {
            family: f"{self._a} {iri(namespaces.PROV + family)}" for family in kinds.PLAIN
        }
        self._marks: dict[Ref, str] = {}
        self._words = {
            name: (
                w,
                [self._property(p) for p in w.plain],
                self._property(w.qualified),
                [f"{self._a} {iri(c)}" for c in w.classes],
                self._property(w.influencer),
            )
            for name, w in words.WORDS.items()
        }

    def graphs(self) -> Graphs:
        """Bundle by bundle, subject by subject, in an order that depends on nothing."""
        empty: dict[str, list[str]] = {}
        filled = []
        for name, section in self._document.sections.items():
            if name is None or self._says(section):
                filled.append((name, section))
            else:
                pair = f"{self._a} {self._syntax.iri(words.EMPTY_BUNDLE)}"
                empty.setdefault(self._syntax.iri(name), []).append(pair)
        for name, section in filled:
            yield name, self._graph(section, empty if name is None else {})

    def _says(self, section: Section) -> bool:
        """Whether anything of a section is written."""
        said = chain(section.nodes, (e for e in section.edges if e.relation in self._words))
        return next(iter(said), None) is not None

    def _graph(
        self, section: Section, empty: Mapping[str, list[str]]
    ) -> Iterator[tuple[str, Sequence[str]]]:
        """The subjects of a section; ``empty`` are said to be bundles of which nothing is written."""
        iri = self._syntax.iri
        self._members_written = set()
        with Subjects({iri(name): name for name in section.names}, empty) as subjects:
            for thing in section.things():
                subject = iri(thing.id)
                if thing.nodes:
                    said = [pair for node in thing.nodes for pair in self._element(node)]
                    found = self._led(thing.edges)
                    yield from subjects.described(subject, said, found.pop(subject, []))
                else:
                    found = self._led(thing.edges)
                subjects.others(found)
                subjects.stated(thing, self._stated)
            yield from subjects.rest(self._stated)

    def _led(self, edges: Sequence[Edge]) -> _Subjects:
        """What the relations of one effect say of it, and of the nodes that qualify them."""
        subjects: _Subjects = {}
        before: Edge | None = None
        number = 1
        self._crowded = _crowded(edges) if len(edges) > 1 else _NONE
        for record in edges:
            if record.relation in self._words:
                again = before is not None and record.cause == before.cause and record == before
                number = number + 1 if again else 1
                before = record
                self._relation(record, number, subjects)
        return subjects

    def _element(self, node: Node) -> Iterator[str]:
        """What is said of an element, but for its relations."""
        family = kinds.family(node.kind)
        attributes: Attributes = node.attributes
        if attributes.get(words.UNDECLARED) is not True:
            yield self._families[family]
        for mark in prov_terms.marks(node):
            shown = self._marks.get(mark)
            if shown is None:
                shown = self._marks[mark] = f"{self._a} {self._syntax.iri(mark.iri)}"
            yield shown
        if node.label is not None:
            yield self._pair("prov:label", node.label, self._elements)
        for key, value in _sorted(attributes):
            if key == words.UNDECLARED and value is True:
                continue
            short = _TIMES.get(key, key) if family == "Activity" else key
            yield from self._attribute(short, value, self._elements)

    def _attribute(self, key: str, value: Value, keys: _Keys) -> Iterator[str]:
        if key not in keys.renamed and namespaces.expand(key) in keys.taken:
            yield from self._attribute(words.ALSO + key, value, keys)
        for item in each(value):
            yield self._pair(key, item, keys)

    def _pair(self, key: str, value: Scalar, keys: _Keys) -> str:
        if type(value) is str:
            # Few different texts stand on most records: roles, kinds of things, times of one job.
            shown = keys.pairs.get((key, value))
            if shown is None:
                term = self._syntax.value(value, time=key in words.TIME_KEYS)
                shown = f"{self._predicate(key, keys)} {term}"
                if len(keys.pairs) < _KNOWN_PAIRS:
                    keys.pairs[key, value] = shown
            return shown
        return f"{self._predicate(key, keys)} {self._syntax.value(value)}"

    def _predicate(self, key: str, keys: _Keys) -> str:
        found = keys.predicates.get(key)
        if found is None:
            iri = keys.renamed.get(key) or namespaces.expand(key)
            found = keys.predicates[key] = self._property(iri)
        return found

    def _property(self, iri: str) -> str:
        if iri == words.TYPE and not self._space:
            return self._syntax.a
        return self._syntax.property(self._space + iri)

    def _relation(self, edge: Edge, number: int, subjects: _Subjects) -> None:
        """One relation on its effect; ``number`` counts statements that are word for word the same."""
        known, plain, qualified, classes, influencer = self._words[edge.relation]
        keys = self._relations[edge.relation]
        iri = self._syntax.iri
        lonely = edge.effect.startswith(_UNKNOWN)
        pairs = [] if lonely else subjects.setdefault(iri(edge.effect), [])
        inner = list(classes)
        if lonely and not classes:
            # Nothing but its class says what a node is that nothing leads to.
            inner += [f"{self._a} {iri(one)}" for one in known.named]
        if not edge.cause.startswith(_UNKNOWN):
            cause = iri(edge.cause)
            pairs += [f"{p} {cause}" for p in plain]
            if not self._document.bare or line(edge) not in self._document.bare:
                inner.append(f"{influencer} {cause}")
        for key, value in _sorted(edge.attributes):
            if type(value) is str and key in keys.renamed and key not in words.SETS:
                inner.append(self._pair(key, value, keys))
            elif key == "prov:key" and isinstance(value, Ref):
                inner.append(f"{iri(words.PAIR_KEY)} {self._key(value)}")
            elif key in words.SETS and dictionary.holds(value):
                inner += self._members(key, value, subjects)
            else:
                inner += self._attribute(words.own(key), value, keys)
        somebody = edge.cause.startswith(_UNKNOWN)
        if lonely or somebody:
            for key, value in unnamed.said(edge).items():
                inner += self._attribute(key, value, keys)
        bundle = edge.attributes.get("prov:bundle")
        if edge.relation == "mentionOf" and isinstance(bundle, Ref):
            pairs.append(f"{iri(words.AS_IN_BUNDLE)} {iri(bundle.iri)}")
        if edge.id is not None:
            subject = iri(edge.id)
            pairs.append(f"{qualified} {subject}")
            subjects.setdefault(subject, []).extend(inner)
        elif (
            number > 1
            or lonely
            or somebody
            or self._needs_node(edge, known, len(inner) - len(classes))
        ):
            if self._syntax.inline and number == 1 and not lonely:
                pairs.append(f"{qualified} [ {' ; '.join(inner)} ]")
            else:
                subject = _blank(b"%d %b" % (number, line(edge)))
                pairs.append(f"{qualified} {subject}")
                subjects[subject] = inner

    def _needs_node(self, edge: Edge, known: words.Words, said: int) -> bool:
        """Whether the qualified form is written: always where PROV-O has one, else where it says
        more than the unqualified or tells statements of the same ends apart.
        """
        return known.bare or said != 1 or (edge.effect, edge.relation, edge.cause) in self._crowded

    def _members(self, key: str, value: Literal, subjects: _Subjects) -> Iterator[str]:
        """The keys, or pairs of key and entity, of PROV-Dictionary's sets."""
        iri = self._syntax.iri
        prop = iri(words.SETS[key])
        for number, member in enumerate(dictionary.members(value)):
            if not isinstance(member, Pair):
                yield f"{prop} {self._key(member)}"
                continue
            pairs = []
            if member.key is not None:
                pairs.append(f"{iri(words.PAIR_KEY)} {self._key(member.key)}")
            if member.entity is not None:
                pairs.append(f"{iri(words.PAIR_ENTITY)} {iri(member.entity)}")
            if self._syntax.inline:
                yield f"{prop} [ {' ; '.join(pairs)} ]"
            else:
                subject = _blank(b"member %d %b" % (number, value.value.encode()))
                if subject not in self._members_written:
                    self._members_written.add(subject)
                    subjects[subject] = pairs
                yield f"{prop} {subject}"

    def _key(self, value: Scalar) -> str:
        """A key, which is a literal also where it is a qualified name."""
        if isinstance(value, Ref):
            value = Literal(self._syntax.qname(value.iri), "prov:QUALIFIED_NAME")
        return self._syntax.value(value)

    def _stated(self, number: int, record: Record) -> tuple[str, Sequence[str]]:
        """One of several statements of one thing, which RDF merges, once more on a node of its own."""
        if self._apart is None:
            self._apart = Writer(self._document, self._syntax, words.STATED)
        pairs = [f"{self._syntax.iri(words.STATES)} {self._syntax.iri(record.id or '')}"]
        pairs += self._apart.restated(record)
        return _blank(b"states %d %b" % (number, line(record))), pairs

    def restated(self, record: Record) -> Iterator[str]:
        """What is said of a record on a node of its own."""
        return self._element(record) if isinstance(record, Node) else self._alone(record)

    def _alone(self, edge: Edge) -> Iterator[str]:
        """A relation as a node that says both its ends."""
        known, _, _, _, influencer = self._words[edge.relation]
        keys = self._relations[edge.relation]
        yield from (f"{self._a} {self._syntax.iri(c)}" for c in known.named)
        yield f"{self._property(words.EFFECT)} {self._syntax.iri(edge.effect)}"
        if not edge.cause.startswith(_UNKNOWN):
            yield f"{influencer} {self._syntax.iri(edge.cause)}"
        for key, value in _sorted({**edge.attributes, **unnamed.said(edge)}):
            yield from self._attribute(words.own(key), value, keys)


def _sorted(attributes: Attributes) -> Iterable[tuple[str, Value]]:
    return sorted(attributes.items()) if len(attributes) > 1 else attributes.items()


def _crowded(edges: Sequence[Edge]) -> set[tuple[str, str, str]]:
    """The ends between which there are several statements of one relation, or of sub-properties of
    it, whose nodes would seem to say what the unqualified property says.
    """
    seen: Counter[tuple[str, str, str]] = Counter(
        (r.effect, _SPARE[r.relation], r.cause) for r in edges if r.relation in _SPARE
    )
    return {ends for ends, times in seen.items() if times > 1}


def _blank(label: bytes) -> str:
    """A blank node that has its name from what it says: same statement, same label."""
    return "_:n" + sha256(label).hexdigest()[:24]


_NONE: frozenset[tuple[str, str, str]] = frozenset()
_TIMES = {short: key for key, short in prov_terms.TIMES.items()}
_UNKNOWN = ids.UNKNOWN
#: Relations that PROV-O has no qualified form for, and the sub-properties of these -> the relation.
_SPARE: Mapping[str, str] = {
    name: known.relation.root
    for name, known in words.WORDS.items()
    if not words.WORDS[known.relation.root].bare
}
_KNOWN_PAIRS = 10_000

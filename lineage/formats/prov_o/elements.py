# SPDX-License-Identifier: Apache-2.0
"""Reads what PROV-O says of a subject: its elements, and the relations said without a node of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from lineage.formats import prov_terms
from lineage.formats.prov_o import words
from lineage.formats.prov_o.quads import Quads, Said, Term
from lineage.model import kinds, namespaces, terms
from lineage.model.record import Edge, Node
from lineage.model.terms import Relation
from lineage.model.value import Ref, Value, each, refs, several

_EMPTY_BUNDLE = f"<{words.EMPTY_BUNDLE}>"


class Elements:
    """The elements of one graph. ``taken`` are the nodes that are read as part of something else;
    ``qualified`` the relations that are said in full, whose plain form says nothing more.
    """

    def __init__(
        self,
        quads: Quads,
        bundle: str | None,
        edges: list[Edge],
        taken: set[Term],
        *,
        twice: bool,
    ) -> None:
        self._quads = quads
        self._name = quads.name
        self._bundle = bundle
        self._taken = taken
        self._edges = edges
        self.qualified: set[tuple[str, str, str]] = set()
        #: Whether attributes may be called like properties of PROV-O.
        self._twice = twice
        self.nodes: list[Node] = []
        self.empty: list[str] = []
        #: What is said of subjects whose types name no family, and the families its properties imply.
        self._undecided: list[tuple[str, dict[str, Value], set[str]]] = []

    def _plain(self, relation: Relation, effect: str, cause: str) -> None:
        mark = (relation.name, effect, cause)
        if mark not in self.qualified:
            self.qualified.add(mark)
            edge = prov_terms.edge(relation, (effect, cause), {}, None, self._bundle)
            self._edges.append(edge)

    def read(self, ident: str, said: Said) -> None:
        """One element of each family that its types name, with all that is said of it."""
        families: dict[str, None] = {}
        found: dict[str, Value] = {}
        use, quads, taken = words.use, self._quads, self._taken
        for prop, obj in said:
            kind, key = use(prop)
            if kind == "time":
                value: Value = quads.time(obj)
            elif (kind == "qualified" and obj in taken) or (
                kind != "attribute"
                and obj[0] != '"'
                and self._is_more(kind, prop, ident, obj, families)
            ):
                continue
            else:
                value = quads.values[obj] if obj in quads.values else quads.scalar(obj)
            found[key] = several((*each(found[key]), *each(value))) if key in found else value
        if self._twice:
            take_also(found, words.ELEMENT_BACK)
        if not families:
            families.update(_implied(found.get(prov_terms.TYPE, ())))
        if not families and not found:
            return
        self._shortcuts(ident, found)
        if families:
            self._add(ident, found, families)
        else:
            own = {words.DOMAINS[key] for key in found.keys() & words.DOMAINS.keys()}
            self._undecided.append((ident, found, own))

    def _add(self, ident: str, found: dict[str, Value], families: Collection[str]) -> None:
        for family in families:
            own = dict(found) if len(families) > 1 else found
            self.nodes.append(prov_terms.node(family, ident, own, self._bundle))

    def settle(self) -> None:
        """Subjects whose types name no family are what the domains and ranges of PROV-O's properties
        say (PROV-CONSTRAINTS 50); the others are marked as nothing that was declared.
        """
        families = {ident: own for ident, _, own in self._undecided}
        for edge in self._edges if families else ():
            for ident, family in _typings(edge):
                if ident in families:
                    families[ident].add(family)
        for ident, found, _ in self._undecided:
            if families[ident]:
                self._add(ident, found, sorted(families[ident]))
            else:
                found[words.UNDECLARED] = True
                self._add(ident, found, ("entity",))

    def _is_more(
        self, kind: str, prop: str, ident: str, obj: Term, families: dict[str, None]
    ) -> bool:
        """Whether a statement is a family or a relation, and no attribute besides."""
        if kind == "type":
            return self._typed(ident, obj, families)
        if kind == "plain":
            self._plain(words.PLAIN[prop], ident, self._name(obj))
            return True
        if kind == "inverse":
            self._plain(words.INVERSE[prop], self._name(obj), ident)
        return False

    def _typed(self, ident: str, term: Term, families: dict[str, None]) -> bool:
        """Whether a type is one of PROV's families, or a mark of ours."""
        family = words.FAMILIES.get(term)
        if family is not None:
            families[family] = None
        elif term == _EMPTY_BUNDLE:
            self.empty.append(ident)
        else:
            return False
        return True

    @cached_property
    def _times(self) -> set[tuple[str, str, Value]]:
        """The times of relations that are said in full: a shortcut to one says nothing more."""
        return {
            (edge.effect, edge.relation, time)
            for edge in self._edges
            for time in each(edge.attributes.get("prov:time", ()))
        }

    def _shortcuts(self, ident: str, found: Mapping[str, Value]) -> None:
        """Times of a generation or invalidation by something unnamed."""
        for key, name in words.SHORTCUTS.items():
            if key not in found:
                continue
            for value in each(found[key]):
                time = getattr(value, "value", value)
                if isinstance(time, str) and (ident, name, time) not in self._times:
                    relation = terms.RELATIONS[name]
                    attributes: dict[str, Value] = {"prov:time": time}
                    edge = prov_terms.edge(relation, (ident, None), attributes, None, self._bundle)
                    self._edges.append(edge)


def _typings(edge: Edge) -> Iterator[tuple[str, str]]:
    """What a relation says of the families of what it names."""
    row = terms.RELATIONS[edge.relation]
    if not row.any_ends:
        yield edge.effect, row.effect.lower()
        yield edge.cause, row.cause.lower()
    for argument in row.arguments:
        if argument.family is not None and argument.key in edge.attributes:
            for ident in refs(edge.attributes[argument.key]):
                yield ident, argument.family.lower()


def take_also(found: dict[str, Value], back: Mapping[str, str]) -> None:
    """Attributes called as a PROV-O property for another attribute get their own name back."""
    for key in [key for key in found if key.startswith(words.ALSO)]:
        own = found.pop(key)
        name = key.removeprefix(words.ALSO)
        other = back.get(namespaces.expand(name))
        if other in found:
            left = [value for value in each(found.pop(other)) if value not in each(own)]
            if left:
                found[other] = several(left)
        found[name] = own


def _implied(types: Value | tuple[()]) -> Iterator[tuple[str, None]]:
    """The families of PROV's and our own classes, for what says no more than these."""
    for item in each(types):
        if isinstance(item, Ref):
            kind = item.iri.removeprefix(namespaces.LINEAGE)
            if item.iri in words.SUBCLASSES:
                yield words.SUBCLASSES[item.iri], None
            elif kind != item.iri and kind in kinds.KINDS:
                yield kinds.family(kind).lower(), None

# SPDX-License-Identifier: Apache-2.0
"""Gathers the claims of a store into a document that need not fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, TypeVar

from lineage import ids
from lineage.closeable import Closeable
from lineage.formats import prov_terms
from lineage.formats.document import Document, Rereadable, Section
from lineage.model import kinds
from lineage.model.record import Edge, Node, Record, line
from lineage.spool import Spool
from lineage.store.claims import Arc, Claim, Statement

_Row = tuple[Any, ...]
_C = TypeVar("_C", Statement, Arc)
#: Bundle, PROV's word, and what else tells streams apart: elements, relations, those with an identifier.
_Key = tuple[str | None, str, int]

_NODES, _EDGES, _NAMED = range(3)
_ID, _PLACE = itemgetter(0), itemgetter(0, 1, 2)
_WHERE = itemgetter(0, 2)


class SpooledClaims(Closeable):
    """Claims in a temporary file, those of one thing after the other by identifier. ``things`` counts the
    nodes that are described, ``relations`` the edges, each told once.
    """

    def __init__(self) -> None:
        self.things: int = 0
        self.relations: int = 0
        self._spool: Spool[_Key, _Row] = Spool()
        self._sections: dict[str | None, _Spooled] = {None: _Spooled(self._spool)}

    def close(self) -> None:
        """See ``Closeable``."""
        self._spool.close()

    def add(self, claims: Iterable[Claim]) -> None:
        """Add the claims of the next thing, each once however many sources make it."""
        statements: dict[Statement, None] = {}
        arcs: dict[Arc, None] = {}
        for claim in claims:
            what = claim.what
            if isinstance(what, Statement):
                statements[what] = None
            else:
                arcs[what] = None
        if statements:
            self.things += 1
            for said in (
                _by_line([*statements], Statement.node) if len(statements) > 1 else statements
            ):
                word = kinds.family(said.kind).lower()
                section = self._put(said.bundle, word, _NODES, tuple(said))
                if said.id.startswith(ids.BLANK):
                    section.blank.add(said.id)
        if arcs:
            self.relations += len({(arc.relation, arc.cause, arc.variant) for arc in arcs})
            for arc in _ordered([*arcs]) if len(arcs) > 1 else arcs:
                self._add(arc)

    def _add(self, arc: Arc) -> None:
        word = prov_terms.WRITTEN.get(arc.relation, "")
        row = (arc.effect, arc.relation, arc.cause, arc.attributes, arc.id, arc.bundle)
        section = self._put(arc.bundle, word, _EDGES if arc.id is None else _NAMED, row)
        if arc.id is not None:
            section.named.add(arc.id)
        if "[" in arc.attributes:
            section.several += prov_terms.crowded_places((_edge_of(arc),))
        for ident in (arc.effect, arc.cause, arc.id or ""):
            if ident.startswith(ids.BLANK):
                section.blank.add(ident)

    def _put(self, bundle: str | None, word: str, sort: int, row: _Row) -> _Spooled:
        section = self._sections.get(bundle)
        if section is None:
            section = self._sections[bundle] = _Spooled(self._spool)
        key = (bundle, word, sort)
        section.keys[key] = None
        self._spool.put(key, row)
        return section

    def document(self) -> Document:
        """All of it as a document."""
        bundles = sorted(bundle for bundle in self._sections if bundle is not None)
        return Document(
            sections={bundle: self._sections[bundle] for bundle in (None, *bundles)},
            bundles={bundle: {} for bundle in bundles},
        )


def _ordered(arcs: list[Arc]) -> Iterator[Arc]:
    """The edges of one effect in the order of ``prov_terms.ordered``."""
    arcs.sort(key=_WHERE)
    for _, same in groupby(arcs, _WHERE):
        first, *others = same
        yield from _by_line([first, *others], _edge_of) if others else (first,)


def _by_line(claims: Sequence[_C], record: Callable[[_C], Record]) -> Iterator[_C]:
    """Claims by their canonical lines, each line once."""
    lines = {line(record(claim)): claim for claim in claims}
    return (lines[text] for text in sorted(lines))


def _edge_of(arc: Arc) -> Edge:
    return arc.row().edge()


class _Spooled(Section):
    """What is in one bundle, in streams by word."""

    def __init__(self, spool: Spool[_Key, _Row]) -> None:
        self._spool = spool
        self.keys: dict[_Key, None] = {}
        self.named: set[str] = set()
        self.blank: set[str] = set()
        self.several = 0

    @property
    def names(self) -> frozenset[str]:
        """See ``Section.names``."""
        return frozenset(self.named)

    @property
    def unnamed(self) -> Collection[str]:
        """See ``Section.unnamed``."""
        return self.blank

    @property
    def crowded(self) -> int:
        """See ``Section.crowded``."""
        return self.several

    def __len__(self) -> int:
        """See ``Section.__len__``."""
        return sum(map(self._spool.number, self.keys))

    @property
    def nodes(self) -> Iterable[Node]:
        """See ``Section.nodes``."""
        return Rereadable(lambda: map(_node, self._merged((_NODES,), _ID)))

    @property
    def edges(self) -> Iterable[Edge]:
        """See ``Section.edges``."""
        return Rereadable(lambda: map(_edge, self._merged((_EDGES, _NAMED), _PLACE)))

    def _merged(self, sorts: Sequence[int], place: Callable[[_Row], Any]) -> Iterator[_Row]:
        streams = [self._spool.of(key) for key in self.keys if key[2] in sorts]
        return streams[0] if len(streams) == 1 else merge(*streams, key=place)

    def by_word(self) -> Iterator[tuple[str, Iterable[Record]]]:
        """See ``Section.by_word``."""
        for key in self.keys:
            if key[2] == _NODES:
                yield key[1], map(_node, self._spool.of(key))
        for word in dict.fromkeys(key[1] for key in self.keys if key[2] != _NODES and key[1]):
            bundle = next(iter(self.keys))[0]
            named = sorted(self._spool.of((bundle, word, _NAMED)), key=itemgetter(4))
            yield word, map(_edge, chain(self._spool.of((bundle, word, _EDGES)), named))


def _node(row: _Row) -> Node:
    return Statement(*row).node()


def _edge(row: _Row) -> Edge:
    effect, relation, cause, attributes, ident, bundle = row
    return Arc(relation, effect, cause, 0, True, attributes, ident, bundle).row().edge()

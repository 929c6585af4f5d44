# SPDX-License-Identifier: Apache-2.0
"""pyoxigraph: an edge is a quad whose graph holds its attributes; a node has four literals.

Walks are loops in Python over its index of quads, two to three times as fast as property paths of
SPARQL in it; searches are SPARQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, unquote

import pyoxigraph
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store

from bench.peers.contract import PAGE, Found, Peer, Rows
from lineage.model.record import Batch
from lineage.model.value import text

_RELATION, _GRAPH = "urn:relation:", "urn:attributes:"
_KIND, _LABEL, _STATUS, _ATTRIBUTES = (
    NamedNode(f"urn:says:{word}") for word in ("kind", "label", "status", "attributes")
)
_BARE = DefaultGraph()
_PAGED = """SELECT ?n ?k ?l ?a {{ {{ SELECT ?n {{ {} }} ORDER BY ?n LIMIT {} }}
  ?n <urn:says:kind> ?k ; <urn:says:label> ?l ; <urn:says:attributes> ?a }}"""
_FAILED = _PAGED.format("?n <urn:says:kind> 'Run' ; <urn:says:status> 'failed'", PAGE)
_FIND = _PAGED.format(
    "?n <urn:says:label> ?t FILTER(CONTAINS(LCASE(?t), {0}) || CONTAINS(LCASE(STR(?n)), {0}))", PAGE
)


class Oxigraph(Peer):
    """An Oxigraph store in a folder."""

    version = pyoxigraph.__version__

    def __init__(self, folder: Path) -> None:
        self._file = folder / "files" / "graph.nq"
        self._file.parent.mkdir()
        self._db = Store(folder / "store")

    def prepare(self, batches: Iterable[Batch]) -> None:
        """See ``Peer``: N-Quads."""
        pyoxigraph.serialize(_quads(batches), self._file, format=RdfFormat.N_QUADS)

    def load(self) -> None:
        """See ``Peer``."""
        self._db.bulk_load(path=self._file, format=RdfFormat.N_QUADS)
        self._db.optimize()
        self._db.flush()

    def upstream(self, model: str) -> Found:
        """See ``Peer``."""
        reached, edges = self._walk(model, causes=True)
        return [self._node(name) for name in reached], edges

    def effects(self, hub: str) -> Found:
        """See ``Peer``."""
        reached, edges = self._walk(hub, causes=False)
        return [self._node(name) for name in reached], edges

    def _walk(self, ident: str, *, causes: bool) -> tuple[list[NamedNode], Rows]:
        start = NamedNode(ident)
        seen, reached, edges = {start}, [start], []
        for name in reached:
            ends = (name, None, None) if causes else (None, None, name)
            for effect, relation, cause, graph in self._db.quads_for_pattern(*ends, None):
                far = cause if causes else effect
                if isinstance(far, Literal):
                    continue
                said = "{}" if graph == _BARE else unquote(graph.value[len(_GRAPH) :])
                edges.append((relation.value[len(_RELATION) :], effect.value, cause.value, said))
                if far not in seen:
                    seen.add(far)
                    reached.append(far)
        return reached, edges

    def _reached(self, ident: str) -> list[NamedNode]:
        start = NamedNode(ident)
        seen, reached = {start}, [start]
        for name in reached:
            for effect, *_ in self._db.quads_for_pattern(None, None, name, None):
                if effect not in seen:
                    seen.add(effect)
                    reached.append(effect)
        return reached

    def _node(self, name: NamedNode) -> tuple[str, ...]:
        said = {
            quad.predicate: quad.object.value
            for quad in self._db.quads_for_pattern(name, None, None, _BARE)
            if isinstance(quad.object, Literal)
        }
        return name.value, said[_KIND], said[_LABEL], said[_ATTRIBUTES]

    def identifiers(self, hub: str) -> Collection[str]:
        """See ``Peer``."""
        return [name.value for name in self._reached(hub)]

    def counts(self, hub: str) -> Mapping[str, int]:
        """See ``Peer``."""
        kinds = (self._db.quads_for_pattern(name, _KIND, None) for name in self._reached(hub))
        return Counter(next(found).object.value for found in kinds)

    def failed(self) -> Rows:
        """See ``Peer``."""
        return self._rows(_FAILED)

    def find(self, text: str) -> Rows:
        """See ``Peer``."""
        return self._rows(_FIND.replace("{0}", str(Literal(text))))

    def _rows(self, query: str) -> Rows:
        return [tuple(term.value for term in row) for row in self._db.query(query)]

    def close(self) -> None:
        """See ``Closeable``: the store closes when nobody holds it."""
        self.__dict__.pop("_db", None)


def _quads(batches: Iterable[Batch]) -> Iterator[Quad]:
    for batch in batches:
        for n in batch.nodes:
            name = NamedNode(n.id)
            yield Quad(name, _KIND, Literal(n.kind))
            yield Quad(name, _LABEL, Literal(n.label or ""))
            yield Quad(name, _STATUS, Literal(str(n.attributes.get("status"))))
            yield Quad(name, _ATTRIBUTES, Literal(text(n.attributes)))
        for e in batch.edges:
            graph = NamedNode(_GRAPH + quote(text(e.attributes))) if e.attributes else _BARE
            relation = NamedNode(_RELATION + e.relation)
            yield Quad(NamedNode(e.effect), relation, NamedNode(e.cause), graph)

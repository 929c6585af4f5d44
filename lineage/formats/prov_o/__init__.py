# SPDX-License-Identifier: Apache-2.0
"""PROV-O (W3C Recommendation of 2013-04-30) as Turtle, TriG, N-Triples, N-Quads and RDF/XML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice

import pyoxigraph
from pyoxigraph import CanonicalizationAlgorithm, RdfFormat

from lineage import ids
from lineage.formats.document import Document, Section
from lineage.formats.prov_o.quads import parse
from lineage.formats.prov_o.read import batch_of, said_wrongly, without_prov
from lineage.formats.prov_o.syntax import Lines, Turtle, XmlLines
from lineage.formats.prov_o.write import Writer
from lineage.gc_pause import gc_disabled
from lineage.model.record import Batch, Loss, named
from lineage.sources.xml_guard import without_doctype

_HEAD = 65536
#: Subjects whose text is handed on at once.
_TOGETHER = 500
#: Nodes without a name that speak of each other, of which all permutations are soon tried.
_TANGLED = 5
_DIRECTIVE = re.compile(rb"(?mi)^[ \t]*+(?:@prefix|@base|prefix|base)\s[^=<]{0,300}<[^>]{0,2000}>")
_LINE = re.compile(rb"\s*+(?:#[^\n]*+\n\s*+)*+(?:<[^<>\s]+>|_:\S+)\s+<[^<>\s]+>\s+[<\"_]")
_RDF_XML = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvO:
    """One syntax of RDF for PROV-O. ``graphs`` says whether it has named graphs: bundles."""

    name: str
    syntax: RdfFormat
    graphs: bool
    looks: Callable[[bytes], bool]
    text: Callable[[Document], Iterator[str]]

    def sniffs(self, data: bytes) -> bool:
        """Whether it looks like this syntax."""
        return self.looks(data[:_HEAD])

    @gc_disabled()
    def loads(self, data: bytes, where: str = "document") -> Batch:
        """Read a document; named graphs are bundles."""
        if self.syntax is RdfFormat.RDF_XML:
            without_doctype(data, where=where)
        found = parse(data, self.syntax, where)
        batch = batch_of(found)
        return replace(batch, losses=said_wrongly(found) or without_prov(batch))

    @gc_disabled()
    def dumps(self, batch: Batch) -> bytes:
        """Write a document: same batch, same bytes."""
        return b"".join(self.pieces(Document.of(batch)))

    def pieces(self, document: Document) -> Iterator[bytes]:
        """See ``formats.Streamed``."""
        texts = self.text(document if self.graphs else document.run_together())
        while some := list(islice(texts, _TOGETHER)):
            yield "".join(some).encode()

    def losses(self, batch: Batch | Document) -> tuple[Loss, ...]:
        """What of a batch this syntax cannot hold."""
        sections = Document.of(batch).sections
        blank = len(set().union(*(section.unnamed for section in sections.values())))
        reason = "a document of RDF has no names for them: read again, they are others"
        renamed = (Loss("nodes without a name", blank, reason),) if blank else ()
        return (*renamed, *self._run_together(sections))

    def _run_together(self, sections: Mapping[str | None, Section]) -> tuple[Loss, ...]:
        if self.graphs:
            return ()
        inside = sum(len(section) for bundle, section in sections.items() if bundle is not None)
        number = inside or len(sections) - 1
        reason = f"{self.name} has no named graphs: what bundles hold stands beside all else"
        return (Loss("bundle", number, reason),) if number else ()


def canonical(document: Document) -> str | None:
    """The SHA-256, in hex, of the canonical N-Quads (RDFC-1.0) of what a document says.

    ``None`` where so many nodes without a name speak of each other that telling them apart might take
    for ever: RDFC-1.0 tries their permutations.
    """
    tangled: set[str] = set()
    for record in document.records:
        blank = {ident for ident in named(record) if ident.startswith(ids.BLANK)}
        if len(blank) > 1:
            tangled |= blank
    if len(tangled) > _TANGLED:
        return None
    data = "".join(_lines(document)).encode()
    dataset = pyoxigraph.Dataset(pyoxigraph.parse(data, RdfFormat.N_QUADS))
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    shown = pyoxigraph.serialize(dataset, format=RdfFormat.N_QUADS) or b""
    return sha256(b"".join(sorted(shown.splitlines(keepends=True)))).hexdigest()


def _turtle(document: Document) -> Iterator[str]:
    syntax = Turtle(document.prefixes, document.base)
    return syntax.document(Writer(document, syntax).graphs())


def _lines(document: Document, syntax: Lines | None = None) -> Iterator[str]:
    syntax = syntax or Lines()
    return syntax.document(Writer(document, syntax).graphs())


def _rdf_xml(document: Document) -> Iterator[str]:
    """Out of N-Triples: RDF/XML is for tools that read nothing else."""
    quads = pyoxigraph.parse("".join(_lines(document, XmlLines())), RdfFormat.N_TRIPLES)
    prefixes = {
        p: i for p, i in Turtle(document.prefixes).prefixes.items() if p[:3].lower() != "xml"
    }
    data = pyoxigraph.serialize(
        (quad.triple for quad in quads), format=RdfFormat.RDF_XML, prefixes=prefixes
    )
    yield (data or b"").decode()


def _is_turtle(head: bytes) -> bool:
    return _DIRECTIVE.search(head) is not None


def _is_lines(head: bytes) -> bool:
    return _LINE.match(head) is not None


def _is_rdf_xml(head: bytes) -> bool:
    return _RDF_XML in head and re.search(rb"<(\w+:)?RDF[\s>]", head) is not None


def _no(_head: bytes) -> bool:
    """What this syntax would take is taken by the one that has graphs as well."""
    return False


TURTLE = ProvO(
    name="turtle",
    syntax=RdfFormat.TURTLE,
    graphs=False,
    looks=_no,
    text=_turtle,
)
TRIG = ProvO(
    name="trig",
    syntax=RdfFormat.TRIG,
    graphs=True,
    looks=_is_turtle,
    text=_turtle,
)
NTRIPLES = ProvO(
    name="nt",
    syntax=RdfFormat.N_TRIPLES,
    graphs=False,
    looks=_no,
    text=_lines,
)
NQUADS = ProvO(
    name="nquads",
    syntax=RdfFormat.N_QUADS,
    graphs=True,
    looks=_is_lines,
    text=_lines,
)
RDFXML = ProvO(
    name="rdfxml",
    syntax=RdfFormat.RDF_XML,
    graphs=False,
    looks=_is_rdf_xml,
    text=_rdf_xml,
)

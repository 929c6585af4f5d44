# SPDX-License-Identifier: Apache-2.0
"""JSON-LD: written as PROV-JSONLD; read as that by its structure, and as RDF whatever else it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lineage.errors import BadInput
from lineage.formats import json_marks
from lineage.formats.document import Document, crowded
from lineage.formats.names import plain
from lineage.formats.prov_jsonld import words
from lineage.formats.prov_jsonld.read import Reader
from lineage.formats.prov_jsonld.write import Writer
from lineage.gc_pause import gc_disabled
from lineage.model.record import Batch, Loss
from lineage.sources import json_reader

if TYPE_CHECKING:
    from lineage.formats.prov_o.quads import Quads


class ProvJsonLd:
    """JSON-LD with PROV in it."""

    name = "jsonld"

    def sniffs(self, data: bytes) -> bool:
        """JSON with a context near its top, or with node objects in a list (JSON-LD 1.1 section 9);
        crates are other JSON-LD, unless the context is PROV-JSONLD's.
        """
        head = data[:65536].lstrip(b"\xef\xbb\xbf \t\r\n")
        if head[:1] not in (b"{", b"["):
            return False
        if b'"@context"' not in head and _NODE.match(head) is None:
            return False
        return not json_marks.describes_crate(data) or is_stated(data)

    @gc_disabled()
    def loads(self, data: bytes, where: str = "document") -> Batch:
        """Read a document; contexts are those in it, PROV-JSONLD's is known by name."""
        value = json_reader.loads(data, where=where)
        if not isinstance(value, dict | list):
            raise BadInput("a JSON-LD document is an object or a list", where=where)
        if _graphs_within(value):
            message = "a context makes terms containers of graphs, which PROV has no use for"
            raise BadInput(message, where=where, hint='Write the graphs with "@graph".')
        named = {context for context in _contexts(value) if isinstance(context, str)}
        unknown = sorted(context for context in named if not words.is_context(context))
        if unknown:
            raise BadInput(
                f"context {unknown[0]!r} is none of those known here, and nothing is ever fetched",
                where=where,
                hint=f"Hand it over (--context {unknown[0]}=FILE), or write it into the document.",
            )
        if not named or not isinstance(value, dict):
            return _as_rdf(data, value, where)
        reader = Reader(data, where)
        reader.document(value)
        return reader.batch()

    @gc_disabled()
    def dumps(self, batch: Batch) -> bytes:
        """Write a document: same batch, same bytes."""
        return b"".join(self.pieces(Document.of(batch)))

    def pieces(self, document: Document) -> Iterator[bytes]:
        """See ``formats.Streamed``."""
        return Writer(document).document()

    def losses(self, batch: Batch | Document) -> tuple[Loss, ...]:
        """Relations for which PROV-JSONLD has no term: others read the one that each implies."""
        found = Counter(edge.relation for edge in batch.edges if edge.relation in words.OURS)
        weaker = (
            Loss(name, number, f"PROV-JSONLD has no term for it: others read {words.IMPLIED[name]}")
            for name, number in sorted(found.items())
        )
        return (*weaker, *crowded(batch, "others read the first"))


def is_stated(data: bytes) -> bool:
    """Whether JSON names a context of PROV-JSONLD; quick where it names none anywhere."""
    if words.CONTEXTS.search(data) is None:
        return False
    named = [context for context in json_marks.contexts(data) if isinstance(context, str)]
    return any(map(words.is_context, named))


def _contexts(value: Any) -> Iterator[Any]:
    """Every context in a document, one by one."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, list):
            todo += item
        elif isinstance(item, dict):
            for key, inner in item.items():
                if key == "@context":
                    yield from inner if isinstance(inner, list) else [inner]
                elif key == "@import":
                    yield inner
                todo.append(inner)


def _graphs_within(value: Any) -> bool:
    """Whether a context says ``"@container": "@graph"``: pyoxigraph 0.5 ends the process over some
    values of such a term.
    """
    for context in _contexts(value):
        terms = context.values() if isinstance(context, dict) else ()
        for term in terms:
            container = term.get("@container") if isinstance(term, dict) else None
            if "@graph" in (container if isinstance(container, list) else [container]):
                return True
    return False


def _as_rdf(data: bytes, value: Any, where: str) -> Batch:
    from pyoxigraph import RdfFormat

    from lineage.formats.prov_jsonld import statements
    from lineage.formats.prov_o import quads, read

    written, mended = statements.written_out(value, list(_contexts(value)))
    if written is not value:
        data = json_reader.text_of(written).encode()
    found = quads.parse(data, RdfFormat.JSON_LD, where)
    unmapped = _unmapped(found)
    batch = read.batch_of(found)
    return replace(batch, losses=(*mended, *unmapped, *read.without_prov(batch)))


def _unmapped(found: Quads) -> tuple[Loss, ...]:
    """Take out what stands under keys that are no IRI: in JSON-LD these say nothing, the parser
    passes them on.
    """
    lost: Counter[str] = Counter()
    for graph in found.graphs.values():
        names = {name for name in graph.properties if ":" not in plain(name)}
        if not names:
            continue
        graph.properties -= names
        for subject, said in graph.subjects.items():
            lost.update(plain(name) for name, _ in said if name in names)
            graph.subjects[subject] = [pair for pair in said if pair[0] not in names]
    reason = "no context maps this key: in JSON-LD it says nothing"
    return tuple(Loss(name, number, reason) for name, number in sorted(lost.items()))


#: The beginning of a node object, or of a list of some, that needs no context.
_NODE = re.compile(rb'(?:\[\s*)?\{\s*"@(?:id|type|graph)"\s*:')
FORMAT = ProvJsonLd()

# SPDX-License-Identifier: Apache-2.0
"""RDF text as statements: parsed by pyoxigraph, nothing fetched, blank nodes numbered as they come."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any

import pyoxigraph
from pyoxigraph import BlankNode, NamedNode, RdfFormat

from lineage import ids
from lineage.errors import BadInput, InputTruncated
from lineage.formats import statement, strict
from lineage.formats.names import ODD_LANGUAGE, QNAMES, plain, tagged
from lineage.formats.prov_o.syntax import BLANK
from lineage.model.value import Literal, Ref, Scalar

#: What is said of one subject: property and object, as RDF terms.
Said = list[tuple[str, Any]]


@dataclass(slots=True)
class Graph:
    """The statements of one graph, subject by subject in the order of the document.

    ``used`` counts how often a blank node is the object of a statement, by its label.
    """

    subjects: dict[str, Said] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Quads:
    """A document as graphs (``None``: the default one), the prefixes it declared, its address."""

    graphs: dict[str | None, Graph]
    prefixes: dict[str, str]
    base: str
    name: Callable[[Any], str]


def parse(data: bytes, syntax: RdfFormat, where: str) -> Quads:
    """Parse a document. Raises ``BadInput`` with line and column, ``InputTruncated``."""
    strict.decode(data, where=where)
    document = sha256(data).hexdigest()[:16]
    iris = _Iris(document)
    # Where a document lies is not known here, and two must not meet in "#a".
    base = f"urn:lineage:document:{document}/doc"
    parser = pyoxigraph.parse(data, syntax, base_iri=base)
    graphs: dict[str | None, Graph] = {}
    graph = graphs[None] = Graph()
    subjects, used = graph.subjects, graph.used
    blank, name, here, before = BlankNode, iris.name, None, None
    said: Said = []
    try:
        for s, p, o, g in parser:
            if g != here:
                here = g
                key = name(g) if isinstance(g, (NamedNode, BlankNode)) else None
                graph = graphs.setdefault(key, Graph())
                subjects, used, before = graph.subjects, graph.used, None
            if s != before:
                before = s
                said = subjects.setdefault(name(s), [])
            said.append((p.value, o))
            if type(o) is blank:
                text = o.value
                used[text] = used.get(text, 0) + 1
    except SyntaxError as error:
        raise _bad(error, where) from error
    except (ValueError, RecursionError, OverflowError) as error:
        raise BadInput(f"not RDF: {error}", where=where) from error
    return Quads(graphs, dict(parser.prefixes), base, name)


def _bad(error: SyntaxError, where: str) -> BadInput:
    message = re.sub(r"^Parser error (?:at|between) .*?: ", "", error.msg or str(error))
    place = f"{where}:{error.lineno}:{error.offset}" if error.lineno else where
    if "unexpected end" in message.lower() or "eof" in message.lower():
        return InputTruncated(f"the document ends too early: {message}", where=place)
    if "remote context" in message:
        return BadInput(
            "the document names a context elsewhere, and nothing is ever fetched",
            where=place,
            hint="Write the context into the document.",
        )
    return BadInput(f"not RDF: {message}", where=place)


class _Iris:
    """Terms as identifiers: IRIs as they are, blank nodes by their order in this document."""

    def __init__(self, document: str) -> None:
        self._document = document
        self._blank: dict[str, str] = {}

    def name(self, term: Any) -> str:
        """The identifier of a term that is a name."""
        text: str = term.value
        if type(term) is BlankNode:
            found = self._blank.get(text)
            if found is None:
                found = f"{BLANK}{self._document}/b{len(self._blank)}"
                self._blank[text] = found
            return found
        return plain(text)


def scalar(term: Any, quads: Quads) -> Scalar:
    """An object as an attribute value."""
    if isinstance(term, (NamedNode, BlankNode)):
        return Ref(quads.name(term))
    text: str = term.value
    datatype: str = term.datatype.value
    if datatype == _STRING:
        return text
    if term.language is not None:
        return Literal(text, None, term.language)
    if datatype.startswith(ODD_LANGUAGE):
        return tagged(text, datatype) or text
    short = _datatype(datatype)
    if short in QNAMES:
        prefix, colon, local = text.partition(":")
        space = quads.prefixes.get(prefix if colon else "")
        if space is not None:
            return Ref(space + (local if colon else text))
        return Ref(text) if ids.iri_fault(text) is None else Literal(text, "xsd:QName")
    return statement.typed(text, short)


_datatype = cache(statement.datatype)
_STRING = "http://www.w3.org/2001/XMLSchema#string"

# SPDX-License-Identifier: Apache-2.0
"""Parses RDF into statements with pyoxigraph; nothing is fetched, and blank nodes are numbered as
they come.

Terms stay the text that N-Quads has for them: an object for each costs more than the parsing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from operator import methodcaller
from typing import Any

import pyoxigraph
from pyoxigraph import RdfFormat

from lineage import ids
from lineage.errors import BadInput, InputTruncated, LimitExceeded
from lineage.formats import prov_terms
from lineage.formats.names import UNRESOLVED, held, plain
from lineage.formats.prov_o import words
from lineage.formats.prov_o.syntax import legal
from lineage.model.value import Literal, Ref, Scalar
from lineage.sources.text import decode

#: A term of N-Quads: ``<iri>``, ``_:label``, ``"text"``, ``"text"@tag`` or ``"text"^^<datatype>``.
Term = str
#: What is said of one subject: the IRIs of properties, and terms.
Said = list[tuple[str, Term]]

_MEMO = 200_000
#: Syntaxes in which a name is a text like others.
_FREE = frozenset({RdfFormat.RDF_XML, RdfFormat.JSON_LD})
_TRIPLE_TERMS = "triple terms (RDF 1.2) say nothing in PROV-O"
_QUALIFIED = frozenset(f"<{iri}>" for iri in words.QUALIFIED)
_OBJECT = re.compile(r'(<[^<>]*>|_:\S+|"(?:[^"\\]|\\.)*"(?:@\S+|\^\^<[^>]*>)?)(?: (.+))?')
_SPLIT = methodcaller("split", " ", 2)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_CHARACTERS = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}


@dataclass(slots=True)
class Graph:
    """The statements of one graph, subject by subject in the order of the document.

    ``qualified`` holds the statements that lead to a node which qualifies a relation, ``used`` the
    blank nodes that other statements lead to, ``properties`` every property there is.
    """

    subjects: dict[Term, Said] = field(default_factory=dict)
    used: set[Term] = field(default_factory=set)
    qualified: list[tuple[Term, str, Term]] = field(default_factory=list)
    properties: set[str] = field(default_factory=set)


class Quads:
    """A document as graphs (``None``: the default one), the prefixes it declared, its address."""

    def __init__(self, document: str) -> None:
        self.graphs: dict[str | None, Graph] = {None: Graph()}
        self.prefixes: dict[str, str] = {}
        # Where a document lies is not known here, and two must not meet in "#a".
        self.base: str = f"urn:lineage:document:{document}/doc"
        self._document = document
        #: What terms were read as: looking here first saves the call of what reads them.
        self.names: dict[Term, str] = {}
        self.values: dict[Term, Scalar] = {}
        self.times: dict[Term, Scalar] = {}
        self._blank = 0

    def name(self, term: Term) -> str:
        """The identifier of a term that is a name: an IRI as it is, a blank node by its order."""
        found = self.names.get(term)
        if found is None:
            if term[0] == "_":
                found = f"{ids.BLANK}{self._document}/b{self._blank}"
                self._blank += 1
            else:
                found = plain(term[1:-1])
            self.names[term] = found
        return found

    def scalar(self, term: Term) -> Scalar:
        """A term as an attribute value."""
        found = self.values.get(term)
        if found is None:
            found = self._literal(term) if term[0] == '"' else Ref(self.name(term))
            if len(self.values) < _MEMO:
                self.values[term] = found
        return found

    def time(self, term: Term) -> Scalar:
        """A term where PROV has a time: the text of an ``xsd:dateTime``, else any value."""
        found = self.times.get(term)
        if found is None:
            found = self.scalar(term)
            if isinstance(found, Literal) and found.datatype == "xsd:dateTime":
                found = found.value
            if len(self.times) < _MEMO:
                self.times[term] = found
        return found

    def _literal(self, term: Term) -> Scalar:
        text, datatype, language = parts(term)
        if language is not None:
            return Literal(text, None, _cased(language))
        if datatype is None:
            return text
        if (found := held(text, datatype)) is not None:
            return found
        short = _datatype(datatype)
        if short == "prov:QUALIFIED_NAME":
            return self._qualified(text)
        return prov_terms.typed(text, short)

    def _qualified(self, text: str) -> Scalar:
        """A qualified name that was written as a literal; an ``xsd:QName`` is a literal like others."""
        prefix, colon, local = text.partition(":")
        space = self.prefixes.get(prefix if colon else "")
        if space is not None:
            return Ref(space + (local if colon else text))
        return Ref(text) if ids.iri_fault(text) is None else Literal(text, UNRESOLVED)


def parts(term: Term) -> tuple[str, str | None, str | None]:
    """The text of a literal, its datatype unless it is ``xsd:string``, and its language."""
    if term[-1] == '"':
        return unescaped(term[1:-1]), None, None
    end = term.rindex('"')
    text = unescaped(term[1:end])
    if term[end + 1] == "@":
        return text, None, term[end + 2 :]
    return text, term[end + 4 : -1], None


def unescaped(text: str) -> str:
    """A text of N-Quads without its escapes."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _CHARACTERS.get(found[3], found[3])


@cache
def _cased(language: str) -> str:
    """A language tag as RFC 5646 recommends to write it (section 2.1.1): the parser, for which case
    says nothing, makes all of it small.
    """
    tags = language.lower().split("-")
    for at, tag in enumerate(tags[1:], 1):
        if len(tags[at - 1]) == 1:
            break
        if len(tag) == 2:
            tags[at] = tag.upper()
        elif len(tag) == 4 and tag.isalpha():
            tags[at] = tag.title()
    return "-".join(tags)


@cache
def _datatype(iri: str) -> str:
    return prov_terms.datatype(plain(iri))


def parse(data: bytes, syntax: RdfFormat, where: str) -> Quads:
    """Parse a document. Raises ``BadInput`` with line and column, ``InputTruncated``."""
    decode(data, where=where)
    try:
        # Names with escapes may hold anything, and in XML and JSON every name may.
        careful = syntax in _FREE or b"\\u" in data or b"\\U" in data or b"<<" in data
        try:
            return _parsed(data, syntax, careful=careful)
        except _Odd:
            return _parsed(data, syntax, careful=True)
    except SyntaxError as error:
        raise _bad(error, where) from error
    except MemoryError as error:
        raise LimitExceeded("a text is larger than 16 MiB", where=where) from error
    except (ValueError, RecursionError, OverflowError) as error:
        raise BadInput(f"not RDF: {error}", where=where) from error


def _parsed(data: bytes, syntax: RdfFormat, *, careful: bool) -> Quads:
    try:
        return _read(data, syntax, named=False, careful=careful)
    except SyntaxError as error:
        if "Named graphs" not in str(error):
            raise
    return _read(data, syntax, named=True, careful=careful)


def _read(data: bytes, syntax: RdfFormat, *, named: bool, careful: bool) -> Quads:
    quads = Quads(sha256(data).hexdigest()[:16])
    # Lenient: others write IRIs that RFC 3987 refuses, and what they name is kept as it stands.
    parser = pyoxigraph.parse(
        data, syntax, base_iri=quads.base, lenient=True, without_named_graphs=not named
    )
    lines = map(_line if careful else str, parser)
    if named:
        _graphs(quads, lines)
    else:
        _graph(quads.graphs[None], lines)
    quads.prefixes.update(parser.prefixes)
    return quads


class _Odd(Exception):
    """A name cannot stand in N-Quads as it is."""


def _line(quad: Any) -> str:
    """A statement whose names may hold anything: those that cannot stand in N-Quads are held by ours."""
    shown = [_shown(quad.subject), _shown(quad.predicate), _shown(quad.object)]
    if not isinstance(quad.graph_name, pyoxigraph.DefaultGraph):
        shown.append(_shown(quad.graph_name))
    return " ".join(shown)


def _shown(term: Any) -> str:
    if isinstance(term, pyoxigraph.NamedNode):
        return f"<{legal(term.value)}>"
    if isinstance(term, pyoxigraph.Triple):
        raise SyntaxError(_TRIPLE_TERMS)  # noqa: TRY004 - what the parser raises
    text = str(term)
    if isinstance(term, pyoxigraph.Literal) and text.endswith(end := f"^^<{term.datatype.value}>"):
        return f"{text[: -len(end)]}^^<{legal(term.datatype.value)}>"
    return text


def _graph(graph: Graph, lines: Iterator[str]) -> None:
    """The statements of a document that has no named graphs, which is most."""
    subjects, used, qualified = graph.subjects, graph.used, graph.qualified.append
    #: Term -> property, and whether it leads to a node that qualifies a relation.
    properties: dict[Term, tuple[str, bool]] = {}
    before = ""
    first: Said = []
    say = first.append
    for s, p, o in map(_SPLIT, lines):
        if s != before:
            if s[0] == "<" and s[-1] != ">":
                raise _Odd
            before = s
            said = subjects.get(s)
            if said is None:
                said = subjects[s] = []
            say = said.append
        try:
            prop, qualifies = properties[p]
        except KeyError:
            if p[0] != "<" or p[-1] != ">":
                raise _Odd from None
            prop, qualifies = properties[p] = p[1:-1], p in _QUALIFIED
        say((prop, o))
        if qualifies:
            qualified((s, prop, o))
        elif o[0] == "_":
            used.add(o)
    graph.properties.update(prop for prop, _ in properties.values())


def _graphs(quads: Quads, lines: Iterator[str]) -> None:
    split: dict[Term | None, list[str]] = {}
    for line in lines:
        s, p, rest = line.split(" ", 2)
        found = _OBJECT.fullmatch(rest)
        if found is None:
            raise _Odd
        split.setdefault(found[2], []).append(f"{s} {p} {found[1]}")
    for name, statements in split.items():
        key = None if name is None else quads.name(name)
        _graph(quads.graphs.setdefault(key, Graph()), iter(statements))


def _bad(error: SyntaxError, where: str) -> BadInput:
    message = re.sub(r"^Parser error (?:at|between) .*?: ", "", error.msg or str(error))
    place = f"{where}:{error.lineno}:{error.offset}" if error.lineno else where
    if "unexpected end" in message.lower() or "eof" in message.lower():
        return InputTruncated(f"the document ends too early: {message}", where=place)
    if "remote context" in message:
        return BadInput(
            "the document names a context elsewhere, and nothing is ever fetched",
            where=place,
            hint="Hand it over (--context URL=FILE), or write it into the document.",
        )
    return BadInput(f"not RDF: {message}", where=place)

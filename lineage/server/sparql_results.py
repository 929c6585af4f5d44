# SPDX-License-Identifier: Apache-2.0
"""Writes answers of SPARQL in the forms that clients ask for."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson

from lineage.errors import MissingExtra, NotAcceptable
from lineage.services.read.sparql import Solutions

Writer = Callable[[Solutions], bytes | str]


def offered(solutions: Solutions) -> Mapping[str, Writer]:
    """The media types that an answer of this form has, each with what writes it; the default first."""
    if solutions.data is not None:
        return TRIPLES
    if solutions.boolean is not None:
        return {kind: writer for kind, writer in TABLES.items() if writer in (_json, _xml)}
    return TABLES


def full(kind: str) -> str:
    """A media type with the encoding of its text, where it may have one."""
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _json(solutions: Solutions) -> bytes:
    """SPARQL 1.1 Query Results JSON, with our certificate beside it."""
    return orjson.dumps(solutions.to_dict())


# --- tables of text ---


def _csv(solutions: Solutions) -> str:
    """SPARQL 1.1 Query Results CSV: plain values."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(solutions.variables)
    for row in solutions.rows:
        rows.writerow(_plain(row.get(name)) for name in solutions.variables)
    return out.getvalue()


def _plain(term: Mapping[str, Any] | None) -> str:
    if term is None:
        return ""
    if term["type"] == "triple":
        return _turtle(term)
    return f"_:{term['value']}" if term["type"] == "bnode" else str(term["value"])


def _tsv(solutions: Solutions) -> str:
    """SPARQL 1.1 Query Results TSV: terms as Turtle has them."""
    names = solutions.variables
    head = "\t".join(f"?{name}" for name in names)
    rows = ("\t".join(_turtle(row.get(name)) for name in names) for row in solutions.rows)
    return "".join(f"{line}\n" for line in (head, *rows))


_ESCAPES = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"},
)


def _turtle(term: Mapping[str, Any] | None) -> str:
    if term is None:
        return ""
    value = term["value"]
    if term["type"] == "triple":
        return f"<<( {' '.join(map(_turtle, value.values()))} )>>"
    if term["type"] == "uri":
        return f"<{value}>"
    if term["type"] == "bnode":
        return f"_:{value}"
    text = f'"{value.translate(_ESCAPES)}"'
    if "xml:lang" in term:
        return f"{text}@{term['xml:lang']}"
    return f"{text}^^<{term['datatype']}>" if "datatype" in term else text


# --- XML ---

#: What XML 1.0 has no way to write.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AS_REFERENCE = {"\r": "&#13;"}


def _xml(solutions: Solutions) -> str:
    """SPARQL Query Results XML. Raises ``NotAcceptable`` for a character that XML cannot hold."""
    head = "".join(f"<variable name={quoteattr(name)}/>" for name in solutions.variables)
    if solutions.boolean is not None:
        body = f"<boolean>{str(solutions.boolean).lower()}</boolean>"
    else:
        body = f"<results>{''.join(map(_xml_row, solutions.rows))}</results>"
    text = (
        f'<sparql xmlns="http://www.w3.org/2005/sparql-results#"><head>{head}</head>{body}</sparql>'
    )
    if _NO_XML.search(text):
        hint = "Ask for application/sparql-results+json."
        raise NotAcceptable("the answer has a character that XML cannot hold", hint=hint)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _xml_row(row: Mapping[str, Any]) -> str:
    cells = (
        f"<binding name={quoteattr(name)}>{_xml_term(term)}</binding>" for name, term in row.items()
    )
    return f"<result>{''.join(cells)}</result>"


def _xml_term(term: Mapping[str, Any]) -> str:
    value = term["value"]
    if term["type"] == "triple":
        parts = (f"<{name}>{_xml_term(part)}</{name}>" for name, part in value.items())
        return f"<triple>{''.join(parts)}</triple>"
    text = escape(value, _AS_REFERENCE)
    if term["type"] in ("uri", "bnode"):
        return f"<{term['type']}>{text}</{term['type']}>"
    kind = ""
    if "xml:lang" in term:
        kind = f" xml:lang={quoteattr(term['xml:lang'])}"
    elif "datatype" in term:
        kind = f" datatype={quoteattr(term['datatype'])}"
    return f"<literal{kind}>{text}</literal>"


# --- triples ---


def _triples(solutions: Solutions) -> str:
    """The triples as the engine wrote them: N-Triples, which is Turtle as well."""
    return solutions.data or ""


def _written(name: str) -> Writer:
    """What writes triples in a format of pyoxigraph's."""

    def write(solutions: Solutions) -> bytes:
        try:
            import pyoxigraph as ox
        except ImportError as error:
            hint = 'pip install "lineagedb[rdf]"'
            raise MissingExtra("SPARQL needs the package pyoxigraph", hint=hint) from error
        triples = (quad.triple for quad in ox.parse(solutions.data or "", ox.RdfFormat.N_TRIPLES))
        try:
            return ox.serialize(triples, format=getattr(ox.RdfFormat, name)) or b""
        except (ValueError, OSError) as error:
            message = f"the answer cannot be written as {name.replace('_', '-')}"
            raise NotAcceptable(message, hint="Ask for text/turtle.") from error

    return write


#: Media types by the form of the answer, the default first.
TABLES: Mapping[str, Writer] = {
    "application/sparql-results+json": _json,
    "application/json": _json,
    "application/sparql-results+xml": _xml,
    "application/xml": _xml,
    "text/csv": _csv,
    "text/tab-separated-values": _tsv,
}
TRIPLES: Mapping[str, Writer] = {
    "application/n-triples": _triples,
    "text/turtle": _triples,
    "application/rdf+xml": _written("RDF_XML"),
    "application/ld+json": _written("JSON_LD"),
}
#: The same by the names of W3C's Unique URIs for File Formats.
FORMATS = (
    "formats:SPARQL_Results_JSON",
    "formats:SPARQL_Results_XML",
    "formats:SPARQL_Results_CSV",
    "formats:SPARQL_Results_TSV",
    "formats:N-Triples",
    "formats:Turtle",
    "formats:RDF_XML",
    "formats:JSON-LD",
)

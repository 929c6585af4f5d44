# SPDX-License-Identifier: Apache-2.0
"""One document with everything that PROV-DM has, and documents that mean no good."""

from __future__ import annotations

from typing import NamedTuple

from lineage.model import kinds, terms
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Literal, Ref

_VALUES = (
    "text",
    'with "quotes", \\ and\nlines',
    "",
    "\u0001\u000b control",
    "\u4e2d \U0001f40d",
    3,
    2**40,
    2**70,
    1.5,
    float("inf"),
    True,
    Literal("1.50", "xsd:decimal"),
    Literal("2026-01-01T00:00:00", "xsd:dateTime"),
    Literal("chat", None, "fr"),
    Literal("odd", None, "en_US"),
    Literal("{}", "http://example.org/type"),
    Literal("http://example.org/", "xsd:anyURI"),
    Ref("urn:e:2"),
)
_IDS = (
    "urn:e:1",
    "http://example.org/",
    "http://example.org/a b",
    "http://example.org/a[1]",
    "http://example.org/p#f#g",
    "http://example.org/100%",
    "http://example.org/dot.",
    "http://example.org/-",
    "http://example.org/\u00e9t\u00e9?q=1&r=(2)",
)


def _relations():
    for number, relation in enumerate(terms.TABLE):
        if relation.implied_by:
            continue
        yield Edge(relation=relation.name, effect="urn:x:1", cause="urn:x:2")
        arguments = {}
        for argument in relation.arguments:
            if argument.holds == "time":
                arguments[argument.key] = "2026-01-01T00:00:00Z"
            elif argument.holds == "ref":
                arguments[argument.key] = Ref(f"urn:arg:{number}")
        yield Edge(
            relation=relation.name,
            effect="urn:x:1",
            cause="urn:x:3",
            attributes={**arguments, "prov:role": "r", "http://example.org/p": (1, "two")},
            id=f"urn:r:{number}",
        )


#: Elements of all kinds, values of all types, names of all shapes, relations plain and qualified,
#: several statements of one thing, exact repetitions, bundles.
EVERYTHING = Batch(
    nodes=(
        *(Node(id=f"urn:k:{kind}", kind=kind, label=kind) for kind in sorted(kinds.KINDS)),
        *(Node(id=ident, kind="Entity", attributes={"n": n}) for n, ident in enumerate(_IDS)),
        Node(id="urn:v", kind="Entity", attributes={"http://example.org/v": _VALUES}),
        Node(id="urn:v", kind="Entity", attributes={"http://example.org/100": "no element name"}),
        Node(id="urn:v", kind="Agent", attributes={"prov:label": Literal("A", None, "en")}),
        Node(
            id="urn:w",
            kind="Entity",
            attributes={
                "prov:atLocation": "l",
                "rdfs:label": "r",
                "rdf:type": Ref("urn:t"),
                "prov:location": ("k", "m"),
            },
        ),
        Node(id="urn:v", kind="Entity", bundle="urn:b:1", label="in a bundle"),
    ),
    edges=(
        *_relations(),
        Edge(relation="used", effect="urn:x:1", cause="urn:x:2"),
        Edge(relation="used", effect="urn:x:1", cause="urn:x:2", bundle="urn:b:1"),
        Edge(relation="used", effect="urn:x:1", cause="urn:x:9", id="urn:r:1"),
        Edge(
            relation="alternateOf",
            effect="urn:x:1",
            cause="urn:x:2",
            attributes={"method": "digest"},
        ),
    ),
    prefixes={"ex": "http://example.org/"},
    bundles={"urn:b:1": {}, "urn:b:empty": {}},
)


class Hostile(NamedTuple):
    """A document that is refused: in which format, with which code, saying what."""

    name: str
    format: str
    data: bytes
    code: str
    words: str


_XML = b'<prov:document xmlns:prov="http://www.w3.org/ns/prov#" xmlns:ex="http://e/">%b</prov:document>'
_BOMB = b'<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
_RDF = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">%b</rdf:RDF>'

HOSTILE = [
    Hostile(
        "xml-bomb",
        "xml",
        b'<?xml version="1.0"?>' + _BOMB + _XML % b"&b;",
        "bad-input",
        "document type",
    ),
    Hostile(
        "xml-external",
        "xml",
        b'<!DOCTYPE d SYSTEM "http://127.0.0.1/x">' + _XML % b"",
        "bad-input",
        "document type",
    ),
    Hostile("rdfxml-bomb", "rdfxml", _BOMB + _RDF % b"", "bad-input", "document type"),
    Hostile(
        "xml-cut",
        "xml",
        b'<prov:document xmlns:prov="http://www.w3.org/ns/prov#"><prov:entity',
        "input-truncated",
        "not XML",
    ),
    Hostile("xml-empty", "xml", b"", "input-truncated", "not XML"),
    Hostile(
        "xml-deep",
        "xml",
        _XML % (b"<ex:a>" * 5_000 + b"</ex:a>" * 5_000),
        "limit-exceeded",
        "deeper",
    ),
    Hostile("xml-other-root", "xml", b"<html/>", "bad-input", "not prov:document"),
    Hostile(
        "xml-prov-rebound",
        "xml",
        b'<p:document xmlns:p="http://www.w3.org/ns/prov#" xmlns:prov="http://evil/"/>',
        "bad-input",
        "reserved",
    ),
    Hostile(
        "xml-no-prefix", "xml", _XML % b'<prov:entity prov:id="no:e"/>', "bad-input", "not declared"
    ),
    Hostile("xml-no-id", "xml", _XML % b"<prov:entity/>", "bad-input", "no prov:id"),
    Hostile(
        "xml-not-prov",
        "xml",
        _XML % b'<prov:thing prov:id="ex:e"/>',
        "bad-input",
        "no element of PROV-XML",
    ),
    Hostile(
        "xml-encoding",
        "xml",
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        "bad-input",
        "not XML",
    ),
    Hostile("provn-empty", "provn", b"", "input-truncated", "ends before"),
    Hostile("provn-cut", "provn", b"document\nentity(", "input-truncated", "ends before"),
    Hostile(
        "provn-open-text",
        "provn",
        b'document prefix ex <http://e/> entity(ex:a,[ex:k="',
        "input-truncated",
        "does not end",
    ),
    Hostile(
        "provn-no-prefix",
        "provn",
        b"document entity(ex:a) endDocument",
        "bad-input",
        "not declared",
    ),
    Hostile(
        "provn-prov-rebound",
        "provn",
        b"document prefix prov <http://evil/> endDocument",
        "bad-input",
        "reserved",
    ),
    Hostile(
        "provn-unknown",
        "provn",
        b"document prefix ex <http://e/> foo(ex:a) endDocument",
        "bad-input",
        "expression of PROV-N",
    ),
    Hostile(
        "provn-after",
        "provn",
        b"document endDocument entity(a)",
        "bad-input",
        "nothing stands after",
    ),
    Hostile(
        "provn-escape",
        "provn",
        b'document prefix ex <urn:e:> entity(ex:a, [prov:label="caf\\x41"]) endDocument',
        "bad-input",
        "no escape",
    ),
    Hostile(
        "provn-surrogate",
        "provn",
        b'document prefix ex <urn:e:> entity(ex:a, [prov:label="\\ud800"]) endDocument',
        "bad-input",
        "no escape",
    ),
    Hostile("provn-encoding", "provn", b"document \xff endDocument", "bad-input", "not UTF-8"),
    Hostile(
        "jsonld-container",
        "jsonld",
        b'{"@context": {"g": {"@container": "@graph"}}, "@graph": [{"g": {"@set": "q"}}]}',
        "bad-input",
        "containers of graphs",
    ),
    Hostile(
        "json-language",
        "json",
        b'{"entity": {"prov:x": {"prov:label": {"$": "x", "lang": 5}}}}',
        "bad-input",
        "a language is text",
    ),
    Hostile(
        "nt-huge-text",
        "nt",
        b'<urn:a> <urn:p> "' + b"x" * (17 << 20) + b'" .',
        "limit-exceeded",
        "16 MiB",
    ),
    Hostile("turtle-syntax", "turtle", b"<urn:a> <urn:p> .", "bad-input", "not RDF"),
    Hostile("turtle-cut", "turtle", b'<urn:a> <urn:p> "x', "input-truncated", "ends too early"),
    Hostile("turtle-encoding", "turtle", b'<urn:a> <urn:p> "\xff" .', "bad-input", "not UTF-8"),
    Hostile(
        "trig-triple-term",
        "trig",
        b"<urn:a> <urn:p> <<( <urn:a> <urn:b> <urn:c> )>> .",
        "bad-input",
        "triple terms",
    ),
    Hostile(
        "rdfxml-triple-term",
        "rdfxml",
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="urn:e:"'
        b' rdf:version="1.2"><e:T rdf:about="urn:a"><e:p rdf:parseType="&#84;riple">'
        b'<e:T rdf:about="urn:b"/></e:p></e:T></rdf:RDF>',
        "bad-input",
        "triple terms",
    ),
]

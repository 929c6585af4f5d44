# SPDX-License-Identifier: Apache-2.0
"""Texts that a syntax cannot write as they are, wherever they stand: each comes back the same, and what
is written is well-formed for parsers that are not ours.
"""

from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree

import orjson
import pytest

from lineage import formats
from lineage.model.record import Batch, Edge, Node, line
from lineage.model.value import Literal, Ref

READ = [name for name in formats.BUILTIN if name not in ("dot", "svg")]
XML = ("xml", "rdfxml", "svg")
TEXTS = {
    "nothing": "",
    "a space": " ",
    "a space inside": "learning rate",
    "a line": "a\nb",
    "a carriage return": "\r",
    "a control character": "2015\x0b",
    "a null": "a\x00b",
    "no character": "\ufffe",
    "the end of the basic plane": "\ud7ff\ue000",
    "a line separator": "a\u2028b",
    "a next line": "\u00e9\u0085",
    "marks of XML": "<&\"'>]]>",
    "marks of URIs": "{}|^`\\",
    "a bracket": "a[c",
    "an escape of URIs": "%0B",
    "an escape of XML": "&#0;",
    "an escape of ours": "a_x0041_b",
    "a hyphen": "-",
    "a dot at the end": "x.",
    "a digit": "2.3.1",
    "an at sign": "model@3",
    "a colon": "_:b",
    "letters": "\u00e9t\u00e9",
    "a snake": "\U0001f40d",
}


def places(text):
    """Records with the text in every place that takes one."""
    iri, values = f"urn:test:{text}", (text, "2020-01-01T00:00:00Z")
    yield Node(id="urn:test:n1", kind="Run", label=text)
    yield Node(id="urn:test:n2", kind="Run", attributes={"started": text, "ended": text})
    yield Node(id="urn:test:n3", kind="Run", attributes={"started": values})
    yield Node(id="urn:test:n4", kind="Entity", attributes={"prov:startTime": text})
    for key in ("x", "prov:value", "prov:role", "prov:location", "prov:type"):
        yield Node(id=f"urn:test:v:{key}", kind="Run", attributes={key: text})
        yield Node(id=f"urn:test:r:{key}", kind="Entity", attributes={key: Ref(iri)})
    for number, datatype in enumerate(("xsd:token", "xsd:int", "http://e/t", "rdf:XMLLiteral")):
        literal = Literal(text, datatype)
        yield Node(id=f"urn:test:d{number}", kind="Entity", attributes={"x": literal})
    yield Node(id="urn:test:n5", kind="Entity", attributes={"x": Literal(text, None, "en")})
    yield Node(id="urn:test:n6", kind="Entity", attributes={"x": Literal("v", f"http://e/{text}")})
    yield Node(id="urn:test:n7", kind="Entity", attributes={f"http://e/{text}": "v"})
    yield Node(id="urn:test:n8", kind="Entity", attributes={f"param.{text}": "v"})
    yield Node(id=iri + "n", kind="Entity")
    ends = {"effect": "urn:test:a", "cause": "urn:test:b"}
    yield Edge(relation="used", attributes={"prov:time": text}, **ends)
    yield Edge(relation="used", attributes={"prov:time": values}, **ends)
    yield Edge(relation="used", attributes={"prov:role": text, "method": text}, **ends)
    yield Edge(relation="hadDictionaryMember", attributes={"prov:key": text}, **ends)
    yield Edge(relation="alternateOf", attributes={"method": text}, id=iri + "1", **ends)
    yield Edge(relation="used", effect=iri + "2", cause=iri + "3", id=iri + "4")
    yield Edge(relation="wasAssociatedWith", attributes={"prov:plan": Ref(iri)}, **ends)


def records(batch):
    return Counter(map(line, batch.records))


@pytest.mark.parametrize("case", TEXTS)
@pytest.mark.parametrize("name", [*READ, "svg"])
def test_a_text_comes_back_from_every_place_and_breaks_nothing(name, case):
    kind = formats.named(name)
    found = list(places(TEXTS[case]))
    batch = Batch(
        nodes=tuple(record for record in found if isinstance(record, Node)),
        edges=tuple(record for record in found if isinstance(record, Edge)),
    )
    data = kind.dumps(batch)
    if name in XML:
        ElementTree.fromstring(data)
    if name != "svg":
        assert records(kind.loads(data)) == records(batch)


@pytest.mark.parametrize("case", TEXTS)
@pytest.mark.parametrize("name", [name for name in READ if name not in ("turtle", "nt", "rdfxml")])
def test_a_bundle_may_be_called_anything(name, case):
    kind = formats.named(name)
    batch = Batch(nodes=(Node(id="urn:a", kind="Entity", bundle=f"urn:test:{TEXTS[case]}"),))
    assert records(kind.loads(kind.dumps(batch))) == records(batch)


NUMBERS = [
    (str(value), datatype)
    for value in (5, 2**31, -(2**31) - 1, 2**53 - 1, 2**53, 2**53 + 1, -(2**62) - 7, 2**63, 10**30)
    for datatype in ("xsd:int", "xsd:long", "xsd:integer", "xsd:decimal", "xsd:unsignedLong")
]


@pytest.mark.parametrize("through", READ)
@pytest.mark.parametrize("name", READ)
def test_integers_keep_their_datatypes_through_two_formats(name, through):
    """RDF 1.1 Concepts, 3.3: literals are equal only if their datatypes are."""
    document = {
        "prefix": {"ex": "http://e/"},
        "entity": {
            "ex:a": {"ex:n": [{"$": text, "type": datatype} for text, datatype in NUMBERS]},
        },
    }
    batch = formats.named("json").loads(orjson.dumps(document))
    for each in (name, through):
        batch = formats.named(each).loads(formats.named(each).dumps(batch))
    back = formats.named("nt").dumps(batch).decode()
    found = set(
        re.findall(r'<http://e/n> "(-?\d+)"\^\^<http://www.w3.org/2001/XMLSchema#(\w+)>', back)
    )
    assert found == {(text, datatype.removeprefix("xsd:")) for text, datatype in NUMBERS}


def test_provn_is_what_its_grammar_says():
    """LANGTAG has no underscore; a name may end in a dot that is escaped."""
    literal = Literal("hi", None, "en_US")
    names = ("http://e/x.", "http://e/.x", "http://e/-", "http://e/..", "http://e/a.b")
    nodes = tuple(Node(id=name, kind="Entity", attributes={"x": literal}) for name in names)
    kind = formats.named("provn")
    data = kind.dumps(Batch(nodes=nodes, prefixes={"ex": "http://e/"}))
    assert records(kind.loads(data)) == records(Batch(nodes=nodes))
    assert b"@en_US" not in data
    assert b"urn:lineage:iri:" not in data
    assert b"entity(ex:x\\.," in data
    pytest.importorskip("prov", minversion="3.2")
    from prov.model import ProvDocument

    read = ProvDocument.deserialize(content=data.decode(), format="provn")
    assert {str(record.identifier.uri) for record in read.get_records()} == set(names)


def test_provn_has_no_escape_for_a_backslash_in_a_name():
    """PN_CHARS_ESC does not list it: the identifier stands under a name of ours, and comes back."""
    nodes = (Node(id="http://e/a\\b", kind="Entity"),)
    kind = formats.named("provn")
    data = kind.dumps(Batch(nodes=nodes, prefixes={"ex": "http://e/"}))
    assert b"http%3A%2F%2Fe%2Fa%5Cb" in data
    assert records(kind.loads(data)) == records(Batch(nodes=nodes))


QNAMES = ("foo:bar", "ex:b", "prov:type", "b", "", " ", "http://e/x", "ns1:x", "_:b", "a:b:c")


@pytest.mark.parametrize("default", [{}, {"default": "http://d/"}])
@pytest.mark.parametrize("name", READ)
def test_a_name_that_is_a_literal_of_rdf_stays_one(name, default):
    """RDF 1.1 Concepts, 3.3: what prefixes a document has changes no literal."""
    literals = tuple(Literal(text, "xsd:QName") for text in QNAMES)
    node = Node(id="http://e/a", kind="Entity", attributes={"http://e/p": literals})
    batch = Batch(nodes=(node,), prefixes={"ex": "http://e/", **default})
    kind = formats.named(name)
    assert records(kind.loads(kind.dumps(batch))) == records(batch)


def test_a_name_that_is_a_literal_goes_from_rdf_to_rdf_as_it_was():
    line_ = '<http://e/x> <http://e/k> "{}"^^<http://www.w3.org/2001/XMLSchema#QName> .'
    document = "\n".join(line_.format(text) for text in ("foo:bar", "b", "http://e/y"))
    batch = formats.named("nt").loads(document.encode())
    assert set(document.splitlines()) == set(formats.named("nt").dumps(batch).decode().splitlines())


NO_NAMES = {
    "provn": 'document\nprefix ex <http://e/>\nentity(ex:a, [ex:p="foo:bar" %% xsd:QName, ex:q="b" %% xsd:QName, ex:r="c:d" %% prov:QUALIFIED_NAME])\nendDocument',
    "json": '{"prefix":{"ex":"http://e/"},"entity":{"ex:a":{"ex:p":{"$":"foo:bar","type":"xsd:QName"},'
    '"ex:q":{"$":"b","type":"xsd:QName"},"ex:r":{"$":"c:d","type":"prov:QUALIFIED_NAME"}}}}',
}  # fmt: skip


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_value_that_is_a_name_of_no_namespace_costs_no_document(name):
    kind = formats.named(name)
    batch = kind.loads(NO_NAMES[name].encode())
    expected = {
        "http://e/p": Literal("foo:bar", "xsd:QName"),
        "http://e/q": Literal("b", "xsd:QName"),
        "http://e/r": Literal("c:d", "lineage:QName"),
    }
    assert batch.nodes[0].attributes == expected
    assert kind.loads(kind.dumps(batch)).nodes[0].attributes == expected
    written = kind.dumps(batch)
    assert (b"lineage" in written, written.count(b"QName")) == (False, 2), "as they were"


@pytest.mark.parametrize(
    "end", ["x", "", "a%20b", "{", "%7B{", "_x0041_", "urn%3Ax", "urn:lineage:iri:x"]
)
@pytest.mark.parametrize("name", READ)
def test_an_iri_that_looks_like_ours_for_another_is_itself(name, end):
    iri = f"urn:lineage:iri:{end}"
    node = Node(
        id=iri, kind="Entity", attributes={"x": Ref(iri), iri + "k": "v", "prov:type": Ref(iri)}
    )
    edge = Edge(relation="used", effect="urn:r", cause=iri, id=iri + "e")
    batch = Batch(nodes=(node,), edges=(edge,))
    kind = formats.named(name)
    assert records(kind.loads(kind.dumps(batch))) == records(batch)

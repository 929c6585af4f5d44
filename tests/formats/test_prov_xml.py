# SPDX-License-Identifier: Apache-2.0
"""PROV-XML: XML as a value, statements of which the schema has a part only."""

from __future__ import annotations

import pytest

from lineage import formats
from lineage.errors import BadInput
from lineage.model.record import Batch, Edge, Node, line
from lineage.model.value import Literal

XML = formats.named("xml")
XSI = "http://www.w3.org/2001/XMLSchema-instance"
HEAD = (
    '<prov:document xmlns:prov="http://www.w3.org/ns/prov#" xmlns:ex="http://e/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:ap="http://app/"'
    ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:lineage="urn:lineage:term:">'
)


def entity(inner):
    return XML.loads(
        f'{HEAD}<prov:entity prov:id="ex:a">{inner}</prov:entity></prov:document>'.encode()
    )


LITERALS = {
    "its own prefixes": (
        '<ap:t xmlns:ap="http://app/" xsi:type="ap:T">x</ap:t>',
        f'<ap:t xmlns:xsi="{XSI}" xmlns:ap="http://app/" xsi:type="ap:T">x</ap:t>',
    ),
    "prefixes from around it": (
        'a<ap:t b="ap:c"/>b',
        'a<ap:t xmlns:ap="http://app/" b="ap:c"/>b',
    ),
    "no prefix, comments, marks": (
        '<t xmlns="http://t/"><!-- c --><?p i?>&lt;&amp;<u/></t>',
        '<t xmlns="http://t/"><!-- c --><?p i?>&lt;&amp;<u/></t>',
    ),
    "in one another": (
        '<ap:t xsi:type="ap:T"><ap:u xsi:type="ap:U"><ap:v/></ap:u></ap:t>',
        (f'<ap:t xmlns:ap="http://app/" xmlns:xsi="{XSI}" xsi:type="ap:T">'
         '<ap:u xsi:type="ap:U"><ap:v/></ap:u></ap:t>'),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LITERALS)
def test_xml_as_a_value_keeps_its_prefixes_and_is_written_as_elements(case):
    written, literal = LITERALS[case]
    batch = entity(f'<ex:v xsi:type="rdf:XMLLiteral">{written}</ex:v>')
    assert batch.nodes[0].attributes == {"http://e/v": Literal(literal, "rdf:XMLLiteral")}
    data = XML.dumps(batch)
    assert f">{literal}</ex:v>".encode() in data
    assert XML.loads(data).nodes == batch.nodes


@pytest.mark.parametrize("text", ["<a", "a &amp; b", "<a></a>", "<p:a/>", "<a/>\r", "]]>", ""])
def test_what_is_not_xml_as_it_would_be_written_is_a_text_and_comes_back(text):
    node = Node(id="urn:a", kind="Entity", attributes={"v": Literal(text, "rdf:XMLLiteral")})
    assert XML.loads(XML.dumps(Batch(nodes=(node,)))).nodes == (node,)


def test_a_statement_that_stands_once_more_in_full_is_one_statement():
    ends = {"effect": "urn:a", "cause": "urn:b"}
    edges = (
        Edge(relation="alternateOf", **ends),
        Edge(relation="alternateOf", attributes={"method": "digest"}, **ends),
        Edge(relation="alternateOf", attributes={"method": "path"}, id="urn:i", **ends),
    )
    data = XML.dumps(Batch(edges=edges))
    assert data.count(b"<prov:alternateOf>") == 3, "others find each"
    assert sorted(XML.loads(data).edges, key=line) == sorted(edges, key=line)


def test_a_statement_in_full_takes_back_no_other():
    document = (
        f'{HEAD}<prov:alternateOf><prov:alternate1 prov:ref="ex:a"/><prov:alternate2 prov:ref="ex:b"/>'
        '</prov:alternateOf><prov:other><lineage:alternateOf lineage:restates="true">'
        '<lineage:alternate1 prov:ref="ex:c"/><lineage:alternate2 prov:ref="ex:d"/>'
        "</lineage:alternateOf></prov:other></prov:document>"
    )
    found = XML.loads(document.encode())
    assert [(edge.effect, edge.cause) for edge in found.edges] == [
        ("http://e/a", "http://e/b"),
        ("http://e/c", "http://e/d"),
    ]


def test_xml_that_is_not_prov_is_counted():
    document = f"{HEAD}<prov:other><ex:x/><lineage:thing/></prov:other></prov:document>"
    assert sum(loss.number for loss in XML.loads(document.encode()).losses) == 2


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", '{"key": 3, "value": 1}', '{"key": "a"}', '{"key": "a", "value": []}']
)  # fmt: skip
def test_an_attribute_of_ours_that_is_none_is_one_clear_error(text):
    with pytest.raises(BadInput) as caught:
        entity(f"<lineage:attribute>{text}</lineage:attribute>")
    assert (caught.value.where or "").startswith("document#entity[1]/attribute")


@pytest.mark.parametrize(
    "local", ["_x0041_", "x_x", "_x0041@", "_x005F_x005F_x005F_", "@x0040_", "1_x_x1", "_x1F40D_"]
)
def test_what_looks_like_an_escape_of_ours_is_a_name_like_others(local):
    names = {f"urn:test:{local}", f"{local}/{local}", f"urn:test:{local}/"}
    nodes = tuple(Node(id=name, kind="Entity") for name in names)
    assert {node.id for node in XML.loads(XML.dumps(Batch(nodes=nodes))).nodes} == names

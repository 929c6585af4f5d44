# SPDX-License-Identifier: Apache-2.0
"""What we write is valid by the schemas of others: W3C's of PROV-XML, the submission's of PROV-JSONLD;
and the prov library reads it.
"""

from __future__ import annotations

import json
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from lineage import formats
from lineage.model.record import Batch, Edge, Node, line
from lineage.model.value import Literal, Ref
from tests.formats.documents import EVERYTHING
from tests.formats.test_texts import TEXTS, places
from tests.strategies import batches, drawn

etree = pytest.importorskip("lxml.etree")
jsonschema_rs = pytest.importorskip("jsonschema_rs")
SCHEMAS = Path(__file__).with_name("schemas")
XSD = etree.XMLSchema(etree.parse(str(SCHEMAS / "prov.xsd")))
JSONLD = jsonschema_rs.validator_for(
    json.loads((SCHEMAS / "prov-jsonld.schema.json").read_text("utf-8"))
)


def wrong(name, data):
    """What the schema of a format says is wrong with a document."""
    if name == "jsonld":
        return [str(error) for error in JSONLD.iter_errors(json.loads(data))]
    XSD.validate(etree.fromstring(data))
    return [error.message for error in XSD.error_log]


def read_by_prov(name, data):
    """The document as the prov library reads it."""
    pytest.importorskip("prov", minversion="3.2")
    from prov.model import ProvDocument

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ProvDocument.deserialize(content=data.decode(), format=name)


FORMATS = pytest.mark.parametrize("name", ["xml", "jsonld"])


@FORMATS
def test_all_of_prov_is_valid_and_the_prov_library_reads_it(name):
    data = formats.named(name).dumps(EVERYTHING)
    assert wrong(name, data) == []
    assert read_by_prov(name, data).get_records()


@FORMATS
@drawn(40, 500, batches)
def test_any_batch_is_valid_and_the_prov_library_reads_it(name, batch):
    data = formats.named(name).dumps(batch)
    assert wrong(name, data) == []
    read_by_prov(name, data)


@FORMATS
@pytest.mark.parametrize("case", TEXTS)
def test_any_text_anywhere_is_valid(name, case):
    found = list(places(TEXTS[case]))
    batch = Batch(
        nodes=tuple(record for record in found if isinstance(record, Node)),
        edges=tuple(record for record in found if isinstance(record, Edge)),
    )
    # Of a datatype that XML Schema does not have, the schema of PROV-XML knows nothing.
    nodes = [n for n in batch.nodes if "rdf:XMLLiteral" not in str(n.attributes)]
    assert wrong(name, formats.named(name).dumps(replace(batch, nodes=tuple(nodes)))) == []


@FORMATS
def test_what_our_importers_find_is_valid_and_comes_back(name, demo):
    batch = formats.named("json").loads(demo.export(format="json").data)
    data = formats.named(name).dumps(batch)
    assert wrong(name, data) == []
    assert Counter(map(line, formats.named(name).loads(data).records)) == Counter(
        map(line, batch.records)
    )
    assert len(read_by_prov(name, data).get_records()) == len(batch)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    from lineage.demo import store

    with store.opened(tmp_path_factory.mktemp("demo") / "project") as found:
        yield found


@FORMATS
def test_a_role_where_the_schema_has_none_is_kept(name):
    ends = {"effect": "urn:a", "cause": "urn:b"}
    roles = {"prov:role": ("writer", Ref("urn:role:author")), "prov:location": "here"}
    batch = Batch(
        edges=tuple(
            Edge(relation=relation, attributes=roles, **ends)
            for relation in ("wasAttributedTo", "wasInfluencedBy", "wasDerivedFrom", "alternateOf")
        )
    )
    data = formats.named(name).dumps(batch)
    assert wrong(name, data) == []
    assert formats.named(name).loads(data).edges == tuple(
        sorted(batch.edges, key=lambda edge: edge.relation)
    )


def test_roles_are_written_in_prov_jsonld_where_the_prov_library_reads_them():
    attributes = {"prov:role": ("writer", Ref("urn:role:author"))}
    edge = Edge(relation="wasAttributedTo", effect="urn:a", cause="urn:b", attributes=attributes)
    data = formats.named("jsonld").dumps(Batch(edges=(edge,)))
    back = formats.from_prov(read_by_prov("jsonld", data))
    assert back.edges == (edge,)


def test_identifiers_that_are_no_qualified_names_of_xml_are_held_by_ours():
    names = {"pkg:pypi/numpy@2.3.1", "urn:x:1", "http://e/a b", "http://e/%41_x0041_", "urn:x:ok"}
    nodes = tuple(Node(id=name, kind="Entity") for name in names)
    data = formats.named("xml").dumps(Batch(nodes=nodes))
    assert wrong("xml", data) == []
    assert {node.id for node in formats.named("xml").loads(data).nodes} == names
    held = {str(record.identifier.uri) for record in read_by_prov("xml", data).get_records()}
    assert "urn:x:ok" in held, "what can be written is itself"
    assert "urn:lineage:iri:pkg%3Apypi%2Fnumpy_x0040_2.3.1" in held


def test_what_prov_jsonld_has_no_term_for_is_the_weaker_statement_to_others():
    edges = (
        Edge(relation="mentionOf", effect="urn:a", cause="urn:b", attributes={"prov:bundle": Ref("urn:c")}),
        Edge(relation="hadDictionaryMember", effect="urn:d", cause="urn:e", attributes={"prov:key": Ref("urn:k")}),
    )  # fmt: skip
    kind = formats.named("jsonld")
    data = kind.dumps(Batch(edges=edges))
    assert wrong("jsonld", data) == []
    assert kind.loads(data).edges == edges
    assert {(loss.what, loss.reason.rpartition(" ")[2]) for loss in kind.losses(Batch(edges=edges))} == {
        ("mentionOf", "specializationOf"),
        ("hadDictionaryMember", "hadMember"),
    }  # fmt: skip
    others = formats.from_prov(read_by_prov("jsonld", data))
    assert {edge.relation for edge in others.edges} == {"specializationOf", "hadMember"}


def test_a_value_of_a_type_that_the_schema_does_not_know_is_a_text_to_others():
    node = Node(id="urn:a", kind="Entity", attributes={"x": Literal("v", "http://e/type")})
    data = formats.named("xml").dumps(Batch(nodes=(node,)))
    (record,) = read_by_prov("xml", data).get_records()
    ((key, text),) = record.extra_attributes
    assert (str(key), json.loads(text)["value"]) == (
        "lineage:attribute",
        {"$": "v", "type": "http://e/type"},
    )

# SPDX-License-Identifier: Apache-2.0
"""PROV-JSONLD as others write it: without its context, with older ones, with slips in a prefix."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from lineage import formats
from lineage.errors import BadInput
from lineage.formats import prov_terms
from lineage.formats.prov_jsonld import words
from tests.formats.documents import EVERYTHING
from tests.formats.test_every_format import records

JSONLD = formats.named("jsonld")
PROV = {"prov": "http://www.w3.org/ns/prov#"}
#: Contexts that say nothing of PROV-JSONLD's words, or something else.
CONTEXTS = {
    "prefixes": PROV,
    "not even prov": {},
    "a vocabulary": {**PROV, "@vocab": "https://schema.org/"},
    "other meanings": {
        **PROV,
        "entity": "https://schema.org/about",
        "activity": {"@id": "prov:activity", "@type": "@id"},
        "agent": None,
    },
    "a slip": {"prov": "http://www.w3.org/ns/prov"},
}


def _standard():
    """What the submission has types for; of several statements of one thing, which RDF merges, one."""
    nodes = {
        node.id: node for node in EVERYTHING.nodes if node.bundle is None and node.id != "urn:w"
    }
    edges = {
        (edge.id, edge.effect, edge.cause, edge.relation, edge.bundle): edge
        for edge in EVERYTHING.edges
        if (prov_terms.WRITTEN[edge.relation] not in words.OURS) and edge.cause != "urn:x:9"
    }
    kept = [e for e in edges.values() if e.attributes.get("method") != "digest"]
    return replace(EVERYTHING, nodes=tuple(nodes.values()), edges=tuple(kept))


STANDARD = _standard()


def document(*graph, context=PROV):
    own = {"ex": "http://e.org/", "xsd": "http://www.w3.org/2001/XMLSchema#", **context}
    return orjson.dumps({"@context": [own], "@graph": list(graph)})


def lines(batch):
    shown = formats.named("provn").dumps(batch).decode().splitlines()
    return [line.strip() for line in shown if "(" in line]


def without_context(data, context, *, prefixed):
    """A document of PROV-JSONLD with another context, and the types of PROV in their long form."""
    said = orjson.loads(data)
    said["@context"] = [said["@context"][0], context]
    for graph in [said, *(item for item in said["@graph"] if "@graph" in item)]:
        for item in graph["@graph"]:
            if prefixed and "@graph" not in item and ":" not in item["@type"]:
                item["@type"] = "prov:" + item["@type"]
    return orjson.dumps(said)


@pytest.mark.parametrize("context", CONTEXTS)
def test_the_words_under_a_type_of_prov_mean_the_same_whatever_the_context_says(context):
    data = without_context(JSONLD.dumps(STANDARD), CONTEXTS[context], prefixed=True)
    back = JSONLD.loads(data)
    assert records(back) == records(STANDARD)
    assert len(back.losses) == (context == "a slip")


def test_bare_types_and_keywords_under_other_names_are_read_too():
    graph = [
        {"kind": "Activity", "is": "ex:run", "startTime": "2026-01-02T03:04:05Z"},
        {"kind": "Agent", "is": "ex:deed", "ex:of": {"@id": "ex:run"}},
        {"kind": ["prov:Usage", "ex:Read"], "activity": "ex:run", "entity": {"@id": "ex:file"}},
        {"@type": "Membership", "collection": "ex:all", "entity": ["ex:a", "ex:b"]},
    ]
    data = document(*graph, context={**PROV, "kind": "@type", "is": "@id", "Agent": "ex:Deed"})
    deed = "[ex:of = 'ex:run', prov:type = 'ex:Deed', lineage:undeclared = \"true\" %% xsd:boolean]"
    assert set(lines(JSONLD.loads(data))) == {
        f"entity(ex:deed, {deed})",
        "activity(ex:run, 2026-01-02T03:04:05Z, -)",
        "hadMember(ex:all, ex:a)",
        "hadMember(ex:all, ex:b)",
        "used(ex:run, ex:file, -, [prov:type = 'ex:Read'])",
    }


def test_prov_o_as_json_ld_beside_such_statements_stays_what_it_is():
    graph = [
        {
            "@id": "ex:run",
            "@type": "prov:Activity",
            "prov:qualifiedUsage": {
                "@type": "prov:Usage",
                "prov:entity": {"@id": "ex:file"},
                "prov:hadRole": {"@id": "ex:input"},
            },
        },
        {"@id": "ex:model", "@type": "prov:Entity", "prov:wasGeneratedBy": {"@id": "ex:run"}},
        {"@id": "ex:u", "@type": "prov:Usage", "prov:entity": {"@id": "ex:other"}},
        {"@id": "ex:b", "@type": "prov:Activity", "prov:qualifiedUsage": {"@id": "ex:u"}},
        {"@type": "prov:Attribution", "entity": "ex:model", "agent": "_:a"},
        {"@id": "_:a", "@type": "prov:Person", "label": "Ana"},
    ]
    batch = JSONLD.loads(document(*graph))
    (ana,) = (node for node in batch.nodes if node.kind == "Person")
    edges = {(e.relation, e.effect[-5:], e.cause[-5:], e.id) for e in batch.edges}
    assert ana.label == "Ana" and batch.losses == ()
    assert edges == {
        ("used", "g/run", "/file", None),
        ("used", "org/b", "other", "http://e.org/u"),
        ("wasGeneratedBy", "model", "g/run", None),
        ("wasAttributedTo", "model", ana.id[-5:], None),
    }


def test_what_no_context_maps_is_no_attribute_of_ours_and_is_said():
    graph = [
        {"@id": "ex:a", "@type": "prov:Entity", "colour": "red", "ex:size": 3},
        {"@id": "ex:b", "@type": "prov:Entity", "colour": "blue"},
    ]
    batch = JSONLD.loads(document(*graph))
    assert lines(batch) == ['entity(ex:a, [ex:size = "3" %% xsd:integer])', "entity(ex:b)"]
    assert [(loss.what, loss.number) for loss in batch.losses] == [("colour", 2)]


@pytest.mark.parametrize(
    "address",
    [
        "http://openprovenance.org/prov.jsonld",
        "https://openprovenance.org/prov-jsonld/context-2024-06-19.json",
        "https://www.openprovenance.org/prov-jsonld/context.jsonld",
        "https://www.w3.org/submissions/2024/SUBM-prov-jsonld-20240825/context.jsonld",
        "http://openprovenance.org/prov-jsonld.json",
    ],
)
def test_every_name_that_the_context_has_had_is_known(address):
    said = orjson.loads(document({"@type": "Generation", "entity": "ex:e", "activity": "ex:a"}))
    said["@context"].append(address)
    assert lines(JSONLD.loads(orjson.dumps(said))) == ["wasGeneratedBy(ex:e, ex:a, -)"]


@pytest.mark.parametrize(
    "address",
    ["https://openprovenance.org.evil.example/prov.jsonld", "https://schema.org/", "prov.jsonld"],
)
def test_other_contexts_are_named_and_not_fetched(address):
    said = orjson.loads(document({"@type": "Generation", "entity": "ex:e", "activity": "ex:a"}))
    said["@context"].append(address)
    with pytest.raises(BadInput, match="nothing is ever fetched") as caught:
        JSONLD.loads(orjson.dumps(said))
    assert caught.value.hint


SLIPS = ("http://www.w3.org/ns/prov", "https://www.w3.org/ns/prov#", "http://www.w3.org/ns/prov/")
SLIPPED = {
    "json": '{"prefix": {"prov": "%s", "ex": "http://e.org/"}, "agent": {"ex:ana": {"prov:type":'
    ' {"$": "prov:Person", "type": "xsd:QName"}}}}',
    "provn": "document\nprefix prov <%s>\nprefix ex <http://e.org/>\n"
    "agent(ex:ana, [prov:type = 'prov:Person'])\nendDocument",
    "jsonld": '{"@context": [{"prov": "%s", "ex": "http://e.org/"}, "' + words.CONTEXT + '"],'
    ' "@graph": [{"@type": "Agent", "@id": "ex:ana", "type": ["prov:Person"]}]}',
    "xml": '<p:document xmlns:p="http://www.w3.org/ns/prov#" xmlns:prov="%s" xmlns:ex="http://e.org/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><p:agent p:id="ex:ana">'
    '<p:type xsi:type="prov:QUALIFIED_NAME">prov:Person</p:type></p:agent></p:document>',
}


@pytest.mark.parametrize("name", SLIPPED)
@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_the_namespace_of_prov_changes_nothing_and_is_said(name, slip):
    batch = formats.named(name).loads((SLIPPED[name] % slip).encode())
    assert [node.kind for node in batch.nodes] == ["Person"]
    assert [loss.reason for loss in batch.losses] == [
        f"prov is bound to {slip}, read as http://www.w3.org/ns/prov#"
    ]
    again = formats.named(name).dumps(batch)
    assert f'"{slip}"'.encode() not in again and formats.named(name).loads(again).losses == ()


def test_a_whole_document_of_prov_xml_in_such_a_namespace_is_read():
    whole = (
        SLIPPED["xml"]
        .replace("p:", "prov:")
        .replace('xmlns:prov="http://www.w3.org/ns/prov#" ', "")
    )
    batch = formats.named("xml").loads((whole % SLIPS[0]).encode())
    assert [node.kind for node in batch.nodes] == ["Person"]
    assert [loss.number for loss in batch.losses] == [1]


@pytest.mark.parametrize("name", SLIPPED)
def test_another_namespace_under_the_prefix_of_prov_is_refused(name):
    with pytest.raises(BadInput, match="reserved for PROV"):
        formats.named(name).loads((SLIPPED[name] % "http://example.org/prov#").encode())


def test_in_rdf_such_names_are_others_and_this_is_said():
    text = "@prefix prov: <http://www.w3.org/ns/prov> . <http://e.org/a> a prov:Person ."
    batch = formats.named("trig").loads(text.encode())
    assert [loss.what for loss in batch.losses] == ["prefixes"]
    assert "none of PROV's" in batch.losses[0].reason

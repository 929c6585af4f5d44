# SPDX-License-Identifier: Apache-2.0
"""PROV-O as others write it: families that nobody named, relations with several values in a place."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lineage
from lineage import formats
from lineage.formats.prov_o.read import _Reader
from lineage.model import constraints
from lineage.model.record import Batch, Node, line
from lineage.model.value import Literal
from tests.strategies import batches

HEAD = """@prefix prov: <http://www.w3.org/ns/prov#> . @prefix e: <http://e/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
"""
TIME = '"2020-01-01T00:00:00Z"^^xsd:dateTime'


def read(text, name="turtle"):
    return formats.named(name).loads((HEAD + text).encode())


FAMILIES = {
    "a start": (f"e:x prov:startedAtTime {TIME} .", {"x": "Activity"}),
    "a use": ('e:x rdfs:label "x" ; prov:used e:y . e:y rdfs:label "y" .', {"x": "Activity", "y": "Entity"}),
    "an association": (
        'e:x rdfs:label "x" ; prov:wasAssociatedWith e:y . e:y rdfs:label "y" .',
        {"x": "Activity", "y": "Agent"},
    ),
    "an inverse": (
        'e:x rdfs:label "x" ; prov:generated e:y . e:y rdfs:label "y" .',
        {"x": "Activity", "y": "Entity"},
    ),
    "a plan": (
        ('e:x prov:qualifiedAssociation [ prov:agent e:y ; prov:hadPlan e:z ] . e:x rdfs:label "x" .'
        ' e:y rdfs:label "y" . e:z rdfs:label "z" .'),
        {"x": "Activity", "y": "Agent", "z": "Entity"},
    ),
    "an activity of a delegation": (
        ('e:x prov:qualifiedDelegation [ prov:agent e:y ; prov:hadActivity e:z ] . e:x rdfs:label "x" .'
        ' e:y rdfs:label "y" . e:z rdfs:label "z" .'),
        {"x": "Agent", "y": "Agent", "z": "Activity"},
    ),
    "a use of a text": ('e:x prov:used "a text" .', {"x": "Activity"}),
    "a qualified use of something unknown": ("e:x prov:qualifiedUsage e:u .", {"x": "Activity"}),
    "a text that was generated": ('e:x prov:generated "a text" .', {"x": "Activity"}),
    "a value": ('e:x prov:value "v" .', {"x": "Entity"}),
    "a generation": (f"e:x prov:generatedAtTime {TIME} .", {"x": "Entity"}),
    "a type of its own": ("e:x a e:Job ; prov:used e:y .", {"x": "Activity"}),
    "two families": (
        'e:x rdfs:label "x" ; prov:wasDerivedFrom e:y . e:z prov:wasAssociatedWith e:x .',
        {"x": ("Agent", "Entity")},
    ),
    "a family that is named counts": ("e:x a prov:Entity ; prov:used e:y .", {"x": "Entity"}),
}  # fmt: skip


@pytest.mark.parametrize("name", ["turtle", "nquads", "rdfxml"])
@pytest.mark.parametrize("case", FAMILIES)
def test_what_nobody_declared_is_what_the_domains_and_ranges_of_prov_o_say(case, name):
    text, expected = FAMILIES[case]
    batch = read(text)
    batch = formats.named(name).loads(formats.named(name).dumps(batch))
    found: dict[str, list[str]] = {}
    for node in batch.nodes:
        found.setdefault(node.id.removeprefix("http://e/"), []).append(node.kind)
        assert "undeclared" not in node.attributes
    shown = {ident: k[0] if len(k) == 1 else tuple(sorted(k)) for ident, k in found.items()}
    assert shown == expected


def test_what_nothing_says_the_family_of_stays_undeclared():
    (node,) = read('e:x rdfs:label "x" ; prov:wasInfluencedBy e:y .').nodes
    assert (node.kind, node.attributes["undeclared"]) == ("Entity", True)


def test_an_activity_that_nobody_declared_is_no_contradiction_and_is_found():
    text = f'e:run rdfs:label "x" ; prov:startedAtTime {TIME} ; prov:wasAssociatedWith e:bob ; prov:used e:d .'
    batch = read(text + ' e:bob rdfs:label "Bob" .')
    assert constraints.inspect(batch).findings == ()
    (run,) = (node for node in batch.nodes if node.id == "http://e/run")
    assert (run.kind, run.attributes) == ("Activity", {"started": "2020-01-01T00:00:00Z"})
    provn = formats.named("provn").dumps(batch).decode()
    assert "activity(e:run, 2020-01-01T00:00:00Z, -" in provn
    assert 'agent(e:bob, [prov:label = "Bob"])' in provn


TWO = {
    "times": ("prov:activity e:a ; prov:atTime %s, %s", "time"),
    "activities": ("prov:activity e:a, e:b ; prov:atTime %s", "activity"),
}


@pytest.mark.parametrize("node", ["e:g", "[]"])
@pytest.mark.parametrize("case", TWO)
def test_two_values_in_one_place_of_a_qualified_relation_are_found(case, node):
    text, key = TWO[case]
    times = (TIME, '"2021-01-01T00:00:00Z"^^xsd:dateTime')[: text.count("%s")]
    said = f"a prov:Generation ; {text % times}"
    if node == "[]":
        document = f"e:x a prov:Entity ; prov:qualifiedGeneration [ {said} ] ."
    else:
        document = f"e:x a prov:Entity ; prov:qualifiedGeneration e:g . e:g {said} ."
    batch = read(document)
    for name in ("turtle", "nquads", "json", "jsonld", "provn", "xml"):
        kind = formats.named(name)
        for found in (batch, kind.loads(kind.dumps(batch))):
            assert [f.constraint for f in constraints.inspect(found).findings] == [23], name
            assert f"two values of {key}" in constraints.inspect(found).findings[0].message


def test_each_of_two_causes_in_one_relation_is_followed():
    document = "e:x a prov:Entity ; prov:qualifiedGeneration [ prov:activity e:a, e:b ] ."
    batch = read(document)
    assert {(edge.effect, edge.cause) for edge in batch.edges} == {
        ("http://e/x", "http://e/a"),
        ("http://e/x", "http://e/b"),
    }
    assert len({edge.id for edge in batch.edges}) == 1
    with lineage.open("memory:") as store:
        store.ingest(batch)
        walked = {node.id for node in store.trace("http://e/x").nodes}
    assert {"http://e/a", "http://e/b"} <= walked


def test_the_statements_of_one_node_come_back_through_rdf():
    document = "e:x a prov:Entity ; prov:qualifiedGeneration e:g . e:g prov:activity e:a, e:b ."
    batch = read(document)
    for name in ("trig", "nquads", "rdfxml"):
        back = formats.named(name).loads(formats.named(name).dumps(batch))
        assert Counter(map(line, back.edges)) == Counter(map(line, batch.edges))


@pytest.mark.parametrize(
    "tag",
    ["en", "en-GB", "zh-Hans", "zh-Hant-TW", "sl-rozaj-1994", "en-x-gb", "de-CH-u-co-phonebk"],
)
@pytest.mark.parametrize("name", ["turtle", "nquads", "rdfxml"])
def test_language_tags_keep_the_case_that_they_should_have(name, tag):
    node = Node(id="urn:a", kind="Entity", attributes={"x": Literal("hi", None, tag)})
    kind = formats.named(name)
    assert kind.loads(kind.dumps(Batch(nodes=(node,)))).nodes == (node,)


def test_that_nodes_without_a_name_get_others_is_said():
    batch = read("[] a prov:Entity ; prov:wasDerivedFrom [ a prov:Entity ] .")
    for name in ("turtle", "trig", "nt", "nquads", "rdfxml"):
        (loss,) = formats.named(name).losses(batch)
        assert (loss.what, loss.number) == ("nodes without a name", 2)
    assert formats.named("json").losses(batch) == ()


def test_that_there_is_no_prov_in_a_document_is_said():
    croissant = b'{"@context": {"@vocab": "https://schema.org/"}, "@type": "Dataset", "name": "x", "license": "y"}'
    batch = formats.named("jsonld").loads(croissant)
    (loss,) = batch.losses
    assert (loss.what, loss.number) == ("statements of PROV", 0)
    assert (
        loss.reason == "there are none in it: what it says of 1 things stands as their attributes"
    )
    assert read('e:x rdfs:label "x" .').losses != ()
    assert read("e:x a prov:Entity .").losses == ()
    assert read("e:x prov:used e:y .").losses == ()


def test_several_values_in_one_place_are_said_by_formats_that_have_one():
    times = '"2020-01-01T00:00:00Z"^^xsd:dateTime , "2021-01-01T00:00:00Z"^^xsd:dateTime'
    batch = read(f"e:x prov:qualifiedGeneration [ prov:activity e:a ; prov:atTime {times} ] .")
    for name in ("json", "jsonld", "provn", "xml"):
        (loss,) = formats.named(name).losses(batch)
        assert (loss.what, loss.number) == ("places with several values", 1)
    assert all("several" not in loss.what for loss in formats.named("trig").losses(batch))


@settings(max_examples=40)
@given(batch=batches, random=st.randoms(use_true_random=False))
def test_relations_that_are_read_quickly_are_what_the_whole_way_reads(batch, random):
    quick = _Reader._plain
    for name in ("trig", "nquads"):
        data = formats.named(name).dumps(batch)
        documents = [data]
        if name == "nquads":
            # Any part of a document, in any order, is one too.
            lines = data.splitlines(keepends=True)
            some = [text for text in lines if random.random() < 0.8]
            documents += [b"".join(some), b"".join(random.sample(some, len(some)))]
        for document in documents:
            found = formats.named(name).loads(document)
            _Reader._plain = lambda *_: False
            try:
                assert formats.named(name).loads(document) == found
            finally:
                _Reader._plain = quick

# SPDX-License-Identifier: Apache-2.0
"""Arguments that are left out are the same unnamed things after export and import."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

import lineage
from lineage import formats, ids
from lineage.model.record import Batch, Edge, Node, line
from lineage.model.value import Ref
from tests.strategies import RELATIONS

READ = [name for name in formats.BUILTIN if name not in ("dot", "svg")]
FLAT = ("turtle", "nt", "rdfxml")
ONE = ids.unknown_id("somebody")
TWO = ids.unknown_id("something")


def records(batch):
    return Counter(map(line, batch.records))


@pytest.mark.parametrize("bundle", [None, "urn:test:bundle"])
@pytest.mark.parametrize("name", READ)
def test_who_is_left_out_stays_the_same(name, bundle):
    kind = formats.named(name)
    plans = [{"prov:plan": Ref(f"urn:plan:{n}")} for n in range(3)]
    edges = [
        *(
            Edge(relation="wasAssociatedWith", effect="urn:r", cause=ONE, attributes=p)
            for p in plans
        ),
        Edge(relation="wasGeneratedBy", effect="urn:e", cause=TWO),
        Edge(relation="used", effect=TWO, cause="urn:e", id="urn:u"),
        Edge(relation="wasDerivedFrom", effect=TWO, cause=ONE, attributes={"method": "copy"}),
        Edge(relation="wasInfluencedBy", effect="urn:r", cause=ONE, id="urn:twice"),
        Edge(relation="wasInfluencedBy", effect="urn:s", cause=ONE, id="urn:twice"),
    ]
    batch = Batch(edges=tuple(replace(edge, bundle=bundle) for edge in edges))
    back = kind.loads(kind.dumps(batch))
    if name in FLAT:
        batch = Batch(edges=tuple(edges))
    assert records(back) == records(batch)
    assert records(kind.loads(kind.dumps(back))) == records(batch)


@pytest.mark.parametrize("name", READ)
def test_every_relation_may_leave_out_its_ends(name):
    kind = formats.named(name)
    for relation in RELATIONS:
        for effect, cause in (("urn:x", ONE), (ONE, "urn:y"), (ONE, TWO)):
            for attributes in ({}, {"method": "m"}):
                for ident in (None, "urn:i"):
                    edge = Edge(
                        relation=relation,
                        effect=effect,
                        cause=cause,
                        attributes=attributes,
                        id=ident,
                    )
                    assert kind.loads(kind.dumps(Batch(edges=(edge,)))).edges == (edge,)


def test_what_reading_makes_of_the_statement_is_not_written():
    document = {"used": {"_:u": {"prov:activity": "urn:r"}}}
    batch = formats.named("json").loads(json.dumps(document).encode())
    for name in ("json", "provn", "xml", "turtle", "jsonld"):
        data = formats.named(name).dumps(batch)
        assert b"unknown" not in data
        assert records(formats.named(name).loads(data)) == records(batch)


def test_nobody_can_be_named_by_it_who_has_a_name():
    document = {"used": {"_:u": {"prov:activity": "urn:r", "urn:lineage:term:unnamedCause": {"$": "urn:e", "type": "prov:QUALIFIED_NAME"}}}}  # fmt: skip
    (edge,) = formats.named("json").loads(json.dumps(document).encode()).edges
    assert ids.is_unknown(edge.cause)
    assert edge.attributes == {"unnamedCause": Ref("urn:e")}


@pytest.mark.parametrize("name", READ)
def test_an_event_without_a_producer_is_exported_and_imported_without_a_change(name, tmp_path):
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-01-01T00:00:00Z",
        "run": {"runId": "0190a0a0-0000-7000-8000-000000000000"},
        "job": {"namespace": "n", "name": "j"},
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
    }
    (tmp_path / "events.json").write_text(json.dumps(event))
    with lineage.open("memory:") as store:
        store.load(tmp_path / "events.json")
        before = store.stats()
        exported = store.export(format=name).data
        file = tmp_path / f"out{formats.BUILTIN[name].suffixes[0]}"
        file.write_bytes(exported)
        store.load(file, named="document")
        assert store.export(format=name).data == exported
        assert (store.stats().nodes, store.stats().edges) == (before.nodes, before.edges)


def test_elements_have_no_ends():
    node = Node(id="urn:a", kind="Entity", attributes={"unnamedCause": Ref(ONE)})
    for name in READ:
        kind = formats.named(name)
        assert records(kind.loads(kind.dumps(Batch(nodes=(node,))))) == records(
            Batch(nodes=(node,))
        )

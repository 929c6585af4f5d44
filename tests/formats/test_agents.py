# SPDX-License-Identifier: Apache-2.0
"""People, organizations and programs are what PROV calls so, in every format, in and out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lineage
from lineage import formats
from lineage.model import namespaces
from lineage.model.record import Batch, Node
from lineage.model.value import Literal, Ref, clean
from tests.formats.test_every_format import FLAT, READ, records, whole
from tests.services.forging import A
from tests.services.partners import names_in

KINDS = ("Person", "Organization", "SoftwareAgent")
#: RO-Crate has types of its own for them.
PROV = [name for name in READ if name != "rocrate"]
#: What others write, by format: somebody, an office, a program, and somebody with a type of another.
OTHERS = {
    "json": """{"prefix": {"ex": "http://e.org/", "wf": "http://wf.org/"}, "agent": {
        "ex:ana": {"prov:type": {"$": "prov:Person", "type": "prov:QUALIFIED_NAME"}},
        "ex:office": {"prov:type": {"$": "prov:Organization", "type": "xsd:QName"}},
        "ex:bot": {"prov:type": [{"$": "wf:Engine", "type": "xsd:QName"}, "prov:SoftwareAgent"]},
        "ex:who": {"prov:type": "person"}}}""",
    "provn": """document
        prefix ex <http://e.org/>
        prefix wf <http://wf.org/>
        agent(ex:ana, [prov:type = 'prov:Person'])
        agent(ex:office, [prov:type = 'prov:Organization', prov:label = "Office"])
        agent(ex:bot, [prov:type = 'wf:Engine', prov:type = "prov:SoftwareAgent" %% xsd:QName])
        agent(ex:who)
        endDocument""",
    "xml": """<p:document xmlns:p="http://www.w3.org/ns/prov#" xmlns:ex="http://e.org/"
        xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
        <p:person p:id="ex:ana"/>
        <p:agent p:id="ex:office"><p:type xsi:type="xsd:QName">p:Organization</p:type></p:agent>
        <p:softwareAgent p:id="ex:bot"><p:type>engine</p:type></p:softwareAgent>
        <p:agent p:id="ex:who"/></p:document>""",
    "trig": """@prefix p: <http://www.w3.org/ns/prov#> . @prefix ex: <http://e.org/> .
        ex:ana a p:Person . ex:office a p:Agent, p:Organization . ex:who a p:Agent .
        ex:bot a p:SoftwareAgent, ex:Engine .""",
    "jsonld": """{"@context": [{"ex": "http://e.org/", "wf": "http://wf.org/"},
        "https://openprovenance.org/prov-jsonld/context.jsonld"], "@graph": [
        {"@type": "Agent", "@id": "ex:ana", "type": ["prov:Person"]},
        {"@type": "prov:Agent", "@id": "ex:office", "prov:type": "prov:Organization"},
        {"@type": "Agent", "@id": "ex:bot", "type": ["wf:Engine", "prov:SoftwareAgent"]},
        {"@type": "Agent", "@id": "ex:who", "type": ["wf:Engine"]}]}""",
}


def kinds_of(batch):
    return {node.id.rpartition("/")[2]: node.kind for node in batch.nodes}


@pytest.mark.parametrize("name", OTHERS)
def test_an_agent_of_a_type_of_prov_is_of_our_kind_and_leaves_as_it_came(name):
    kind = formats.named(name)
    batch = kind.loads(OTHERS[name].encode())
    assert kinds_of(batch) == {
        "ana": "Person",
        "office": "Organization",
        "bot": "SoftwareAgent",
        "who": "Agent",
    }
    for other in PROV:
        data = formats.named(other).dumps(batch)
        ours = [f"{space}{k}" for space in ("lineage:", namespaces.LINEAGE) for k in KINDS]
        assert not [name for name in ours if name.encode() in data], other
        assert kinds_of(formats.named(other).loads(data)) == kinds_of(batch), other


def test_somebody_in_a_bundle_is_a_person_too():
    text = """document
        prefix ex <http://e.org/>
        default <http://www.w3.org/ns/prov#>
        bundle ex:b
          prefix mine <http://www.w3.org/ns/prov#>
          agent(ex:ana, [prov:type = 'mine:Person'])
          agent(ex:bot, [prov:type = 'SoftwareAgent'])
        endBundle
        endDocument"""
    batch = formats.named("provn").loads(text.encode())
    assert [(node.kind, node.bundle) for node in batch.nodes] == [
        ("Person", "http://e.org/b"),
        ("SoftwareAgent", "http://e.org/b"),
    ]


def test_an_entity_of_that_type_is_no_agent_and_of_several_types_the_person_counts():
    text = """document
        prefix ex <http://e.org/>
        entity(ex:portrait, [prov:type = 'prov:Person'])
        agent(ex:both, [prov:type = 'prov:SoftwareAgent', prov:type = 'prov:Person'])
        endDocument"""
    batch = formats.named("provn").loads(text.encode())
    assert kinds_of(batch) == {"portrait": "Entity", "both": "Person"}


@pytest.mark.parametrize("name", PROV)
@pytest.mark.parametrize("kind", KINDS)
def test_our_agents_leave_with_the_type_that_prov_has_for_them(name, kind):
    ours = Batch(nodes=(Node(id="http://e.org/a", kind=kind, label="A"),))
    data = formats.named(name).dumps(ours)
    assert formats.named(name).loads(data).nodes == ours.nodes
    quads = formats.named("nt").dumps(formats.named(name).loads(data)).decode()
    for space in (namespaces.PROV, namespaces.LINEAGE):
        assert f"#type> <{space}{kind}>" in quads


types = st.lists(
    st.sampled_from(
        [
            *(Ref(namespaces.PROV + kind) for kind in KINDS),
            *(f"prov:{kind}" for kind in KINDS),
            Literal(namespaces.PROV + "Person", "xsd:anyURI"),
            Ref("http://e.org/Engine"),
        ]
    ),
    max_size=3,
)
agents = st.builds(
    lambda ident, kind, said, bundle: Node(
        id=f"http://e.org/{ident}", kind=kind, attributes=clean({"prov:type": said}), bundle=bundle
    ),
    st.sampled_from("ab"),
    st.sampled_from(["Agent", "Entity", *KINDS]),
    types,
    st.sampled_from([None, "http://e.org/bundle"]),
)


@pytest.mark.parametrize("name", READ)
@settings(max_examples=150)
@given(nodes=st.lists(agents, max_size=3))
def test_whatever_types_an_agent_has_it_comes_back_as_it_was(name, nodes):
    batch = whole(name, Batch(nodes=tuple(nodes)))
    kind = formats.named(name)
    data = kind.dumps(batch)
    back = kind.loads(data)
    assert records(back) == records(batch)
    assert kind.dumps(replace(back, base=None)) == data
    assert name in FLAT or {n.bundle for n in back.nodes} == {n.bundle for n in nodes}


def test_people_of_others_are_found_by_kind_and_ours_by_sparql(tmp_path):
    theirs = tmp_path / "theirs.ttl"
    theirs.write_text(OTHERS["trig"])
    with lineage.open(tmp_path / "store.db") as store:
        store.load(theirs)
        store.ingest(Batch(nodes=(Node(id="http://e.org/eva", kind="Person", label="Eva"),)))
        asked = {
            question: {node.id.rpartition("/")[2] for node in store.ask(question).nodes}
            for question in ("kind:person", "kind:organization", "kind:softwareagent", "person:*")
        }
        assert asked == {
            "kind:person": {"ana", "eva"},
            "kind:organization": {"office"},
            "kind:softwareagent": {"bot"},
            "person:*": {"ana", "eva", "who"},
        }
        found = store.sparql("SELECT ?who { ?who a prov:Person } ORDER BY ?who").rows
        assert [row["who"]["value"] for row in found] == ["http://e.org/ana", "http://e.org/eva"]


def test_a_policy_for_people_is_one_for_the_people_of_others(tmp_path):
    theirs = tmp_path / "theirs.provn"
    theirs.write_text(OTHERS["provn"])
    policy = (
        b"{partner: b, nodes: [pseudonymise: {kind: Person}, keep: {kind: [Organization, Agent]},"
        b" keep: {id: '*'}], attributes: [keep: {name: [label, 'prov:type']}]}"
    )
    with lineage.open("memory:", person_key=bytes(32)) as store:
        store.load(theirs)
        names = names_in(store.package(None, policy, A))
    kept = {name.rpartition("/")[2] for name in names if name.startswith("http://e.org/")}
    assert kept == {"office", "bot", "who"} and len(names) == 4

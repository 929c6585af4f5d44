# SPDX-License-Identifier: Apache-2.0
"""A Neo4j person's view: plain Cypher, and neomodel, see exactly the graph as it stands now."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, date, datetime

import neo4j
import pytest
from hypothesis import given, seed, settings

import lineage
from lineage.errors import Denied, Usage
from lineage.ledger.log import Draft
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Literal, Ref, clean
from lineage.store.base import NOW, Hop, Walk
from lineage.store.memory import MemoryStore
from lineage.store.neo4j import labels, schema
from tests.conftest import KEY, RELEASES, clock, neo4j_address
from tests.contract.test_engines_agree import fresh, replay_history, steps
from tests.strategies import IDS, RELATIONS

#: Random histories, some and many, on each release.
HISTORIES = (5, 30)


@pytest.fixture(params=RELEASES)
def url(request, monkeypatch):
    return neo4j_address(request.param, request, monkeypatch)


@contextmanager
def session(url, **options):
    auth = (os.environ["LINEAGE_NEO4J_USER"], os.environ["LINEAGE_NEO4J_PASSWORD"])
    with (
        neo4j.GraphDatabase.driver(url, auth=auth, notifications_min_severity="OFF") as driver,
        driver.session(**options) as opened,
    ):
        yield opened


def ask(url, text, **parameters):
    with session(url) as opened:
        return opened.run(text, parameters).values()


def test_plain_cypher_sees_the_graph_as_it_stands_after_any_history(url, extent):
    """What was retracted is not matched by any pattern, with or without types and labels."""

    @seed(extent)
    @settings(max_examples=HISTORIES[extent])
    @given(steps)
    def agree(history):
        ours, theirs = MemoryStore(), fresh("neo4j", url)
        try:
            replay_history(history, ours, theirs)
        finally:
            theirs.close()
        with session(url) as opened:
            same_nodes(opened, ours)
            same_edges(opened, ours)
            same_reach(opened, ours)

    agree()


def same_nodes(opened, ours):
    rows = opened.run(
        "MATCH (n) WHERE NOT n:Ledger RETURN n.uid, n.kind, n.label, n.attributes, labels(n)"
    ).values()
    assert {tuple(row[:4]) for row in rows} == {tuple(row) for row in ours.get(IDS, NOW).values()}
    assert all(set(row[4]) == set(schema.labels(row[1]).split(":")) for row in rows)
    assert len(rows) == ours.stats(NOW).nodes


def same_edges(opened, ours):
    rows = opened.run(
        "MATCH (a:Node)-[e]->(b) "
        "RETURN type(e), a.uid, b.uid, e.attributes, e.named, e.asserted_by ORDER BY e.key"
    ).values()
    shown = Counter((schema.TYPES[row[0]], *row[1:4]) for row in rows if row[0] != "HAD_PLAN")
    every = Hop(relations=frozenset(RELATIONS))
    wanted = Counter(
        (e.relation, e.effect, e.cause, e.attributes) for e in ours.edges(IDS, every, NOW)
    )
    assert shown == wanted
    assert sum(shown.values()) == ours.stats(NOW).edges
    assert {row[1:3][1] for row in rows} <= set(ours.get(IDS, NOW))
    said = sum(len(row[5]) for row in rows if row[0] != "HAD_PLAN")
    claims = (h.said(None) for h in ours.held(IDS, NOW).values())
    assert said == sum(isinstance(claim.record, Edge) for found in claims for claim in found)


def same_reach(opened, ours):
    for start in ours.get(IDS, NOW):
        found = ours.walk(Walk(start=frozenset({start})), NOW)
        rows = opened.run(
            "MATCH (s:Node {uid: $start}) ((a)-[e WHERE e.follow]->(b)){0,} (n) "
            "RETURN collect(DISTINCT n.uid)",
            start=start,
        ).single()[0]
        assert set(rows) == {node.id for node in found.nodes}


RUN = "urn:lineage:run:lab/1"
VALUES = {
    "metric.accuracy": 0.91,
    "param.layers": 12,
    "param.sizes": (1, 2, 3),
    "param.mixed": (1, "two"),
    "param.shuffle": True,
    "param.none": 10**30,
    "param.decimal": Literal("0.10", "xsd:decimal"),
    "param.greeting": Literal("chat", None, "fr"),
    "status": "finished",
    "started": "2026-03-05T10:00:00.5Z",
    "ended": "2026-03-05",
    "prov:location": Ref("urn:lineage:place:1"),
    "uid": "an attribute called like one of ours",
    "claims": "and another",
}


def filled(url):
    """A store with a run, three versions of a model and what the run used."""
    opened = lineage.open(url, clock=clock, person_key=KEY, actor="tester")
    used = [("training", "2026-03-05T10:00:00Z"), ("test", None)]
    opened.ingest(
        Batch(
            nodes=(
                Node(id=RUN, kind="Run", label="train", attributes=VALUES),
                Node(id="urn:lineage:dataset:d", kind="Dataset", attributes={"name": "iris"}),
                Node(id="urn:lineage:dataset:e", kind="Dataset"),
                *(
                    Node(
                        id=f"urn:lineage:model-version:m@{number}",
                        kind="ModelVersion",
                        label=f"readmission@v{number}",
                        attributes={"name": "readmission", "version": str(number)},
                    )
                    for number in (1, 2, 3)
                ),
            ),
            edges=(
                *(
                    Edge(
                        relation="used",
                        effect=RUN,
                        cause="urn:lineage:dataset:d",
                        attributes={"prov:role": role} | ({"prov:time": time} if time else {}),
                    )
                    for role, time in used
                ),
                Edge(relation="wasGeneratedBy", effect="urn:lineage:model-version:m@3", cause=RUN),
            ),
        )
    )
    return opened


def test_attributes_are_properties_of_their_types(url):
    with filled(url) as opened:
        assert opened.verify().state == "intact"
    (found,) = ask(url, "MATCH (n:Run) RETURN properties(n)")[0]
    shown = {k: v.to_native() if hasattr(v, "to_native") else v for k, v in found.items()}
    own = {"kind": "Run", "label": "train", "since": 1, "name": "train", "uid": RUN}
    assert {k: v for k, v in shown.items() if k not in ("attributes", "claims")} == own | {
        "metric.accuracy": 0.91,
        "param.layers": 12,
        "param.sizes": [1, 2, 3],
        "param.mixed": ["two", "1"],
        "param.shuffle": True,
        "param.decimal": 0.1,
        "param.greeting": "chat",
        "status": "finished",
        "started": datetime(2026, 3, 5, 10, 0, 0, 500_000, tzinfo=UTC),
        "ended": date(2026, 3, 5),
        "location": "urn:lineage:place:1",
    }
    held = json.loads(found["attributes"])
    assert held["param.none"]["$"] == str(10**30)
    assert held["claims"] == "and another"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("MATCH (r:Run) WHERE r.`metric.accuracy` > 0.9 RETURN r.name", "train"),
        ("MATCH (r:Run) WHERE r.started > datetime('2026-03-01T00:00:00Z') RETURN r.status", "finished"),
        ("MATCH (:Run)-[u:USED {role: 'training'}]->(d) RETURN d.name", "iris"),
        ("MATCH ()-[u:USED]->() WHERE u.time.year = 2026 RETURN u.role", "training"),
        ("MATCH (m:ModelVersion) RETURN collect(m.name)", ["readmission@v1", "readmission@v2", "readmission@v3"]),
        ("MATCH (d:Dataset {uid: 'urn:lineage:dataset:e'}) RETURN d.name", "e"),
    ],
)  # fmt: skip
def test_people_filter_by_properties_and_read_names(url, text, answer):
    filled(url).close()
    found = ask(url, text)[0][0]
    assert (sorted(found) if isinstance(found, list) else found) == answer


def test_names_are_found_by_their_words(url):
    filled(url).close()
    with session(url) as opened:
        opened.run("CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()").consume()
        rows = opened.run(
            "CALL db.index.fulltext.queryNodes('node_text', 'readmission') YIELD node "
            "RETURN node.name ORDER BY node.name"
        ).values()
    assert [row[0] for row in rows] == ["readmission@v1", "readmission@v2", "readmission@v3"]


def test_two_sources_of_one_edge_are_one_relationship(url):
    edge = Edge(relation="used", effect="urn:r", cause="urn:d")
    with lineage.open(url, clock=clock, person_key=KEY) as opened:
        for source in ("git", "mlflow"):
            opened.ingest(Batch(edges=(edge,)), source=source)
        text = "MATCH ()-[u:USED]->() RETURN u.asserted_by, u.asserted_since, u.since"
        assert ask(url, text) == [[["git", "mlflow"], [1, 2], 1]]
        draft = Draft(source="git", importer="x", actor="x", recorded="2026")
        opened.store.write(draft, Batch(), [edge])
        assert ask(url, text) == [[["mlflow"], None, 2]]
        assert opened.verify().state == "intact"
        assert {node.id for node in opened.trace("urn:r", at=1)} == {"urn:r", "urn:d"}


def test_two_nodes_are_all_that_is_not_the_graph(url):
    with filled(url) as opened:
        nodes = opened.stats().nodes
    assert ask(url, "MATCH (n) WHERE NOT n:Node RETURN labels(n)") == [[["Ledger"]]] * 2
    assert ask(url, "MATCH (n) RETURN count(n)") == [[nodes + 2]]
    assert ask(url, "MATCH (:Node)--(n) WHERE NOT n:Node RETURN n") == []


def test_verify_names_what_was_made_and_deleted_by_hand(url):
    with filled(url) as opened:
        with session(url) as hand:
            hand.run("MATCH (r:Run) CREATE (:Note {text: 'mine'})-[:ABOUT]->(r)").consume()
            hand.run("MATCH (m:ModelVersion), (r:Run) CREATE (m)-[:LIKES]->(r)").consume()
            hand.run("MATCH (m:ModelVersion {version: '1'}) DETACH DELETE m").consume()
        said = [finding.message for finding in opened.verify().findings]
        assert sum("labels ['Note'] are no things" in message for message in said) == 1
        assert sum("-likes-> urn:lineage:run:lab/1 does not say who" in m for m in said) == 2
        assert sum("is missing from the graph" in message for message in said) == 1
        opened.rebuild()
        assert len(opened.verify().findings) == 1


def test_no_secret_stands_in_the_database_in_clear(url):
    key = bytes(range(32))
    with lineage.open(url, person_key=key) as opened:
        opened.store.keep(
            {"exchange/key/partner": b"a secret of thirty-two bytes....", "plain": b"x"}
        )
    properties = [
        *ask(url, "MATCH (n) RETURN properties(n)"),
        *ask(url, "MATCH ()-[r]->() RETURN properties(r)"),
    ]
    held = b"".join(
        value if isinstance(value, bytes) else str(value).encode()
        for (row,) in properties
        for value in row.values()
    )
    assert key not in held
    assert key.hex().encode() not in held
    assert b"thirty-two bytes" not in held
    with lineage.open(url) as opened:
        assert opened.context.person_key == key
        names = ["exchange/key/partner", "plain"]
        assert list(opened.store.values(names).values()) == [
            b"a secret of thirty-two bytes....",
            b"x",
        ]


def test_a_store_sealed_with_a_secret_opens_with_it_alone(url, monkeypatch):
    monkeypatch.setenv("LINEAGE_NEO4J_SECRET", "first")
    lineage.open(url, person_key=KEY).close()
    monkeypatch.setenv("LINEAGE_NEO4J_SECRET", "second")
    with pytest.raises(Denied, match="person_key is sealed") as caught:
        lineage.open(url)
    assert "LINEAGE_NEO4J_SECRET" in caught.value.hint
    monkeypatch.setenv("LINEAGE_NEO4J_SECRET", "first")
    with lineage.open(url) as opened:
        assert opened.context.person_key == KEY


def test_the_home_database_is_meant_where_none_is_named(url):
    with lineage.open(url) as opened:
        assert opened.store.database == "neo4j"
    with lineage.open(f"{url}/neo4j") as opened:
        assert opened.store.database == "neo4j"


def test_the_servers_own_database_is_refused(url):
    for name in ("system", "System"):
        with pytest.raises(Usage, match="the server's own"):
            lineage.open(f"{url}/{name}")


def test_neomodel_reads_what_the_store_shows(url):
    with filled(url) as opened:
        labels.bind(opened)
        run = labels.Run.nodes.get(uid=RUN)
        assert (run.name, run.status, run.ended) == ("train", "finished", date(2026, 3, 5))
        assert run.started == datetime(2026, 3, 5, 10, 0, 0, 500_000, tzinfo=UTC)
        assert run.properties["metric.accuracy"] == 0.91
        assert [data.name for data in run.used.all()] == ["iris", "iris"]
        data = labels.Dataset.nodes.get(name="iris")
        roles = {link.role for link in run.used.all_relationships(data)}
        assert roles == {"training", "test"}
        assert [model.name for model in run.generated.all()] == ["readmission@v3"]
        early = labels.Run.nodes.filter(started__lt=datetime(2026, 1, 1, tzinfo=UTC)).all()
        late = labels.Run.nodes.filter(started__gt=datetime(2026, 1, 1, tzinfo=UTC)).all()
        assert (early, [found.uid for found in late]) == ([], [RUN])
        newest = labels.ModelVersion.nodes.order_by("-version").first()
        assert newest.wasGeneratedBy.single().uid == RUN


def test_every_kind_and_relation_can_be_read_by_neomodel_whatever_a_source_says(url):
    from lineage.model import kinds

    odd = {"files": "many", "size": (1, 2), "started": "yesterday", "aliases": ("a", "b")}
    nodes = [Node(id=f"urn:{kind}", kind=kind, attributes=odd) for kind in kinds.KINDS]
    edges = [Edge(relation="wasInfluencedBy", effect=node.id, cause=nodes[0].id) for node in nodes]
    with lineage.open(url, clock=clock, person_key=KEY) as opened:
        opened.ingest(Batch(nodes=tuple(nodes), edges=tuple(edges)))
        labels.bind(opened.store)
        for kind, declared in labels.CLASSES.items():
            found = declared.nodes.get(uid=f"urn:{kind}")
            assert type(found) is declared
            assert found.wasInfluencedBy.single().uid == nodes[0].id
        assert labels.Artifact.nodes.get(uid="urn:Artifact").size == [1, 2]


def test_the_indexes_that_neomodel_declares_are_those_of_the_database(url):
    lineage.open(url).close()
    rows = ask(
        url,
        "SHOW INDEXES YIELD labelsOrTypes, properties, type WHERE type = 'RANGE' RETURN labelsOrTypes, properties",
    )
    made = {(row[0][0], *row[1]) for row in rows if row[0]}
    declared = {
        (kind, name)
        for kind, held in labels.CLASSES.items()
        for name, found in held.defined_properties(aliases=False, rels=False).items()
        if found.index and (kind, name) in set(schema.indexed())
    }
    assert declared == set(schema.indexed()) - {("Node", "name")}
    assert declared | {("Node", "name"), ("Node", "uid"), ("USED", "key")} <= made


def test_a_name_that_people_ask_for_is_found_by_its_index(url):
    filled(url).close()
    with session(url) as opened:
        text = "PROFILE MATCH (m:ModelVersion {name: 'readmission@v3'}) RETURN m"
        plan = json.dumps(opened.run(text).consume().profile, default=str)
    assert "NodeIndexSeek" in plan


ODD = [
    {"started": "0001-01-01T00:00:00+14:00", "ended": "9999-12-31T23:59:59.999999999Z"},
    {"started": "2026-03-05T10:00:00+05:30:15", "ended": "2026-02-30T00:00:00Z"},
    {"started": ["2026-03-05T10:00:00Z", "2026-03-05", "x"], "ended": "2026-03-05 10:00"},
    {"a": [float("nan"), 1.0], "b": float("inf"), "c": [-0.0, 0.0], "d": [2**63, 1], "e": 2**63 - 1},
    {"a": Literal("x", "xsd:dateTime"), "b": Literal("1e400", "xsd:double"), "c": Literal("nan", "xsd:decimal")},
    {"a`b": "backtick", "a b": "space", "prov:uid": "x", "prov:key": "k", "k" * 30_000: 1},
    {f"param.p{number}": number for number in range(2_000)},
    {"started": ["2026-03-05T10:00:00Z", "2026-03-05T11:00:00"], "status": [f"{n:050}" for n in range(900)]},
]  # fmt: skip


def test_odd_attributes_are_kept_and_verify(url):
    with lineage.open(url, clock=clock, person_key=KEY) as opened:
        for number, attributes in enumerate(map(clean, ODD)):
            run = Node(id=f"urn:{number}", kind="Run", attributes=attributes)
            used = Edge(relation="used", effect=run.id, cause="urn:d", attributes=attributes)
            opened.ingest(Batch(nodes=(run,), edges=(used,)))
            assert (
                opened.store.get([run.id], NOW)[run.id].node().attributes.keys()
                == attributes.keys()
            )
        verdict = opened.verify()
        assert (verdict.state, verdict.findings) == ("intact", ())


def test_what_is_too_long_for_an_index_is_kept_all_the_same(url):
    long = "\u00e9" * 40_000
    attributes = {"status": long, "owner": long, "digest": long, "other": long}
    nodes = [
        Node(id=f"urn:{k}", kind=k, label=long, attributes=attributes)
        for k in ("Run", "Dataset", "Content")
    ]
    with lineage.open(url, clock=clock, person_key=KEY) as opened:
        opened.ingest(Batch(nodes=tuple(nodes)))
        assert opened.store.get(["urn:Run"], NOW)["urn:Run"].label == long
        assert {node.id for node in opened.ask(f'key:"{long[:300]}*" and kind:run')} == {"urn:Run"}
        assert opened.verify().state == "intact"


def test_a_store_that_is_not_in_neo4j_is_not_bound():
    with lineage.open("memory:") as opened, pytest.raises(Usage, match="is not there"):
        labels.bind(opened)

# SPDX-License-Identifier: Apache-2.0
"""Questions are one statement each on Neo4j, and the server carries it out by seeking, not by scanning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lineage
from lineage.errors import LineageError
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Literal
from lineage.services.read import recent
from lineage.store.base import NOW
from lineage.store.neo4j.client import Client
from lineage.store.neo4j.rows import edges_among, node_rows
from lineage.store.rows import EdgeRow
from tests.conftest import KEY, RELEASES, clock, neo4j_address
from tests.store.test_neo4j import ALLOWED, operators

#: What a statement of a plan may do besides: look a name up in an index of names, join the parts of a union.
SEEKING = ALLOWED | {
    "NodeIndexSeek",
    "NodeIndexSeekByRange",
    "NodeUniqueIndexSeekByRange",
    "Union",
    "VarLengthExpand(All)",
}
STEPS = 30
OPENED: dict[str, Any] = {"clock": clock, "person_key": KEY, "actor": "tester"}
#: Questions about a ladder of 2**30 paths, and what its nodes are called.
QUESTIONS = (
    '+"urn:0"',
    '+model:"m@1"',
    'model:"m@1"+',
    '"urn:30"+',
    '2+"urn:5"+1',
    '1+"urn:5"',
    '2+model:"m@1"',
    '+"urn:0" and kind:entity',
    '+"urn:0" and kind:entity and not license:"*"',
    '+"urn:0" and size >= 7',
    '"urn:30"+ and kind:activity',
    '+"urn:0" via used, wasGeneratedBy',
    '(+"urn:0" and kind:entity) via used, wasGeneratedBy',
    'between("urn:30", "urn:0")',
    'between("urn:30", "urn:0") via used',
    '+"urn:0" and "urn:12"+',
    '+"urn:0" and not +"urn:5"',
    '+"urn:0" and +"urn:3" and kind:entity',
    '+"urn:0" or "urn:20"+',
    '"urn:3" or model:"m@1"',
    'roots(+"urn:0")',
    'sinks("urn:30"+)',
    'roots(+"urn:0" and kind:entity)',
    'roots(+model:"m@1") via used, wasGeneratedBy',
    '1+(+"urn:5" and kind:entity)+1',
    '+model:"m"',
    'key:"m@*"',
)
#: Those whose condition no index knows: they look at all nodes of a kind.
OF_A_KIND = ("kind:activity", "kind:activity and size >= 7", 'kind:activity and owner:"an*"')
#: Questions about names that mean versions, several things, a part of a name, or nothing; and with several faults.
UNCLEAR: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ask", ('+model:"m"',)),
    ("ask", ('model:"m"+',)),
    ("ask", ('+"twin"',)),
    ("ask", ('"nothing"+',)),
    ("ask", ('+dataset:"d"',)),
    ("ask", ('dataset:"d"+',)),
    ("ask", ('between(dataset:"d", "urn:0")',)),
    ("ask", ("folder+",)),
    ("ask", ("+folder",)),
    ("ask", ('+"m@"',)),
    ("ask", ('why("twin", "m")',)),
    ("ask", ('+"nothing" and nosuch:x',)),
    ("ask", ('+"nothing" and +commit:"zzz"',)),
    ("ask", ('nosuch:x and +"nothing"',)),
    *(
        (verb, (name,))
        for verb in ("trace", "impact")
        for name in (
            "m",
            "model:m",
            "model:m@1",
            "twin",
            "nothing",
            "dataset:d",
            "folder",
            "m@",
            "",
        )
    ),
    ("why", ("m", "urn:30")),
    ("why", ("twin", "m@1")),
    ("why", ("nothing", "sha256:00")),
)


@pytest.fixture(params=RELEASES)
def ladder(request, monkeypatch) -> Iterator[lineage.Lineage]:
    """Two ways at each step."""
    # What is looked up once a second is looked up once here: planning a statement may take longer than that.
    monkeypatch.setattr(recent, "SECONDS", 1e9)
    with lineage.open(neo4j_address(request.param, request, monkeypatch), **OPENED) as opened:
        opened.ingest(records())
        yield opened


def records() -> Batch:
    """Activities and what they used, and a version of a model at the end of it with its name."""
    edges = [
        Edge(relation=relation, effect=f"urn:{a}", cause=f"urn:{b}")
        for n in range(STEPS)
        for side in "ab"
        for relation, a, b in (("used", n, f"{side}{n}"), ("wasGeneratedBy", f"{side}{n}", n + 1))
    ]
    version = Node(id="urn:lineage:model-version:m@1", kind="ModelVersion", label="m@1")
    name = Node(id="urn:lineage:model:m", kind="Model", label="m")
    edges += [
        Edge(relation="specializationOf", effect=version.id, cause=name.id),
        Edge(relation="wasGeneratedBy", effect=version.id, cause="urn:0"),
    ]
    told = [
        Node(id=f"urn:{n}", kind="Activity", attributes={"size": n, "owner": "ana"})
        for n in range(STEPS)
    ]
    return Batch(nodes=(version, name, *told), edges=tuple(edges))


@pytest.fixture
def sent(monkeypatch) -> list[tuple[str, dict[str, Any]]]:
    """The reads that go to the server, as they go."""
    found: list[tuple[str, dict[str, Any]]] = []
    bare = Client.bare

    def counted(self: Client, text: str, seconds: float | None = None, /, **parameters: Any) -> Any:
        found.append((text, parameters))
        return bare(self, text, seconds, **parameters)

    monkeypatch.setattr(Client, "bare", counted)
    return found


def test_a_question_is_one_statement(ladder, sent):
    with lineage.open("memory:", **OPENED) as plain:
        plain.ingest(records())
        for question in (*QUESTIONS, *OF_A_KIND):
            ladder.ask(question)
            sent.clear()
            answer = ladder.ask(question)
            assert len(sent) == 1, (question, [text for text, _ in sent])
            assert answer.to_dict() == plain.ask(question).to_dict(), question


def test_walks_and_connections_are_one_statement_from_what_is_named(ladder, sent):
    asked = (
        lambda store: store.trace("urn:0"),
        lambda store: store.trace("urn:0", via=["used"]),
        lambda store: store.impact("urn:30"),
        lambda store: store.why("urn:0", "urn:30", k=3),
        lambda store: store.why("urn:30", 'model:"m@1"'),
        lambda store: store.why("urn:a1", "urn:b1"),
        lambda store: store.why("urn:a1", "urn:b1", via=["used"]),
    )
    with lineage.open("memory:", **OPENED) as plain:
        plain.ingest(records())
        for ask in asked:
            ask(ladder)
            sent.clear()
            answer = ask(ladder)
            assert len(sent) == 1, [text for text, _ in sent]
            assert answer.to_dict() == ask(plain).to_dict()


def test_what_a_name_does_not_tell_at_first_sight_is_looked_up(ladder):
    """The answer, or what is said of a fault, is the same."""
    others = Batch(
        nodes=(
            Node(id="urn:twin:1", kind="Activity", label="twin"),
            Node(id="urn:twin:2", kind="Activity", label="twin"),
            Node(id="urn:lineage:dataset:d", kind="Dataset", label="d"),
            Node(id="urn:folder", kind="DatasetVersion", label="folder"),
        ),
        edges=(
            Edge(relation="hadMember", effect="urn:folder", cause="urn:a3"),
            Edge(relation="used", effect="urn:twin:1", cause="urn:folder"),
        ),
    )
    with lineage.open("memory:", **OPENED) as plain:
        for store in (plain, ladder):
            if store is plain:
                store.ingest(records())
            store.ingest(others)
        for verb, asked in UNCLEAR:
            assert _said(ladder, verb, asked) == _said(plain, verb, asked), (verb, asked)
        for limit in (1, 5, 40):
            found = [
                (store.trace("m@1", limit=limit).to_dict(), store.ask('+"m@1"', limit=limit).ids)
                for store in (ladder, plain)
            ]
            assert found[0] == found[1], limit


def _said(store: lineage.Lineage, verb: str, asked: tuple[Any, ...]) -> Any:
    try:
        return getattr(store, verb)(*asked).to_dict()
    except LineageError as error:
        return error.code, str(error), error.hint


def test_its_statement_seeks_and_visits_each_node_once(ladder, sent):
    """2**30 paths lead through the ladder."""
    for question in QUESTIONS:
        seen = _profile(ladder, sent, _asks(question))
        names = {name for name, _ in seen}
        assert names <= SEEKING, (question, names - SEEKING)
        assert sum(hits for _, hits in seen) < 20_000, question


def test_only_a_condition_that_no_index_knows_looks_at_all_of_a_kind(ladder, sent):
    for question in OF_A_KIND:
        names = {name for name, _ in _profile(ladder, sent, _asks(question))}
        assert names - SEEKING in ({"NodeByLabelScan"}, {"UnionNodeByLabelsScan"}), question


def test_a_declared_attribute_is_looked_up_where_every_thing_has_it_as_a_text(ladder, sent):
    runs = [
        Node(
            id=f"urn:run:{n}", kind="Run", attributes={"status": "failed" if n < 3 else "finished"}
        )
        for n in range(400)
    ]
    odd = [
        Node(id=f"urn:odd:{n}", kind="Run", attributes={"status": status})
        for n, status in enumerate(
            (("failed", "twice"), "failed" * 500, 5, Literal("failed", "xsd:token"))
        )
    ]
    kept = ("prov:status", 'x"status')  # shown as, and written like, what is asked for
    near = [
        Node(id=f"urn:near:{n}", kind="Run", attributes={k: "failed"}) for n, k in enumerate(kept)
    ]
    asked = (
        'kind:run and status:"failed"',
        'kind:run and status:"fail*"',
        'kind:run and status = "failed"',
    )
    with lineage.open("memory:", **OPENED) as plain:
        for added, most in ((runs, 120), (odd[3:], 120), (odd, None), (near, None)):
            for store in (plain, ladder):
                store.ingest(Batch(nodes=tuple(added)), source=f"document:{added[0].id}")
            for question in asked:
                seen = _profile(ladder, sent, _asks(question))
                assert most is None or sum(hits for _, hits in seen) < most, question
                assert ladder.ask(question).ids == plain.ask(question).ids, question
        for step in (ladder.rebuild, lambda: ladder.ingest(Batch(nodes=tuple(runs[:1])))):
            step()
            for question in asked:
                assert ladder.ask(question).ids == plain.ask(question).ids, question


def test_of_what_is_next_to_a_thing_only_what_is_shown_is_read(ladder, sent):
    ladder.ingest(
        Batch(
            edges=(
                *(Edge(relation="used", effect=f"urn:r{n}", cause="urn:hub") for n in range(3_000)),
                *(Edge(relation="used", effect="urn:hub", cause=f"urn:c{n}") for n in range(50)),
                Edge(relation="wasInfluencedBy", effect="urn:hub", cause="urn:hub"),
            )
        )
    )
    for most, claims in ((4, 4), (40, 40), (200, 51)):
        seen = _profile(
            ladder, sent, lambda store, most=most: store.store.around("urn:hub", most, NOW)
        )
        found = ladder.store.around("urn:hub", most, NOW)
        assert (len(found.edges), found.more_edges) == (most, 3_051 - most)
        assert (len(found.claims), found.more_claims) == (claims, 51 - claims)
        assert sum(edge.effect == "urn:hub" for edge in found.edges) == min(most // 2, 51)
        assert sum(hits for _, hits in seen) < 20 * most + 500, most


def test_what_a_store_holds_is_counted_without_looking_at_it(ladder, sent):
    with lineage.open("memory:", **OPENED) as plain:
        plain.ingest(records())
        expected = plain.stats().to_dict()
        assert ladder.stats().to_dict() == expected
        names = {name for name, _ in _profile(ladder, sent, lambda store: store.stats())}
        assert names - ALLOWED == {"NodeCountFromCountStore", "RelationshipCountFromCountStore"}
        with ladder.store.driver.session(database="neo4j") as session:
            session.run("CREATE (:Agent:Person {name: 'of somebody else'})").consume()
            assert ladder.stats().to_dict() == expected
            session.run("MATCH (n:Person) WHERE NOT n:Node DELETE n").consume()


def test_an_edge_that_is_written_meanwhile_leads_to_no_node_of_the_answer():
    nodes = node_rows([["urn:a", "Run", None, "{}"], ["urn:b", "Entity", "b", "{}"]])
    stood, written = ["USED", 7, 9, "{}", None], ["USED", 7, 11, "{}", None]
    one = edges_among([stood], [7, 9], nodes)
    assert one == [EdgeRow("used", "urn:a", "urn:b", "{}", None, None)]
    assert edges_among([stood, written], [7, 9], nodes) == one


def _asks(question: str) -> Callable[[lineage.Lineage], object]:
    return lambda store: store.ask(question)


def _profile(
    opened: lineage.Lineage,
    sent: list[tuple[str, dict[str, Any]]],
    asks: Callable[[lineage.Lineage], object],
) -> list[tuple[str, int]]:
    """The operators of the statement of a question, and how often each looked into the database."""
    sent.clear()
    asks(opened)
    text, parameters = sent[0]
    with opened.store.driver.session(database="neo4j") as session:
        return list(operators(session.run("PROFILE " + text, parameters).consume().profile))

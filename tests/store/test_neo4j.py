# SPDX-License-Identifier: Apache-2.0
"""What is particular to Neo4j: every walk text is PROFILEd, and only linear operators pass."""

from __future__ import annotations

import os
from functools import partial

import neo4j
import pytest

import lineage
from lineage.errors import StoreDamaged
from lineage.model.record import Batch, Edge
from lineage.query import condition as c
from lineage.store.base import NOW, Hop, Walk
from lineage.store.neo4j import compile as cypher
from lineage.store.neo4j import past
from lineage.store.neo4j.select import sieve
from tests.conftest import RELEASES, neo4j_address

ALLOWED = {
    "Apply",
    "CartesianProduct",
    "Optional",
    "Argument",
    "CacheProperties",
    "Distinct",
    "EagerAggregation",
    "Expand(All)",
    "Filter",
    "Limit",
    "NodeUniqueIndexSeek",
    "OrderedDistinct",
    "ProduceResults",
    "Projection",
    "RollUpApply",
    "Unwind",
    "VarLengthExpand(Pruning,BFS,All)",
}
#: How the past is looked into: whether anything of it stood, and what of it by its ends.
PAST = {
    "DirectedRelationshipIndexSeek",
    "DirectedRelationshipIndexSeekByRange",
    "LetSemiApply",
}
HOPS = [
    Hop(toward=toward, relations=relations)
    for toward in ("causes", "effects")
    for relations in (None, frozenset({"used"}), frozenset({"used", "wasGeneratedBy", "parent"}))
]


@pytest.mark.parametrize("release", RELEASES)
def test_a_database_with_another_graph_in_it_is_refused_and_left_alone(
    release, request, monkeypatch
):
    url = neo4j_address(release, request, monkeypatch)
    auth = (os.environ["LINEAGE_NEO4J_USER"], os.environ["LINEAGE_NEO4J_PASSWORD"])
    with neo4j.GraphDatabase.driver(url, auth=auth) as driver:
        driver.execute_query("CREATE (:Mine {x: 1})", database_="neo4j")
        with pytest.raises(StoreDamaged, match="no lineage store"):
            lineage.open(url)
        found = driver.execute_query("MATCH (n) RETURN count(n)", database_="neo4j").records
        assert found[0][0] == 1


@pytest.mark.parametrize("release", RELEASES)
def test_what_a_server_that_died_while_laying_out_left_behind_is_no_obstacle(
    release, request, monkeypatch
):
    url = neo4j_address(release, request, monkeypatch)
    auth = (os.environ["LINEAGE_NEO4J_USER"], os.environ["LINEAGE_NEO4J_PASSWORD"])
    with neo4j.GraphDatabase.driver(url, auth=auth) as driver:
        for text in (
            "DROP CONSTRAINT was_derived_from_key IF EXISTS",
            "CREATE INDEX was_derived_from_key FOR ()-[r:WAS_DERIVED_FROM]-() ON (r.key)",
        ):
            driver.execute_query(text, database_="neo4j")
    with lineage.open(url) as opened:
        opened.ingest(Batch(edges=(Edge(relation="used", effect="urn:a", cause="urn:b"),)))
        assert opened.verify().state == "intact"


@pytest.fixture(params=RELEASES)
def server(request, monkeypatch):
    url = neo4j_address(request.param, request, monkeypatch)
    with lineage.open(url) as opened:
        ladder = [
            Edge(relation=relation, effect=f"urn:{a}", cause=f"urn:{b}")
            for n in range(30)
            for side in "ab"
            for relation, a, b in (
                ("used", n, f"{side}{n}"),
                ("wasGeneratedBy", f"{side}{n}", n + 1),
            )
        ]
        opened.ingest(Batch(edges=tuple(ladder)))
        yield opened.store


def profile(store, text, **parameters):
    with store.driver.session(database="neo4j") as session:
        summary = session.run("PROFILE " + text, parameters).consume()
    return list(operators(summary.profile))


def operators(plan):
    yield plan["operatorType"].partition("@")[0], plan["args"].get("DbHits", 0)
    for child in plan.get("children", ()):
        yield from operators(child)


def shown(hop):
    """The same in every process, which a frozenset is not."""
    return f"{hop.toward} by {' or '.join(sorted(hop.relations or ['anything']))}"


IDS, COUNTS = (partial(cypher.kinds_within, counts=counts) for counts in (False, True))


@pytest.mark.parametrize(
    "text", [cypher.walk, past.walk, IDS, COUNTS], ids=["now", "as of", "ids", "counts"]
)
@pytest.mark.parametrize("hop", HOPS, ids=shown)
def test_a_walk_is_planned_as_pruning_breadth_first(server, hop, text):
    """Also behind two starts, where one planner drops the DISTINCT if they come by IN."""
    parameters = {"start": ["urn:0", "urn:30"], "as_of": 1, "most": 1_000}
    seen = profile(server, text(hop), **parameters)
    names = {name for name, _ in seen}
    assert names <= (ALLOWED | PAST if text is past.walk else ALLOWED), names - ALLOWED
    assert "VarLengthExpand(Pruning,BFS,All)" in names
    # 91 nodes and 120 edges: work in proportion to them, not to 2**30 paths.
    assert sum(hits for _, hits in seen) < 6_000


@pytest.mark.parametrize("depth", [None, 3])
@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("hop", HOPS[:3], ids=shown)
def test_what_a_plan_reaches_is_planned_the_same_way(server, hop, bounded, depth):
    """Alone, and with a condition and the edges of the answer behind it."""
    parameters = {
        "start": ["urn:0", "urn:30"],
        "as_of": None,
        "within": [f"urn:{n}" for n in range(31)],
        "most": 1_000,
    }
    source = cypher.reached(hop, depth, bounded=bounded)
    for text in (
        cypher.names(source),
        cypher.gathered(source + " WHERE n.kind = 'Entity'", Hop()),
    ):
        seen = profile(server, text, **parameters)
        names = {name for name, _ in seen}
        assert names <= ALLOWED | {"Sort", "Top", "RollUpApply"}, names - ALLOWED
        assert "VarLengthExpand(Pruning,BFS,All)" in names
        assert sum(hits for _, hits in seen) < 6_000


def test_names_and_kinds_are_found_by_their_indexes(server):
    run = c.KindIn(frozenset({"Run"}))
    for condition, operator in (
        (c.AllOf((run, c.LabelIs("x"))), "NodeIndexSeekByRange"),
        (c.AllOf((run, c.NameLike("x*"))), "NodeIndexSeekByRange"),
        (c.LabelIs("x"), "NodeIndexSeekByRange"),
        (c.AllOf((run, c.Like("owner", "ana"))), "NodeByLabelScan"),
    ):
        sieved = sieve(condition)
        text = cypher.page(f"{sieved.match} WITH n WHERE {sieved.text}")
        seen = {name for name, _ in profile(server, text, **sieved.parameters, most=10)}
        assert operator in seen, (condition, seen)


@pytest.mark.parametrize("hop", HOPS[:3], ids=shown)
def test_a_hop_seeks_its_nodes_by_index(server, hop):
    seen = profile(server, cypher.hop(hop), ids=["urn:0"])
    names = {name for name, _ in seen}
    assert "NodeUniqueIndexSeek" in names
    assert names <= ALLOWED, names - ALLOWED


def test_a_walk_that_takes_longer_than_it_may_is_cut_whatever_the_server_calls_that(server):
    # A text that no plan is kept of: planning it alone takes longer.
    for more in ("wasEndedBy", "wasStartedBy"):
        relations = frozenset({"used", "wasGeneratedBy", more, "wasQuotedFrom"})
        walk = Walk(start=frozenset({"urn:0"}), relations=relations, seconds=0.002)
        cut = server.walk(walk, NOW).cut
        assert cut is None or cut.reason == "time"

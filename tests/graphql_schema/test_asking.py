# SPDX-License-Identifier: Apache-2.0
"""The questions: paged without gaps, as of any entry, and asked of the store once a level."""

from __future__ import annotations

from collections import Counter

import orjson

from graphql_schema import limits
from lineage import Batch, Edge, Node
from tests.graphql_schema.conftest import asked

DEEP = """{impact(ref: "urn:t:data", limit: 50) {nodes {id
  causes(first: 5) {edges {node {id effects(first: 5) {edges {type node {label}}}}}} evidence {entry}}}}"""


class Counting:
    """A store that counts what is asked of it."""

    def __init__(self, store):
        self.store, self.calls = store, Counter()

    def __getattr__(self, name):
        found = getattr(self.store, name)
        self.calls[name] += callable(found)
        return found


def test_nested_fields_ask_the_store_once_a_level(store, ask):
    counting = Counting(store.store)
    object.__setattr__(store.context, "store", counting)
    found = ask(DEEP)["impact"]["nodes"]
    assert len(found) > 5
    assert sum(len(node["causes"]["edges"]) for node in found) > 10
    # Two levels of links, two of nodes; the reference itself is one more look-up. The head of the
    # ledger comes with the walk. A folder may have files, and gaps look at what is kept. Whether
    # anything has an owner is looked up in two ways, once a second at most.
    assert +counting.calls == {
        "get": 3,
        "walk": 1,
        "edges": 3,
        "values": 2,
        "values_under": 1,
        "held": 1,
        "headers_at": 1,
        "moment": 1,
        "find": 1,
        "asserted": 1,
    }


def test_pages_of_links_add_up_to_all_of_them(ask):
    query = """query($after: String) {node(id: "urn:t:run:1") {causes(first: 2, after: $after)
      {totalCount edges {type cause cursor} pageInfo {endCursor hasNextPage}}}}"""
    seen, after, more = [], None, True
    while more:
        page = ask(query, after=after)["node"]["causes"]
        seen += [(edge["type"], edge["cause"]) for edge in page["edges"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert len(seen) == page["totalCount"] == len(set(seen)) == 6
    assert page["edges"][-1]["cursor"] == after


def test_pages_of_a_kind_and_of_the_ledger_add_up_to_all(store, ask):
    for number in range(5):
        store.ingest(Batch(nodes=(Node(id=f"urn:t:more:{number}", kind="Run"),)))
    for field, total in (("runs", 7), ("ledger", 6)):
        query = f"query($after: String) {{{field}(first: 3, after: $after) {{edges {{cursor}} pageInfo {{endCursor hasNextPage}}}}}}"
        seen, after, more = [], None, True
        while more:
            page = ask(query, after=after)[field]
            seen += [edge["cursor"] for edge in page["edges"]]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert len(seen) == len(set(seen)) == total


def test_everything_below_a_field_is_as_of_what_the_field_was_asked(store, ask):
    later = Edge(relation="used", effect="urn:t:run:1", cause="urn:t:copy")
    store.ingest(Batch(edges=(later,)), source="later")
    query = """{old: nodeAt(id: "urn:t:run:1", at: "1") {causes {totalCount}}
      new: node(id: "urn:t:run:1") {causes {totalCount}}
      none: nodeAt(id: "urn:t:run:1", at: "0") {id}}"""
    found = ask(query)
    assert found["old"]["causes"]["totalCount"] + 1 == found["new"]["causes"]["totalCount"]
    assert found["none"] is None


def test_an_edge_says_who_says_so(store, ask):
    again = Edge(relation="used", effect="urn:t:run:1", cause="urn:t:env")
    store.ingest(Batch(edges=(again,)), source="another")
    query = """{node(id: "urn:t:run:1") {causes(via: [used]) {edges {cause evidence {source}}}}}"""
    said = {e["cause"]: e["evidence"] for e in ask(query)["node"]["causes"]["edges"]}
    assert [item["source"] for item in said["urn:t:env"]] == ["test", "another"]
    assert [item["source"] for item in said["urn:t:test"]] == ["test"]


def test_the_cost_of_every_answer_is_told_and_follows_what_is_asked():
    from graphql import parse

    def cost(query, **variables):
        return limits.cost(parse(query), None, variables)

    flat = cost('{trace(ref: "a", limit: 100) {nodes {id kind label attributes}}}')
    nested = '{trace(ref: "a", limit: 100) {nodes {id causes(first: %d) {edges {node {id}}}}}}'
    assert flat < 430
    assert flat < cost(nested % 1) < cost(nested % 2) <= 2 * cost(nested % 1)
    sized = "query($n: Int = 7) {runs(first: $n) {nodes {causes {totalCount}}}}"
    assert cost(sized, n=3) < cost(sized) < cost(sized, n=9)
    twice = "{...f ...f} fragment f on Query {runs {nodes {causes {totalCount}}}}"
    once = "{...f} fragment f on Query {runs {nodes {causes {totalCount}}}}"
    assert cost(twice) == 2 * cost(once)


def test_what_produced_this_is_grouped_with_digests_and_drawn_as_a_tree(ask):
    query = """{produced(ref: "urn:t:model:1") {tree {id parent relation depth repeated}
      things {runs {label} commits {id} environments {label} people {label}
      datasets {id digests also}} certificate {complete}}}"""
    found = ask(query)["produced"]
    assert found["certificate"]["complete"]
    assert [run["label"] for run in found["things"]["runs"]] == ["train-1"]
    data = {item["id"]: item for item in found["things"]["datasets"]}
    assert set(data) == {"urn:t:copy", "urn:t:test"}
    assert data["urn:t:copy"]["also"] == ["urn:t:bytes", "urn:t:data"]
    assert data["urn:t:copy"]["digests"] == ["sha256:" + "ab" * 32]
    first, second, *_ = found["tree"]
    assert (first["id"], first["parent"], first["depth"]) == ("urn:t:model:1", None, 0)
    assert (second["id"], second["relation"]) == ("urn:t:run:1", "wasGeneratedBy")
    lines = [line["id"] for line in found["tree"]]
    assert len(lines) == len(set(lines))
    assert not any(line["relation"] == "alternateOf" for line in found["tree"])


def test_expected_failures_carry_their_code_and_leave_the_other_answers(shared):
    query = '{a: trace(ref: "frod") {start} b: stats {nodes}}'
    answer = orjson.loads(asked(shared, query))
    (error,) = answer["errors"]
    assert answer["data"]["b"] == {"nodes": 13}
    assert error["path"] == ["a"]
    assert error["extensions"]["code"] == "not-found"
    assert "fraud@v" in error["extensions"]["hint"]


def test_a_selection_is_a_field_and_its_pages_add_up(ask):
    query = """query($after: String) {select(query: "*", first: 3, after: $after) {
      query nodes {id} edges {type effect cause} certificate {complete cursor cut {reason left}}}}"""
    nodes, edges, after = [], [], None
    while True:
        page = ask(query, after=after)["select"]
        nodes += [node["id"] for node in page["nodes"]]
        edges += page["edges"]
        after = page["certificate"]["cursor"]
        if after is None:
            break
        assert page["certificate"]["cut"]["reason"] == "limit"
    whole = ask('{select(query: "*") {nodes {id} edges {type effect cause}}}')["select"]
    assert nodes == [node["id"] for node in whole["nodes"]]
    key = lambda edge: (edge["type"], edge["effect"], edge["cause"])  # noqa: E731
    assert sorted(edges, key=key) == sorted(whole["edges"], key=key)


def test_runs_are_listed_by_what_they_used_and_by_any_condition(store, ask):
    sha = "swh:1:rev:" + "7" * 40
    store.ingest(
        Batch(
            nodes=(
                Node(id=sha, kind="Commit", label="seven", attributes={"refs": "tags/v7"}),
                Node(id="urn:t:env7", kind="Environment", label="e", attributes={"cuda": "12.4"}),
                Node(id="urn:t:run:7", kind="Run", attributes={"metric.auc": 0.7}),
                Node(id="pkg:pypi/torch@2.5", kind="Package", attributes={"name": "torch", "version": "2.5"}),
            ),
            edges=(
                Edge(relation="used", effect="urn:t:run:7", cause=sha),
                Edge(relation="used", effect="urn:t:run:7", cause="urn:t:env7"),
                Edge(relation="hadMember", effect="urn:t:env7", cause="pkg:pypi/torch@2.5"),
            ),
        )
    )  # fmt: skip
    for arguments in (
        'commits: "v7"',
        'environment: "cuda=12.4"',
        'package: "torch>=2.5"',
        'where: "metric.auc = 0.7"',
        'commits: "v7", package: "torch", where: "not status:failed"',
    ):
        found = ask(f"{{runs({arguments}) {{nodes {{id}} pageInfo {{hasNextPage}}}}}}")["runs"]
        assert found == {"nodes": [{"id": "urn:t:run:7"}], "pageInfo": {"hasNextPage": False}}

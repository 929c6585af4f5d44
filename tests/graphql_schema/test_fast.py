# SPDX-License-Identifier: Apache-2.0
"""The list fast path answers what the stock executor answers, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphql_schema import fast, rows
from lineage.model import kinds, terms
from lineage.store.rows import EdgeRow, NodeRow
from tests.graphql_schema.conftest import asked

CORPUS = json.loads(Path(__file__).with_name("queries.json").read_text("utf-8"))
IF = st.sampled_from(["", "", "", " @skip(if: $yes)", " @include(if: $yes)", " @skip(if: $no)"])
ALIAS = st.sampled_from(["", "", "x_{}: ", "y_{}: "])


def same(store, query, variables=None):
    quick = asked(store, query, variables)
    assert quick == asked(store, query, variables, stock=True)
    return quick


@pytest.mark.parametrize("query", CORPUS, ids=range(len(CORPUS)))
def test_queries_that_people_write(shared, query):
    assert b'"data":{' in same(shared, query)


def plain(fields):
    return st.builds(
        lambda a, f, i: a.format(f.strip("_")) + f + i, ALIAS, st.sampled_from(sorted(fields)), IF
    )


def selections(names, base):
    """Selections over an interface whose types are these, with fragments inside fragments."""
    leaves = {name: sorted(rows.LEAVES[name]) for name in names}
    common = plain([*base, "__typename"])
    narrow = st.sampled_from(sorted(names)).flatmap(
        lambda name: st.builds(
            lambda inner, i: f"... on {name}{i} {{{' '.join(inner)}}}",
            st.lists(plain(leaves[name]), min_size=1, max_size=3),
            IF,
        )
    )
    part = st.one_of(common, common, narrow)
    nested = st.builds(
        lambda inner, i: f"...{i or ' @include(if: true)'} {{{' '.join(inner)}}}",
        st.lists(part, min_size=1, max_size=3),
        IF,
    )
    return st.lists(st.one_of(part, nested), min_size=1, max_size=6).map(" ".join)


NODES = selections({rows.kind_type(kind) for kind in kinds.KINDS}, rows.NODE_LEAVES)
EDGES = selections({rows.relation_type(name) for name in terms.RELATIONS}, rows.EDGE_LEAVES)
START = st.sampled_from(["urn:t:model:1", "urn:t:odd", "urn:t:data", "urn:t:env"])


@settings(max_examples=80)
@given(start=START, nodes=NODES, edges=EDGES, yes=st.booleans(), no=st.booleans())
def test_queries_that_nobody_wrote(shared, start, nodes, edges, yes, no):
    query = (
        "query($ref: String!, $yes: Boolean!, $no: Boolean!) {"
        f"trace(ref: $ref) {{ nodes {{{nodes}}} edges {{{edges}}} }}"
        " t: stats { nodes @skip(if: $yes) entries @skip(if: $no) root } }"
    )
    assert b'"errors":[]' in same(shared, query, {"ref": start, "yes": yes, "no": no})


def test_a_flat_answer_takes_the_short_way_and_decodes_no_attribute(shared, monkeypatch):
    monkeypatch.setattr(NodeRow, "node", None)
    monkeypatch.setattr(EdgeRow, "edge", None)
    monkeypatch.setattr(rows.orjson, "loads", None)
    monkeypatch.setattr(fast.StrawberryGraphQLCoreExecutionContext, "complete_list_value", None)
    answer = asked(
        shared,
        '{trace(ref: "urn:t:model:1") {nodes {id kind label attributes} edges {type effect cause attributes}}}',
    )
    assert b'"name":["A. B.","Ana"]' in answer


def test_whatever_goes_wrong_on_the_short_way_is_left_to_the_stock_executor(shared, monkeypatch):
    query = CORPUS[0]
    expected = asked(shared, query, stock=True)
    monkeypatch.setattr(fast, "_objects", lambda plan, held: 1 / 0)
    assert asked(shared, query) == expected


def test_the_flat_answer_is_the_one_json_shape(shared):
    query = '{trace(ref: "urn:t:model:1") {nodes {id kind label attributes} edges {type effect cause attributes} certificate {complete cut {reason left} cursor as_of root gaps {code count message example command}}}}'
    answer = json.loads(asked(shared, query))["data"]["trace"]
    shown = shared.trace("urn:t:model:1").to_dict()
    assert answer["nodes"] == shown["nodes"]
    assert answer["certificate"] == shown["certificate"]
    assert answer["edges"] == [
        {key: edge[key] for key in ("type", "effect", "cause", "attributes")}
        for edge in shown["edges"]
    ]

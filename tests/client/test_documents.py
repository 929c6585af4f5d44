# SPDX-License-Identifier: Apache-2.0
"""Our own GraphQL documents: valid, whole, and all of them in use."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import Visitor, build_schema, parse, validate, visit

import lineage.client
from graphql_schema.limits import COST, cost
from graphql_schema.schema import SNAPSHOT
from lineage.client.documents import INGEST, TAKE_RUN, document, mutation
from lineage.verbs import REQUESTS

SCHEMA = build_schema(SNAPSHOT.read_text("utf-8"))
FOLDER = Path(lineage.client.__file__).parent


OPERATIONS = {
    **{name: mutation(name) for name in (INGEST, TAKE_RUN)},
    **{r.graphql: document(r) for r in REQUESTS.values() if r.graphql},
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_document_is_valid_for_the_schema(name):
    parsed = parse(OPERATIONS[name])
    assert not validate(SCHEMA, parsed)
    assert [d.name.value for d in parsed.definitions if d.kind == "operation_definition"] == [name]


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_largest_answer_costs_less_than_a_server_allows(name):
    assert cost(parse(OPERATIONS[name]), name, {"first": 100_000, "limit": 100_000}) < COST


def test_every_document_is_used():
    texts = "".join(OPERATIONS.values())
    for path in FOLDER.glob("*.graphql"):
        text = path.read_text("utf-8")
        assert path.stem in OPERATIONS or text in texts, path


@pytest.mark.parametrize(
    "name",
    [
        "Certificate",
        "Groups",
        "AlternatesByGroup",
        "Alternates",
        "TreeLine",
        "PathEdge",
        "Comparison",
        "Stats",
    ],
)
def test_no_field_of_an_answer_is_left_out(name):
    asked = set()

    class Fields(Visitor):
        def enter_field(self, node, *_):
            asked.add(node.name.value)

    for operation in OPERATIONS.values():
        visit(parse(operation), Fields())
    assert set(SCHEMA.type_map[name].fields) <= asked

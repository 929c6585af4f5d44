# SPDX-License-Identifier: Apache-2.0
"""A comparison of records that fails says which records differ, and in what."""

from __future__ import annotations

from collections import Counter

from lineage.model.record import Batch, Edge, Node, line
from lineage.model.value import clean
from lineage.store.base import NOW, Walk
from lineage.store.memory import MemoryStore
from tests.differences import MOST, explained

USED = Edge(relation="used", effect="urn:r", cause="urn:d")
RUN = Node(id="urn:r", kind="Run", label="train", attributes=clean({"metric.f1": 0.5, "seed": 1}))
OTHER = Node(id="urn:r", kind="Run", label="train", attributes=clean({"metric.f1": 0.25}))
DATA = Node(id="urn:d", kind="Dataset")


def test_what_one_side_lacks_and_what_differs_is_named():
    told = explained(Batch(nodes=(RUN, DATA), edges=(USED,)), Batch(nodes=(OTHER,)))
    assert told == [
        "3 records on the left, 1 on the right",
        "only left: node urn:d {'kind': 'Dataset'}",
        "differs: node urn:r: attributes.metric.f1 0.5 != 0.25; attributes.seed 1 != 'absent'",
        "only left: edge used urn:r -> urn:d",
    ]


def test_rows_subgraphs_and_lines_of_a_ledger_are_records_too():
    from lineage.ledger.log import Draft

    found = []
    for run in (RUN, OTHER):
        store = MemoryStore()
        draft = Draft(source="s", importer="t", actor="t", recorded="2026-01-01")
        store.write(draft, Batch(nodes=(run, DATA), edges=(USED,)))
        found.append(store.walk(Walk(start=frozenset({"urn:r"})), NOW))
    wanted = "differs: node urn:r: attributes.metric.f1 0.5 != 0.25; attributes.seed 1 != 'absent'"
    for a, b in (
        found,
        [(None, set(each.node_rows)) for each in found],
        [{row.id: row for row in each.node_rows} for each in found],
        [Counter(map(line, each.nodes)) for each in found],
    ):
        assert explained(a, b)[1:] == [wanted], (a, b)


def test_another_order_is_said_and_another_type_of_a_number_is_seen():
    assert explained([RUN, DATA], [DATA, RUN])[1].startswith("the same records in another order")
    assert explained({RUN.id: RUN}, {RUN.id: RUN}) is None
    one, same = ([Node(id="urn:n", kind="Run", attributes={"a": a})] for a in (1, 1.0))
    assert explained(one, same)[1] == "differs: node urn:n: attributes.a 1 != 1.0"
    assert explained({"urn:r"}, {"urn:d"}) is None


def test_a_long_difference_is_cut():
    many = [Node(id=f"urn:{n:03}", kind="Run") for n in range(100)]
    told = explained(many, [])
    assert len(told) == MOST + 2
    assert told[-1] == f"... and {100 - MOST} more"


def test_a_failing_case_prints_it(suite):
    code, out = suite(
        """
        from lineage.model.record import Batch, Node

        def test_two_batches():
            a = Node(id="urn:a", kind="Run", label="one")
            b = Node(id="urn:a", kind="Run", label="two")
            assert Batch(nodes=(a,)) == Batch(nodes=(b,))
        """
    )
    assert code == 1
    assert "differs: node urn:a: label 'one' != 'two'" in out

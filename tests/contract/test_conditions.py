# SPDX-License-Identifier: Apache-2.0
"""Conditions on attributes mean the same on every engine, whatever the attributes hold and are called."""

from __future__ import annotations

import pytest

from lineage.ledger.log import Draft
from lineage.model.record import Batch, Node
from lineage.model.value import Literal, Ref
from lineage.query import condition as c
from lineage.store.base import NOW, Filter, Page

#: Values that engines which keep them typed may keep as something else than they are compared as.
VALUES = (
    "x", "xy", "X", "", "12", "12.0", "1e1", "0x10", "12f", "NaN", "Infinity", "true", "2026-03-05",
    "2026-03-05T10:00:00Z", "2026-03-05T10:00:00+00:00:30", "x" * 9_000,
    12, 12.5, -3, 0, True, False, 2**53 + 1, 2**53 + 3, 2**63, 10**30, 1e300,
    Literal("x", None, "fr"), Literal("12", "xsd:string"), Literal("12.0", "xsd:decimal"),
    Literal("NaN", "xsd:double"), Literal("2026-03-05", "xsd:date"), Literal("x", "ex:kind"), Ref("x"),
    Ref("urn:x"), ("x", "y"), (12, 13), (12, "x"), ("12",), (Literal("x", None, "de"), "y"),
)  # fmt: skip
#: Names that are indexed, are properties of every node, have a short form, or could end a quote.
KEYS = ("status", "metric.auc", "a`b",
        *(pytest.param(key, marks=pytest.mark.deep) for key in ("owner", "prov:location", "kind", "started",
          "a\\u0060b", "param.x", "name", "uid", "since", "claims", "location", "prov:type", "a b", "1", "ex:p", "$",
          "type")))  # fmt: skip
CONDITIONS = (
    *(lambda key, pattern=pattern: c.Like(key, pattern) for pattern in ("x", "x*", "*", "12", "12*", "*y", "true", "urn:*")),
    *(
        lambda key, operator=operator, literal=literal: c.Compares(key, operator, literal)
        for operator in ("=", "<", "<=", ">", ">=")
        for literal in (12, 12.0, 2**53 + 1, 10**30, "12", "x", "2026-03-05", 0.1)
    ),
    *(lambda key, literal=literal: c.NotCompared(key, ">", literal) for literal in (12, "12")),
    lambda key: c.Truth(key, True),
    c.Has,
)  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_a_condition_finds_what_it_means_of_values_of_any_sort(store, engine, key):
    nodes = [
        Node(id=f"urn:{n:02}", kind="Run", attributes={key: value})
        for n, value in enumerate(VALUES)
    ]
    # An attribute whose property has the name of another one.
    nodes += [
        Node(id="urn:90", kind="Run", attributes={"prov:location": "x", "owner": "12"}),
        Node(id="urn:91", kind="Entity", attributes={"owner": "x", "location": "12"}),
        Node(id="urn:92", kind="Run"),
    ]
    draft = Draft(source="s", importer="t", actor="t", recorded="2026-01-01")
    store.write(draft, Batch(nodes=tuple(nodes)))
    rows = store.get([node.id for node in nodes], NOW)
    # A server plans each of them anew: of most names it is asked a third, every one by some name.
    few = engine.startswith("neo4j") and key != KEYS[0]
    for made in CONDITIONS[len(key) % 3 :: 3] if few else CONDITIONS:
        for condition in (made(key), c.Not(made(key)), c.AllOf((c.KindIn(frozenset({"Run"})), made(key)))):  # fmt: skip
            found = store.find(Filter(also=condition), Page(limit=100), NOW).rows
            wanted = [row.id for row in rows.values() if c.accepts(condition, row)]
            assert [row.id for row in found] == sorted(wanted), condition


#: What names hold, and what is looked for in them: cases beyond ASCII, and signs that patterns have.
NAMES = ("fraud", "FRAUD", "Fraud-Model", "\u00e9t\u00e9", "\u00c9T\u00c9", "\u0130stanbul", "\u212aelvin", "50%", "50x", "a_b", "axb",
         "a\\b", "nul\0behind", "stra\u00dfe", "STRASSE", "", None, "x" * 2_000)  # fmt: skip
TEXTS = ("fraud", "FRAUD", "\u00e9t\u00e9", "\u00c9T\u00c9", "istanbul", "\u0130st", "kelvin", "\u212a", "50%", "%", "_", "a_b", "a\\b", "behind",
         "\u00df", "ss", "urn", "x" * 1_500, "nothing-like-it")  # fmt: skip


def test_a_text_is_found_in_names_in_either_case(store):
    nodes = [
        Node(id=f"urn:{n:02}", kind="Run" if n % 2 else "Model", label=label)
        for n, label in enumerate(NAMES)
    ]
    draft = Draft(source="s", importer="t", actor="t", recorded="2026-01-01")
    store.write(draft, Batch(nodes=tuple(nodes)))
    rows = store.get([node.id for node in nodes], NOW)
    for text in TEXTS:
        contains = c.TextContains(text)
        for condition in (contains, c.Not(contains), c.AllOf((c.KindIn(frozenset({"Run"})), contains))):  # fmt: skip
            wanted = sorted(row.id for row in rows.values() if c.accepts(condition, row))
            for limit in (2, 100):
                found = store.find(Filter(also=condition), Page(limit=limit), NOW)
                assert [row.id for row in found.rows] == wanted[:limit], (text, condition)
                rest = store.find(Filter(also=condition), Page(limit=100, after="urn:03"), NOW).rows
                assert [row.id for row in rest] == [i for i in wanted if i > "urn:03"], condition

# SPDX-License-Identifier: Apache-2.0
"""The three traps of SQLite (docs/reference/engines.md), asserted against on the SQLite there is."""

from __future__ import annotations

import os
import warnings
from contextlib import closing
from itertools import product
from types import SimpleNamespace

import pytest

import lineage
from lineage.app import open_store
from lineage.errors import MissingExtra, StoreBusy
from lineage.ledger.log import Draft
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Literal, Ref
from lineage.query import condition as c
from lineage.query.plan import AllNodes, EdgeFilter, PlanRequest
from lineage.services.operate.replicate import copy
from lineage.store.base import NOW, Filter, Hop, Page, View, Walk
from lineage.store.reference import Clock
from lineage.store.sqlite import connect, names, read, turns
from lineage.store.sqlite.select import searched, ways
from lineage.store.sqlite.sets import KeySets
from tests.contract.test_conditions import NAMES, TEXTS

HOPS = [
    Hop(toward=toward, relations=relations)
    for toward in ("causes", "effects")
    for relations in (None, frozenset({"used"}))
]


@pytest.fixture
def opened(tmp_path):
    with lineage.open(tmp_path / "store.db", durability="fast") as opened:
        edges = [
            Edge(relation="used", effect=f"urn:{n}", cause=f"urn:{m}")
            for n in range(300)
            for m in (n + 1, n + 2)
        ]
        opened.ingest(Batch(edges=tuple(edges)))
        yield opened


@pytest.mark.parametrize("keys", [read.MANY, read.ONE], ids=["many", "one"])
@pytest.mark.parametrize("analysed", [False, True], ids=["no statistics", "after ANALYZE"])
@pytest.mark.parametrize("view", [NOW, View(as_of=1)], ids=["now", "as of"])
@pytest.mark.parametrize("hop", HOPS, ids=str)
def test_a_hop_searches_and_never_scans_the_edges(opened, hop, view, analysed, keys):
    connection = opened.store._open
    if analysed:
        connection.execute("ANALYZE")
    text = "EXPLAIN QUERY PLAN " + read.hop_text(connection, hop, view, keys)
    rows = connection.execute(
        text, {"keys": "[1]" if keys == read.MANY else 1, "codes": "[2]", "as_of": 1}
    ).fetchall()
    plan = "\n".join(row[3] for row in rows)
    assert "SEARCH e" in plan, plan
    assert "SCAN e" not in plan, plan
    assert "BLOOM" not in plan, plan


@pytest.mark.parametrize("analysed", [False, True], ids=["no statistics", "after ANALYZE"])
@pytest.mark.parametrize("hop", HOPS, ids=str)
def test_a_plan_searches_edges_and_names_by_their_indexes(opened, hop, analysed):
    """Every statement that a plan of each sort runs, as SQLite means to carry it out."""
    connection = opened.store._open
    if analysed:
        connection.execute("ANALYZE")
    plans = []

    class Explaining:
        codes, names = connection.codes, connection.names

        def execute(self, statement, parameters=()):
            rows = connection.execute("EXPLAIN QUERY PLAN " + statement, parameters).fetchall()
            plans.append((statement, "\n".join(row[3] for row in rows)))
            return connection.execute(statement, parameters)

    sets = KeySets(opened.store, Explaining(), NOW, Clock(None))
    keys = sets.named(["urn:0"])
    within = sets.reach(keys, hop)
    sets.reach(keys, hop, depth=2)
    sets.reach(keys, hop, within=within)
    kind = c.KindIn(frozenset({"Entity"}))
    sets.reach_and_keep(keys, hop, c.AllOf((kind, c.Like("owner", "ana"))))
    sets.arcs(keys, hop)
    follow = EdgeFilter(hop.relations, hop.tied)
    sets.shown(within, PlanRequest(plan=AllNodes(), follow=follow, limit=1))
    sets.shown(
        c.AllOf((kind, c.NameLike("urn:1*"))), PlanRequest(plan=AllNodes(), follow=follow, limit=1)
    )
    ends = {"causes": "(effect", "effects": "(cause"}
    for statement, plan in plans:
        # The frontier drives: not the bounds of the walk, nor the other members of a set.
        near = ends["causes" if "members" in statement else hop.toward]
        driven = [line for line in plan.split("\n") if line.startswith("SEARCH e ")]
        assert all(near in line for line in driven), (statement, plan)
        assert "SCAN e" not in plan, (statement, plan)
        assert "BLOOM" not in plan, (statement, plan)
        assert "SCAN node" not in plan, (statement, plan)
        assert "CROSS JOIN node" not in statement or "INDEX node" not in plan, (statement, plan)


#: What a declared attribute may hold, as sources write it: one may say this, another that.
VALUES = [
    ("failed",), ("finished",), ("failed", "finished"), ("3",), (3,), (3.5,), (True,), ("true",), ("",),
    ("[",), ("[failed",), ('["failed"]',), ("{",), ('failed"',), ("failed\\",), ("é",), ("a\nb",), ("f" * 300,),
    (Literal("failed", None, "en"),), (Literal("failed", "xsd:token"),), (Ref("urn:failed"),),
]  # fmt: skip
ASKED = ["failed", "finished", "3", "3.5", "true", "", "[", "[failed", '["failed"]', "{", 'failed"',
         "failed\\", "é", "a\nb", "f" * 300, "urn:failed", "fail*", "nothing"]  # fmt: skip


@pytest.mark.parametrize("analysed", [False, True], ids=["no statistics", "after ANALYZE"])
def test_what_kinds_declare_is_found_by_its_index_and_is_what_the_condition_means(
    tmp_path, analysed
):
    with lineage.open(tmp_path / "s.db", durability="fast") as opened:
        for place, values in enumerate(VALUES):
            for number, value in enumerate(values):
                for kind in ("Run", "Decision", "Model"):
                    node = Node(id=f"urn:{kind}:{place}", kind=kind, attributes={"status": value})
                    draft = Draft(source=f"s{number}", importer="t", actor="t", recorded="2026")
                    opened.store.write(draft, Batch(nodes=(node,)))
        connection = opened.store._open
        if analysed:
            connection.execute("ANALYZE")
        rows = list(opened.store.find(Filter(), Page(limit=1_000), NOW).rows)
        said = (c.KindIn(frozenset({"Run"})), c.KindIn(frozenset({"Run", "Decision", "Model"})))
        for kinds, text, limit in product(said, ASKED, (2, 1_000)):
            for of in (c.Like("status", text), c.Compares("status", "=", text)):
                condition = c.AllOf((kinds, of))
                wanted = [row.id for row in rows if c.accepts(condition, row)]
                found = [row.id for _, row in read.find(connection, condition, Page(limit=limit))]
                assert found == wanted[: limit + 1], (condition, limit)
        runs = c.AllOf((said[0], c.Like("status", "failed")))
        plan = explained(connection, ways(runs))
        assert "TEMP B-TREE" not in plan.split("RIGHT")[0], plan
        assert plan.count("INDEX node_run_status") == 3, plan
        assert "INDEX node_standing (kind=?)" in explained(connection, ways(said[0]))
        assert "TEMP B-TREE" not in explained(connection, ways(said[0]))


@pytest.mark.parametrize("analysed", [False, True], ids=["no statistics", "after ANALYZE"])
def test_a_text_is_looked_for_in_the_indexes_of_names(opened, analysed):
    connection = opened.store._open
    if analysed:
        connection.execute("ANALYZE")
    short = explained(connection, [searched(c.TextContains("no")).whole]).split("\n")
    scans = [line for line in short if "SCAN node" in line]
    assert scans and all("COVERING INDEX" in line for line in scans), short
    search = searched(c.TextContains("nosuchname"))
    for ways_ in ([search.whole], search.among):
        plan = explained(connection, ways_)
        assert "SCAN node USING" not in plan, plan
        assert "SEARCH node USING INTEGER PRIMARY KEY (rowid=?)" in plan, plan
    assert "SCAN node_name VIRTUAL TABLE" in explained(connection, [search.whole])


@pytest.mark.parametrize("behind", [1, 7, 1_000])
def test_a_part_of_a_name_is_found_however_far_the_index_is_behind(behind, tmp_path, monkeypatch):
    """Of things called anew, taken back, and drawn anew too."""
    monkeypatch.setattr(names, "BEHIND", behind)
    with lineage.open(tmp_path / "s.db", durability="fast") as opened:
        said = {}
        for number, label in enumerate((*NAMES, *reversed(NAMES), *NAMES[3:])):
            node = Node(id=f"urn:{number % (len(NAMES) - 2):02}", kind="Run", label=label)
            draft = Draft(source="s", importer="t", actor="t", recorded="2026-01-01")
            former = said.get(node.id)
            gone = [former] if former not in (None, node) else []
            opened.store.write(draft, Batch(nodes=(node,)), gone)
            said[node.id] = node
        opened.store.write(draft, Batch(), [said.pop("urn:03")])
        for _ in range(2):
            rows = opened.store.get(list(said), NOW).values()
            for text in TEXTS:
                found = opened.store.find(Filter(text=text), Page(limit=100), NOW).rows
                wanted = sorted(r.id for r in rows if c.accepts(c.TextContains(text), r))
                assert [row.id for row in found] == wanted, text
            assert list(opened.store.integrity_faults()) == []
            opened.store.rebuild_graph(lambda _seq, _size: None)
        if behind == 1:
            gone = "INSERT INTO node_name (node_name, rowid, id, label) VALUES ('delete', 1, 'urn:00', '')"
            opened.store._open.execute(gone)
            [fault] = opened.store.integrity_faults()
            assert fault.startswith("the index of names lacks some of the names that have")


@pytest.mark.parametrize("analysed", [False, True], ids=["no statistics", "after ANALYZE"])
@pytest.mark.parametrize("view", [NOW, View(as_of=1)], ids=["now", "then"])
def test_of_what_is_next_to_a_thing_only_what_is_shown_is_read(opened, view, analysed):
    connection = opened.store._open
    if analysed:
        connection.execute("ANALYZE")
    plans = []
    connection.set_trace_callback(plans.append)
    try:
        assert opened.store.around("urn:3", 1, view).more_edges == 3
    finally:
        connection.set_trace_callback(None)
    looked = [text for text in plans if "FROM edge" in text or "FROM statement" in text]
    assert len(looked) == 6
    for text in looked:
        rows = connection.execute("EXPLAIN QUERY PLAN " + text).fetchall()
        plan = "\n".join(row[3] for row in rows)
        assert "TEMP B-TREE" not in plan, (text, plan)
        assert "SCAN e" not in plan and "SCAN s" not in plan, (text, plan)


def explained(connection, ways):
    text, parameters = read.find_text(ways, Page(limit=2))
    text = "EXPLAIN QUERY PLAN " + text
    return "\n".join(row[3] for row in connection.execute(text, {"keys": "[]", **parameters}))


def test_no_statement_mixes_numbered_placeholders_with_a_sequence(opened):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened.store.walk(Walk(start=frozenset({"urn:0"})), NOW)
        opened.verify()


def test_a_sqlite_without_full_text_search_is_named(tmp_path, monkeypatch):
    made = [text.replace("fts5", "nosuch") for text in connect.statements()]
    monkeypatch.setattr(connect, "statements", lambda: made)
    with pytest.raises(MissingExtra, match=r"lacks FTS5 with trigrams.*no such module: nosuch"):
        lineage.open(tmp_path / "s.db")


def test_who_waits_longest_to_write_tries_most_often(tmp_path, monkeypatch):
    """And gives up when its patience is over, with what the connection waits for as it was."""
    path, pauses, now = str(tmp_path / "s.db"), [], [0.0]

    def sleep(seconds):
        pauses.append(seconds)
        now[0] += seconds
        if len(pauses) == 30:
            other._open.execute("COMMIT")

    monkeypatch.setattr(turns, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    with closing(open_store(path)) as other, closing(open_store(path, busy_timeout=200)) as waiting:
        draft = Draft(source="s", importer="t", actor="t", recorded="2026-01-01")
        other._open.execute("BEGIN IMMEDIATE")
        assert waiting.write(draft, Batch(nodes=(Node(id="urn:1", kind="Run"),))).added == 1
        assert pauses == sorted(pauses, reverse=True)
        assert pauses[0] > 4 * pauses[-1] > 0
        other._open.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="another process is writing"):
            waiting.write(draft, Batch(nodes=(Node(id="urn:2", kind="Run"),)))
        other._open.execute("ROLLBACK")
        assert waiting._open.execute("PRAGMA busy_timeout").fetchone() == (200,)
        assert waiting.write(draft, Batch(nodes=(Node(id="urn:2", kind="Run"),))).added == 1


def test_nobody_else_may_read_a_store(tmp_path):
    """It holds the key that names people, and the secrets behind pseudonyms."""
    before = os.umask(0o022)
    try:
        with lineage.open(tmp_path / "s.db") as opened:
            opened.ingest(Batch(nodes=(Node(id="urn:x", kind="Run"),)))
            modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        copied = tmp_path / "copy.db"
        with lineage.open(tmp_path / "s.db") as opened:
            target = open_store(str(copied))
            copy(opened.store, target)
            target.close()
    finally:
        os.umask(before)
    assert modes.pop("s.db") == 0o600
    assert set(modes.values()) == {0o600}
    assert copied.stat().st_mode & 0o777 == 0o600

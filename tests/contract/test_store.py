# SPDX-License-Identifier: Apache-2.0
"""What every engine promises, in sentences; memory, SQLite and two lines of Neo4j keep all of it."""

from __future__ import annotations

import math

import pytest

import lineage
from lineage.app import open_store
from lineage.errors import LineageError, StoreDamaged, Usage
from lineage.ledger.log import Draft
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Literal, Ref
from lineage.services.operate.replicate import copy
from lineage.store.base import NOW, Filter, Page, View, Walk
from lineage.store.kept import remembered
from lineage.store.paging import pages
from lineage.store.writes import Write
from tests.conftest import KEY, clock


def draft(source="one", recorded="2026-01-01T00:00:00Z"):
    return Draft(source=source, importer="test", actor="tester", recorded=recorded)


def edge(relation, effect, cause, **attributes):
    return Edge(relation=relation, effect=effect, cause=cause, attributes=attributes)


LINEAGE = Batch(
    nodes=(
        Node(id="urn:m", kind="ModelVersion", label="fraud@v3", attributes={"metric.auc": 0.5}),
        Node(id="urn:r", kind="Run", label="train", attributes={"status": "finished"}),
        Node(id="urn:d", kind="DatasetVersion", label="data.csv"),
    ),
    edges=(
        edge("wasGeneratedBy", "urn:m", "urn:r"),
        edge("used", "urn:r", "urn:d", **{"prov:role": "training"}),
        edge("used", "urn:r", "urn:c"),
    ),
)


def up(store, *start, view=NOW, **options):
    found = store.walk(Walk(start=frozenset(start), **options), view)
    return {node.id for node in found.nodes}


def test_times_only_grow_and_a_clock_that_steps_back_is_noted(store):
    times = [
        "2026-01-01T00:00:00Z",
        "2026-01-05T00:00:00Z",
        "2025-06-01T00:00:00Z",
        "2026-01-06T00:00:00Z",
    ]
    for number, time in enumerate(times):
        store.write(draft(recorded=time), Batch(nodes=(Node(id=f"urn:{number}", kind="Run"),)))
    headers = store.headers(0, 9, NOW)
    assert [header.recorded for header in headers] == [times[0], times[1], times[1], times[3]]
    assert [header.to_dict()["note"] for header in headers] == [{}, {}, {"clock": times[2]}, {}]


def test_several_entries_are_written_together_or_not_at_all(store):
    said = [draft(name) for name in ("one", "two", "one")]
    parts = [Batch(nodes=(node,)) for node in LINEAGE.nodes]
    writes = [Write(*pair) for pair in zip(said, parts, strict=True)]

    def stopped(number):
        if number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write_all(writes, stopped)
    assert (store.head().size, store.stats(NOW).nodes) == (0, 0)
    assert [receipt.seq for receipt in store.write_all(writes)] == [1, 2, 3]
    assert [receipt.things for receipt in store.write_all(writes)] == [0, 0, 0]
    taken_back = Write(draft("one"), Batch(), list(parts[0].records))
    assert [r.retracted for r in store.write_all([taken_back, Write(draft("one"), parts[0])])] == [
        1,
        0,
    ]
    assert (store.head().size, store.stats(NOW).nodes) == (5, 3)


def test_the_same_batch_twice_is_once(store):
    first, second = store.write(draft(), LINEAGE), store.write(draft(), LINEAGE)
    assert (first.seq, first.added, first.unchanged) == (1, 6, 0)
    assert (second.seq, second.added, second.unchanged) == (None, 0, 6)
    assert store.stats(NOW).entries == 1


def test_order_inside_a_batch_changes_neither_graph_nor_root(store, lineage_at):
    store.write(draft(), LINEAGE)
    turned = Batch(nodes=LINEAGE.nodes[::-1], edges=LINEAGE.edges[::-1])
    other = open_store("memory:")
    other.write(draft(), turned)
    assert other.stats(NOW) == store.stats(NOW)


def test_a_thing_that_only_edges_mention_has_the_family_they_give_it(store):
    store.write(draft(), LINEAGE)
    assert store.get(["urn:c"], NOW)["urn:c"].kind == "Entity"
    store.write(draft(), Batch(edges=(edge("wasAttributedTo", "urn:m", "urn:c"),)))
    assert store.get(["urn:c"], NOW)["urn:c"].kind == "Agent"


def test_two_sources_that_contradict_each_other_are_both_shown(store):
    store.write(draft("one"), Batch(nodes=(Node(id="urn:x", kind="Entity", attributes={"a": 1}),)))
    other = Node(id="urn:x", kind="Dataset", label="x", attributes={"a": 2, "b": True})
    store.write(draft("two"), Batch(nodes=(other,)))
    shown = store.get(["urn:x"], NOW)["urn:x"].node()
    assert (shown.kind, shown.label) == ("Dataset", "x")
    assert shown.attributes == {"a": (1, 2), "b": True}


def test_a_retraction_ends_what_its_own_source_said_and_nothing_else(store):
    for source in ("one", "two"):
        store.write(draft(source), LINEAGE)
    gone = store.write(draft("one"), Batch(), list(LINEAGE.records))
    assert gone.retracted == 6
    assert up(store, "urn:m") == {"urn:m", "urn:r", "urn:d", "urn:c"}
    store.write(draft("two"), Batch(), list(LINEAGE.records))
    assert up(store, "urn:m") == set()
    assert store.stats(NOW).nodes == store.stats(NOW).edges == 0
    assert up(store, "urn:m", view=View(as_of=2)) == {"urn:m", "urn:r", "urn:d", "urn:c"}


def test_what_was_retracted_can_be_asserted_again(store):
    store.write(draft(), LINEAGE)
    store.write(draft(), Batch(), list(LINEAGE.records))
    again = store.write(draft(), LINEAGE)
    assert (again.seq, again.added) == (3, 6)
    assert store.stats(NOW).edges == 3


def test_every_kind_of_value_comes_back_as_it_went_in(store):
    values = {
        "text": "caf\u00e9 \U0001f40d \u0000".replace("\u0000", ""),
        "whole": 2**60,
        "part": 0.1,
        "nan": math.inf,
        "truth": True,
        "typed": Literal("1.50", "xsd:decimal"),
        "tagged": Literal("chat", None, "fr"),
        "named": Ref("http://example.org/#x"),
        "several": (1, "one", Ref("urn:one")),
        "http://example.org/p?q=1": "full key",
    }
    store.write(draft(), Batch(nodes=(Node(id="urn:x", kind="Entity", attributes=values),)))
    shown = store.get(["urn:x"], NOW)["urn:x"].node().attributes
    assert {k: set(v) if isinstance(v, tuple) else v for k, v in shown.items()} == {
        k: set(v) if isinstance(v, tuple) else v for k, v in values.items()
    }


def test_a_walk_ends_on_cycles_and_counts_no_paths(store):
    rungs = [edge("used", f"urn:{n}", f"urn:{side}{n}") for n in range(30) for side in "ab"]
    rungs += [
        edge("wasGeneratedBy", f"urn:{s}{n}", f"urn:{n + 1}") for n in range(30) for s in "ab"
    ]
    rungs.append(edge("wasInformedBy", "urn:30", "urn:0"))
    store.write(draft(), Batch(edges=tuple(rungs)))
    found = store.walk(Walk(start=frozenset({"urn:0"})), NOW)
    assert (len(found.nodes), len(found.edges), found.cut) == (91, 121, None)


def test_a_cut_answer_says_so(store):
    store.write(draft(), LINEAGE)
    shallow = store.walk(Walk(start=frozenset({"urn:m"}), depth=1), NOW)
    assert {node.id for node in shallow.nodes} == {"urn:m", "urn:r"}
    assert (shallow.cut.reason, shallow.cut.left) == ("depth", 2)
    small = store.walk(Walk(start=frozenset({"urn:m"}), limit=3), NOW)
    assert {node.id for node in small.nodes} == {"urn:m", "urn:r", "urn:c"}
    assert (small.cut.reason, small.cut.left) == ("limit", 1)


def test_default_walks_follow_ties_by_digest_and_no_weaker_claim(store):
    by_digest, by_name = {"method": "digest"}, {"method": "name"}
    ties = (
        Edge(relation="alternateOf", effect="urn:a", cause="urn:bytes", attributes=by_digest),
        Edge(relation="alternateOf", effect="urn:a", cause="urn:like", attributes=by_name),
        edge("parent", "urn:a", "urn:older"),
        edge("wasInvalidatedBy", "urn:a", "urn:revocation"),
    )
    store.write(draft(), Batch(edges=ties))
    assert up(store, "urn:a") == {"urn:a", "urn:bytes"}
    assert up(store, "urn:a", relations=frozenset({"parent"})) == {"urn:a", "urn:older"}
    assert up(store, "urn:a", relations=frozenset({"alternateOf"})) == {
        "urn:a",
        "urn:bytes",
        "urn:like",
    }


def test_an_association_leads_to_its_agent_and_to_its_plan(store):
    plan = {"prov:plan": Ref("urn:plan")}
    said = Edge(relation="wasAssociatedWith", effect="urn:r", cause="urn:who", attributes=plan)
    store.write(draft(), Batch(edges=(said,)))
    assert up(store, "urn:r") == {"urn:r", "urn:who", "urn:plan"}
    assert store.stats(NOW).edges == 1
    store.write(draft(), Batch(), [said])
    assert up(store, "urn:r") == set()


def test_two_agents_who_follow_one_plan_are_two_reasons_for_it(store):
    plan = {"prov:plan": Ref("urn:plan")}
    ana, ben = (
        Edge(relation="wasAssociatedWith", effect="urn:r", cause=who, attributes=plan)
        for who in ("urn:ana", "urn:ben")
    )
    store.write(draft(), Batch(edges=(ana, ben)))
    assert up(store, "urn:r") == {"urn:r", "urn:ana", "urn:ben", "urn:plan"}
    assert store.stats(NOW).edges == 2
    store.write(draft(), Batch(), [ana])
    assert up(store, "urn:r") == {"urn:r", "urn:ben", "urn:plan"}
    store.write(draft(), Batch(), [ben])
    assert up(store, "urn:r") == set()


def test_find_pages_add_up_to_everything(store):
    nodes = tuple(Node(id=f"urn:n:{n:02}", kind="Run", label=f"Run {n}") for n in range(23))
    store.write(draft(), Batch(nodes=nodes))
    found, after = [], None
    while True:
        page = store.find(Filter(text="RUN"), Page(limit=5, after=after), NOW)
        found += [row.id for row in page.rows]
        after = page.after
        if after is None:
            break
    assert found == [node.id for node in nodes]


def test_the_graph_can_be_drawn_anew_from_the_ledger(store, lineage_at, address):
    store.write(draft("one"), LINEAGE)
    store.write(draft("two"), LINEAGE)
    store.write(draft("one"), Batch(), [LINEAGE.nodes[0]])
    before = store.held(store.identifiers(None, 100, NOW), NOW)
    told = []
    store.rebuild_graph(lambda seq, _: told.append(seq))
    assert told == [1, 2, 3]
    after = store.held(store.identifiers(None, 100, NOW), NOW)
    assert {k: v[:3] for k, v in after.items()} == {k: v[:3] for k, v in before.items()}
    assert all(set(after[k].claims) == set(before[k].claims) for k in before)


def test_a_copy_has_the_same_root_and_can_be_gone_on_with(store, tmp_path):
    source = open_store("memory:")
    source.keep({"person_key": KEY.hex().encode()})
    for number in range(5):
        name = f"urn:n:{number}"
        source.write(
            draft(), Batch(nodes=(Node(id=name, kind="Entity"),), edges=LINEAGE.edges[:number])
        )
    for entry in list(pages(source))[:2]:
        store.replay(entry)
    moved = copy(source, store)
    assert (moved.entries, moved.total) == (3, 5)
    assert store.stats(NOW) == source.stats(NOW)
    back = open_store(str(tmp_path / "back.db"))
    assert copy(store, back).root == moved.root
    back.close()
    strange = open_store("memory:")
    strange.write(draft(), LINEAGE)
    with pytest.raises(Usage, match="holds other entries"):
        copy(strange, store)


def test_an_entry_out_of_order_is_refused(store):
    source = open_store("memory:")
    for batch in (LINEAGE, Batch(nodes=(Node(id="urn:z", kind="Entity"),))):
        source.write(draft(), batch)
    with pytest.raises(StoreDamaged, match="does not follow"):
        store.replay(list(pages(source))[1])
    assert store.stats(NOW).entries == 0


def test_values_are_kept_replaced_and_dropped(store):
    assert store.values(["colour"]) == {}
    assert store.keep({"colour": b"red", "size": bytes(range(256))})
    assert store.values(["colour", "size", "none"]) == {"colour": b"red", "size": bytes(range(256))}
    assert store.keep({"colour": b"blue", "size": None})
    assert store.values(["colour", "size"]) == {"colour": b"blue"}


def test_a_value_is_kept_only_where_what_is_there_is_what_was_expected(store):
    assert store.keep({"a": b"1"}, {"a": None})
    assert not store.keep({"a": b"2", "b": b"2"}, {"a": b"0"})
    assert not store.keep({"b": b"2"}, {"a": None})
    assert store.values(["a", "b"]) == {"a": b"1"}
    assert store.keep({"a": None, "b": b"2"}, {"a": b"1", "b": None})
    assert store.values(["a", "b"]) == {"b": b"2"}
    assert (remembered(store, "c", b"first"), remembered(store, "c", b"second")) == (b"first",) * 2


def test_values_are_listed_by_the_beginning_of_their_names_a_page_at_a_time(store):
    for name in ("key/b", "key/a", "key", "keys/c", "kéy/d", "key/c"):
        store.keep({name: name.upper().encode()})
    wanted = [("key/a", b"KEY/A"), ("key/b", b"KEY/B"), ("key/c", b"KEY/C")]
    assert list(store.values_under("key/")) == wanted
    assert list(store.values_under("key/", None, 2)) == wanted[:2]
    assert list(store.values_under("key/", "key/b", 2)) == wanted[2:]
    assert list(store.values_under("kéy/")) == [("kéy/d", "KÉY/D".encode())]
    assert list(store.values_under("other/")) == []


def test_entries_are_read_without_their_bodies_and_the_bodies_when_they_are_wanted(store):
    for number in range(5):
        store.write(draft(), Batch(nodes=(Node(id=f"urn:n:{number}", kind="Entity"),)))
    headers = store.headers(1, 3, NOW)
    assert [header.seq for header in headers] == [2, 3, 4]
    assert [header.seq for header in store.headers(0, 9, View(as_of=2))] == [1, 2]
    assert set(store.headers_at([2, 4, 9], NOW)) == {2, 4}
    assert set(store.headers_at([2, 4], View(as_of=3))) == {2}
    assert store.headers_at([2], NOW)[2] == headers[0]
    assert [leaf.hex() for leaf in store.leaves(1, 3)] == [header.leaf for header in headers]
    assert store.bodies([3, 9]) == {3: b'+{"node":{"id":"urn:n:2","kind":"Entity"}}\n'}
    bodies = store.bodies(range(1, 6))
    assert [entry.body for entry in pages(store, 2)] == [bodies[seq] for seq in range(1, 6)]


def test_reads_of_one_moment_have_the_head_they_were_read_at(store):
    store.write(draft(), LINEAGE)
    with store.moment() as moment:
        assert store.get(["urn:m"], NOW)
        assert up(store, "urn:m") == {"urn:m", "urn:r", "urn:d", "urn:c"}
        assert store.held(["urn:m"], NOW)
    assert moment.head == store.head()


def test_an_untouched_store_verifies_and_closing_twice_is_harmless(engine, address):
    with lineage.open(address, clock=clock, person_key=KEY) as opened:
        opened.ingest(LINEAGE)
        opened.store.write(draft(), LINEAGE, [])
        opened.store.write(draft(), Batch(), [LINEAGE.edges[0]])
        assert opened.verify().state == "intact"
    opened.close()


def test_a_rejected_batch_leaves_nothing_behind(engine, address):
    bad = Batch(nodes=(Node(id="urn:ok", kind="Run"), Node(id="not an iri", kind="Run")))
    with lineage.open(address) as opened:
        with pytest.raises(LineageError, match="not an identifier"):
            opened.ingest(bad)
        assert opened.stats().nodes == opened.stats().entries == 0

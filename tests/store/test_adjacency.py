# SPDX-License-Identifier: Apache-2.0
"""What a served store keeps in memory answers what the file answers, whoever writes to it."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

import lineage
from lineage.app import open_store, served
from lineage.ledger.log import Draft
from lineage.model.record import Batch, Edge, Node
from lineage.store.base import NOW, View, Walk
from lineage.store.sqlite import adjacency
from tests.contract.test_engines_agree import steps, walks

CAUSES = [f"urn:chain:{n}" for n in range(400)]


def drafted(source="s"):
    return Draft(source=source, importer="t", actor="t", recorded="2026-01-01")


def answers(store, walk, view=NOW):
    """What is within reach, in any order, as identifiers and as numbers, and why it is cut."""
    by_ids, counted = (store.reach(walk, view, counts=counts) for counts in (False, True))
    ids = {kind: sorted(held) for kind, held in by_ids.ids.items()}
    assert (counted.kinds, counted.cut) == (by_ids.kinds, by_ids.cut)
    return ids, Counter(by_ids.kinds), by_ids.cut


def built(store):
    """A store whose graph in memory is made."""
    store.reach(Walk(start=frozenset({"urn:0"}), toward="effects"), NOW)
    store._adjacency.wait()
    return store


def test_random_histories_give_the_answers_of_the_file(extent):
    """Written by others, with what is retracted, and with the graph drawn anew in between."""

    @seed(extent)
    @settings(max_examples=(40, 250)[extent])
    @given(steps, st.lists(walks, min_size=4, max_size=4), st.integers(0, 5))
    def agree(history, wanted, drawn):
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "s.db")
            # A step may end in the middle, where what is drawn at random is no more.
            with (
                closing(open_store(path, durability="fast")) as writer,
                closing(open_store(path)) as plain,
                closing(open_store(path, served=True)) as asked,
            ):
                built(asked)
                said = []
                for number, (source, batch, gone, random) in enumerate(history):
                    retract = random.sample(said, min(gone, len(said)))
                    said += batch.records
                    writer.write(drafted(source), batch, retract)
                    if number == drawn:
                        writer.rebuild_graph(lambda _seq, _size: None)
                        built(asked)
                    for walk in wanted:
                        assert answers(asked, walk) == answers(plain, walk), walk
                    if any(walk.toward == "effects" for walk in wanted):
                        assert asked._adjacency._graph.size == writer.head().size

    agree()


@pytest.fixture
def wide(tmp_path):
    """A store with a hub of 3,000 runs, and a chain of 400 things behind one of them."""
    path = tmp_path / "s.db"
    nodes = [Node(id=f"urn:run:{n}", kind="Run") for n in range(3_000)]
    edges = [Edge(relation="used", effect=node.id, cause="urn:hub") for node in nodes]
    chain = ["urn:run:7", *CAUSES]
    edges += [
        Edge(relation="wasDerivedFrom", effect=effect, cause=cause)
        for cause, effect in zip(chain, CAUSES, strict=False)
    ]
    with lineage.open(path) as store:
        store.ingest(Batch(nodes=tuple(nodes), edges=tuple(edges)))
    return path


HUB = Walk(start=frozenset({"urn:hub"}), toward="effects")


def test_wide_and_narrow_levels_are_walked_alike(wide):
    plain, asked = open_store(str(wide)), built(open_store(str(wide), served=True))
    for depth in (None, 0, 1, 2, 300, 401, 402):
        for relations in (None, frozenset({"used"}), frozenset({"used", "wasDerivedFrom"})):
            walk = Walk(start=HUB.start, toward="effects", depth=depth, relations=relations)
            assert answers(asked, walk) == answers(plain, walk), walk
    assert sum(asked.reach(HUB, NOW, counts=True).kinds.values()) == 3_401
    short = Walk(start=HUB.start, toward="effects", limit=10)
    assert answers(asked, short) == answers(plain, short)
    assert answers(asked, HUB, View(as_of=1)) == answers(plain, HUB, View(as_of=1))
    plain.close()
    asked.close()


def test_what_was_read_before_a_write_is_answered_as_it_was_then(wide):
    """One reader sees the new entry already, another one still reads as of before."""
    path = str(wide)
    writer, early, late = (
        open_store(path),
        open_store(path, served=True),
        open_store(path, served=True),
    )
    before = answers(built(early), HUB)
    with early.moment():
        assert answers(early, HUB) == before
        more = Edge(relation="used", effect="urn:new", cause="urn:run:9")
        writer.write(drafted(), Batch(edges=(more,)))
        assert sum(answers(late, HUB)[1].values()) == sum(before[1].values()) + 1
        assert answers(early, HUB) == before
    assert answers(early, HUB) == answers(late, HUB) == answers(writer, HUB)
    for store in (writer, early, late):
        store.close()


def test_behind_a_large_import_it_is_made_anew(wide, monkeypatch):
    monkeypatch.setattr(adjacency, "_FEW", 50)
    path = str(wide)
    writer, asked = open_store(path), built(open_store(path, served=True))
    for size in (60, 20, 20, 20, 400):
        made = asked._adjacency._graph
        edges = tuple(
            Edge(relation="used", effect=f"urn:{size}:{n}", cause="urn:hub") for n in range(size)
        )
        writer.write(drafted(f"of {size}"), Batch(edges=edges))
        assert answers(asked, HUB) == answers(writer, HUB)
        asked._adjacency.wait()
        assert (asked._adjacency._graph is made) == (size < 50)
    assert answers(asked, HUB) == answers(writer, HUB)
    writer.close()
    asked.close()


def test_a_server_shares_one_graph_among_its_readers_and_ends_it(wide):
    with served(str(wide)) as runtime:
        held = runtime.reading.store._adjacency
        built(runtime.reading.store)
        assert held.users == runtime.writing.store.caps.readers
    assert held.users == 0
    assert adjacency.Adjacency._of == {}

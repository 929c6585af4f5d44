# SPDX-License-Identifier: Apache-2.0
"""Whatever is asserted and retracted, every engine answers what the one in memory answers."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from lineage.app import open_store
from lineage.ledger.log import Draft, Header
from lineage.model.record import Batch, Node, line
from lineage.query import condition as c
from lineage.services.operate.replicate import copy
from lineage.store.base import NOW, Filter, Hop, Page, View, Walk
from lineage.store.memory import MemoryStore
from lineage.store.paging import pages
from tests.conftest import empty
from tests.strategies import IDS, RELATIONS, batches

SOURCES = ("one", "two")
#: Random histories on each engine, some and many.
EXAMPLES = (
    {"memory": 20, "sqlite": 60, "neo4j": 1},
    {"memory": 100, "sqlite": 250, "neo4j": 8},
)

steps = st.lists(
    st.tuples(
        st.sampled_from(SOURCES), batches, st.integers(0, 4), st.randoms(use_true_random=False)
    ),
    min_size=1,
    max_size=5,
)
relations = st.one_of(st.none(), st.frozensets(st.sampled_from(RELATIONS), min_size=1, max_size=2))
walks = st.builds(
    Walk,
    start=st.frozensets(st.sampled_from(IDS), min_size=1, max_size=3),
    toward=st.sampled_from(["causes", "effects"]),
    relations=relations,
    depth=st.sampled_from([None, None, 0, 1, 3]),
    limit=st.sampled_from([1_000_000, 1_000_000, 2, 5]),
)
filters = st.builds(
    Filter,
    kinds=st.sampled_from([None, frozenset({"Run", "Entity", "Model"})]),
    label=st.sampled_from([None, "a"]),
    text=st.sampled_from([None, "TEST", "label"]),
    prefix=st.sampled_from([None, "urn:test:\u00e9"]),
    also=st.sampled_from(
        [
            None,
            c.Like("role", "train"),
            c.Compares("param.lr", ">=", 0),
            c.Truth("role", True),
            c.NotCompared("param.lr", ">=", 0),
            c.NotCompared("role", "=", 0.01),
            c.NotCompared("role", "<", "b"),
            c.NotCompared("license", "=", True),
            c.NotCompared("name", ">=", "2026-01-01"),
        ]
    ),
)


def test_random_histories_give_the_same_answers_as_of_every_entry(engine, address, extent):
    """Walks, nodes, filters, evidence and ledger, now and as of each entry there was."""

    @seed(extent)
    @settings(max_examples=EXAMPLES[extent][engine.split("-")[0]])
    @given(steps, st.lists(walks, min_size=3, max_size=3), filters)
    def agree(history, wanted, where):
        ours, theirs = MemoryStore(), fresh(engine, address)
        try:
            replay_history(history, ours, theirs)
            assert theirs.stats(NOW) == ours.stats(NOW)
            assert list(theirs.integrity_faults()) == []
            assert [e.leaf for e in pages(theirs)] == [e.leaf for e in pages(ours)]
            for as_of in (None, *range(ours.head().size + 1)):
                same_holdings(ours, theirs, View(as_of=as_of))
                same_answers(ours, theirs, View(as_of=as_of), wanted, where)
        finally:
            theirs.close()

    agree()


def fresh(engine, address):
    if engine.startswith("neo4j"):
        empty(address)
    if engine == "sqlite":
        from pathlib import Path

        for name in Path(address).parent.glob("store.db*"):
            name.unlink()
    return open_store(address, durability="fast")


def replay_history(history, *stores):
    said = []
    for number, (source, batch, gone, random) in enumerate(history):
        retract = random.sample(said, min(gone, len(said)))
        said += batch.records
        draft = Draft(
            source=source, importer="test", actor="tester", recorded=f"2026-01-{number + 1:02}"
        )
        receipts = [store.write(draft, batch, retract) for store in stores]
        assert receipts[0] == receipts[1]
        again = [store.write(draft, batch) for store in stores]
        assert again[0] == again[1]


def same_holdings(ours, theirs, view):
    idents = list(ours.identifiers(None, 1_000, view))
    assert list(theirs.identifiers(None, 1_000, view)) == idents
    assert list(theirs.identifiers(idents[0], 2, view) if idents else []) == idents[1:3]
    mine, others = ours.held(idents, view), theirs.held(idents, view)
    for ident in idents:
        assert others[ident][:3] == mine[ident][:3]
        assert sorted(others[ident].claims, key=repr) == sorted(mine[ident].claims, key=repr)
    for source in (*SOURCES, "nobody"):
        assert sorted(map(line, theirs.asserted(source, view))) == sorted(
            map(line, ours.asserted(source, view))
        )
    found = [list(map(header, store.headers(0, 9, view))) for store in (theirs, ours)]
    assert found[0] == found[1]


def header(entry):
    """An entry as an engine hands it out that keeps headers apart from bodies."""
    return Header(**{name: getattr(entry, name) for name in Header.__dataclass_fields__})


def same_answers(ours, theirs, view, wanted, where):
    assert theirs.get(IDS, view) == ours.get(IDS, view)
    for walk in wanted:
        mine, others = ours.walk(walk, view), theirs.walk(walk, view)
        assert (others.cut, others.nodes, others.edges) == (mine.cut, mine.nodes, mine.edges)
        same_reach(mine, theirs, walk, view)
    for page in (Page(limit=2), Page(limit=100, after=IDS[3])):
        assert theirs.find(where, page, view) == ours.find(where, page, view)
    for ident in IDS[:3]:
        same_around(ours, theirs, ident, view)
    hop = Hop(toward="effects")
    assert set(theirs.edges(IDS[:4], hop, view)) == set(ours.edges(IDS[:4], hop, view))


def same_around(ours, theirs, ident, view):
    """The same edges and claims; where there are more than are wanted some of them, and how many more."""
    mine, others = ours.around(ident, 1_000, view), theirs.around(ident, 1_000, view)
    assert set(others.edges) == set(mine.edges)
    assert sorted(others.claims, key=repr) == sorted(mine.claims, key=repr)
    assert (others.more_edges, others.more_claims) == (mine.more_edges, mine.more_claims) == (0, 0)
    for most in (1, 2):
        some = theirs.around(ident, most, view)
        assert len(set(some.edges)) == len(some.edges) == min(most, len(mine.edges))
        assert set(some.edges) <= set(mine.edges)
        assert len(some.claims) == min(most, len(mine.claims))
        assert {repr(claim) for claim in some.claims} <= {repr(claim) for claim in mine.claims}
        assert some.more_edges == len(mine.edges) - len(some.edges)
        assert some.more_claims == len(mine.claims) - len(some.claims)


def same_reach(found, store, walk, view):
    """By identifiers and by numbers it is what the walk finds, cut where that is."""
    kinds = Counter(row.kind for row in found.node_rows)
    reach = store.reach(walk, view)
    ids = {kind: sorted(held) for kind, held in reach.ids.items()}
    assert ids == {k: sorted(r.id for r in found.node_rows if r.kind == k) for k in kinds}
    counted = store.reach(walk, view, counts=True)
    assert (counted.kinds, counted.ids, counted.cut) == (kinds, None, found.cut)
    assert (reach.kinds, reach.cut) == (kinds, found.cut)


named = st.builds(
    Node,
    id=st.sampled_from(IDS[:2]),
    kind=st.sampled_from(["Dataset", "ModelVersion", "Entity", "Run"]),
    label=st.sampled_from([None, "a", "b", "c"]),
)
namings = st.lists(
    st.tuples(st.sampled_from(["one", "two", "three"]), st.lists(named, max_size=2), st.booleans()),
    min_size=1,
    max_size=8,
)


def first_named(said, ident):
    """The label and kind of a thing, by plain search: ``said`` are (source, entry, node, until)."""
    said = [one for one in said if one[2].id == ident]
    standing_now = [one for one in said if one[3] is None]
    if not standing_now:
        return None

    def first(source, is_such):
        return min((e for s, e, node, _ in said if s == source and is_such(node)), default=0)

    def noun(node):
        return node.kind != "Entity"

    nouns = {s for s, _, node, _ in standing_now if noun(node)}
    source = min(nouns, key=lambda s: first(s, noun), default=None)
    among = {node.kind for s, _, node, _ in standing_now if source in (None, s) and noun(node)}
    kind = min(among, key=["Run", "Dataset", "ModelVersion"].index) if among else "Entity"
    labelled = {s for s, _, node, _ in standing_now if node.label is not None}
    if not labelled:
        return kind, None
    source = min(labelled, key=lambda s: first(s, lambda node: node.label is not None))
    own = [n for s, _, n, _ in standing_now if s == source and n.label is not None]
    return kind, min((node.kind != kind, node.label) for node in own)[1]


def test_the_first_source_that_names_a_thing_names_it_for_everybody(engine, address, extent):
    """Whatever others say later, and though the first says it anew; now, then, drawn anew, copied."""

    @seed(extent)
    @settings(max_examples=EXAMPLES[extent][engine.split("-")[0]])
    @given(namings)
    def first(history):
        store, said, moments = fresh(engine, address), [], []
        try:
            for source, nodes, anew in history:
                draft = Draft(source=source, importer="t", actor="t", recorded="2026-01-01")
                own = [one for one in said if one[0] == source and one[3] is None]
                gone = [one[2] for one in own if anew and one[2] not in nodes]
                seq = store.write(draft, Batch(nodes=tuple(nodes)), gone).seq
                if seq is None:
                    continue
                for place, one in enumerate(said):
                    if one in own and one[2] in gone:
                        said[place] = (*one[:3], seq)
                held = [one[2] for one in own]
                unique = {line(node): node for node in nodes}.values()
                said += [(source, seq, node, None) for node in unique if node not in held]
                moments.append((seq, {i: first_named(said, i) for i in IDS[:2]}))
            copied = MemoryStore()
            copy(store, copied)
            for seq, expected in moments:
                for one in (store, copied):
                    assert shown_at(one, View(as_of=seq)) == expected
            if moments:
                assert shown_at(store, NOW) == moments[-1][1]
                store.rebuild_graph(lambda _seq, _size: None)
                assert shown_at(store, NOW) == moments[-1][1]
        finally:
            store.close()

    first()


def shown_at(store, view):
    found = store.get(IDS[:2], view)
    return {i: (found[i].kind, found[i].label) if i in found else None for i in IDS[:2]}


def test_an_unknown_start_is_an_empty_answer(store):
    found = store.walk(Walk(start=frozenset({"urn:test:nothing"})), NOW)
    assert (found.nodes, found.edges, found.cut) == ((), (), None)

# SPDX-License-Identifier: Apache-2.0
"""Whatever is asked of whatever graph, every engine selects what the plainest reading selects."""

from __future__ import annotations

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from lineage.ledger.log import Draft
from lineage.model.record import Batch, Edge, Node
from lineage.query.ast import show
from lineage.query.parse import parse
from lineage.services.context import Context
from lineage.services.read.ask import AskRequest
from lineage.store.base import View
from tests.contract.test_engines_agree import fresh
from tests.query.oracle import World
from tests.query.strategies import KEYS, selections
from tests.strategies import IDS, batches

#: Graphs, some and many, and queries on each: 2,000 cases and more in memory and on SQLite. A server plans each query
#: anew, which takes a fortieth of a second or more.
GRAPHS = (
    {"memory": 25, "sqlite": 25, "neo4j-5.26.31": 1, "neo4j-2026.09.0": 1},
    {"memory": 95, "sqlite": 95, "neo4j-5.26.31": 2, "neo4j-2026.09.0": 4},
)
QUERIES = 50

#: So that every name and attribute that queries use is known.
KNOWN = Batch(
    nodes=(
        *(Node(id=ident, kind="Entity") for ident in IDS[:6]),
        Node(id="urn:test:all", kind="Entity", attributes=dict.fromkeys(KEYS, "known")),
    )
)


def test_random_queries_on_random_graphs_select_what_the_plain_reading_selects(
    engine, address, extent
):
    """Now, and as of the entry before; in one page, and in pages of three."""

    # Not shrunk: the assertion shows the query, and a graph is small.
    @seed(extent)
    @settings(max_examples=GRAPHS[extent][engine], phases=(Phase.generate,))
    @given(
        st.lists(batches, min_size=1, max_size=3),
        st.lists(selections.map(show), min_size=QUERIES, max_size=QUERIES),
    )
    def agree(history, queries):
        store = fresh(engine, address)
        try:
            for number, batch in enumerate([KNOWN, *history]):
                draft = Draft(
                    source=f"s{number}", importer="t", actor="t", recorded=f"2026-01-0{number + 1}"
                )
                store.write(draft, batch)
            ctx = Context(store=store, actor="t", person_key=b"k")
            last = store.head().size
            worlds = {at: World(store, View(as_of=at)) for at in {last, max(1, last - 1)}}
            for number, query in enumerate(queries):
                at = last if number % 4 else max(1, last - 1)
                same(ctx, worlds[at], query, None if at == last else at, pages=number % 3 == 0)
        finally:
            store.close()

    agree()


def same(ctx, world, text, at, *, pages):
    query = parse(text)
    assert show(query) == text
    chosen, edges = world.select(query), world.edges(query)
    answer = AskRequest(text, at=at).answer(ctx)
    assert {n.id for n in answer.found.node_rows} == chosen, text
    assert set(answer.found.edge_rows) == edges, text
    assert answer.certificate.complete, text
    if pages:
        nodes, found = [], set()
        cursor = None
        while True:
            page = AskRequest(text, at=at, limit=3, cursor=cursor).answer(ctx)
            assert page.found.edge_rows is not None
            nodes += [n.id for n in page.found.ordered_nodes]
            found |= set(page.found.edge_rows)
            cursor = page.certificate.cursor
            if cursor is None:
                break
        assert nodes == sorted(chosen), text
        assert found == edges, text


def test_a_walk_of_no_hops_is_where_it_starts(engine, address):
    store = fresh(engine, address)
    try:
        draft = Draft(source="s", importer="t", actor="t", recorded="2026-01-01")
        cause = Edge(relation="wasDerivedFrom", effect=IDS[0], cause=IDS[1])
        store.write(draft, Batch(nodes=KNOWN.nodes, edges=(cause,)))
        ctx = Context(store=store, actor="t", person_key=b"k")
        for query in (f'0+"{IDS[0]}"', f'0+("{IDS[0]}" and kind:entity)'):
            assert AskRequest(query).answer(ctx).ids == (IDS[0],)
        assert AskRequest(f'1+"{IDS[0]}"').answer(ctx).ids == tuple(sorted(IDS[:2]))
    finally:
        store.close()

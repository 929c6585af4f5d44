# SPDX-License-Identifier: Apache-2.0
"""Pages of one cursor add up to the answer of the first page's moment, whoever writes meanwhile."""

from __future__ import annotations

import threading

from hypothesis import given, seed, settings
from hypothesis import strategies as st

import lineage
from lineage.model.record import Batch, Edge, Node
from lineage.store.memory import MemoryStore
from tests.query.strategies import selections
from tests.query.test_agreement import KNOWN
from tests.strategies import batches

#: Random cases on each engine, some and many: 500 and more where it is cheap, the servers beside.
CASES = (
    {"memory": 120, "sqlite": 120, "neo4j-5.26.31": 1, "neo4j-2026.09.0": 2},
    {"memory": 630, "sqlite": 630, "neo4j-5.26.31": 2, "neo4j-2026.09.0": 12},
)


def pages(store, text, limit, between=lambda: None):
    """The nodes and edges of all pages, with something done between them."""
    nodes, edges, cursor = [], [], None
    while True:
        page = store.ask(text, limit=limit, cursor=cursor)
        nodes += [row.id for row in page.found.ordered_nodes]
        edges += page.found.ordered_edges
        cursor = page.certificate.cursor
        assert (cursor is None) == page.certificate.complete
        if cursor is None:
            return nodes, edges
        assert len(page) == limit
        between()


def test_pages_add_up_to_the_whole_while_others_write(engine, address, extent):
    from tests.contract.test_engines_agree import fresh

    @seed(extent)
    @settings(max_examples=CASES[extent][engine])
    @given(st.lists(batches, min_size=1, max_size=2), selections, st.integers(1, 4), batches)
    def whole(history, query, limit, meanwhile):
        from lineage.query.ast import show

        fresh(engine, address).close() if engine != "memory" else None
        with lineage.open(address, durability="fast", person_key=b"k" * 32) as store:
            store.ingest([KNOWN, *history])
            text = show(query)
            exact = store.ask(text)
            asked = iter(range(100))

            def write():
                number = next(asked)
                more = Node(id=f"urn:test:{number}", kind="Run", attributes={"role": "train"})
                store.ingest(Batch(nodes=(*meanwhile.nodes, more), edges=meanwhile.edges))

            nodes, edges = pages(store, text, limit, write)
            assert nodes == [row.id for row in exact.found.ordered_nodes], text
            assert sorted(map(repr, edges)) == sorted(map(repr, exact.found.edge_rows)), text

    whole()


def test_pages_add_up_with_a_writer_that_never_rests(address, lineage_at, engine):
    """A writer in a thread of its own, on a connection of its own where the engine has files."""
    store = lineage_at(address)
    count = 60
    store.ingest(
        Batch(
            nodes=tuple(
                Node(id=f"urn:n:{n:03}", kind="Run", attributes={"role": "train"})
                for n in range(count)
            ),
            edges=tuple(
                Edge(relation="wasInformedBy", effect=f"urn:n:{n + 1:03}", cause=f"urn:n:{n:03}")
                for n in range(count - 1)
            ),
        )
    )
    other = store if engine == "memory" else lineage_at(address)
    done = threading.Event()

    def write():
        number = 0
        while not done.is_set() and number < 400:
            number += 1
            name = f"urn:n:{number % count:03}x{number}"
            node = Node(id=name, kind="Run", attributes={"role": "train"})
            edge = Edge(relation="wasInformedBy", effect=f"urn:n:{number % count:03}", cause=name)
            other.ingest(Batch(nodes=(node,), edges=(edge,)))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            first = store.ask("role:train", limit=7)
            exact = store.ask("role:train", at=first.certificate.as_of)
            nodes, edges = [], []
            cursor = None
            page = first
            while True:
                nodes += [row.id for row in page.found.ordered_nodes]
                edges += page.found.edge_rows
                cursor = page.certificate.cursor
                if cursor is None:
                    break
                page = store.ask("role:train", limit=7, cursor=cursor)
            assert nodes == [row.id for row in exact.found.ordered_nodes]
            assert set(edges) == set(exact.found.edge_rows)
    finally:
        done.set()
        writer.join()


def test_who_asks_while_an_entry_is_being_drawn_sees_none_of_it(monkeypatch):
    """In memory no lock parts readers from the writer: asked between two steps of its drawing."""
    with lineage.open("memory:") as store:
        store.ingest(KNOWN)
        before, asked = store.ask("kind:run"), []
        settle = MemoryStore._settle

        def interrupted(self, ident, seq):
            settle(self, ident, seq)
            asked.append(store.ask("kind:run"))

        monkeypatch.setattr(MemoryStore, "_settle", interrupted)
        nodes = tuple(Node(id=f"urn:n:{n}", kind="Run") for n in range(3))
        store.ingest(Batch(nodes=nodes))
        assert len(asked) == 3
        for answer in asked:
            assert answer.found.node_rows == before.found.node_rows
            assert answer.certificate.root == before.certificate.root
        assert len(store.ask("kind:run")) == len(before) + 3

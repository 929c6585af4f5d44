# SPDX-License-Identifier: Apache-2.0
"""A source is read to its end before anything of it is written, with one batch of it in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import importers
import lineage
from importers.base import Importer
from lineage.errors import BadInput, Rejected
from lineage.model.record import Batch, Edge, Loss, Node
from lineage.services.write import spooled_batches
from lineage.services.write.spooled_batches import SpooledBatches
from tests.strategies import batches

SIZE, NUMBER = 40, 50


class Told(Importer):
    """Yields batches, and looks around after each."""

    name = "told"

    def __init__(self, last=None, kept=range(NUMBER), look=lambda: None):
        self.last = last
        self.kept = kept
        self.look = look

    def sniffs(self, source):
        return True

    def read(self, source, options):
        for number in self.kept:
            nodes = tuple(Node(id=f"urn:{number}:{n}", kind="Run", label="a") for n in range(SIZE))
            edges = tuple(Edge(relation="used", effect=n.id, cause="urn:data") for n in nodes)
            yield Batch(nodes=nodes, edges=edges, seen={"runs": SIZE})
            del nodes, edges
            self.look()
        yield Batch(losses=(Loss("something", 1, "it was not read"),))
        if isinstance(self.last, Exception):
            raise self.last
        if self.last is not None:
            yield self.last


@pytest.fixture
def told(monkeypatch, tmp_path, engine, address):
    """Import what an importer tells, into a store of the engine."""
    with lineage.open(address, durability="fast") as store:

        def load(importer):
            monkeypatch.setattr(importers, "named", lambda name: importer)
            return store.load(tmp_path, named="told", joined=False)

        load.store = store
        yield load


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_an_import_of_many_batches_is_an_entry_each_and_all_or_nothing(told):
    for last, error in (
        (BadInput("the end is broken"), BadInput),
        (Batch(nodes=(Node(id="no iri", kind="Run"),)), Rejected),
    ):
        with pytest.raises(error):
            told(Told(last))
        assert told.store.store.head().size == 0
    [report] = told(Told())
    assert (report.added, report.things) == (2 * SIZE * NUMBER, SIZE * NUMBER + 1)
    assert (report.seen, len(report.entries)) == ({"runs": SIZE * NUMBER}, NUMBER)
    assert report.losses == (Loss("something", 1, "it was not read"),)
    [again] = told(Told())
    assert (again.unchanged, again.entries, again.added) == (report.added, (), 0)
    # Each thing is taken back by the entry that speaks of it, else by the last that speaks of any.
    [less] = told(Told(kept=range(NUMBER - 1)))
    assert (less.retracted, less.unchanged) == (2 * SIZE, 2 * SIZE * (NUMBER - 1))
    assert told.store.stats().nodes == SIZE * (NUMBER - 1) + 1
    assert told.store.verify().state == "intact"


@pytest.mark.parametrize("engine", ["sqlite"])
def test_one_batch_of_an_import_is_in_memory_at_a_time(told, made_since, monkeypatch):
    most, store = [], type(told.store.store)
    monkeypatch.setattr(spooled_batches, "HELD", 0)
    write = store._write

    def look():
        most.append(made_since(Node, Edge))

    monkeypatch.setattr(store, "_write", lambda *asked: look() or write(*asked))
    told(Told(look=look))
    assert len(most) == 2 * NUMBER + 1
    # Of 4,000 records: what is read, what was read before it, and the last one.
    assert max(most) <= 3 * 2 * SIZE


def shown(batch):
    """A batch as what can be compared, which NaN cannot, to the type of every number."""
    return [*map(repr, batch.records)], replace(batch, nodes=(), edges=())


@settings(max_examples=30)
@given(told=st.lists(batches, max_size=4))
def test_batches_come_back_from_the_file_as_they_were(told):
    held, spooled_batches.HELD = spooled_batches.HELD, 1
    try:
        kept = SpooledBatches(told)
    finally:
        spooled_batches.HELD = held
    for read in (list(kept), list(kept), kept[:]):
        assert [shown(batch) for batch in read] == [shown(batch) for batch in told]
    assert kept.sizes == [len(batch) for batch in told]

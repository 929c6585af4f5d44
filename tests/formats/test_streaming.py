# SPDX-License-Identifier: Apache-2.0
"""What is written piece by piece out of a file is, byte for byte, what is written at once from memory."""

from __future__ import annotations

import os
import stat
from dataclasses import replace

import pytest
from hypothesis import given, settings

import lineage
from lineage import formats, spool
from lineage.model.record import Batch, Edge, Node
from lineage.services.read import export
from lineage.spool import Spool, Text
from lineage.store.claims import Claim
from tests.conftest import KEY, clock
from tests.formats.documents import EVERYTHING
from tests.strategies import batches

STREAMED = [n for n in formats.BUILTIN if isinstance(formats.named(n), formats.Streamed)]
STORY = replace(EVERYTHING, nodes=tuple(n for n in EVERYTHING.nodes if " " not in n.id))


@pytest.fixture
def small(monkeypatch):
    """Files instead of memory, from the first items on."""
    monkeypatch.setattr(spool, "HELD", 3)
    monkeypatch.setattr(spool, "_SHORT", 10)
    monkeypatch.setattr(spool, "_PIECE", 7)
    monkeypatch.setattr(export, "_TOGETHER", 2)


def gathered(*told):
    """A store of what several sources tell."""
    store = lineage.open("memory:", clock=clock, person_key=KEY)
    for number, batch in enumerate(told):
        store.ingest(batch, source=f"source {number}")
    return store


def demand_equal(store, selection=None):
    batch = export.gather(store.context, selection).batch
    for name in STREAMED:
        written, document = formats.named(name), store.export(selection, format=name)
        assert document.data == written.dumps(batch), name
        assert b"".join(document.pieces()) == document.data
        assert document.losses == written.losses(batch), name
        assert (document.nodes, document.edges) == (batch.things, batch.relations)


@settings(max_examples=12)
@given(first=batches, second=batches)
def test_any_store_leaves_as_it_would_from_memory(first, second):
    # Relations of which the identifier is that of a node, or of a relation in another place.
    named = tuple(replace(e, id=first.nodes[0].id) for e in second.edges[::2] if first.nodes)
    held, spool.HELD = spool.HELD, 2
    try:
        with gathered(first, second, Batch(edges=named)) as store:
            demand_equal(store)
    finally:
        spool.HELD = held


@pytest.mark.usefixtures("small")
def test_bundles_and_all_that_prov_has_leave_as_they_would_from_memory():
    again = Batch(nodes=STORY.nodes[::2], edges=STORY.edges[1::2])
    with gathered(STORY, again) as store:
        demand_equal(store)
        demand_equal(store, "kind:entity")


def long_story(number):
    runs = [Node(id=f"urn:run:{n}", kind="Run", attributes={"n": n}) for n in range(number)]
    used = [Edge(relation="used", effect=run.id, cause="urn:data") for run in runs]
    return Batch(nodes=tuple(runs), edges=tuple(used))


def sampled(items, look):
    """The same, looking around now and then."""
    for number, item in enumerate(items):
        if number % 20 == 0:
            look()
        yield item


@pytest.mark.parametrize("name", ["json", "nquads", "turtle", "provn", "xml", "jsonld"])
def test_few_records_are_in_memory_at_a_time_however_many_there_are(
    name, made_since, monkeypatch, tmp_path
):
    monkeypatch.setattr(spool, "HELD", 50)
    monkeypatch.setattr(export, "_TOGETHER", 20)
    most, said, make = [], export._said, Text.__init__

    def look():
        most.append(made_since(Node, Edge, Claim))

    with lineage.open(str(tmp_path / "s.db"), clock=clock) as store:
        store.ingest(long_story(600))
        monkeypatch.setattr(export, "_said", lambda *asked: sampled(said(*asked), look))
        monkeypatch.setattr(Text, "__init__", lambda own, pieces: make(own, sampled(pieces, look)))
        store.export(format=name)
    assert len(most) > 4
    assert max(most) < 200


def test_a_spool_has_no_name_and_is_for_its_owner_only():
    with Spool() as kept:
        for number in range(10_000):
            kept.put(number % 3, (number, "text"))
        found = os.fstat(kept._file.fileno())
        assert (found.st_nlink, stat.S_IMODE(found.st_mode)) == (0, 0o600)
        assert [number for number, _ in kept.of(1)] == [*range(1, 10_000, 3)]
        assert [number for number, _ in kept.of(1)] == [*range(1, 10_000, 3)]
        assert (kept.number(0), list(kept.of("none"))) == (3_334, [])
    text = Text(bytes([n % 251]) * n for n in range(3_000))
    whole = b"".join(bytes([n % 251]) * n for n in range(3_000))
    assert (bytes(text), b"".join(text), len(text)) == (whole, whole, len(whole))

# SPDX-License-Identifier: Apache-2.0
"""Work on a whole store: rebuilt, copied, backed up, restored and verified, interrupted, beside writers
and beside itself, on every engine.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import ExitStack, contextmanager

import pytest

import lineage
from lineage.app import open_store
from lineage.errors import CopyDiffers, LineageError, StoreUnfinished, Usage
from lineage.ledger import log
from lineage.ledger.log import Draft
from lineage.model.record import Batch, Edge, Node
from lineage.services.operate import backup, verify
from lineage.services.operate.replicate import copy
from lineage.store import paging
from lineage.store.base import NOW, Filter, Hop, Page, View, Walk
from lineage.store.paging import pages
from tests.conftest import ENGINES, KEY, RELEASES, neo4j_address

ENTRIES = 6
#: Engines whose stores outlive the process: what is in memory is gone with who worked on it.
PERSISTENT = [name for name in ENGINES if name != "memory"]


def draft(source="one"):
    return Draft(source=source, importer="test", actor="tester", recorded="2026-01-01T00:00:00Z")


def chain(number):
    edges = (Edge(relation="used", effect=f"urn:r{number}", cause=f"urn:d{number}"),)
    return Batch(nodes=(Node(id=f"urn:r{number}", kind="Run", label=f"r{number}"),), edges=edges)


def fill(store, first=0, last=ENTRIES):
    for number in range(first, last):
        store.write(draft(f"s{number % 2}"), chain(number))


class Interrupted(Exception):
    pass


def after(number):
    """Progress that is interrupted behind so many entries."""

    def told(*what):
        if number in what:
            raise Interrupted

    return told


#: Every way to read the graph of a store, and to write it.
READS = {
    "get": lambda s: s.get(["urn:r1"], NOW),
    "get, then": lambda s: s.get(["urn:r1"], View(as_of=3)),
    "find": lambda s: s.find(Filter(), Page(), NOW).rows,
    "edges": lambda s: s.edges(["urn:r1"], Hop(), NOW),
    "edges, then": lambda s: s.edges(["urn:r1"], Hop(), View(as_of=3)),
    "walk": lambda s: s.walk(Walk(start=frozenset({"urn:r1"})), NOW).nodes,
    "walk, then": lambda s: s.walk(Walk(start=frozenset({"urn:r1"})), View(as_of=3)).nodes,
    "identifiers": lambda s: s.identifiers(None, 100, NOW),
    "held": lambda s: sorted(map(repr, s.held(["urn:r1"], NOW)["urn:r1"].claims)),
    "asserted": lambda s: sorted(record.id or "" for record in s.asserted("s0", NOW)),
    "stats": lambda s: s.stats(NOW),
    "head": lambda s: s.head(),
}
WRITES = {
    "write": lambda s: s.write(draft(), chain(99)),
    "keep": lambda s: s.keep({"colour": b"red"}),
}


@pytest.mark.parametrize("stopped", range(1, ENTRIES))
def test_a_rebuild_that_was_interrupted_is_not_answered_from(store, address, stopped):
    fill(store)
    stood = {name: read(store) for name, read in READS.items()}
    with pytest.raises(Interrupted):
        store.rebuild_graph(after(stopped))
    with ExitStack() as stack:
        other = store
        if address != "memory:":
            other = stack.enter_context(opened(address))
        for name, read in READS.items():
            try:
                assert read(other) == stood[name], name
            except StoreUnfinished as error:
                assert "lineage rebuild" in error.hint
        assert [entry.seq for entry in pages(other)] == list(range(1, ENTRIES + 1))
    told = []
    assert store.rebuild_graph(lambda *what: told.append(what)) == store.head()
    assert told == [(seq, ENTRIES) for seq in range(1, ENTRIES + 1)]
    assert {name: read(store) for name, read in READS.items()} == stood
    fill(store, ENTRIES, ENTRIES + 1)
    assert store.stats(NOW).entries == ENTRIES + 1


@pytest.mark.parametrize("release", RELEASES)
def test_neo4j_refuses_everybody_while_the_graph_is_drawn_anew(release, request, monkeypatch):
    address = neo4j_address(release, request, monkeypatch)
    lineage.open(address).close()
    with opened(address) as store, opened(address) as other:
        fill(store)
        with pytest.raises(Interrupted):
            store.rebuild_graph(after(3))
        for name, act in (READS | WRITES).items():
            with pytest.raises(StoreUnfinished, match="not whole yet"):
                act(other)
                pytest.fail(f"{name} was answered")
        with lineage.open(address) as door, pytest.raises(StoreUnfinished):
            door.stats()
        with lineage.open(address) as door:
            door.rebuild()
            assert door.verify().state == "intact"
        assert other.stats(NOW).entries == ENTRIES


@pytest.mark.parametrize("release", RELEASES)
def test_of_two_who_draw_the_graph_of_a_database_the_later_goes_on(release, request, monkeypatch):
    address = neo4j_address(release, request, monkeypatch)
    with opened(address) as one, opened(address) as other:
        fill(one)
        stood = one.stats(NOW)

        def meanwhile(seq, _):
            if seq == 2:
                other.rebuild_graph(lambda *_: None)

        with pytest.raises(LineageError, match="another process has begun"):
            one.rebuild_graph(meanwhile)
        assert other.stats(NOW) == stood
        assert verify_store(other).state == "intact"


@contextmanager
def opened(address, **options):
    store = open_store(address, durability="fast", **options)
    try:
        yield store
    finally:
        store.close()


def verify_store(store, scratch=lambda: open_store("memory:")):
    from lineage.services.context import Context

    ctx = Context(store=store, actor="tester", person_key=KEY)
    return verify.verify(ctx, scratch)


def test_a_verification_parses_each_line_once_and_holds_few_entries(store, monkeypatch):
    monkeypatch.setattr(paging, "_RECORDS", 5)
    fill(store)
    long = Batch(nodes=tuple(Node(id=f"urn:n{n}", kind="Entity") for n in range(9)))
    store.write(draft("long"), long)
    asked, parsed = [], []
    bodies, parse = type(store).bodies, log.parse
    monkeypatch.setattr(
        type(store), "bodies", lambda own, seqs: asked.append([*seqs]) or bodies(own, seqs)
    )
    monkeypatch.setattr(log, "parse", lambda text: parsed.append(text) or parse(text))
    assert verify_store(store).state == "intact"
    # Two records an entry; what is more than fits is read alone.
    assert [seqs for seqs in asked if seqs] == [[1, 2], [3, 4], [5, 6], [7]]
    assert len(parsed) == len(set(parsed)) == 2 * ENTRIES + 9


def test_a_store_is_verified_as_of_the_entry_at_which_that_began(store, address):
    fill(store)
    store.write(draft("s1"), Batch(), [chain(1).nodes[0]])
    begun = store.head()

    def scratch():
        # What a server, or another process, writes while this one verifies.
        if address == "memory:":
            fill(store, ENTRIES, ENTRIES + 2)
        else:
            with opened(address) as other:
                fill(other, ENTRIES, ENTRIES + 2)
                other.write(draft("s0"), Batch(), [chain(0).nodes[0]])
        return open_store("memory:")

    verdict = verify_store(store, scratch)
    assert verdict.findings == ()
    assert (verdict.state, verdict.entries, verdict.root) == (
        "intact",
        begun.size,
        begun.root.hex(),
    )
    assert store.head().size > begun.size


def test_a_copy_is_of_the_entry_at_which_it_began(store):
    fill(store)
    begun, target = store.head(), open_store("memory:")

    def told(what, done, total):
        if done == 2:
            fill(store, ENTRIES, ENTRIES + 1)

    moved = copy(store, target, told)
    assert (moved.total, moved.root) == (begun.size, begun.root.hex())
    assert target.head() == begun
    assert copy(store, target).entries == 1
    assert target.head() == store.head()


def test_two_copies_into_one_store_at_once_do_each_other_no_harm(store, address):
    source = open_store("memory:")
    fill(source)

    def told(what, done, total):
        if done == 2:
            fill(source, ENTRIES, ENTRIES + 2)
            if address == "memory:":
                copy(source, store)
            else:
                with opened(address, finishing="copy") as other:
                    copy(source, other)

    copy(source, store, told)
    assert store.head() == source.head()
    assert verify_store(store).state == "intact"
    assert store.values(["unfinished"]) == {}


@pytest.mark.parametrize("engine", PERSISTENT)
def test_nobody_opens_a_store_into_which_a_copy_was_interrupted(address, tmp_path):
    with opened(str(tmp_path / "source.db")) as source:
        fill(source)
        with opened(address, finishing="copy") as target, pytest.raises(Interrupted):
            copy(source, target, after(3), arguments="source.db target")
        with pytest.raises(StoreUnfinished, match=r"'lineage copy' .* 3 of 6 entries") as caught:
            lineage.open(address)
        assert caught.value.hint.endswith("lineage copy source.db target")
        with opened(address, finishing="copy") as target:
            copy(source, target)
        with lineage.open(address) as door:
            assert door.verify().state == "intact"
            assert door.stats().root == source.head().root.hex()


@pytest.mark.parametrize("engine", PERSISTENT)
def test_a_copy_that_is_refused_leaves_an_unfinished_store_marked(address, tmp_path):
    """The copy of another store, whose people are named by another key."""
    with opened(str(tmp_path / "source.db")) as source, opened(str(tmp_path / "other.db")) as other:
        for store, key in ((source, b"1"), (other, b"2")):
            fill(store)
            store.keep({"person_key": key})
        with opened(address, finishing="copy") as target:
            with pytest.raises(Interrupted):
                copy(source, target, after(3))
            with pytest.raises(Usage, match="another person_key"):
                copy(other, target)
        with pytest.raises(StoreUnfinished):
            lineage.open(address)


def test_a_copy_whose_root_differs_says_so(store, monkeypatch):
    fill(store)
    target = open_store("memory:")
    monkeypatch.setattr(target, "replay", lambda entry: None)
    with pytest.raises(CopyDiffers):
        copy(store, target)


def test_a_backup_is_a_store_and_a_store_is_made_of_it(lineage_at, address, tmp_path):
    with lineage_at(address) as store:
        store.ingest([chain(n) for n in range(ENTRIES)], source="one")
        token = store.add_token("airflow", role="viewer")
        made = store.backup(tmp_path / "a.db")
        stats, held = store.stats(), store.store.held(["urn:r1"], NOW)
        assert (made.entries, made.root) == (ENTRIES + 1, stats.root)
        store.ingest(chain(50))
        with pytest.raises(Usage, match="there is a file"):
            store.backup(tmp_path / "a.db")
    kept = (tmp_path / "a.db").read_bytes()
    assert (tmp_path / "a.db").stat().st_mode & 0o777 == 0o600
    with lineage.open(tmp_path / "a.db") as copied:
        assert copied.stats() == stats
        assert copied.verify().state == "intact"
    assert (tmp_path / "a.db").read_bytes() == kept, "it was only read"
    restored = backup.restore(tmp_path / "a.db", str(tmp_path / "b.db"))
    assert (restored.total, restored.root) == (ENTRIES + 1, stats.root)
    with lineage.open(tmp_path / "b.db", person_key=KEY) as again:
        assert again.store.held(["urn:r1"], NOW) == held
        assert [one.token.id for one in again.tokens()] == [token.token.id]
        assert again.verify().state == "intact"
        again.ingest(chain(60))
    with pytest.raises(Usage, match="there is a store"):
        backup.restore(tmp_path / "a.db", str(tmp_path / "b.db"))
    assert not list(tmp_path.glob("*.part*"))


@pytest.mark.parametrize("engine", PERSISTENT)
def test_a_backup_goes_into_an_empty_store_of_every_engine_and_is_gone_on_with(
    engine, address, tmp_path
):
    with opened(str(tmp_path / "source.db")) as source:
        fill(source)
        source.keep({"person_key": KEY.hex().encode()})
        backup.back_up(source, tmp_path / "a.db")
        head = source.head()
    if engine == "sqlite":
        address += ".new"
    else:
        with pytest.raises(Interrupted):
            backup.restore(tmp_path / "a.db", address, after(3))
        with pytest.raises(StoreUnfinished, match="'lineage restore'"):
            lineage.open(address)
    backup.restore(tmp_path / "a.db", address)
    with lineage.open(address) as door:
        assert door.verify().state == "intact"
        assert door.store.head() == head


def test_a_backup_that_is_not_whole_makes_no_store(tmp_path):
    with opened(str(tmp_path / "source.db")) as source:
        fill(source)
        backup.back_up(source, tmp_path / "a.db")
    with sqlite3.connect(tmp_path / "a.db") as damaged:
        damaged.execute("DELETE FROM entry WHERE seq = 2")
    damaged.close()
    with pytest.raises(LineageError, match="not whole"):
        backup.restore(tmp_path / "a.db", str(tmp_path / "b.db"))
    (tmp_path / "a.db").write_bytes(b"SQLite format 3\0" + bytes(4000))
    with pytest.raises(LineageError):
        backup.restore(tmp_path / "a.db", str(tmp_path / "b.db"))
    assert not (tmp_path / "b.db").exists()


def test_a_root_that_was_noted_is_found_again_and_a_fork_is_not(run, tmp_path):
    with lineage.open(tmp_path / "s.db") as store:
        store.ingest([chain(n) for n in range(4)])
        noted = store.stats()
        store.backup(tmp_path / "older.db")
        store.ingest([chain(n) for n in range(4, 6)])
        newer = store.stats()
    at = ["--since", noted.entries, "--root", noted.root]
    code, out, _ = run("--store", "s.db", "verify", *at)
    assert code == 0
    assert f"nothing up to entry {noted.entries} has changed since" in out
    code, out, _ = run("--store", "s.db", "verify", "--since", noted.entries, "--json")
    assert (code, json.loads(out)["since_root"]) == (0, noted.root)
    code, out, _ = run(
        "--store", "older.db", "verify", "--since", newer.entries, "--root", newer.root
    )
    assert (code, "the ledger ends at entry 4" in out) == (1, True)
    with lineage.open(tmp_path / "older.db") as forked:
        forked.ingest([chain(n) for n in range(10, 12)])
    code, out, _ = run(
        "--store", "older.db", "verify", "--since", newer.entries, "--root", newer.root, "--json"
    )
    assert (code, [f["code"] for f in json.loads(out)["findings"]]) == (1, ["history-differs"])
    for wrong in (["--root", noted.root], ["--since", 2, "--root", "beef"], ["--since", 0]):
        code, _, err = run("--store", "s.db", "verify", *wrong)
        assert (code, "error" in err.lower()) == (2, True)

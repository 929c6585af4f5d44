# SPDX-License-Identifier: Apache-2.0
"""Killed in the middle of an import: nothing acknowledged is lost, nothing is half there."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from random import Random

import pytest

import importers.mlflow
import lineage
from lineage.errors import StoreBusy, StoreDamaged, StoreFull, StoreMissing, StoreTooNew
from lineage.model.record import Batch, Edge, Node
from lineage.store.base import NOW, Walk
from tests.conftest import KEY, RELEASES, clock, neo4j_address

PARTS = 40


def kills(place, extent, *, sqlite, server):
    """How often what runs is killed: some times, and many. ``LINEAGE_KILLS`` says how many those are, for
    who has the hours that servers take.
    """
    many = os.environ.get("LINEAGE_KILLS") if extent else None
    return int(many) if many else (sqlite if place == "sqlite" else server)[extent]


def batches(parts=PARTS):
    for part in range(parts):
        nodes = tuple(Node(id=f"urn:n:{part}:{n}", kind="Run", label=f"r{n}") for n in range(20))
        edges = tuple(
            Edge(relation="wasInformedBy", effect=node.id, cause=f"urn:n:{max(0, part - 1)}:{n}")
            for n, node in enumerate(nodes)
        )
        yield Batch(nodes=nodes, edges=edges)


def open_at(url):
    return lineage.open(url, clock=clock, person_key=KEY, actor="tester")


def importing(url):
    """A child that imports, and where it says a dot for each acknowledged entry."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with suppress(BaseException), open_at(url) as opened:
            for batch in batches():
                opened.ingest(batch)
                os.write(writing, b".")
        os._exit(0)
    os.close(writing)
    return child, reading


def import_and_die(url, delay, after=0):
    """Import in a child, kill it a moment after so many acknowledged entries; how many it had
    acknowledged in the end.
    """
    child, reading = importing(url)
    acknowledged = b""
    while len(acknowledged) < after and (data := os.read(reading, 1)):
        acknowledged += data
    time.sleep(delay)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while data := os.read(reading, 4096):
        acknowledged += data
    os.close(reading)
    return len(acknowledged)


def check(url, acknowledged):
    """The store verifies, holds what was acknowledged, and the import run again completes it."""
    with open_at(url) as opened:
        verdict = opened.verify()
        assert verdict.state == "intact", verdict
        assert verdict.entries >= acknowledged
        stats = opened.stats()
        assert stats.nodes == 20 * verdict.entries
        opened.ingest(batches())
        assert (opened.stats().nodes, opened.stats().entries) == (20 * PARTS, PARTS)
        return opened.stats().root


def test_an_import_into_sqlite_may_be_killed_at_any_moment(tmp_path, extent):
    random, roots, cut = Random(1 + extent), set(), 0
    many = kills("sqlite", extent, sqlite=(20, 200), server=())
    for number in range(many):
        path = tmp_path / f"{number}.db"
        acknowledged = import_and_die(str(path), random.uniform(0.005, 0.12))
        cut += acknowledged < PARTS
        roots.add(check(str(path), acknowledged))
    assert len(roots) == 1
    assert cut > many / 4


@pytest.mark.parametrize("release", RELEASES)
def test_an_import_into_neo4j_may_be_killed_at_any_moment(release, request, monkeypatch, extent):
    random, roots, cut = Random(2 + extent), set(), 0
    for _ in range(kills(release, extent, sqlite=(), server=(2, 10))):
        url = neo4j_address(release, request, monkeypatch)
        # However fast the server is today, the kill falls somewhere into the import.
        acknowledged = import_and_die(url, random.uniform(0, 0.05), random.randrange(PARTS - 2))
        cut += acknowledged < PARTS
        roots.add(check(url, acknowledged))
    assert len(roots) == 1
    assert cut


RUNS = 300
META = "artifact_location: a\nexperiment_id: '0'\nname: Default\ncreation_time: 1760000000000\n"


def tracker(root, rate):
    """An MLflow store of many runs, all with one rate."""
    folder = root / "mlruns" / "0"
    for number in range(RUNS):
        run = folder / f"{number:032x}"
        (run / "params").mkdir(parents=True, exist_ok=True)
        (run / "params" / "rate").write_text(rate)
        (run / "meta.yaml").write_text(f"run_id: '{run.name}'\nexperiment_id: '0'\nstatus: 3\n")
    (folder / "meta.yaml").write_text(META)
    return root


def loading(url, root):
    """A child that imports a tracker in many batches, and says a dot when it begins to write."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        importers.mlflow.BATCH_RECORDS = 20

        def told(what, done, total):
            if done and "writing" in what:
                os.write(writing, b".")

        with suppress(BaseException), open_at(url) as opened:
            opened.load(root, progress=told)
            os.write(writing, b"!")
        os._exit(0)
    os.close(writing)
    return child, reading


def rates(url):
    with open_at(url) as opened:
        return Counter(node.attributes.get("param.rate") for node in opened.ask("kind:run"))


def reimported_and_killed(url, root, random):
    """How the runs stand after an import of changed ones was killed while it wrote; whether it was."""
    child, reading = loading(url, root)
    for _ in range(random.randrange(1, 20)):
        os.read(reading, 1)
    time.sleep(random.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    said = b""
    while data := os.read(reading, 4096):
        said += data
    os.close(reading)
    return rates(url), b"!" not in said


@pytest.mark.parametrize("place", ["sqlite", *RELEASES])
def test_an_import_again_that_is_killed_leaves_all_as_it_was(
    place, request, monkeypatch, tmp_path, extent
):
    random, cut = Random(3 + extent), 0
    sqlite = place == "sqlite"
    url = str(tmp_path / "s.db") if sqlite else neo4j_address(place, request, monkeypatch)
    with open_at(url) as opened:
        opened.load(tracker(tmp_path, "0"))
    for number in range(1, 1 + kills(place, extent, sqlite=(9, 50), server=(2, 12))):
        stood = rates(url)
        found, killed = reimported_and_killed(url, tracker(tmp_path, str(number)), random)
        cut += killed
        assert found in (stood, Counter({number: RUNS})), number
    with open_at(url) as opened:
        opened.load(tmp_path)
        assert opened.verify().state == "intact"
    assert rates(url) == Counter({number: RUNS})
    assert cut


@pytest.mark.skipif("LINEAGE_TEST_NEO4J" in os.environ, reason="the server is not ours to kill")
@pytest.mark.parametrize("release", RELEASES[:1])
def test_a_killed_server_loses_nothing_acknowledged(release, request, monkeypatch, servers):
    url = neo4j_address(release, request, monkeypatch)
    running = servers(release)
    child, reading = importing(url)
    time.sleep(1)
    running.kill()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    acknowledged = len(os.read(reading, 4096))
    os.close(reading)
    running.start()
    monkeypatch.undo()
    monkeypatch.setenv("LINEAGE_NEO4J_USER", running.user)
    monkeypatch.setenv("LINEAGE_NEO4J_PASSWORD", running.password)
    check(running.url, acknowledged)


def test_a_full_disk_is_said_and_leaves_the_store_as_it_was(tmp_path):
    """In a child whose files may not grow past 2 MB."""
    script = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import lineage
from lineage.errors import StoreFull
from tests.store.test_crashes import batches
opened = lineage.open({str(tmp_path / "full.db")!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
try:
    for batch in batches(4_000):
        opened.ingest(batch)
        print(opened.store.head().size, flush=True)
except StoreFull as error:
    print("full", error.code, opened.stats().entries)
    sys.exit(0)
sys.exit(3)
"""
    done = subprocess.run(
        [os.sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *acknowledged, last = done.stdout.split("\n")[:-1]
    assert last.split()[:2] == ["full", "store-full"]
    with open_at(str(tmp_path / "full.db")) as opened:
        assert opened.stats().entries == int(acknowledged[-1]) == int(last.split()[2])
        assert opened.verify().state == "intact"
        opened.ingest(batches(1))


def test_a_locked_store_is_busy_and_readers_go_on(tmp_path):
    import sqlite3

    from lineage.app import open_store

    path = tmp_path / "store.db"
    open_at(str(path)).close()
    store = open_store(str(path), busy_timeout=50)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy) as caught:
        store.rebuild_graph(lambda _seq, _size: None)
    assert (caught.value.code, caught.value.exit_code) == ("store-busy", 75)
    assert store.walk(Walk(start=frozenset({"urn:x"})), NOW).nodes == ()
    holder.execute("ROLLBACK")
    holder.close()
    store.close()


def test_files_that_are_no_stores_are_left_alone(tmp_path):
    import sqlite3

    from lineage.app import open_store

    with pytest.raises(StoreMissing):
        open_store(str(tmp_path / "none.db"), create=False)
    text = tmp_path / "notes.db"
    text.write_bytes(b"these are my notes, not a database" * 40)
    with pytest.raises(StoreDamaged):
        open_store(str(text))
    assert text.read_bytes().startswith(b"these are my notes")
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE mine (x)")
    with pytest.raises(StoreDamaged, match="not a lineage store"):
        open_store(str(other))
    newer = tmp_path / "newer.db"
    open_store(str(newer)).close()
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreTooNew, match="layout 99"):
        open_store(str(newer))


def test_several_processes_write_one_file_and_none_is_lost(tmp_path):
    path = str(tmp_path / "shared.db")
    open_at(path).close()
    children = []
    for number in range(4):
        child = os.fork()
        if child == 0:
            code = 1
            with suppress(BaseException), open_at(path) as opened:
                for part in range(15):
                    node = Node(id=f"urn:p:{number}:{part}", kind="Run")
                    shared = Edge(relation="used", effect=node.id, cause="urn:shared")
                    opened.ingest(Batch(nodes=(node,), edges=(shared,)), source=f"p{number}")
                code = 0
            os._exit(code)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    with open_at(path) as opened:
        stats = opened.stats()
        assert (stats.nodes, stats.edges, stats.entries) == (61, 60, 60)
        assert opened.verify().state == "intact"


def test_a_lost_server_is_one_clear_error(monkeypatch):
    import socket

    from lineage.app import open_store
    from lineage.errors import StoreUnreachable

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr("lineage.store.neo4j.connect.RETRY", 0.2)
    with pytest.raises(StoreUnreachable) as caught:
        open_store(f"bolt://127.0.0.1:{port}")
    assert (caught.value.code, caught.value.exit_code) == ("store-unreachable", 75)


def test_a_full_store_says_what_to_do():
    assert "Free some space" in StoreFull("the disk is full").hint

# SPDX-License-Identifier: Apache-2.0
"""Somebody reads while somebody writes: every answer is of one state, and of no earlier one than the last."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from threading import Thread

import orjson
import pytest

import lineage
from lineage.errors import StoreBusy
from lineage.store.neo4j import commits
from lineage.store.neo4j.commits import MARKED, OPEN
from tests.conftest import KEY, RELEASES, clock, neo4j_address

#: Of so many nodes that each commit changes a server shows a part for a while.
MANY, COMMITS = 300, 25
MODEL, ROUND = "https://example.org/model", "https://example.org/round"


def round_of(number, path):
    """A document of runs, each of which says in which round it was, all of them behind one model."""
    runs = {f"ex:r{n}": {"ex:round": number} for n in range(MANY)}
    model, generated = {"ex:model": {}}, {}
    for run in runs:
        generated[f"_:{run}"] = {"prov:entity": "ex:model", "prov:activity": run}
    parts = {"activity": runs, "entity": model, "wasGeneratedBy": generated}
    path.write_bytes(orjson.dumps({"prefix": {"ex": "https://example.org/"}, **parts}))
    return path


@pytest.fixture(params=["sqlite", *RELEASES])
def url(request, monkeypatch, tmp_path):
    if request.param == "sqlite":
        return str(tmp_path / "s.db")
    return neo4j_address(request.param, request, monkeypatch)


def open_at(url):
    return lineage.open(url, clock=clock, person_key=KEY, actor="tester")


def writing(url, path, commits=COMMITS):
    """Another one who replaces each round with the next."""

    def write():
        with open_at(url) as opened:
            for number in range(1, commits):
                opened.load(round_of(number, path))

    thread = Thread(target=write)
    thread.start()
    return thread


def test_an_answer_is_never_half_of_a_commit(url, tmp_path):
    with open_at(url) as opened:
        opened.load(round_of(0, tmp_path / "d.json"))
        reads = (
            lambda: opened.ask("kind:activity").nodes,
            lambda: opened.ask(f'+"{MODEL}"').nodes,
            lambda: opened.trace(MODEL).nodes,
            lambda: opened.trace(MODEL, at=opened.stats().entries).nodes,
        )
        writer, last, read = writing(url, tmp_path / "d.json"), 0, 0
        while writer.is_alive() or read % len(reads):
            found = Counter(
                node.attributes[ROUND]
                for node in reads[read % len(reads)]()
                if node.kind == "Activity"
            )
            ((now, number),) = found.items()
            assert (number, now >= last) == (MANY, True), read
            last, read = now, read + 1
        writer.join()
        assert read > COMMITS
        assert opened.stats().entries == COMMITS


def test_what_is_verified_while_somebody_writes_is_intact(url, tmp_path):
    with open_at(url) as opened:
        opened.load(round_of(0, tmp_path / "d.json"))
        writer = writing(url, tmp_path / "d.json", commits=6)
        while writer.is_alive():
            assert opened.verify().state == "intact"
        writer.join()


@pytest.fixture(params=RELEASES)
def server(request, monkeypatch):
    return neo4j_address(request.param, request, monkeypatch)


def test_a_writer_that_died_before_its_commit_is_waited_for_once(server, tmp_path):
    with open_at(server) as opened:
        opened.load(round_of(0, tmp_path / "d.json"))
        with opened.store.driver.session(database="neo4j") as session:
            session.run(f"MERGE {MARKED} SET c.at = $at", at=f"{OPEN}died").consume()
            assert len(opened.ask("kind:activity").nodes) == MANY
            [at] = session.run(f"MATCH {MARKED} RETURN c.at").single(strict=True)
        assert not at.startswith(OPEN)


def test_a_reader_waits_for_a_commit_for_a_while(server, tmp_path, monkeypatch):
    """Somebody has said that it commits, has the lock, and does not go on."""
    monkeypatch.setattr(commits, "RETRY", 1)
    with open_at(server) as opened:
        opened.load(round_of(0, tmp_path / "d.json"))
        with (
            opened.store.driver.session(database="neo4j") as other,
            other.begin_transaction() as tx,
        ):
            tx.run("MATCH (l:Ledger {one: 1}) SET l.locked = true").consume()
            with opened.store.driver.session(database="neo4j") as session:
                session.run(f"MERGE {MARKED} SET c.at = $at", at=f"{OPEN}slow").consume()
            with pytest.raises(StoreBusy, match="somebody commits"):
                opened.trace(MODEL)
            tx.rollback()
        assert len(opened.trace(MODEL).nodes) == MANY + 1


#: Opens a store when it is told to.
OPENER = """
import sys, lineage
sys.stdin.readline()
lineage.open(sys.argv[1]).close()"""


def test_several_may_open_an_empty_database_at_once(server):
    command = [sys.executable, "-c", OPENER, server]
    openers = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True) for _ in range(4)]
    for opener in openers:
        opener.stdin.write("now\n")
        opener.stdin.close()
    assert [opener.wait() for opener in openers] == [0] * 4

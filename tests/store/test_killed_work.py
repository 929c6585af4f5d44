# SPDX-License-Identifier: Apache-2.0
"""Killed in the middle of work on the whole store: no wrong answer, and the same command finishes it."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import pytest

import lineage
from lineage.app import open_store
from lineage.errors import StoreUnfinished
from lineage.services.operate import backup
from lineage.services.operate.replicate import copy
from tests.conftest import KEY, RELEASES, clock, neo4j_address
from tests.store.test_crashes import batches, kills, open_at
from tests.store.test_migrations import NEO4J_ROOT, OLD, ROOT, load

PLACES = ("sqlite", *RELEASES)
#: Kills of each sort of work, some and many.
KILLS = {"sqlite": (8, 50), "server": (1, 6)}
PARTS = 12


def rebuild(url, source, told):
    with open_at(url) as store:
        store.rebuild(told)


def copy_into(url, source, told):
    with (
        closing(open_store(source, create=False)) as first,
        closing(open_store(url, durability="fast", finishing="copy")) as second,
    ):
        copy(first, second, told)


def restore(url, source, told):
    """Out of a backup; what an interrupted one left of a file is away already."""
    backup.restore(source, url, told)


WORK = {"rebuild": rebuild, "copy": copy_into, "restore": restore}


def killed(work, random, wanted, *arguments):
    """Whether the work, in a child, was killed before it had ended: behind so many entries, and a
    little.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with suppress(BaseException):
            work(*arguments, lambda *_: os.write(writing, b"."))
            os.write(writing, b"!")
        os._exit(0)
    os.close(writing)
    said = b""
    while len(said) < wanted and (data := os.read(reading, 1)):
        said += data
    time.sleep(random.uniform(0, 0.02))
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while data := os.read(reading, 4096):
        said += data
    os.close(reading)
    return not said.endswith(b"!")


def answers(url):
    """What the store says; nothing where it says that it is not whole, or holds nothing at all."""
    try:
        with open_at(url) as store:
            if not store.stats().entries:
                return None
            whole = store.stats(), sorted(store.trace(f"urn:n:{PARTS - 1}:3").ids)
            assert store.verify().state == "intact"
            return whole
    except StoreUnfinished as error:
        assert "lineage" in error.hint
        return None


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "source.db"
    with open_at(str(path)) as store:
        store.ingest(batches(PARTS))
        store.backup(path.with_name("backup.db"))
    return path


@pytest.mark.parametrize("what", WORK)
@pytest.mark.parametrize("place", PLACES)
def test_work_on_a_whole_store_may_be_killed_at_any_moment(
    place, what, source, request, monkeypatch, tmp_path, extent
):
    random, cut, work = Random(7 + extent), 0, WORK[what]
    expected = answers(str(source))
    given = source.with_name("backup.db") if what == "restore" else str(source)
    for number in range(kills(place, extent, **KILLS)):
        if place == "sqlite":
            url = str(tmp_path / f"{number}.db")
        else:
            url = neo4j_address(place, request, monkeypatch)
        if what == "rebuild":
            copy_into(url, str(source), lambda *_: None)
        # A file is restored in one step, of which nothing is told.
        wanted = 0 if (what, place) == ("restore", "sqlite") else random.randrange(PARTS - 1)
        cut += killed(work, random, wanted, url, given)
        found = answers(url) if place != "sqlite" or Path(url).exists() else None
        assert found in (None, expected), number
        if what != "restore" or found is None:
            work(url, given, lambda *_: None)
        assert answers(url) == expected, number
    assert cut


@pytest.mark.parametrize("place", PLACES)
def test_a_migration_may_be_killed_at_any_moment(place, request, monkeypatch, tmp_path, extent):
    random, cut = Random(9 + extent), 0
    monkeypatch.setenv("LINEAGE_BACKUPS", str(tmp_path / "backups"))
    sqlite = place == "sqlite"
    for number in range(kills(place, extent, **KILLS)):
        if sqlite:
            url = str(tmp_path / f"{number}.db")
            shutil.copy(OLD / "layout-1.db", url)
        else:
            url = neo4j_address(place, request, monkeypatch)
            load(url)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            with suppress(BaseException):
                os.write(writing, b".")
                lineage.open(url).close()
                os.write(writing, b"!")
            os._exit(0)
        os.close(writing)
        os.read(reading, 1)
        time.sleep(random.uniform(0, 0.03 if sqlite else 1.5))
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        cut += os.read(reading, 1) != b"!"
        os.close(reading)
        with lineage.open(url, clock=clock) as store:
            verdict = store.verify()
            root = ROOT if sqlite else NEO4J_ROOT
            assert (verdict.state, verdict.entries, verdict.root) == ("intact", 14, root)
            assert (store.stats().nodes, store.stats().edges) == (20, 15)
            assert store.context.person_key == KEY
    assert cut


def test_a_backup_is_taken_while_a_server_writes(tmp_path):
    """Of one moment, whatever is written meanwhile."""
    path = tmp_path / "s.db"
    with open_at(str(path)) as store:
        store.ingest(next(batches()))
    child = os.fork()
    if child == 0:
        with suppress(BaseException), open_at(str(path)) as store:
            for batch in batches(400):
                store.ingest(batch)
        os._exit(0)
    try:
        with open_at(str(path)) as store:
            for number in range(5):
                made = store.backup(tmp_path / f"{number}.db")
                with lineage.open(tmp_path / f"{number}.db") as copied:
                    verdict = copied.verify()
                    assert (verdict.state, verdict.root) == ("intact", made.root)
                assert store.verify().state == "intact"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with closing(sqlite3.connect(tmp_path / "4.db")) as last:
        assert last.execute("SELECT count(*) FROM entry").fetchone()[0] >= 1

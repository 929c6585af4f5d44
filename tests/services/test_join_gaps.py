# SPDX-License-Identifier: Apache-2.0
"""What joining did not find is said beside answers, with the command that closes it, until it is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

import lineage
from lineage.app import open_store
from lineage.errors import StoreUnreachable
from lineage.model import kinds
from lineage.model.record import Batch
from lineage.services.operate.replicate import copy
from lineage.services.read import imported
from lineage.services.write import join
from lineage.store.sqlite.engine import SqliteStore
from tests.services.test_joins import BIG, LOCK, project, run, runs, store  # noqa: F401 - fixtures


def test_the_command_that_closes_a_gap_names_one_run(store, tmp_path):  # noqa: F811 - the fixtures
    (tmp_path / "uv.lock").write_text(LOCK.format(numpy="2.3.1"))
    for name in ("lone", "train", "again"):
        ident = f"urn:lineage:run:mlflow:lab/{name}"
        label = "train" if name == "again" else name
        store.ingest(Batch(nodes=(kinds.Run(id=ident, label=label).node(),)))
    for name, meant in (("lone", "run:lone"), ("train", "urn:lineage:run:mlflow:lab/train")):
        (gap,) = (
            gap
            for gap in store.trace(f"urn:lineage:run:mlflow:lab/{name}").certificate.gaps
            if gap.code == "environment-unknown"
        )
        assert gap.command == f"lineage import LOCKFILE --for {meant}"
        store.load(tmp_path / "uv.lock", runs=[gap.command.rpartition(" ")[2]])
        codes = {gap.code for gap in store.trace(meant).certificate.gaps}
        assert "environment-unknown" not in codes


def test_runs_that_came_in_since_they_were_last_joined_are_a_gap_until_they_are(store, project):  # noqa: F811 - the fixtures
    commit = project.commit(**{"data/train.csv": BIG, "uv.lock": LOCK.format(numpy="2.3.1")})

    def pending():
        gaps = store.impact("data/train.csv").certificate.gaps
        return [(g.count, g.example, g.command) for g in gaps if g.code == "join-pending"]

    store.load(project.root)
    assert pending() == []
    store.ingest(run("baseline", commit, "data/train.csv"))
    assert pending() == [(1, "python", "lineage join")]
    assert runs(store.impact("data/train.csv")) == set()
    store.join()
    assert pending() == []
    assert runs(store.impact("data/train.csv")) == {"baseline"}


def test_entries_that_were_not_looked_through_are_not_taken_for_joined(store, project, monkeypatch):  # noqa: F811 - the fixtures
    commit = project.commit(**{"data/train.csv": BIG})
    store.load(project.root)
    monkeypatch.setattr(imported, "_MOST_ENTRIES", 2)
    for name in ("one", "two", "three"):
        store.ingest(run(name, commit, "data/train.csv"))
    (gap,) = (
        g for g in store.impact("data/train.csv").certificate.gaps if g.code == "join-pending"
    )
    assert (gap.count, gap.message.startswith("at least 2 entries came in")) == (2, True)
    store.join()
    codes = {g.code for g in store.impact("data/train.csv").certificate.gaps}
    assert "join-pending" not in codes


def test_a_join_that_is_broken_off_says_so_until_it_is_done_again(tmp_path, project, monkeypatch):  # noqa: F811 - the fixtures
    commit = project.commit(**{"data/train.csv": BIG, "uv.lock": LOCK.format(numpy="2.3.1")})
    write = SqliteStore.write_all

    def unfinished(opened):
        gaps = opened.trace("run:baseline").certificate.gaps
        return [gap.command for gap in gaps if gap.code == "import-unfinished"]

    def broken(self, writes, *given):
        if any(len(one) for one in writes):
            raise StoreUnreachable("the server went away")
        return write(self, writes, *given)

    with lineage.open(tmp_path / "s.db") as opened:
        opened.load(project.root)
        opened.ingest(run("baseline", commit, "data/train.csv"))
        monkeypatch.setattr(join, "BATCH_RECORDS", 1)
        monkeypatch.setattr(SqliteStore, "caps", replace(SqliteStore.caps, records=1))
        monkeypatch.setattr(SqliteStore, "write_all", broken)
        with pytest.raises(StoreUnreachable):
            opened.join()
        assert unfinished(opened) == ["lineage join"]
        monkeypatch.setattr(SqliteStore, "write_all", write)
        opened.join()
        assert unfinished(opened) == []
        assert runs(opened.impact("data/train.csv")) == {"baseline"}


def test_where_there_is_nothing_to_join_with_nothing_is_pending(store):  # noqa: F811 - the fixtures
    store.ingest(run("baseline", None))
    assert "join-pending" not in {g.code for g in store.trace("run:baseline").certificate.gaps}


def test_a_copy_knows_what_its_source_does_not(store, project, tmp_path):  # noqa: F811 - the fixtures
    commit = project.commit(**{"data/train.csv": BIG, "uv.lock": LOCK.format(numpy="2.3.1")})
    store.ingest(run("baseline", commit, "/home/ana/train.csv"))
    store.ingest(run("bare", None))
    store.load(project.root)

    def gaps(opened):
        asked = (opened.impact("data/train.csv"), opened.ask('kind:run and package:"numpy"'))
        told = [gap for answer in asked for gap in answer.certificate.gaps]
        return {(gap.code, gap.count) for gap in told}

    assert {code for code, _ in gaps(store)} == {"data-unjoined", "environment-unknown"}
    target = open_store(str(tmp_path / "copy.db"))
    for _ in range(2):
        copy(store.store, target)
        with lineage.open(tmp_path / "copy.db") as other:
            assert gaps(other) == gaps(store)
        store.ingest(run("another", None))
        store.join()
    target.close()

# SPDX-License-Identifier: Apache-2.0
"""What every importer promises: one clear error for what it cannot read, the same records twice."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from importlib import metadata

import pytest

import importers
import lineage
from importers.base import Options, Source
from lineage.demo import project
from lineage.errors import BadInput, LineageError
from lineage.formats import rocrate
from lineage.model import check
from lineage.model.record import Batch, Node, line
from lineage.services.read.discover import discover
from tests.conftest import KEY

_AS_ANA = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org"]
CATALOG = """apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: churn
spec:
  owner: team-a
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata:
  name: team-a
spec:
  members: [ana]
"""
NAMES = [importer.name for importer in importers.available()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The demo's project, which holds something for every importer."""
    path = tmp_path_factory.mktemp("real") / "project"
    project.finish(project.begin(path))
    document = {"prefix": {"ex": "http://example.org/"}, "entity": {"ex:a": {}}}
    (path / "doc.json").write_text(json.dumps(document))
    entity = Node(id="http://example.org/a", kind="Artifact", label="a")
    (path / "lab.crate.zip").write_bytes(rocrate.FORMAT.dumps(Batch(nodes=(entity,))))
    run = {"runId": "ea041791-68bc-4ae1-bd89-4c8106a157e4"}
    about = {"run": run, "job": {"namespace": "etl", "name": "load"}, "producer": "urn:p"}
    read = {"eventType": "START", "inputs": [{"namespace": "db", "name": "raw"}]}
    made = {"eventType": "COMPLETE", "outputs": [{"namespace": "db", "name": "clean"}]}
    owned = path / "owned"
    owned.mkdir()
    (owned / "CODEOWNERS").write_text("* @ana\n")
    (owned / "catalog-info.yaml").write_text(CATALOG)
    for command in (["init", "-q"], ["add", "."], [*_AS_ANA, "commit", "-qm", "Owners"]):
        subprocess.run(["git", *command], cwd=owned, check=True)
    told = [{**about, **more, "eventTime": "2026-01-02T03:04:05Z"} for more in (read, made)]
    (path / "events.ndjson").write_text("\n".join(map(json.dumps, told)))
    shutil.copy(run_captured(tmp_path_factory.mktemp("run")), path / "captured.run")
    return path


def run_captured(place):
    """The file of a run that was captured, of a program that reads and writes."""
    (place / "in.csv").write_text("a,b\n" * 30)
    spool = place / "spool"
    command = [sys.executable, "-c", "from lineage.cli import main; main()", "run"]
    words = ["--in", "in.csv", "--out", "out.csv", "--", "cp", "in.csv", "out.csv"]
    environ = {**os.environ, "LINEAGE_SPOOL": str(spool), "LINEAGE_STORE": str(place / "no.db")}
    subprocess.run([*command, *words], cwd=place, env=environ, capture_output=True, check=True)
    [found] = spool.glob("*.run")
    return found


def source_for(name, folder):
    inside = {
        "backstage": "owned",
        "captured": "captured.run",
        "codeowners": "owned",
        "document": "doc.json",
        "lockfile": "uv.lock",
        "mlflow": "mlflow.db",
        "openlineage": "events.ndjson",
        "rocrate": "lab.crate.zip",
    }
    return Source.of(folder / inside.get(name, ""))


def records(name, folder):
    options = Options(person_key=KEY)
    return list(importers.named(name).read(source_for(name, folder), options))


@pytest.mark.parametrize("name", NAMES)
def test_a_real_source_gives_sound_records_and_the_same_ones_again(name, folder):
    first, again = records(name, folder), records(name, folder)
    assert sum(map(len, first)) > 0
    assert [list(map(line, b.records)) for b in first] == [
        list(map(line, b.records)) for b in again
    ]
    for batch in first:
        assert [f for f in check.check(batch) if f.fatal] == []
    assert any(batch.seen for batch in first)


@pytest.mark.parametrize("name", NAMES)
def test_a_real_source_is_recognised_and_importing_it_twice_adds_nothing(name, folder):
    source = source_for(name, folder)
    assert name in {importer.name for importer in importers.sniff(source)}
    with lineage.open("memory:", person_key=KEY) as store:
        first, *_ = store.load(source.address, named=name)
        (again,) = store.load(source.address, named=name)
        assert (again.added, again.retracted, again.entries) == (0, 0, ())
        assert first.added == again.unchanged > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_source_that_was_moved_is_the_source_that_it_was(name, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "moved", symlinks=True)
    with lineage.open("memory:", person_key=KEY) as store:
        for lies in (folder, tmp_path / "moved"):
            report, *_ = store.load(source_for(name, lies).address, named=name)
        assert (report.things, report.added, report.retracted) == (0, 0, 0)
        assert report.unchanged > 0


def garbage(folder, name):
    """Things that are not what the importer reads."""
    folder.mkdir()
    (folder / "binary").write_bytes(bytes(range(256)) * 64)
    (folder / "empty").write_bytes(b"")
    (folder / "text").write_text("nothing of that kind\n" * 20)
    (folder / "nothing-inside").mkdir()
    with sqlite3.connect(folder / "other.db") as db:
        db.execute("CREATE TABLE other (x)")
    return [*sorted(folder.iterdir()), folder / "not-there"]


@pytest.mark.parametrize("name", NAMES)
def test_what_an_importer_cannot_read_is_one_error_and_nothing_is_written(name, tmp_path):
    with lineage.open("memory:") as store:
        for path in garbage(tmp_path / "bad", name):
            with pytest.raises(LineageError) as caught:
                store.load(path, named=name)
            assert caught.value.code
            assert caught.value.hint
            assert caught.value.exit_code == 2, (path, caught.value)
        assert store.stats().entries == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_source_cut_off_anywhere_is_read_in_part_or_refused_but_never_crashes(
    name, folder, tmp_path
):
    source = source_for(name, folder)
    for share in (0.1, 0.35, 0.6, 0.9, 0.99):
        copy = tmp_path / f"{name}-{share}"
        if source.path.is_dir():
            shutil.copytree(source.path, copy, symlinks=True)
            files = [p for p in sorted(copy.rglob("*")) if p.is_file() and _belongs(name, p)]
        else:
            copy = copy.with_suffix(source.path.suffix) if name != "lockfile" else copy / "uv.lock"
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(source.path, copy)
            files = [copy]
        for file in files:
            data = file.read_bytes()
            file.chmod(0o600)
            file.write_bytes(data[: int(len(data) * share)])
        try:
            found = list(importers.named(name).read(Source.of(copy), Options(person_key=KEY)))
        except BadInput as error:
            assert error.hint
        else:
            assert all(not f.fatal for batch in found for f in check.check(batch))


def _belongs(name, path):
    """The files to cut: git's objects, or what DVC wrote."""
    if name in {"git", "codeowners", "backstage"}:
        return "objects" in path.parts
    return path.name in {"dvc.lock", "dvc.yaml"} or path.suffix == ".dvc"


class Counting(importers.Importer):
    """An importer that an installed package offers."""

    name = "counting"

    def sniffs(self, source):
        return source.path is not None and source.path.suffix == ".odd"


def test_what_installed_packages_offer_is_used_and_looked_up_once_a_process(tmp_path, monkeypatch):
    looks = []

    class Point:
        def load(self):
            return Counting

    def entry_points(group):
        looks.append(group)
        return [Point()]

    for name in ("a.odd", "b.odd", "c.txt"):
        (tmp_path / name).write_text("x")
    monkeypatch.setattr(metadata, "entry_points", entry_points)
    importers.available.cache_clear()
    try:
        found = discover(tmp_path).found
        assert importers.named("counting").name == "counting"
    finally:
        importers.available.cache_clear()
    assert [(name, source.path.name) for name, source in found] == [
        ("counting", "a.odd"),
        ("counting", "b.odd"),
    ]
    assert looks == ["lineage.importers"]

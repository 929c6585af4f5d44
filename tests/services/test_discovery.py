# SPDX-License-Identifier: Apache-2.0
"""What lies in a folder is found at any depth, and what is not read is named."""

from __future__ import annotations

import os
import subprocess

import pytest

import lineage
from lineage.errors import BadInput, UnknownFormat
from lineage.services.read.discover import discover

LOCK = 'version = 1\nrequires-python = ">=3.11"\n'
EVENT = (
    '{"eventType":"COMPLETE","eventTime":"2026-05-01T12:00:00Z","producer":"https://e.example/p",'
    '"run":{"runId":"01a21795-a796-785d-9b9c-a08e65315710"},"job":{"namespace":"n","name":"j"}}\n'
)
DOCUMENT = '{"prefix":{"ex":"http://example.org/"},"entity":{"ex:a":{}}}'
META = "artifact_location: a\nexperiment_id: '0'\nlifecycle_stage: active\nname: Default\n"


def write(root, **files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def git(folder, *command):
    folder.mkdir(parents=True, exist_ok=True)
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
    subprocess.run(["git", *who, *command], cwd=folder, check=True, capture_output=True)


def repository(folder):
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "work")


def found(root, **how):
    looked = discover(root, **how)
    return {(name, source.path.relative_to(root).as_posix()) for name, source in looked.found}


def unread(root):
    return {(one.what, one.path) for one in discover(root).unread}


def test_sources_are_found_at_any_depth_whatever_lies_above_them(tmp_path):
    write(
        tmp_path,
        **{
            "uv.lock": LOCK,
            "a/uv.lock": LOCK,
            "a/events.ndjson": EVENT,
            "a/b/c/d/e/f/document.json": DOCUMENT,
            "a/mlruns/0/meta.yaml": META,
            "week-02/mlruns/0/meta.yaml": META,
            "week-02/tracking/0/meta.yaml": META,
        },
    )
    assert found(tmp_path) == {
        ("lockfile", "."),
        ("lockfile", "a"),
        ("openlineage", "a/events.ndjson"),
        ("document", "a/b/c/d/e/f/document.json"),
        ("mlflow", "a"),
        ("mlflow", "week-02"),
        ("mlflow", "week-02/tracking"),
    }


def test_many_small_files_before_it_do_not_hide_a_source(tmp_path):
    write(tmp_path, **{f"data/{number}.txt": "x" for number in range(3_000)})
    write(tmp_path, **{"service/uv.lock": LOCK})
    assert found(tmp_path) == {("lockfile", "service")}


def test_where_it_stopped_is_said(tmp_path):
    write(tmp_path, **{f"{name}/{n}.txt": "x" for name in "abc" for n in range(10)})
    cut = discover(tmp_path, most=20).cut
    assert cut == "stopped after 20 files and folders, before b"
    assert "seconds" in discover(tmp_path, seconds=-1.0).cut
    assert discover(tmp_path).cut is None


def test_a_repository_inside_one_is_named_and_looked_into_on_request(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    repository(tmp_path)
    repository(tmp_path / "data")
    write(tmp_path, **{"data/uv.lock": LOCK})
    assert found(tmp_path) == {("git", ".")}
    (one,) = discover(tmp_path).unread
    assert (one.path, one.command) == ("data", "lineage import data")
    assert found(tmp_path, submodules=True) == {("git", "."), ("git", "data"), ("lockfile", "data")}


def test_repositories_in_a_folder_that_is_none_are_all_looked_into(tmp_path):
    for name in ("one", "two"):
        repository(tmp_path / name)
    assert found(tmp_path) == {("git", "one"), ("git", "two")}
    assert unread(tmp_path) == set()


def test_a_repository_inside_one_of_several_is_named_too(tmp_path):
    for name in ("one", "one/libs/vendor", "two"):
        repository(tmp_path / name)
    assert found(tmp_path) == {("git", "one"), ("git", "two")}
    assert [seen.path for seen in discover(tmp_path).unread] == ["one/libs/vendor"]
    assert ("git", "one/libs/vendor") in found(tmp_path, submodules=True)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("wandb/run-20260101_120000-ab12/run-ab12.wandb", ("W&B runs", "wandb")),
        ("deep/dbt_project.yml", ("dbt project", "deep/dbt_project.yml")),
        ("Manifest.toml", ("Julia environment", "Manifest.toml")),
        (".aim/meta", ("Aim runs", ".aim")),
    ],
)
def test_what_is_recognised_and_not_read_is_named(tmp_path, name, what):
    write(tmp_path, **{name: "x"})
    assert unread(tmp_path) == {what}
    reports = lineage.open("memory:").load(tmp_path)
    assert [report.importer for report in reports] == ["folder"]
    assert reports[0].losses[0].what == what[0]


def test_what_is_too_large_or_cannot_be_opened_is_named(tmp_path, monkeypatch):
    write(tmp_path, **{"a/uv.lock": LOCK, "closed/uv.lock": LOCK, "big.db": "", "b/bigger.db": ""})
    for name in ("big.db", "b/bigger.db"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(65 * 1024 * 1024)
    opened = os.scandir

    def scandir(folder):
        if folder == tmp_path / "closed":
            raise PermissionError(13, "Permission denied")
        return opened(folder)

    monkeypatch.setattr("os.scandir", scandir)
    assert found(tmp_path) == {("lockfile", "a")}
    told = {one.what: one for one in discover(tmp_path).unread}
    assert told["folder"].path == "closed"
    assert told["folder"].reason == "it cannot be opened: Permission denied"
    assert told["large file"].path == "big.db"
    assert told["large file"].reason.endswith("like 1 other")
    assert told["large file"].command.startswith("lineage import ")


def test_runs_of_sacred_are_one_line(tmp_path):
    for run in ("1", "2"):
        write(tmp_path, **{f"runs/{run}/{name}.json": "{}" for name in ("run", "config")})
        write(tmp_path, **{f"runs/{run}/cout.txt": ""})
    (one,) = discover(tmp_path).unread
    assert (one.what, one.path) == ("Sacred runs", "runs")
    assert "2 runs" in one.reason


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.html", "<!DOCTYPE html><html><head><title>x</title></head></html>"),
        ("activate.R", "local({\n  version <- '1.0'\n})\n"),
        ("plot.svg", '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
        ("pom.xml", '<?xml version="1.0"?><project xmlns="http://maven.apache.org/POM/4.0.0"/>'),
        ("note.ipynb", '{"cells": [], "metadata": {}}'),
        ("data.json", '{"a": [1, 2]}'),
        ("facet.json", '{"parent": {"run": {"runId": "x"}}}'),
        ("coverage.json", '{"used": 12, "entity": "x", "agent": ["y"]}'),
    ],
)
def test_what_only_begins_like_a_document_is_passed_over_in_silence(tmp_path, name, text):
    write(tmp_path, **{name: text})
    assert (found(tmp_path), unread(tmp_path)) == (set(), set())
    with pytest.raises(UnknownFormat, match="nothing in"):
        lineage.open("memory:").load(tmp_path)


def test_one_source_that_cannot_be_read_costs_that_source(tmp_path):
    write(tmp_path, **{"a/uv.lock": LOCK, "b.provn": "document\n  entity(ex:a\nendDocument\n"})
    store = lineage.open("memory:")
    *read, told = store.load(tmp_path)
    assert [report.importer for report in read] == ["lockfile"]
    assert (told.importer, told.losses[0].what) == ("folder", "sources")
    assert "b.provn" in told.losses[0].reason
    (tmp_path / "a" / "uv.lock").unlink()
    with pytest.raises(BadInput):
        store.load(tmp_path)


def test_the_files_of_a_bare_repository_are_not_looked_through(tmp_path):
    repository(tmp_path / "work")
    git(tmp_path, "clone", "-q", "--bare", "work", "bare")
    write(tmp_path / "bare", **{"hooks/events.ndjson": EVENT, "events.ndjson": EVENT})
    assert found(tmp_path / "bare") == {("git", ".")}

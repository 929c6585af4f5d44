# SPDX-License-Identifier: Apache-2.0
"""Where projects of DVC are: begun only, inside other repositories, in folders of one, in its history."""

from __future__ import annotations

import shutil

import pytest

from importers.base import Source
from importers.dvc import IMPORTER
from tests.importers.dvc_locks import entry, git, lock, md5, one, records

TRACKED = f"outs:\n- {entry('d.csv', md5('d'), 500)}\n"


@pytest.mark.parametrize("committed", [True, False])
def test_a_project_that_has_only_been_initialised_takes_nothing_else_with_it(
    new_repository, opened, committed
):
    project = new_repository()
    project.commit("start", {"requirements.txt": "numpy==2.0.0\n"})
    project.write({".dvc/config": "[core]\n    analytics = false\n"})
    if committed:
        project.commit("dvc init", {})
    reports = {report.importer: report for report in opened.load(project.path)}
    assert reports.keys() == {"git", "dvc", "lockfile"}
    assert reports["git"].added
    assert reports["lockfile"].added
    assert not reports["dvc"].added
    [loss] = reports["dvc"].losses
    assert loss.reason.startswith("nothing to read yet")


def test_a_range_of_commits_without_dvc_is_no_error(new_repository):
    project = new_repository()
    project.commit("run", {"dvc.lock": lock()})
    project.commit("later", {"README": "x"})
    *_, losses, _ = records(project.path, revisions="HEAD~1..HEAD")
    assert [loss.reason for loss in losses] == [
        "nothing to read yet: no dvc.lock, dvc.yaml or .dvc file, in these commits"
    ]


@pytest.fixture
def registry(new_repository):
    inner = new_repository("registry")
    inner.commit("data", {"d.csv.dvc": TRACKED, ".dvc/config": ""})
    return inner


@pytest.mark.parametrize("place", ["data", "third party/data"])
@pytest.mark.parametrize("own", [True, False])
def test_a_repository_inside_is_named_with_the_command_that_reads_it(
    new_repository, registry, opened, monkeypatch, place, own
):
    app = new_repository("app")
    app.commit(
        "app", {"requirements.txt": "numpy==2.0.0\n"} | ({"dvc.lock": lock()} if own else {})
    )
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add")
    app.git(*add, str(registry.path), place)
    app.git("commit", "-qm", "data as a submodule")
    monkeypatch.chdir(app.path)
    reports = {report.importer: report for report in opened.load(app.path)}
    assert reports.keys() == {"git", "dvc", "lockfile"}
    said = next(loss for loss in reports["dvc"].losses if loss.what == "repositories inside")
    quoted = f"'{place}'" if " " in place else place
    assert said.reason == (
        f"{place} is a repository of its own, with DVC: lineage import {quoted} reads it"
    )
    assert bool(reports["dvc"].added) is own
    assert {report.importer for report in opened.load(place)} >= {"git", "dvc"}
    assert "d.csv" in {n.attributes.get("name") for n in opened.find("d.csv").nodes}


def test_a_submodule_without_dvc_is_nothing_to_dvc(new_repository):
    inner, app = new_repository("inner"), new_repository("app")
    inner.commit("code", {"x.py": "1"})
    app.commit("app", {"README": "x"})
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add")
    app.git(*add, str(inner.path), "inner")
    app.git("commit", "-qm", "code as a submodule")
    assert not IMPORTER.sniffs(Source.of(app.path))
    app.write({".gitmodules": '[submodule "x"]\n\tpath = ../registry\n'})
    new_repository("registry").commit("data", {"d.csv.dvc": TRACKED})
    assert not IMPORTER.sniffs(Source.of(app.path))


@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.parametrize("gone", [True, False])
def test_a_project_deep_in_a_repository_or_only_in_its_history_is_found(
    new_repository, tmp_path, bare, gone
):
    project = new_repository()
    project.commit("run", {"a/b/c/dvc.lock": lock()})
    if gone:
        shutil.rmtree(project.path / "a")
        project.commit("tidied away", {})
    path = project.path
    if bare:
        git(tmp_path, "clone", "-q", "--bare", str(path), "bare")
        path = tmp_path / "bare"
    assert IMPORTER.sniffs(Source.of(path))
    nodes, *_ = records(path)
    assert one(nodes, "Run").attributes["stage"] == "a/b/c/dvc.yaml:train"

# SPDX-License-Identifier: Apache-2.0
"""Repositories in every form that git gives them, and machines on which something does not work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.capture.sources import captured, git_files, given_back, repository, states

FORMS = {
    "index of version 4": [("update-index", "--index-version", "4")],
    "split index": [("update-index", "--split-index")],
    "untracked cache": [("update-index", "--untracked-cache"), ("status",)],
    "sparse checkout": [("sparse-checkout", "set", "--cone", "a")],
    "sparse index": [("sparse-checkout", "set", "--cone", "--sparse-index", "a")],
    "packed": [("gc", "-q"), ("pack-refs", "--all")],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_index_gives_the_same_state(project, form):
    project.commit("begin", {"a/x.py": "1\n", "a/y.py": "1\n", "b/z.py": "1\n", "c/d/e.py": "1\n"})
    for command in FORMS[form]:
        project.git(*command)
    clean = repository(captured(project.path))
    assert (clean["dirty"], clean["kept"]) == (False, clean["head"])
    project.write({"a/x.py": "2\n", "a/new.py": "3\n"})
    (project.path / "a/y.py").unlink()
    before = git_files(project.path)
    facts = repository(captured(project.path))
    assert git_files(project.path) == before
    assert states(facts) == {"a/x.py": "unstaged", "a/new.py": "untracked", "a/y.py": "unstaged"}
    assert given_back(project.path, facts["kept"]) == {
        "a/x.py": b"2\n",
        "a/new.py": b"3\n",
        "b/z.py": b"1\n",
        "c/d/e.py": b"1\n",
    }


def test_a_repository_of_sha256_is_kept_alike(new_repository):
    project = new_repository("new", "--object-format=sha256")
    project.commit("begin", {"train.py": "1\n"})
    project.write({"train.py": "2\n", **{f"{x}.txt": f"{x}\n" for x in range(101)}})
    facts = repository(captured(project.path))
    assert len(facts["kept"]) == 64
    assert given_back(project.path, facts["kept"])["train.py"] == b"2\n"
    assert facts["commit"]["algorithm"] == "sha256"
    project.git("fsck", "--strict")


def test_of_a_partial_clone_nothing_is_fetched(project, tmp_path):
    project.commit("begin", {"train.py": "1\n", "data/large.bin": "left out\n"})
    project.git("config", "uploadpack.allowFilter", "true")
    project.git(
        *("clone", "-q", "--filter=blob:none", "--sparse"),
        *(f"file://{project.path}", str(tmp_path / "clone")),
    )
    clone = type(project)(tmp_path / "clone")
    assert not (clone.path / "data").exists()
    shutil.move(project.path, tmp_path / "gone")
    clone.write({"train.py": "2\n"})
    found = captured(clone.path / "train.py")
    facts = repository(found)
    assert clone.git("cat-file", "blob", f"{facts['kept']}:train.py") == "2"
    assert facts["complete"]
    assert "partial" in found.unseen[f"patch-id of {clone.path}"]


def test_what_cannot_be_kept_is_described_and_the_reason_said(project):
    project.commit("begin", {"train.py": "1\n"})
    project.write({"train.py": "2\n"})
    (project.path / ".git/refs/lineage").write_text("in the way\n")
    found = captured(project.path / "train.py")
    facts = repository(found)
    assert (facts["kept"], facts["kept_ref"], facts["dirty"]) == (None, None, True)
    assert facts["tree"] is not None
    assert f"kept state of {project.path}" in found.unseen


def test_where_no_more_bytes_fit_the_state_is_described_and_the_reason_said(project):
    project.commit("begin", {"train.py": "1\n"})
    project.write({"train.py": os.urandom(100_000).hex()})
    code = (
        "import resource, sys; from pathlib import Path; from lineage.capture.found import Budget\n"
        "from lineage.capture.probes import source\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "found = source.probe([(Path(sys.argv[1]), 'script')], budget=Budget(60))\n"
        "facts = found.facts['repositories'][0]\n"
        "print(facts['dirty'], facts['kept'], [x for x in found.unseen if 'kept state' in x])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, project.path / "train.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == f"True None ['kept state of {project.path}']\n"


def test_a_file_that_cannot_be_read_is_withheld_and_a_pipe_is_not_waited_for(project):
    project.commit("begin", {"train.py": "1\n", "pipe": "1\n"})
    (project.path / "pipe").unlink()
    os.mkfifo(project.path / "pipe")
    os.mkfifo(project.path / "untracked-pipe")
    found = captured(project.path / "train.py")
    facts = repository(found)
    assert {*states(facts)} <= {"pipe"}
    assert {*given_back(project.path, facts["kept"])} == {"train.py"}


def test_when_time_runs_short_files_are_left_out_and_the_rest_is_kept(project):
    project.commit("begin", {"train.py": "1\n"})
    text = "token_type = secret_name(key)\n" * 20_000
    project.write({f"{x:03}.py": f"{text}{x}" for x in range(80)})
    found = captured(project.path / "train.py", seconds=1.5)
    facts = repository(found)
    late = [x["path"] for x in facts["withheld"] if x["reason"] == "the time was over"]
    assert late
    assert facts["complete"] is False
    if facts["kept"]:
        assert not {*late} & {*given_back(project.path, facts["kept"])}


def test_the_files_are_kept_before_git_walks_through_a_long_past(project, tmp_path, monkeypatch):
    head = project.commit("begin", {"train.py": "1\n"})
    project.write({"train.py": "2\n"})
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(
        f'#!/bin/sh\ncase "$*" in *max-parents*) exec sleep 60;; esac\nexec {shutil.which("git")} "$@"\n'
    )
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}{os.pathsep}{os.environ['PATH']}")
    found = captured(project.path, seconds=2)
    facts = repository(found)
    assert given_back(project.path, facts["kept"]) == {"train.py": b"2\n"}
    assert (facts["namespace"], facts["commit"]["sha"]) == (None, head)
    assert found.unseen[f"root commit of {project.path}"] == "the time was over"

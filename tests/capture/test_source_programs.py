# SPDX-License-Identifier: Apache-2.0
"""No program of the repository is run, and no file that git ignores is opened."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys

import pytest

from lineage.capture.found import Budget
from lineage.capture.probes import source
from tests.capture.sources import captured, given_back, repository, states
from tests.importers.test_git_hostile import MATRIX, poison


@pytest.fixture
def trap(tmp_path):
    """A program that leaves a file where it was run, and hands on its input."""
    marker, program = tmp_path / "was-run", tmp_path / "trap"
    program.write_text(f"#!/bin/sh\necho $0 $* >> {marker}\nexec cat\n")
    program.chmod(0o755)
    return program, marker


#: Settings by which each program is run by `git status`, `git add` or `git commit`.
PROGRAMS = [
    {"core.fsmonitor": "{}"},
    {"core.hooksPath": "{hooks}"},
    {"filter.evil.clean": "{}", "filter.evil.smudge": "{}", "filter.evil.required": "true"},
    {"filter.evil.process": "{}"},
    {"diff.evil.textconv": "{}", "diff.evil.command": "{}", "diff.external": "{}"},
    {"include.path": "{included}"},
    {"includeIf.gitdir:/**.path": "{included}"},
    {"core.sshCommand": "{}", "core.askPass": "{}", "credential.helper": "!{}"},
    {"gpg.program": "{}", "commit.gpgSign": "true", "log.showSignature": "true"},
    {"core.pager": "{}", "core.editor": "{}", "alias.status": "!{}", "alias.write-tree": "!{}"},
    {
        "extensions.partialClone": "origin",
        "remote.origin.url": "ext::{}",
        "protocol.ext.allow": "always",
    },
]


@pytest.mark.parametrize("everywhere", [False, True], ids=["repository", "person"])
@pytest.mark.parametrize("settings", PROGRAMS, ids=lambda x: next(iter(x)))
def test_no_program_that_settings_name_is_run(
    project, trap, tmp_path, monkeypatch, settings, everywhere
):
    program, marker = trap
    project.commit(
        "begin", {"a.py": "1\n", "b.py": "1\n", ".gitattributes": "* filter=evil diff=evil\n"}
    )
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    names = ("post-index-change", "reference-transaction", "pre-commit", "post-checkout")
    for name in (*names, "fsmonitor-watchman"):
        shutil.copy(program, hooks / name)
        shutil.copy(program, project.path / ".git/hooks" / name)
    included = tmp_path / "included"
    included.write_text(f'[core]\n\tfsmonitor = {program}\n[filter "evil"]\n\tclean = {program}\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    for key, value in settings.items():
        for name, what in (("{}", program), ("{hooks}", hooks), ("{included}", included)):
            value = value.replace(name, str(what))  # noqa: PLW2901
        where = ["--file", str(tmp_path / ".gitconfig")] if everywhere else []
        project.git("config", *where, key, value)
    marker.unlink(missing_ok=True)
    project.write({"a.py": "2\n", "new.py": "3\n"})
    before = source.probe([(project.path, "script")], budget=Budget(60))
    source.after(before, budget=Budget(60))
    assert not marker.exists(), marker.read_text()
    assert states(repository(before)) == {"a.py": "unstaged", "new.py": "untracked"}
    assert given_back_raw(project, repository(before)["kept"], "new.py") == "3"


@pytest.mark.parametrize(("key", "value", "attributes", "_"), MATRIX, ids=[x[0] for x in MATRIX])
def test_no_setting_that_the_reader_of_history_is_tested_with_runs_its_program(
    evil, tmp_path, monkeypatch, key, value, attributes, _
):
    monkeypatch.setenv("HOME", str(tmp_path))
    poison(evil, tmp_path, key, value, attributes)
    evil.write({"a": "edited\n", "new": "new\n"})
    (tmp_path / "canary").unlink(missing_ok=True)
    before = source.probe([(evil.path, "script")], budget=Budget(10))
    source.after(before, budget=Budget(10))
    assert not (tmp_path / "canary").exists()
    facts = repository(before)
    assert evil.git("cat-file", "blob", f"{facts['kept']}:a") == "edited"
    assert evil.git("cat-file", "blob", f"{facts['kept']}:new") == "new"


def given_back_raw(project, commit, path):
    """A file of a commit; unlike `git archive`, `cat-file` runs no filter."""
    return project.git("-c", "core.fsmonitor=false", "cat-file", "blob", f"{commit}:{path}")


def test_the_trap_goes_off_where_git_is_run_without_care(project, trap):
    program, marker = trap
    project.commit("begin", {"a.py": "1\n", ".gitattributes": "* filter=evil\n"})
    project.git("config", "filter.evil.clean", str(program))
    project.write({"a.py": "2\n"})
    project.git("add", "a.py")
    assert marker.exists()


@pytest.fixture
def large_files(project, tmp_path, monkeypatch):
    """A fresh clone with a filter like that of Git LFS: pointers in git, the objects in the work tree."""
    objects = tmp_path / "objects"
    objects.mkdir()
    (tmp_path / "clean").write_text(
        f"#!/bin/sh\ncat > {objects}/new; d=$(sha256sum < {objects}/new | cut -c1-64)\n"
        f"s=$(wc -c < {objects}/new | tr -d ' '); mv {objects}/new {objects}/$d\n"
        "printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:%s\\nsize %s\\n' $d $s\n"
    )
    (tmp_path / "smudge").write_text(
        f"#!/bin/sh\nd=$(sed -n 's/oid sha256://p'); exec cat {objects}/$d\n"
    )
    (tmp_path / ".gitconfig").write_text(
        f'[filter "lfs"]\n\tclean = {tmp_path}/clean\n\tsmudge = {tmp_path}/smudge\n\trequired = true\n'
    )
    for name in ("clean", "smudge"):
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    files: dict = {f"data/{x}.bin": f"object {x}\n" for x in range(5)}
    files["data/large.bin"] = bytes(17 << 20)
    project.commit("begin", files | {".gitattributes": "*.bin filter=lfs -text\n", "a.py": "1\n"})
    project.git("clone", "-q", ".", "../clone")
    return type(project)(project.path.parent / "clone")


def test_a_fresh_clone_with_large_files_is_clean_and_an_edit_is_kept_raw(large_files):
    root = large_files.path
    assert (root / "data/0.bin").read_bytes() == b"object 0\n"
    facts = repository(captured(root))
    assert (facts["dirty"], facts["changes"]) == (False, [])
    (root / "data/0.bin").write_bytes(b"other  0\n")
    for name in ("1", "large"):  # their bytes are what the pointers name
        os.utime(root / f"data/{name}.bin")
    facts = repository(captured(root))
    [change] = facts["changes"]
    assert (change["path"], change["state"], change["filter_not_applied"]) == (
        *("data/0.bin", "unstaged"),
        "lfs",
    )
    assert given_back_raw(large_files, facts["kept"], "data/0.bin") == "other  0"
    assert given_back_raw(large_files, facts["kept"], "data/1.bin").startswith(
        "version https://git-lfs"
    )


def test_a_fresh_clone_with_any_other_filter_is_clean_too(project, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    rules = '[filter "upper"]\n\tclean = tr a-z A-Z\n\tsmudge = tr A-Z a-z\n\trequired = true\n'
    (tmp_path / ".gitconfig").write_text(rules)
    project.commit("begin", {f"{x}.txt": f"text {x}\n" for x in range(20)})
    project.commit("filtered", {".gitattributes": "*.txt filter=upper\n"})
    project.git("add", "--renormalize", ".")
    project.commit("renormalised", {})
    project.git("clone", "-q", ".", "../clone")
    clone = project.path.parent / "clone"
    assert project.git("cat-file", "blob", "HEAD:1.txt") == "TEXT 1"
    assert (clone / "1.txt").read_text() == "text 1\n"
    assert states(repository(captured(clone))) == {}
    (clone / "1.txt").write_text("text x\n")
    facts = repository(captured(clone))
    assert states(facts) == {"1.txt": "unstaged"}
    assert project.git("-C", str(clone), "cat-file", "blob", f"{facts['kept']}:1.txt") == "text x"


@pytest.mark.parametrize("setting", ["core.autocrlf=true", "core.eol=crlf"])
def test_a_fresh_clone_with_other_ends_of_lines_is_clean(project, setting):
    project.commit("begin", {"a.txt": "1\n2\n", ".gitattributes": "*.txt text=auto\n"})
    project.git("clone", "-q", "-c", setting, ".", "../clone")
    clone = project.path.parent / "clone"
    assert (clone / "a.txt").read_bytes() == b"1\r\n2\r\n"
    os.utime(clone / "a.txt")
    assert repository(captured(clone))["dirty"] is False
    (clone / "a.txt").write_bytes(b"1\r\n3\r\n")
    facts = repository(captured(clone))
    oid = next(x["oid"] for x in facts["changes"])
    raw = b"1\r\n3\r\n"
    assert oid == hashlib.sha1(b"blob %d\0" % len(raw) + raw).hexdigest()


def test_the_persons_own_rules_of_what_to_ignore_hold(project, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").write_text("*.swp\n")
    (tmp_path / "more").write_text("[core]\n\texcludesFile = ~/mine\n")
    (tmp_path / ".gitconfig").write_text("[include]\n\tpath = more\n")
    project.commit("begin", {"a.py": "1\n"})
    (project.path / ".git/info/exclude").write_text("*.log\n")
    project.write(
        {"x.swp": "1", "x.log": "1", "sub/.gitignore": "out\n", "sub/out/x": "1", "n.py": "1"}
    )
    assert [*states(repository(captured(project.path)))] == ["n.py", "sub/.gitignore"]


def test_where_people_told_git_to_look_for_no_new_files_none_is_taken_and_that_is_said(project):
    project.commit("begin", {".bashrc": "1\n"})
    project.git("config", "status.showUntrackedFiles", "no")
    project.write({".bashrc": "2\n", "letters/private.txt": "1\n", "try.py": "1\n"})
    found = captured(project.path / "try.py")
    facts = repository(found)
    assert given_back(project.path, facts["kept"]) == {".bashrc": b"2\n"}
    assert facts["complete"] is False
    assert "showUntrackedFiles" in found.unseen[f"untracked files of {project.path}"]
    assert f"source of {project.path / 'try.py'}" in found.unseen


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_nothing_below_an_ignored_folder_is_opened(project, tmp_path):
    project.commit(
        "begin", {"train.py": "1\n", "in/.gitignore": "data/\n", ".gitignore": "/cache/\n"}
    )
    (project.path / ".git/info/exclude").write_text("weights\n")
    for folder in ("in/data", "cache", "weights"):
        project.write({f"{folder}/deep/{x}.bin": "1" for x in range(50)})
    project.write({"weights/new/.git/HEAD": "ref: refs/heads/main\n", "train.py": "2\n"})
    said = tmp_path / "strace"
    code = (
        "import sys; from pathlib import Path; from lineage.capture.found import Budget\n"
        "from lineage.capture.probes import source\n"
        "found = source.probe([(Path(sys.argv[1]), 'script')], budget=Budget(60))\n"
        "assert found.facts['repositories'][0]['kept']"
    )
    subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=%file", "-o", said, sys.executable, "-c", code]
        + [project.path / "train.py"],
        check=True,
    )
    opened = re.findall(r'open(?:at)?\([^"]*"([^"]*)"', said.read_text())
    below = [x for x in opened if re.search(r"(in/data|cache|weights)/", x.replace(sys.prefix, ""))]
    assert any(x.endswith("train.py") for x in opened)
    assert [x for x in below if "pycache" not in x] == []

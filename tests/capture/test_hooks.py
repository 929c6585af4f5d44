# SPDX-License-Identifier: Apache-2.0
"""Git tells which commits it rewrites, where somebody has asked for that; what was there before is as before."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

import lineage
from lineage.cli import main
from lineage.services.write.record import RunInput, record_run
from lineage.sources import run_file

#: Hooks as people have them, by where git looks for them: each writes down how it was called.
TOLD = 'echo "$(basename "$0") $1 $(cat)" >> told; exit 3\n'
HOOKS = {
    "none": {},
    "of sh": {".git/hooks/post-rewrite": f"#!/bin/sh\n{TOLD}"},
    "of Python": {
        ".git/hooks/post-rewrite": "#!/usr/bin/env python3\nimport sys\n"
        "said = ['post-rewrite', sys.argv[1], sys.stdin.read()]\n"
        "open('told', 'a').write(' '.join(said))\nsys.exit(3)\n"
    },
    # husky finds the hook of the project by the name and the folder of its own.
    "of husky 9": {
        ".husky/_/post-rewrite": '#!/usr/bin/env sh\n. "$(dirname "$0")/h"',
        ".husky/_/h": 's=$(dirname "$(dirname "$0")")/$(basename "$0")\nsh -e "$s" "$@"\nexit $?\n',
        ".husky/post-rewrite": TOLD,
    },
    # Its script of before calls the hook around it once more.
    "of husky 8": {
        ".husky/post-rewrite": '#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh"\n' + TOLD,
        ".husky/_/husky.sh": 'if [ -z "$skip" ]; then\n export skip=1\n sh -e "$0" "$@"\n exit $?\nfi\n',
    },
}


@pytest.fixture
def hooks(monkeypatch, capsys):
    """``lineage hooks`` in a folder: what it says, as JSON where it went well."""
    monkeypatch.delenv("LINEAGE_STORE", raising=False)

    def call(folder, word):
        monkeypatch.chdir(folder)
        with pytest.raises(SystemExit) as caught:
            main(["hooks", word, "--json"])
        said = capsys.readouterr()
        return json.loads(said.err)["error"] if caught.value.code else json.loads(said.out)

    return call


def made(new_repository, hooks=(), path=None):
    """A repository with two commits, and a hook that git runs."""
    project = new_repository()
    project.commit("start", {"a": "1", ".gitignore": ".lineage\ntold\n.husky\n"})
    project.commit("train", {"b": "2"})
    project.write(dict(hooks))
    for name in hooks:
        (project.path / name).chmod(0o750)
    if path:
        project.git("config", "core.hooksPath", path)
    return project


def waiting(folder):
    """The pairs of commits that wait in the spool of a folder, by the command that git was given."""
    found = []
    for path in sorted((folder / ".lineage" / "spool").glob("*.run")):
        [event] = run_file.parse(path.read_bytes()).events
        found += [(event["command"], old, new) for old, new in event["pairs"]]
    return found


@pytest.mark.parametrize("kind", HOOKS)
def test_a_hook_that_was_there_is_called_as_before_and_comes_back_byte_for_byte(
    kind, new_repository, hooks
):
    """Case 96."""
    path = {"of husky 9": ".husky/_", "of husky 8": ".husky"}.get(kind)
    project = made(new_repository, HOOKS[kind], path)
    (project.path / "below").mkdir()
    target = project.path / (path or ".git/hooks") / "post-rewrite"
    before = kind != "none" and (target.read_bytes(), target.stat().st_mode)
    assert hooks(project.path / "below", "install") == hooks(project.path, "install")
    said = hooks(project.path, "status")
    assert (said["path"], said["installed"], said["behind"]) == (str(target), True, False)
    assert (said["before"] is None) == (kind == "none")
    old = project.git("rev-parse", "HEAD")
    project.git("commit", "-q", "--amend", "-m", "train, said better")
    new = project.git("rev-parse", "HEAD")
    assert waiting(project.path) == [("amend", old, new)]
    if before:
        assert (project.path / "told").read_text() == f"post-rewrite amend {old} {new}\n"
    assert hooks(project.path, "uninstall")["installed"] is False
    assert [p.name for p in target.parent.glob("post-rewrite*")] == ["post-rewrite"] * bool(before)
    if before:
        assert (target.read_bytes(), target.stat().st_mode) == before


def test_the_run_of_a_commit_that_was_amended_and_rebased_is_found_today(new_repository, hooks):
    """In a linked work tree, where .git is a file; other bytes and another message, so that nothing else finds it."""
    project = made(new_repository)
    hooks(project.path, "install")
    (project.path / ".lineage").mkdir(mode=0o700)
    lineage.open(project.path / ".lineage" / "store.db").close()
    linked = project.path / ".lineage" / "linked"
    old = project.git("rev-parse", "HEAD")
    project.git("worktree", "add", "-q", "-b", "feature", str(linked))
    assert hooks(linked, "status")["installed"] is True
    (linked / "b").write_text("3")
    project.git("-C", str(linked), "commit", "-q", "--all", "--amend", "-m", "better")
    project.git("reset", "-q", "--hard", "HEAD~")
    project.commit("meanwhile", {"c": "1"})
    project.git("-C", str(linked), "rebase", "-q", "main")
    today = project.git("rev-parse", "feature")
    deadline = time.monotonic() + 30
    while list(project.path.glob(".lineage/**/*.run")) and time.monotonic() < deadline:
        time.sleep(0.05)  # who amends does not wait for the store
    with lineage.open(project.path / ".lineage" / "store.db") as store:
        store.load(project.path, named="git")
        record_run(store.context, RunInput(name="trained", commit=old))
        [found] = store.commits("run:trained")
        assert [(match.method, match.sha) for match in found.matches] == [("map", today)]


def test_a_program_that_puts_its_hook_in_front_is_told_of_and_ours_goes_in_front_again(
    new_repository, hooks
):
    """pre-commit moves a hook that it finds aside, and does not hand it what git tells."""
    project = made(new_repository)
    target = project.path / hooks(project.path, "install")["path"]
    target.rename(target.with_name("post-rewrite.legacy"))
    theirs = '#!/bin/sh\n"$0.legacy" "$@" < /dev/null\n'
    target.write_text(theirs)
    target.chmod(0o755)
    project.git("commit", "-q", "--amend", "-m", "unseen")
    assert waiting(project.path) == []
    assert hooks(project.path, "status")["behind"] is True
    assert hooks(project.path, "install")["before"] == f"{target}.before-lineage"
    project.git("commit", "-q", "--amend", "-m", "seen")
    assert len(waiting(project.path)) == 1
    hooks(project.path, "uninstall")
    assert [p.read_text() for p in target.parent.glob("post-rewrite*")] == [theirs]


def test_folders_of_hooks_that_others_have_too_are_refused(new_repository, hooks, tmp_path):
    project = made(new_repository, path=str(tmp_path / "everybodys"))
    error = hooks(project.path, "install")
    assert (error["code"], "other repositories" in error["message"]) == ("usage", True)
    assert not (tmp_path / "everybodys").exists()
    assert hooks(tmp_path, "status")["code"] == "input-missing"


def test_what_git_cannot_have_told_is_one_warning_and_the_hook_never_fails(
    new_repository, hooks, tmp_path
):
    project = made(new_repository)
    target = hooks(project.path, "install")["path"]
    one, other = "1" * 40, "2" * 40

    def call(said):
        return subprocess.run(
            [target, "amend"],
            input=said,
            cwd=project.path,
            capture_output=True,
            text=True,
            check=True,
        ).stderr

    assert call("") == ""
    assert call("rubbish\n") == "lineage: 1 of the lines that git told are no pair of commits\n"
    assert waiting(project.path) == []
    assert call(f"{one} {other}\nrubbish\n").count("\n") == 1
    assert waiting(project.path) == [("amend", one, other)]

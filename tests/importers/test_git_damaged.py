# SPDX-License-Identifier: Apache-2.0
"""Repositories that are damaged, strange or silent: counted, or one error with a hint."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lineage.errors import BadInput, InputMissing, InputTooNew, LineageError
from lineage.sources.git import plumbing
from tests.importers.git_batches import commits, lost, read


def test_commits_that_no_porcelain_would_write_are_kept_and_their_faults_counted(new_repository):
    repo = new_repository()
    good = repo.commit("Good", {"a": "1"})
    tree = repo.git("rev-parse", "HEAD^{tree}")
    head = f"tree {tree}\nparent {good}\nparent {good}\n".encode()
    who = b"Ana <ana@example.org>"
    odd = {
        "bad date": head + b"author %s 99999999999999999 +9999\ncommitter %s 1 -0030\n\nbad date\n" % (who, who),
        "no author": head + b"committer %s 1 +0000\n\nno author\n" % who,
        "caf\u00e9": head + b"author J\xfc <j@x> 1 +0000\ncommitter J\xfc <j@x> 1 +0000\nencoding ISO-8859-1\n\ncaf\xe9\n",
        "not \ufffd utf-8": head + b"author <> 1 +0000\ncommitter x\n\nnot \xff utf-8\n",
        "jj": head + b"author %s 1 +0000\ncommitter %s 1 +0000\nchange-id kzqxwv\ngpgsig -----\n more\n\njj\n" % (who, who),
        "nul a  b": head + b"author %s 1 +0000\ncommitter %s 1 +0000\nencoding rot13\n\nnul a\0\xe2\x80\xae b\n" % (who, who),
    }  # fmt: skip
    for number, data in enumerate(odd.values()):
        repo.git("update-ref", f"refs/tags/t{number}", repo.hash("commit", data))
    batches = read(repo.path)
    nodes = {str(n.attributes["message"]): n.attributes for n in commits(batches).values()}
    assert set(nodes) - {"Good"} == {
        "bad date",
        "no author",
        "caf\u00e9",
        "not \ufffd utf-8",
        "jj",
        "nul a  b",
    }
    assert nodes["bad date"]["committed"] == "1969-12-31T23:30:01-00:30"
    assert "authored" not in nodes["bad date"]
    assert nodes["jj"]["change_id"] == "kzqxwv"
    assert "J\u00fc" in {n.label for n in batches[0].nodes}
    counts = lost(batches)
    assert (counts["dates"], counts["authors and committers"], counts["signatures"]) == (3, 2, 1)


def test_one_damaged_commit_does_not_stop_the_rest(project):
    lonely = project.git("rev-parse", "feature")
    path = project.path / ".git" / "objects" / lonely[:2] / lonely[2:]
    path.chmod(0o644)
    content = path.read_bytes()
    for damage in (content[:10], b"", b"garbage" * 20, None):
        path.unlink(missing_ok=True)
        if damage is not None:
            path.write_bytes(damage)
        batches = read(project.path)
        assert len(commits(batches)) == 3, damage
        assert lost(batches)["commits"] == 1
        assert lost(batches)["refs"] == 1


def test_an_object_that_is_not_what_its_name_promises_is_refused(project):
    genuine, other = (project.git("rev-parse", x) for x in ("feature", "feature~1"))
    folder = project.path / ".git" / "objects"
    target = folder / genuine[:2] / genuine[2:]
    target.chmod(0o644)
    shutil.copyfile(folder / other[:2] / other[2:], target)
    batches = read(project.path)
    assert genuine not in commits(batches)
    assert lost(batches)["commits"] == 1


def test_broken_references_are_counted_and_named(project):
    heads = project.path / ".git" / "refs" / "heads"
    (heads / "cut").write_text("12ab")
    (heads / "gone").write_text("1" * 40)
    (heads / "bad..name").write_text(project.git("rev-parse", "main"))
    (heads / "link").symlink_to("/etc/passwd")
    os.mkfifo(heads / "pipe")
    batches = read(project.path)
    assert lost(batches)["refs"] == 5
    assert "root:" not in str(batches)


def damage_config(text):
    def damage(path: Path) -> None:
        (path / ".git" / "config").write_text(text)

    return damage


def gone_alternates(path: Path) -> None:
    (path / ".git/objects/info/alternates").write_text("/nowhere/objects\n")


def piped_alternates(path: Path) -> None:
    os.mkfifo(path / ".git/objects/info/alternates")


def truncated_pack(path: Path) -> None:
    subprocess.run(["git", "repack", "-adq"], cwd=path, check=True)
    [pack] = (path / ".git/objects/pack").glob("*.pack")
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes()[:40])


def lost_gitdir(path: Path) -> None:
    shutil.rmtree(path / ".git")
    (path / ".git").write_text("gitdir: /nowhere/at/all\n")


@pytest.mark.parametrize(
    ("damage", "kind", "words"),
    [
        (shutil.rmtree, InputMissing, "there is no folder"),
        (lambda path: shutil.rmtree(path / ".git"), BadInput, "not a git repository"),
        (
            lambda path: shutil.rmtree(path / ".git/objects"),
            BadInput,
            "not a git repository|without",
        ),
        (damage_config("[core]\nrepositoryformatversion = 2\n"), InputTooNew, "version 2"),
        (
            damage_config("[core]\nrepositoryformatversion = 1\n[extensions] new = 1\n"),
            InputTooNew,
            "extension new",
        ),
        (
            damage_config(
                "[core]\nrepositoryformatversion=1\n[extensions]\n\trefStorage = reftable"
            ),
            InputTooNew,
            "reftable",
        ),
        (gone_alternates, BadInput, "/nowhere/objects"),
        (piped_alternates, BadInput, "alternates"),
        (truncated_pack, BadInput, "none of its 4 references"),
        (lost_gitdir, BadInput, "/nowhere/at/all"),
    ],
)
def test_what_cannot_be_read_is_one_error_with_a_hint(project, damage, kind, words):
    damage(project.path)
    with pytest.raises(LineageError, match=words) as caught:
        read(project.path)
    assert type(caught.value) is kind
    assert caught.value.where
    assert caught.value.hint


def test_an_address_elsewhere_is_refused_without_a_connection():
    with pytest.raises(BadInput, match="not a folder"):
        read("https://ana:pw@example.org/x.git")


def test_a_git_that_waits_for_ever_is_stopped(project, monkeypatch):
    monkeypatch.setattr(plumbing, "OUTPUT_TIMEOUT", 0.5)
    tip = project.git("rev-parse", "feature")
    path = project.path / ".git" / "objects" / tip[:2] / tip[2:]
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BadInput, match="stopped"):
        read(project.path)

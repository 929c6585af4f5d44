# SPDX-License-Identifier: Apache-2.0
"""A repository that wants to run its programs in the reader's shell does not get to."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from importers.base import Options, Source
from importers.git import IMPORTER
from lineage.errors import LineageError
from lineage.sources.git.reader import GitReader

#: Setting, its value (%s: the payload), attributes of every file, and a command that, run in the
#: repository without a guard, sets the payload off. Without such a command git asks a terminal, a
#: network or a later version first; the reader must be safe from those alike.
MATRIX = [
    ("core.fsmonitor", "%s", "", "status"),
    ("core.hooksPath", "{hooks}", "", "commit --allow-empty -m x"),
    ("core.sshCommand", "%s", "", "ls-remote ssh://nowhere.invalid/x"),
    ("core.pager", "%s", "", "--paginate log -1"),
    ("core.editor", "%s", "", "commit --allow-empty"),
    ("core.gitProxy", "%s", "", "ls-remote git://nowhere.invalid/x"),
    ("core.askPass", "%s", "", None),
    ("diff.external", "%s", "", "diff HEAD~1 HEAD"),
    ("diff.evil.command", "%s", "* diff=evil", "diff HEAD~1 HEAD"),
    ("diff.evil.textconv", "%s", "* diff=evil", "log -p -1"),
    ("filter.evil.clean", "%s", "* filter=evil", "add -A --renormalize"),
    ("filter.evil.smudge", "%s", "* filter=evil", "archive HEAD"),
    ("filter.evil.process", "%s", "* filter=evil", "add -A --renormalize"),
    ("merge.evil.driver", "%s", "* merge=evil", "merge other"),
    ("gpg.program", "%s", "", "log -1 --show-signature signed"),
    ("gpg.ssh.program", "%s", "", None),
    ("alias.rev-parse", "!%s", "", None),
    ("alias.quick", "!%s", "", "quick"),
    ("include.path", "{included}", "", "status"),
    ("uploadpack.packObjectsHook", "%s", "", None),
    ("credential.helper", "!%s", "", "credential fill"),
    ("sequence.editor", "%s", "", "rebase -i HEAD~1"),
    ("interactive.diffFilter", "%s", "", None),
    ("remote.origin.uploadpack", "%s", "", "ls-remote origin"),
    ("remote.origin.vcs", "evil", "", None),
    ("remote.origin.promisor", "true", "", None),
    ("extensions.partialClone", "origin", "", None),
    ("core.alternateRefsCommand", "%s", "", None),
    ("mailmap.file", "/dev/zero", "", None),
    ("core.attributesFile", "/dev/zero", "", None),
    ("core.worktree", "/", "", None),
    ("trailer.x.command", "%s", "", None),
    ("trailer.x.cmd", "%s", "", None),
    ("log.showSignature", "true", "", None),
    ("diff.orderFile", "/dev/zero", "", None),
    ("core.excludesFile", "/dev/zero", "", None),
    ("init.templateDir", "{hooks}", "", None),
    ("protocol.ext.allow", "always", "", None),
    ("url.ext::%s.insteadOf", "/", "", None),
]


@pytest.fixture
def evil(new_repository, tmp_path):
    """A repository with a signed commit, a submodule, hooks, and a payload that leaves a mark."""
    repo = new_repository("evil")
    payload = tmp_path / "payload.sh"
    payload.write_text(f"#!/bin/sh\ntouch {tmp_path}/canary\nexit 1\n")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "post-checkout", "reference-transaction", "pre-auto-gc"):
        (hooks / name).write_text(payload.read_text())
    for file in (payload, *hooks.iterdir()):
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    repo.commit("One", {"a": "1\n", "b.bin": b"\0" * 200})
    repo.git("branch", "other")
    signed = repo.git("cat-file", "commit", "HEAD").replace(
        "\n\nOne",
        "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\nOne",
    )
    repo.git("tag", "signed", repo.hash("commit", signed.encode() + b"\n"))
    modules = (
        '[submodule "x"]\n\tpath = x\n\turl = ext::'
        + str(payload)
        + "\n\tupdate = !"
        + str(payload)
    )
    repo.commit(
        "Two", {"a": "2\n", ".gitmodules": modules, ".mailmap": "A <a@b> <ana@example.org>\n"}
    )
    repo.git("switch", "-q", "other")
    repo.commit("Side", {"a": "3\n"})
    repo.git("switch", "-q", "main")
    return repo


def poison(repo, tmp_path: Path, key: str, value: str, attributes: str) -> None:
    payload, included = str(tmp_path / "payload.sh"), tmp_path / "included"
    included.write_text(f"[core]\n\tfsmonitor = {payload}\n[log]\n\tshowSignature = true\n")
    places = {"{hooks}": str(tmp_path / "hooks"), "{included}": str(included), "%s": payload}
    for mark, place in places.items():
        key, value = key.replace(mark, place), value.replace(mark, place)
    if attributes:
        # In the tree as well as outside of it.
        repo.commit("Attributes", {".gitattributes": attributes + "\n", "a": "4\n"})
        (repo.path / ".git/info").mkdir(exist_ok=True)
        (repo.path / ".git/info/attributes").write_text(attributes + "\n")
    repo.git("config", key, value)


def read_everything(path: Path) -> None:
    for revisions in (None, "HEAD~1..HEAD", "other"):
        list(IMPORTER.read(Source.of(path), Options(revisions=revisions)))
    with GitReader.open(path) as reader:
        assert reader.namespace
        for sha, changes in reader.history("*"):
            list(reader.tree(sha))
            list(reader.blobs(change.after for change in changes if change.after))
        reader.patch_ids([(reader.tips[0], reader.tips[-1])])


@pytest.mark.parametrize(
    ("key", "value", "attributes", "careless"), MATRIX, ids=[x[0] for x in MATRIX]
)
def test_no_setting_of_a_repository_runs_its_program(
    evil, tmp_path, key, value, attributes, careless
):
    canary = tmp_path / "canary"
    poison(evil, tmp_path, key, value, attributes)
    canary.unlink(missing_ok=True)
    read_everything(evil.path)
    assert not canary.exists()
    if careless:
        subprocess.run(
            ["git", *careless.split()],
            cwd=evil.path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "dumb"}
            | {
                f"GIT_{who}_{what}": "x@y"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
            input=b"url=https://nowhere.invalid\n\n",
            capture_output=True,
            check=False,
            timeout=20,
        )
        if careless.split()[0] != "--paginate":  # a pager needs a terminal
            assert canary.exists(), "the payload is not armed: the case proves nothing"


def test_all_settings_at_once_and_a_hostile_environment_run_nothing(evil, tmp_path, monkeypatch):
    payload = str(tmp_path / "payload.sh")
    for key, value, attributes, _ in MATRIX:
        if not attributes and key != "core.worktree":
            poison(evil, tmp_path, key, value, "")
    for name in ("GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "GIT_PAGER", "GIT_EDITOR", "GIT_ASKPASS"):
        monkeypatch.setenv(name, payload)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", payload)
    monkeypatch.setenv("GIT_DIR", str(evil.path / ".git"))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "canary"))
    (tmp_path / "canary").unlink(missing_ok=True)
    read_everything(evil.path)
    assert not (tmp_path / "canary").exists()


def test_programs_that_were_not_obeyed_are_counted(evil, tmp_path):
    poison(evil, tmp_path, "core.fsmonitor", "%s", "")
    losses = list(IMPORTER.read(Source.of(evil.path), Options()))[-1].losses
    [loss] = [loss for loss in losses if loss.what == "settings that run programs"]
    assert (loss.number, loss.reason) == (1, "not obeyed while reading (first: core.fsmonitor)")


def test_reading_leaves_the_repository_as_it_was(evil):
    def state():
        files = (p for p in evil.path.rglob("*") if p.is_file())
        return {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in files}

    before = state()
    read_everything(evil.path)
    assert state() == before


def test_a_config_full_of_garbage_is_no_way_in(evil):
    config = evil.path / ".git" / "config"
    for garbage in (
        b"\xff\xfe[core",
        b"[" * 70_000,
        b'[a "b\\"]\nx="' + b"\\" * 50_000,
        b"\0" * 100,
    ):
        config.write_bytes(garbage)
        try:
            read_everything(evil.path)
        except LineageError as error:
            assert error.where

# SPDX-License-Identifier: Apache-2.0
"""What a repository says of its commits, people and names, whatever its shape."""

from __future__ import annotations

import os
import subprocess
import tempfile

import pytest

from importers.base import Options, Source
from importers.git import IMPORTER
from lineage import ids
from lineage.access.secret_patterns import scrub
from lineage.errors import BadInput, BadReference
from lineage.model.record import line
from lineage.sources.git import plumbing, repository
from lineage.sources.git.layout import normalised
from lineage.sources.git.reader import GitReader
from tests.importers.git_batches import commits, edges, lost, read, reasons

# --- what is said --------------------------------------------------------------------------------


def namespace(path):
    with repository.Repository.open(path) as opened:
        return opened.namespace


def test_commits_carry_what_was_written_and_what_finds_them_again(project):
    batches = read(project.path)
    nodes = commits(batches)
    model = nodes[project.git("rev-parse", "feature")]
    assert model.label == f"{model.id[10:22]} Add a model"
    said = dict(model.attributes)
    assert said.pop("patch_id") == _patch_id(project, "feature")
    assert said == {
        "message": "Add a model",
        "authored": "2025-06-15T17:13:40+02:00",
        "committed": "2025-06-15T17:13:40+02:00",
        "tree": "swh:1:dir:" + project.git("rev-parse", "feature^{tree}"),
        "change_id": "I0123abcd",
        "paths": ids.sha256(b"model.py")[:32],
        "refs": "feature",
    }
    merge = nodes[project.git("rev-parse", "main")]
    assert merge.attributes["refs"] == ("HEAD", "main", "v1", "v2")
    assert "patch_id" not in merge.attributes
    assert batches[-1].seen == {"commits": 4, "refs": 4, "people": 1}
    assert lost(batches) == {"message bodies": 1, "tag messages": 1}


def _patch_id(repo, commit: str) -> str:
    patch = repo.git("log", "-1", "-p", "-U0", commit)
    return repo.git("patch-id", "--stable", data=patch + "\n").split()[0]


def test_parents_lead_from_child_to_parent(project):
    said = {(edge.effect, edge.cause) for edge in edges(read(project.path), "parent")}
    listed = project.git("rev-list", "--parents", "--all").splitlines()
    pairs = {(x.split()[0], parent) for x in listed for parent in x.split()[1:]}
    assert said == {(ids.commit_id(child), ids.commit_id(parent)) for child, parent in pairs}


def test_authors_committers_and_coauthors_are_people_with_roles(new_repository):
    repo = new_repository()
    repo.commit(
        "Pair\n\nText.\n\nCo-authored-by: Bo <bo@x.org>\nco-authored-by: Ana Lima <ana@example.org>",
        {"a": "1"},
        GIT_COMMITTER_NAME="GitHub",
        GIT_COMMITTER_EMAIL="noreply@github.com",
    )
    batches = read(repo.path)
    names = {node.id: (node.kind, node.label) for node in batches[0].nodes if node.kind != "Commit"}
    roles = {
        (edge.attributes["prov:role"], *names[edge.cause])
        for edge in edges(batches, "wasAttributedTo")
    }
    assert roles == {
        ("author", "Person", "Ana Lima"),
        ("co-author", "Person", "Ana Lima"),
        ("co-author", "Person", "Bo"),
        ("committer", "SoftwareAgent", "GitHub"),
    }


def test_the_mailmap_of_head_makes_one_person_of_two_addresses(new_repository):
    repo = new_repository()
    repo.commit("One", {"a": "1"}, GIT_AUTHOR_NAME="ana", GIT_AUTHOR_EMAIL="ana@laptop")
    mailmap = "Ana Lima <ana@example.org> <ANA@laptop>\nNobody <n@x> <missing@x>\n"
    repo.commit("Two", {".mailmap": mailmap})
    people = [node for node in read(repo.path)[0].nodes if node.kind == "Person"]
    assert [(p.attributes["name"], p.attributes["email"]) for p in people] == [
        ("Ana Lima", "ana@example.org")
    ]


def test_the_key_decides_what_a_person_is_called_and_hides_the_address(project):
    one = [line(n) for b in read(project.path) for n in b.nodes if n.kind == "Person"]
    source = Source.of(project.path)
    other = [
        line(n)
        for b in IMPORTER.read(source, Options(person_key=b"k" * 32))
        for n in b.nodes
        if n.kind == "Person"
    ]
    assert one != other
    assert ids.person_id("ana@example.org", b"k" * 32) in other[0].decode()


def test_reading_twice_and_reading_a_clone_give_the_same_records(project, tmp_path):
    first = [line(record) for batch in read(project.path) for record in batch.records]
    again = [line(record) for batch in read(project.path) for record in batch.records]
    assert first == again
    project.git("gc", "-q")
    packed = [line(record) for batch in read(project.path) for record in batch.records]
    assert first == packed
    project.git("clone", "-q", str(project.path), str(tmp_path / "clone"))
    assert set(commits(read(tmp_path / "clone"))) == set(commits(read(project.path)))
    assert namespace(tmp_path / "clone") == namespace(project.path)


def test_secrets_in_subjects_are_scrubbed(new_repository):
    repo = new_repository()
    token = "ghp_" + "a1" * 18
    repo.commit(f"Clone https://ana:hunter22@host/x.git with {token}", {"a": "1"})
    [node] = commits(read(repo.path)).values()
    assert node.attributes["message"] == "Clone https://host/x.git with [scrubbed]"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Bump to 0123456789abcdef0123456789abcdef01234567", None),
        ("See https://example.org/a@b and mail ana@example.org", None),
        ("token: rename the field", None),
        ("password=hunter22 in CI", "password=[scrubbed] in CI"),
        ("api_key: 9f8e7d6c5b", "api_key: [scrubbed]"),
        ("key AKIAABCDEFGHIJKLMNOP", "key [scrubbed]"),
    ],
)
def test_scrubbing_takes_secrets_and_leaves_the_rest(text, kept):
    assert scrub(text) == (kept or text)


def test_a_range_yields_its_commits_as_a_partial_import(project):
    project.commit("After", {"z": "1"})
    batches = read(project.path, "v1..main")
    assert [node.attributes["message"] for node in commits(batches).values()] == ["After"]
    assert all(batch.partial for batch in batches)
    assert len(commits(read(project.path, "HEAD~1"))) == 4
    assert len(commits(read(project.path, "^v2 HEAD"))) == 1
    for wrong in ("nope", "--all", "", "a..b", "--output=/tmp/x"):
        with pytest.raises(BadReference):
            read(project.path, wrong)


def test_the_tip_of_an_unmerged_branch_knows_its_change_as_a_whole(project):
    project.git("switch", "-qc", "work", "main~1")
    base = project.git("rev-parse", "HEAD")
    project.commit("w1", {"w": "1\n"})
    project.git("merge", "-q", "-m", "catch up", "main")
    tip = project.commit("w2", {"w": "1\n2\n"})
    merged = project.git("rev-parse", "main")
    said = commits(read(project.path))[tip].attributes
    patch = project.git("diff", "-U0", merged, tip)
    expected = project.git("patch-id", "--stable", data=patch + "\n").split()[0]
    assert (said["range_base"], said["range_patch_id"]) == (merged, expected)
    assert base != merged
    feature = commits(read(project.path))[project.git("rev-parse", "feature")]
    assert "range_patch_id" not in feature.attributes


# --- where repositories live ---------------------------------------------------------------------


def test_bare_worktree_subfolder_and_detached_head_are_the_same_repository(project, tmp_path):
    expected = set(commits(read(project.path)))
    project.git("clone", "-q", "--bare", str(project.path), str(tmp_path / "bare.git"))
    project.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"), "feature")
    project.git("clone", "-q", "--shared", str(project.path), str(tmp_path / "shared"))
    project.git("checkout", "-q", "--detach", "main~1")
    odd = tmp_path / 'a "folder"\nwith newline'
    project.git("clone", "-q", str(project.path), str(odd))
    places = (project.path / ".git", "bare.git", "linked", "shared", odd)
    for place in places:
        assert IMPORTER.sniffs(Source.of(tmp_path / place))
        assert set(commits(read(tmp_path / place))) == expected, place
    detached = commits(read(project.path))[project.git("rev-parse", "main~1")]
    assert detached.attributes["refs"] == "HEAD"
    (project.path / "src").mkdir()
    with pytest.raises(BadInput) as caught:
        read(project.path / "src")
    assert str(project.path) in caught.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_repository_of_another_user_is_read_without_trusting_it(project):
    for path in (project.path, *project.path.rglob("*")):
        os.chown(path, 12345, 12345)
    refused = subprocess.run(["git", "log"], cwd=project.path, capture_output=True, check=False)
    assert b"dubious ownership" in refused.stderr
    assert len(commits(read(project.path))) == 4


def test_a_full_or_absent_temporary_folder_is_one_error(project, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(project.path / "nowhere"))
    with pytest.raises(BadInput, match="No such file"):
        read(project.path)


def test_sha256_repositories_are_read_alike(new_repository):
    repo = new_repository("long", "--object-format=sha256")
    repo.commit("One", {"a": "1\n"})
    repo.git("switch", "-qc", "side")
    tip = repo.commit("Two", {"a": "2\n", ".mailmap": "A <a@b> <ana@example.org>\n"})
    nodes = commits(read(repo.path))
    assert len(tip) == 64
    assert nodes[tip].attributes["patch_id"] == nodes[tip].attributes["range_patch_id"]
    assert nodes[tip].attributes["tree"] == repo.git("rev-parse", "HEAD^{tree}")


def test_a_repository_without_commits_says_so(new_repository):
    batches = read(new_repository().path)
    assert lost(batches) == {"history": 1}
    other = new_repository("other").path
    with pytest.raises(BadInput, match="no commits"):
        namespace(other)
    assert repository.place(other) is None


def test_a_shallow_clone_says_what_it_lacks_and_guesses_nothing(project, tmp_path):
    address = "file://" + str(project.path)
    project.git(
        "clone", "-q", "--depth=1", "--no-single-branch", address, str(tmp_path / "shallow")
    )
    batches = read(tmp_path / "shallow")
    whole = commits(read(project.path))
    for sha, node in commits(batches).items():
        for key in ("tree", "authored", "change_id"):
            assert node.attributes.get(key) == whole[sha].attributes.get(key)
        assert node.attributes.get("patch_id") in (None, whole[sha].attributes.get("patch_id"))
        assert "range_patch_id" not in node.attributes
    assert lost(batches)["parents of shallow commits"] == 2
    assert "git fetch --unshallow" in reasons(batches)
    assert namespace(tmp_path / "shallow") == str(project.path)
    assert "named after its origin" in reasons(batches)


def test_a_partial_clone_is_not_completed_over_the_network(project, tmp_path):
    project.git("config", "uploadpack.allowFilter", "true")
    for kind in ("blob:none", "tree:0"):
        clone = tmp_path / kind.replace(":", "-")
        address = "file://" + str(project.path)
        project.git("clone", "-q", "--bare", f"--filter={kind}", address, str(clone))
        before = sorted(p.name for p in (clone / "objects").rglob("*"))
        batches = read(clone)
        assert set(commits(batches)) == set(commits(read(project.path)))
        assert not any("patch_id" in node.attributes for node in commits(batches).values())
        assert lost(batches)["patch-ids"] == 3
        assert sorted(p.name for p in (clone / "objects").rglob("*")) == before
        assert namespace(clone) == namespace(project.path)


def test_replacements_grafts_stashes_notes_and_submodules_are_said(project):
    tip = project.git("rev-parse", "main")
    project.git("replace", tip, "feature")
    project.git("notes", "add", "-m", "note", "feature")
    project.write({"README": "dirty"})
    project.git("stash", "-q")
    (project.path / ".git" / "info").mkdir(exist_ok=True)
    (project.path / ".git" / "info" / "grafts").write_text(f"{tip}\n")
    project.git("update-index", "--add", "--cacheinfo", f"160000,{tip},lib")
    project.git("commit", "-qm", "With a submodule", GIT_NO_REPLACE_OBJECTS="1")
    batches = read(project.path)
    assert commits(batches)[tip].attributes["message"] == "Merge the model"
    assert (
        len([edge for edge in edges(batches, "parent") if edge.effect == ids.commit_id(tip)]) == 2
    )
    assert lost(batches)["refs"] == 3
    assert lost(batches)["grafts"] == 1
    assert lost(batches)["changes of submodules"] == 1
    assert "WIP" not in str(batches)


def test_the_namespace_is_the_least_root_and_survives_notes(project):
    root = project.git("rev-list", "--max-parents=0", "main")
    project.git("notes", "add", "-m", "n", "main")
    assert namespace(project.path) == root
    project.git("switch", "-q", "--orphan", "pages")
    other = project.commit("pages", {"index": "x"})
    assert namespace(project.path) == min(root, other)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@github.com:Lab/paper.git", "github.com/Lab/paper"),
        ("https://ana:pw@GitHub.com/Lab/paper.git/", "github.com/Lab/paper"),
        ("https://ana:p@ss@host:8443/a/b?private_token=x", "host/a/b"),
        ("ssh://git@host:22/a/b", "host/a/b"),
        ("/srv/git/a.git", "/srv/git/a"),
        ("file:///srv/git/a.git", "/srv/git/a"),
    ],
)
def test_an_origin_has_one_name_however_it_is_written(url, name):
    assert normalised(url) == name


# --- what other importers use --------------------------------------------------------------------


def test_the_reader_gives_the_history_and_the_content_of_files_by_pattern(new_repository):
    repo = new_repository()
    first = repo.commit(
        "a", {"dvc.lock": "1", "sub/dvc.lock": "x", "data/big.dvc": "d", "code": "c"}
    )
    repo.commit("b", {"code": "d"})
    repo.git("switch", "-qc", "side", first)
    side = repo.commit("c", {"dvc.lock": "2"})
    repo.git("switch", "-q", "main")
    third = repo.commit("d", {"dvc.lock": "3"})
    repo.git("merge", "-q", "-s", "ours", "--no-commit", "side")
    repo.write({"dvc.lock": "23"})
    repo.git("add", "-A")
    repo.git("commit", "-qm", "merge")
    merge = repo.git("rev-parse", "HEAD")
    last = repo.commit("e", {})
    repo.git("rm", "-q", "data/big.dvc")
    repo.git("commit", "-qm", "f")
    with GitReader.open(repo.path) as reader:
        history = dict(reader.history("dvc.yaml", "dvc.lock", "*.dvc"))
        assert set(history) == {first, side, third, merge, repo.git("rev-parse", "HEAD")}
        assert [c.path for c in history[first]] == ["data/big.dvc", "dvc.lock", "sub/dvc.lock"]
        content = dict(reader.blobs(c.after for x in history.values() for c in x if c.after))
        [change] = history[merge]
        assert (content[change.after], len(change.before)) == (b"23", 2)
        assert history[repo.git("rev-parse", "HEAD")][0].after is None
        assert reader.cat(history[side][0].after) == b"2"
        assert [e.path for e in reader.tree(last, "data")] == ["data/big.dvc"]
        assert [e.path for e in reader.tree(last)] == [
            "code", "data/big.dvc", "dvc.lock", "sub/dvc.lock",
        ]  # fmt: skip
        assert next(reader.blobs(["0" * 40]))[1] is None
        with pytest.raises(BadInput):
            reader.cat("0" * 40)


def test_the_corpora_histories_are_imported_whole(corpora, new_repository):
    for name, count in (("calkit+example-basic", 6), ("iterative+demo-bank-customer-churn", 162)):
        repo = new_repository(name)
        stream = (corpora / "dvc" / name / "history.fast-export.txt").read_bytes()
        repo.git("fast-import", "--quiet", data=stream)
        batches = read(repo.path)
        listed = repo.git("rev-list", "--all").splitlines()
        assert set(commits(batches)) == set(listed)
        assert len(listed) == count
        for sha, node in commits(batches).items():
            if "patch_id" in node.attributes:
                assert node.attributes["patch_id"] == _patch_id(repo, sha)


# --- bounded -------------------------------------------------------------------------------------


def test_a_tree_of_ten_thousand_million_files_costs_one_commit(new_repository, monkeypatch):
    monkeypatch.setattr(plumbing, "MEMORY", 300 << 20)
    repo = new_repository()
    repo.commit("Before", {"a": "1"})
    oid = repo.hash("blob", b"x")
    for depth in range(10):
        mode, kind = ("100644", "blob") if depth == 0 else ("040000", "tree")
        oid = repo.git("mktree", data="".join(f"{mode} {kind} {oid}\tf{n}\n" for n in range(10)))
    bomb = repo.git("commit-tree", "-p", "HEAD", "-m", "Bomb", oid)
    repo.git("update-ref", "refs/heads/bomb", bomb)
    batches = read(repo.path)
    nodes = commits(batches)
    assert "patch_id" not in nodes[bomb].attributes
    assert len([n for n in nodes.values() if "patch_id" in n.attributes]) == 1
    assert lost(batches)["patch-ids"] == 1

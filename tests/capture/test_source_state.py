# SPDX-License-Identifier: Apache-2.0
"""The exact bytes that ran come back out of git, whatever became of the work tree and its branch."""

from __future__ import annotations

import os
import shutil

import pytest

import lineage
from lineage.capture.found import Budget
from lineage.capture.probes import source
from tests.capture.sources import (
    captured,
    git_files,
    given_back,
    laid_out,
    repository,
    states,
    withheld,
)


@pytest.fixture
def edited(new_repository):
    """A: staged only, B: changed, C: staged and changed again, D: untracked, E: gone, F: as it was."""
    project = new_repository()
    project.commit("begin", {f"{x}.py": f"{x} = 1\n" for x in "abcef"})
    project.write({"a.py": "a = 2\n", "c.py": "c = 2\n"})
    project.git("add", "a.py", "c.py")
    project.write({"b.py": "b = 3\n", "c.py": "c = 3\n", "d.py": "d = 3\n"})
    (project.path / "e.py").unlink()
    return project


def test_the_kept_tree_holds_the_working_bytes_of_staged_changed_and_new_files(edited):
    facts = repository(captured(edited.path / "a.py"))
    assert given_back(edited.path, facts["kept"]) == {
        "a.py": b"a = 2\n",
        "b.py": b"b = 3\n",
        "c.py": b"c = 3\n",
        "d.py": b"d = 3\n",
        "f.py": b"f = 1\n",
    }
    assert states(facts) == {
        "a.py": "staged",
        "b.py": "unstaged",
        "c.py": "both",
        "d.py": "untracked",
        "e.py": "unstaged",
    }
    changes = {x["path"]: x for x in facts["changes"]}
    assert changes["c.py"]["staged_oid"] == edited.git("rev-parse", ":c.py")
    assert "staged_oid" not in changes["a.py"]
    assert changes["e.py"]["change"] == "deleted"
    assert changes["d.py"]["change"] == "added"
    assert (facts["dirty"], facts["complete"], facts["withheld"]) == (True, True, [])


def test_nothing_of_the_user_is_touched_but_objects_and_one_reference(edited):
    before = laid_out(edited.path), git_files(edited.path)
    facts = repository(captured(edited.path / "a.py"))
    assert (laid_out(edited.path), git_files(edited.path)) == before
    assert edited.git("for-each-ref", "refs/lineage") == (
        f"{facts['kept']} commit\trefs/lineage/keep/{facts['kept']}"
    )
    edited.git("fsck", "--strict")


def test_the_same_state_is_the_same_commit_and_another_state_another(edited):
    first = repository(captured(edited.path / "a.py"))
    again = repository(captured(edited.path / "a.py"))
    edited.write({"d.py": "d = 4\n"})
    other = repository(captured(edited.path / "a.py"))
    assert first["kept"] == again["kept"] != other["kept"]
    assert edited.git("log", "-1", "--format=%P|%an|%ct", first["kept"]) == (
        f"{first['head']}|lineage[bot]|{edited.git('log', '-1', '--format=%ct')}"
    )


def test_the_state_survives_rebase_deletion_of_the_branch_and_gc(edited):
    edited.git("switch", "-qc", "feature/x")
    facts = repository(captured(edited.path / "a.py"))
    before = {x.name: x.read_bytes() for x in edited.path.glob("*.py")}
    edited.git("add", "-A")
    edited.git("commit", "-qm", "wip")
    edited.git("commit", "--amend", "-qm", "done")
    edited.git("switch", "-q", "main")
    edited.git("branch", "-D", "feature/x")
    edited.git("reflog", "expire", "--expire=now", "--all")
    edited.git("gc", "-q", "--prune=now")
    assert given_back(edited.path, facts["kept_ref"]) == before


def test_of_a_clean_work_tree_head_itself_is_kept(project):
    head = project.commit("begin", {"train.py": "1\n"})
    facts = repository(captured(project.path / "train.py"))
    assert facts["kept"] == facts["state"] == facts["head"] == head
    assert (facts["dirty"], facts["changes"]) == (False, [])
    assert facts["tree"] == project.git("rev-parse", "HEAD^{tree}")
    project.git("switch", "-q", "--orphan", "other")
    project.git("branch", "-D", "main")
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "-q", "--prune=now")
    assert given_back(project.path, head) == {"train.py": b"1\n"}


def test_a_script_that_nobody_added_is_untracked_and_in_the_kept_tree(project):
    project.commit("begin", {"train.py": "1\n"})
    project.write({"train2.py": "1\n"})
    found = captured(project.path / "train2.py")
    assert found.facts["places"][0]["state"] == "untracked"
    assert given_back(project.path, repository(found)["kept"])["train2.py"] == b"1\n"


def test_a_script_that_git_ignores_is_said_with_its_digest(project):
    project.commit("begin", {".gitignore": "scratch/\n"})
    project.write({"scratch/try.py": "1\n"})
    found = captured(project.path / "scratch/try.py")
    [place] = found.facts["places"]
    assert place["state"] == "ignored"
    assert place["sha256"].startswith(
        "4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865"
    )
    assert "git ignores it" in found.unseen[f"source of {project.path / 'scratch/try.py'}"]


def test_links_modes_and_names_of_any_bytes_come_back(project):
    project.commit("begin", {"run.sh": "1\n", "plain": "1\n"})
    (project.path / "run.sh").chmod(0o755)
    (project.path / "link").symlink_to("no/such\nfile")
    odd = [b"new\nline.py", b"\xff\xfe.py", b'"quoted"', b"tab\there", b" space ", "é".encode()]
    for name in odd:
        (project.path / os.fsdecode(name)).write_bytes(name)
    facts = repository(captured(project.path))
    tree = project.git("-c", "core.quotePath=true", "ls-tree", "-r", "-z", facts["kept"])
    assert f"100755 blob {project.git('hash-object', 'run.sh')}\trun.sh" in tree.split("\0")
    assert "120000 blob" in tree
    # git archive would write these names as pax headers in an encoding of its own
    for name in odd:
        said = project.git("rev-parse", f"{facts['kept']}:{os.fsdecode(name)}")
        assert said == project.git("hash-object", "--stdin", data=name)
    assert facts["complete"]


def test_a_file_taken_out_of_the_index_and_still_there_is_in_the_tree(project):
    project.commit("begin", {"a.py": "1\n"})
    project.git("rm", "-q", "--cached", "a.py")
    project.write({"a.py": "2\n"})
    facts = repository(captured(project.path))
    assert states(facts) == {"a.py": "both"}
    assert given_back(project.path, facts["kept"]) == {"a.py": b"2\n"}


def test_an_edit_that_leaves_size_and_times_as_they_were_is_found(project):
    """Git knows such files by the time of its index, which is as old as they are."""
    project.git("config", "core.trustctime", "false")
    project.write({"a.py": "1\n"})
    os.utime(project.path / "a.py", (10**9, 10**9))
    project.commit("begin", {})
    (project.path / "a.py").write_text("2\n")
    for file in ("a.py", ".git/index"):
        os.utime(project.path / file, (10**9, 10**9))
    assert states(repository(captured(project.path))) == {"a.py": "unstaged"}


def test_a_file_taken_out_of_the_index_because_it_is_ignored_now_is_gone(project):
    project.commit("begin", {"a.py": "1\n", "data/x.bin": "1\n", "data/y": "1\n"})
    project.git("rm", "-q", "-r", "--cached", "data")
    project.write({".gitignore": "data/\n"})
    facts = repository(captured(project.path))
    assert {x["path"]: x["change"] for x in facts["changes"]} == {
        "data/x.bin": "deleted",
        "data/y": "deleted",
        ".gitignore": "added",
    }
    assert {*given_back(project.path, facts["kept"])} == {".gitignore", "a.py"}


def test_a_folder_in_the_place_of_a_file_and_the_other_way_round(project):
    project.commit("begin", {"a": "1\n", "b/c.py": "1\n", "b/d.py": "1\n"})
    (project.path / "a").unlink()
    shutil.rmtree(project.path / "b")
    project.write({"a/x.py": "2\n", "b": "3\n"})
    facts = repository(captured(project.path))
    assert given_back(project.path, facts["kept"]) == {"a/x.py": b"2\n", "b": b"3\n"}


def test_in_the_middle_of_a_conflict_the_files_are_kept_as_they_lie_there(project):
    project.commit("begin", {"a.py": "1\n"})
    project.git("switch", "-qc", "other")
    project.commit("theirs", {"a.py": "2\n"})
    project.git("switch", "-q", "main")
    project.commit("ours", {"a.py": "3\n"})
    with pytest.raises(AssertionError):
        project.git("merge", "other")
    facts = repository(captured(project.path))
    assert states(facts) == {"a.py": "unmerged"}
    assert given_back(project.path, facts["kept"]) == {"a.py": (project.path / "a.py").read_bytes()}


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_edits_at_which_git_was_told_not_to_look_are_found(project, flag):
    project.commit("begin", {"config.yaml": "lr: 1\n", "other.yaml": "a: 1\n"})
    project.git("update-index", flag, "config.yaml", "other.yaml")
    project.write({"config.yaml": "lr: 2\n"})
    assert project.git("status", "--porcelain") == ""
    facts = repository(captured(project.path))
    assert states(facts) == {"config.yaml": "hidden"}
    assert given_back(project.path, facts["kept"])["config.yaml"] == b"lr: 2\n"


def test_a_file_that_is_gone_and_that_git_takes_for_unchanged_is_not_in_the_tree(project):
    project.commit("begin", {"config.yaml": "lr: 1\n", "other.yaml": "a: 1\n"})
    project.git("update-index", "--assume-unchanged", "config.yaml")
    (project.path / "config.yaml").unlink()
    facts = repository(captured(project.path))
    assert [(x["path"], x["change"]) for x in facts["changes"]] == [("config.yaml", "deleted")]
    assert given_back(project.path, facts["kept"]) == {"other.yaml": b"a: 1\n"}


def test_without_keep_the_state_is_named_alike_and_nothing_is_written(edited):
    objects = laid_out(edited.path / ".git" / "objects")
    facts = repository(captured(edited.path / "a.py", keep=False))
    assert laid_out(edited.path / ".git" / "objects") == objects
    assert (facts["kept"], facts["kept_ref"]) == (None, None)
    assert facts["state"] == repository(captured(edited.path / "a.py"))["kept"]


def test_many_new_files_come_as_one_pack_and_only_once(project):
    project.commit("begin", {"a.py": "1\n"})
    project.write({f"new/{x}.txt": f"{x}\n" for x in range(300)})
    facts = repository(captured(project.path))
    packs = [*(project.path / ".git/objects/pack").glob("*.pack")]
    assert len(packs) == 1
    captured(project.path)
    assert [*(project.path / ".git/objects/pack").glob("*.pack")] == packs
    back = given_back(project.path, facts["kept"])
    assert (len(back), back["new/299.txt"]) == (301, b"299\n")


def test_large_files_are_withheld_by_their_size_and_the_rest_is_kept(project):
    project.commit("begin", {"train.py": "1\n"})
    project.write({f"small{x}.txt": f"{x}" * 400 for x in range(3)} | {"model.ckpt": "x" * 5000})
    with (project.path / "huge.ckpt").open("wb") as sparse:
        sparse.truncate(1 << 30)
    facts = repository(captured(project.path / "train.py", largest=1000))
    assert withheld(facts) == {
        "huge.ckpt": "it is larger than 1,000 bytes",
        "model.ckpt": "it is larger than 1,000 bytes",
        "small2.txt": "all files together are larger than 1,000 bytes",
    }
    assert {x["path"]: x["size"] for x in facts["withheld"]}["huge.ckpt"] == 1 << 30
    assert facts["complete"] is False
    assert {*given_back(project.path, facts["kept"])} == {"small0.txt", "small1.txt", "train.py"}


def test_when_the_time_is_over_it_is_said_and_nothing_is_claimed(edited):
    found = captured(edited.path / "a.py", seconds=0)
    facts = repository(found)
    assert facts["head"] == edited.git("rev-parse", "HEAD")
    assert "dirty" not in facts
    assert "tree" not in facts
    assert "the time was over" in found.unseen[f"work tree of {edited.path}"]


def test_head_and_files_are_compared_at_the_end_of_the_run(project):
    project.commit("begin", {"train.py": "1\n", "other.py": "1\n"})
    project.write({"other.py": "2\n", "new.py": "1\n"})
    before = captured(project.path / "train.py")
    project.write({"train.py": "edited meanwhile\n", "out.txt": "made\n"})
    (project.path / "new.py").unlink()
    [end] = source.after(before, budget=Budget(60)).facts["repositories"]
    assert {x["path"]: x["change"] for x in end["changed"]} == {
        "train.py": "modified",
        "out.txt": "added",
        "new.py": "deleted",
    }
    assert (end["moved"], end["commits"]) == (False, [])


def test_the_commits_that_the_run_made_are_told_from_those_it_went_to(project):
    first = project.commit("begin", {"train.py": "1\n"})
    project.git("switch", "-qc", "old")
    project.commit("older work", {"old.py": "1\n"})
    project.git("switch", "-q", "main")
    before = captured(project.path / "train.py")
    made = [project.commit(f"result {x}", {"result.txt": x}) for x in "ab"]
    project.git("merge", "-q", "--no-edit", "old")
    merged = project.git("rev-parse", "HEAD")
    [end] = source.after(before, budget=Budget(60)).facts["repositories"]
    assert repository(before)["head"] == first
    assert [x["sha"] for x in end["commits"]] == [*made, merged]
    assert (end["moved"], end["head"], end["commit"]["sha"]) == (True, merged, merged)
    assert [x["path"] for x in end["changed"]] == ["old.py", "result.txt"]


def test_where_no_log_tells_the_commits_of_the_run_it_is_said(project):
    project.git("config", "core.logAllRefUpdates", "false")
    project.commit("begin", {"train.py": "1\n"})
    before = captured(project.path / "train.py")
    project.commit("result", {"result.txt": "1\n"})
    after = source.after(before, budget=Budget(60))
    [end] = after.facts["repositories"]
    assert (end["moved"], end["commits"]) == (True, None)
    assert f"commits made during the run in {project.path}" in after.unseen
    shutil.rmtree(project.path)
    gone = source.after(before, budget=Budget(60))
    assert gone.facts == {"repositories": []}
    assert f"repository at {project.path}" in gone.unseen


def test_what_is_kept_for_a_run_is_no_history_of_the_project(edited):
    """Importing the repository tells of the commits of the project alone, whatever ran in it."""

    def told():
        with lineage.open("memory:") as opened:
            opened.load(edited.path, named="git")
            return sorted((node.kind, node.label) for node in opened.find("").nodes)

    before = told()
    assert repository(captured(edited.path))["kept_ref"]
    assert told() == before

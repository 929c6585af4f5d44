# SPDX-License-Identifier: Apache-2.0
"""Commits are found again by what the tools that rewrote history wrote down of it."""

from __future__ import annotations

import pytest

from lineage import ids
from lineage.services.write.record import RunInput, record_run
from tests.importers.dvc_locks import git

ZERO = "0" * 40


@pytest.fixture
def rewritten(new_repository):
    """A history of three commits, and the same without a file that should not be there."""
    project = new_repository()
    old = [
        project.commit("start", {"a.py": "1"}),
        project.commit("train", {"train.py": "2", "secret.pem": "key"}),
        project.commit("better", {"train.py": "3"}),
    ]
    new, parents = [], []
    for sha in old:
        project.git("read-tree", sha)
        project.git("rm", "-q", "--cached", "--ignore-unmatch", "secret.pem")
        who = project.git("log", "-1", "--format=%an%x00%ae%x00%ad%x00%s", "--date=raw", sha).split(
            "\0"
        )
        said = {"GIT_AUTHOR_NAME": who[0], "GIT_AUTHOR_EMAIL": who[1], "GIT_AUTHOR_DATE": who[2]}
        command = ("commit-tree", project.git("write-tree"), *parents, "-m", who[3])
        new.append(project.git(*command, GIT_COMMITTER_DATE=who[2], **said))
        parents = ["-p", new[-1]]
    project.git("reset", "-q", "--hard", new[-1])
    return project, old, new


def forget(project):
    """What was rewritten is gone, as after the tool's own clean-up."""
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "-q", "--prune=now")


def found(store, sha):
    """(method, commit, confidence) of where a commit that a run used is today."""
    record_run(store.context, RunInput(name="trained", commit=sha), key=sha)
    [resolved] = store.commits(sha)
    return [(match.method, match.sha, match.confidence) for match in resolved.matches]


def pairs(old, new, *more):
    return "".join(f"{a} {b}\n" for a, b in (*zip(old, new, strict=True), *more))


PLACES = {
    "filter-repo": ".git/filter-repo/commit-map",
    "the BFG": "../project.bfg-report/2026-01-02/10-00-00/object-id-map.old-new.txt",
    "the BFG in its folder": "..bfg-report/2026-01-02/10-00-00/object-id-map.old-new.txt",
}


@pytest.mark.parametrize("tool", PLACES)
def test_the_map_of_a_tool_says_which_commit_became_which(rewritten, opened, tool):
    project, old, new = rewritten
    blobs = (("ab" * 20, "cd" * 20), ("ef" * 20, ZERO))
    header = "old                                      new\n" if tool == "filter-repo" else ""
    forget(project)
    project.write({PLACES[tool]: header + pairs(old, new, *blobs)})
    [report] = opened.load(project.path, named="git")
    assert old[0] == new[0]
    assert [found(opened, sha) for sha in old[1:]] == [[("map", sha, 1.0)] for sha in new[1:]]
    assert "ab" * 20 not in {node.id[-40:] for node in opened.ask("kind:commit").nodes}
    assert not [loss for loss in report.losses if "maps" in loss.what]


def test_a_map_of_a_bare_repository_lies_beside_it(rewritten, opened, tmp_path):
    project, old, new = rewritten
    git(tmp_path, "clone", "-q", "--bare", f"file://{project.path}", "lab.git")
    project.write({"../lab.git.bfg-report/d/t/object-id-map.old-new.txt": pairs(old, new)})
    opened.load(tmp_path / "lab.git", named="git")
    assert found(opened, old[1]) == [("map", new[1], 1.0)]


def test_several_rewrites_are_followed_to_the_commit_that_is_here(rewritten, opened):
    project, old, new = rewritten
    between = [f"{n:040x}" for n in range(1, 4)]
    forget(project)
    place = "../project.bfg-report/d/{}/object-id-map.old-new.txt"
    project.write({place.format(1): pairs(old, between), place.format(2): pairs(between, new)})
    opened.load(project.path, named="git")
    assert found(opened, old[2]) == [("map", new[2], 1.0)]
    assert found(opened, between[0]) == [("map", new[0], 1.0)]


def test_a_commit_that_was_rewritten_again_is_found_through_what_was_recorded(rewritten, opened):
    """The first rewrite was imported; the second one's map knows nothing of it."""
    project, old, new = rewritten
    project.write({PLACES["filter-repo"]: pairs(old, new)})
    opened.load(project.path, named="git")
    project.git("commit", "-q", "--amend", "-m", "better, said better")
    last = project.git("rev-parse", "HEAD")
    project.write({PLACES["filter-repo"]: pairs(new[2:], [last])})
    opened.load(project.path, named="git")
    assert found(opened, old[2]) == [("map", last, 1.0)]


@pytest.mark.parametrize("alike", [False, True])
def test_the_backup_of_a_branch_is_no_branch_and_tells_what_became_of_its_commits(
    rewritten, opened, alike
):
    project, old, new = rewritten
    project.git("update-ref", "refs/original/refs/heads/main", old[-1])
    if alike:
        date = project.git("log", "-1", "--format=%ad", "--date=raw", old[1])
        project.git("commit", "-q", "--allow-empty", "-m", "train", GIT_AUTHOR_DATE=date)
    opened.load(project.path, named="git")
    told = [] if alike else [("backup", new[1], 0.9)]
    assert found(opened, old[1]) == told
    [node] = [n for n in opened.ask("kind:commit").nodes if n.id == ids.commit_id(old[1])]
    assert node.attributes["message"] == "train"


def test_what_is_no_map_is_counted_and_the_rest_is_read(rewritten, opened):
    project, old, new = rewritten
    forget(project)
    project.write(
        {PLACES["filter-repo"]: "old new\nrubbish\n" + pairs(old[1:], new[1:]) + "x y z\n"}
    )
    [report] = opened.load(project.path, named="git")
    assert found(opened, old[1]) == [("map", new[1], 1.0)]
    assert ("lines of maps of commits", 2) in {loss[:2] for loss in report.losses}


def test_a_commit_that_was_dropped_is_on_no_branch(rewritten, opened):
    project, old, _ = rewritten
    forget(project)
    project.write({PLACES["filter-repo"]: pairs([old[1]], [ZERO])})
    opened.load(project.path, named="git")
    assert found(opened, old[1]) == []

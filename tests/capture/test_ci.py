# SPDX-License-Identifier: Apache-2.0
"""A run in a CI says which job, attempt and pull request it was of, as the CI tells it."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest

from lineage import ids
from lineage.capture.probes import ci
from tests.capture.launched import run, runs, stored

CASES = tomllib.loads(Path(__file__).with_name("ci.toml").read_text("utf-8"))
EVERYTHING = frozenset(name for case in CASES.values() for name in case["set"])


def captured(set_here, *, name="it", folder=None):
    """A run with the variables of a job, and of no other."""
    environ = {n: v for n, v in os.environ.items() if n not in EVERYTHING and n != "CI"}
    done = run("true", options=["--name", name], env=environ | set_here, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")


def linked(answer, effect):
    """Role -> what a thing is linked to by it, over all links of a job."""
    found = {}
    nodes = {node.id: node for node in answer.nodes}
    todo = [effect]
    while todo:
        now = todo.pop()
        for edge in answer.edges:
            role = edge.attributes.get("prov:role")
            if edge.effect == now and edge.relation != "wasDerivedFrom":
                for one in role if isinstance(role, tuple) else (role,):
                    found[one] = nodes[edge.cause]
                if edge.relation == "wasInformedBy":
                    todo.append(edge.cause)
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_job_is_known_by_what_its_ci_sets(case, workspace):
    captured(CASES[case]["set"])
    with stored(workspace) as store:
        answer = store.trace("run:it")
        [this] = [node for node in answer.nodes if node.attributes.get("name") == "it"]
        shown = {
            role: node.id.removeprefix(ids.REVISION) if role in ("head", "base") else node.label
            for role, node in linked(answer, this.id).items()
            if role in ("head", "base", "job", "pipeline", "attempt", "actor")
        }
    assert shown == CASES[case]["links"]
    for name, value in CASES[case]["says"].items():
        held = this.attributes[name]
        assert value in held if name == "not_observed" else value == held, (name, held)


@pytest.fixture
def requested(new_repository, tmp_path):
    """A pull request of a fork, and its merge commit checked out as actions/checkout does."""
    origin = new_repository("origin")
    base = origin.commit("start", {"train.py": "1\n", ".gitignore": ".lineage\n"})
    origin.git("checkout", "-q", "-b", "faster")
    origin.commit("half", {"fast.py": "1\n"})
    head = origin.commit("faster", {"fast.py": "2\n"})
    origin.git("checkout", "-q", "main")
    origin.git("checkout", "-q", "--detach")
    origin.git("merge", "-q", "--no-ff", "-m", f"Merge {head} into {base}", head)
    merge = origin.git("rev-parse", "HEAD")
    origin.git("update-ref", "refs/pull/7/merge", merge)
    origin.git("checkout", "-q", "main")
    clone = new_repository("clone")
    clone.git("remote", "add", "origin", f"file://{origin.path}")
    ref = "refs/remotes/pull/7/merge"
    clone.git("fetch", "-q", "--no-tags", "--depth=1", "origin", f"+refs/pull/7/merge:{ref}")
    clone.git("checkout", "-q", "--force", ref)
    event = {
        "action": "synchronize",
        "number": 7,
        "pull_request": {
            "number": 7,
            "html_url": "https://github.com/acme/fraud/pull/7",
            "user": {"login": "ben"},
            "head": {"ref": "faster", "sha": head, "repo": {"full_name": "ben/fraud"}},
            "base": {"ref": "main", "sha": base, "repo": {"full_name": "acme/fraud"}},
        },
    }
    (tmp_path / "event.json").write_text(json.dumps(event))
    environ = CASES["github-push"]["set"] | {
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_SHA": merge,
        "GITHUB_HEAD_REF": "faster",
        "GITHUB_BASE_REF": "main",
    }
    return origin, clone, environ, {"source": merge, "head": head, "base": base}


def test_a_pull_request_on_github_has_three_commits_and_its_head_is_found_after_the_squash(
    requested, workspace
):
    """Case 92."""
    origin, clone, environ, commits = requested
    environ |= {"LINEAGE_STORE": str(workspace / ".lineage" / "store.db")}
    captured(environ, folder=clone.path)
    with stored(workspace) as store:
        answer = store.trace("run:it")
        [this] = [node for node in answer.nodes if node.attributes.get("name") == "it"]
        used = linked(answer, this.id)
        assert {role: used[role].id.removeprefix(ids.REVISION) for role in commits} == commits
        assert this.attributes["pull_request"] == "7"
        assert this.attributes["pull_request.head_repository"] == "ben/fraud"
        assert this.attributes["pull_request.author"] == "ben"
        # Nothing was fetched: the clone has one commit, as before.
        assert clone.git("rev-list", "--all") == commits["source"]
        origin.git("update-ref", "-d", "refs/pull/7/merge")  # which no clone of GitHub has
        store.load(origin.path, named="git")
        origin.git("merge", "-q", "--squash", "faster")
        squashed = origin.commit("faster (#7)", {})
        origin.git("branch", "-q", "-D", "faster")
        store.load(origin.path, named="git")
        found = {one.commit.removeprefix(ids.REVISION): one for one in store.commits(this.id)}
        assert [match.sha for match in found[commits["head"]].matches] == [squashed]
        # The head and the base were asked about: what differs between runs is what ran.
        captured(environ | {"GITHUB_EVENT_NAME": "push"}, name="again", folder=clone.path)
    with stored(workspace) as store:
        compared = store.compare("run:it", "run:again")
        assert (compared.sections["code"], compared.states["code"]) == ((), "equal")
        sources = [part for part in store.reproduce("run:it").parts if part.part == "source"]
        assert [commits["source"] in str(part.to_dict()) for part in sources] == [True]


def test_a_request_whose_head_itself_is_checked_out_ran_on_the_head(requested, workspace):
    _, clone, environ, commits = requested
    clone.git("fetch", "-q", "--depth=1", "origin", "faster:faster")
    clone.git("checkout", "-q", "faster")
    store_at = {"LINEAGE_STORE": str(workspace / ".lineage" / "store.db")}
    captured(environ | store_at, folder=clone.path)
    with stored(workspace) as store:
        answer = store.trace("run:it")
        [edge] = [e for e in answer.edges if e.cause == ids.commit_id(commits["head"])]
        assert edge.attributes["prov:role"] == ("head", "source")


def test_each_attempt_and_each_job_of_a_matrix_is_a_thing_of_its_own(workspace):
    """Case 94: all jobs run again, then one of them alone, which uses what attempt 1 made."""
    first = CASES["github-push"]["set"]
    jobs = [first | {"LINEAGE_CI_MATRIX": json.dumps({"n": n})} for n in range(2)]
    (workspace / "model.bin").write_bytes(b"x" * 100)
    for attempt, again in (("1", jobs), ("2", jobs[:1])):
        for number, environ in enumerate(again):
            captured(environ | {"GITHUB_RUN_ATTEMPT": attempt}, name=f"{attempt}-{number}")
    captured(jobs[0] | {"GITHUB_RUN_ATTEMPT": "2"}, name="2-0 more")
    assert len(runs(workspace)) == 4
    with stored(workspace) as store:
        found = {}
        for name in ("1-0", "1-1", "2-0", "2-0 more"):
            answer = store.trace(f"run:{name}")
            [this] = [node for node in answer.nodes if node.attributes.get("name") == name]
            found[name] = {role: node.id for role, node in linked(answer, this.id).items()}
    assert len({one["job"] for one in found.values()}) == 3
    assert found["2-0"]["job"] == found["2-0 more"]["job"] != found["1-0"]["job"]
    assert found["2-0"]["attempt"] == found["1-0"]["pipeline"] == found["1-1"]["pipeline"]
    assert "attempt" not in found["1-0"]


@pytest.mark.parametrize(
    "event",
    [
        None,
        "",
        "[" * 100_000,
        "[]",
        '{"pull_request": {"head": {"sha": "no commit"}, "base": 7, "html_url": "\\ud800"}}',
    ],
)
def test_an_event_that_cannot_be_read_is_said_and_the_rest_is_known(event, tmp_path):
    path = tmp_path / "event.json"
    if event is not None:
        path.write_text(event)
    environ = CASES["github-push"]["set"] | {
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(path),
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_BASE_REF": "main",
    }
    found = ci.probe(environ)
    asked = found.facts["pull_request"]
    assert (asked["number"], asked["base_branch"], asked["head"]) == ("7", "main", None)
    assert "commit of the head of the pull request" in found.unseen
    assert json.dumps(found.facts, ensure_ascii=False).encode()
    assert ci.probe({}).facts == {}

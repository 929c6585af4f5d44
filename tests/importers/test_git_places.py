# SPDX-License-Identifier: Apache-2.0
"""Commits that no branch names: experiments of DVC, its queue, and linked work trees."""

from __future__ import annotations

import pytest
import yaml

from tests.importers.dvc_locks import entry, md5


@pytest.fixture
def project(new_repository):
    return new_repository()


def commits(store):
    return {node.id.removeprefix("swh:1:rev:") for node in store.ask("kind:commit").nodes}


def lock(rate):
    def stage(deps, out, **more):
        return {
            "cmd": "x",
            "deps": [entry(*x, 500) for x in deps],
            "outs": [entry(*out, 500)],
            **more,
        }

    model = ("model.bin", md5(f"m{rate}"))
    stages = {
        "train": stage([("d.csv", md5("d"))], model, params={"params.yaml": {"lr": rate}}),
        "report": stage([model], ("report.md", md5(f"r{rate}"))),
    }
    return yaml.safe_dump({"schema": "2.0", "stages": stages})


def test_an_experiment_is_a_run_by_its_name_and_the_queue_is_no_history(project, opened):
    base = project.commit("base", {"dvc.lock": lock(0.1)})
    kept = {}
    for name, rate in (("hot", 0.3), ("hot-2", 0.4)):
        project.git("switch", "-q", "--detach", base)
        kept[name] = project.commit(f"dvc: commit experiment {name}", {"dvc.lock": lock(rate)})
        project.git("update-ref", f"refs/exps/{base[:2]}/{base[2:]}/{name}", kept[name])
    for number, aside in enumerate(
        ("celery/stash", "celery/failed", "exec/EXEC_HEAD", "stash", "temp/x")
    ):
        project.git("switch", "-q", "--detach", base)
        queued = project.commit(f"dvc-exp: {number}", {"dvc.lock": lock(number)})
        project.git("update-ref", f"refs/exps/{aside}", queued)
    project.git("switch", "-q", "main")
    reports = {report.importer: report for report in opened.load(project.path)}
    assert commits(opened) == {base, *kept.values()}
    assert 5 in {loss.number for loss in reports["git"].losses if loss.what == "refs"}
    found = opened.trace("run:hot")
    runs = {n.attributes["name"]: n for n in found.nodes if n.kind == "Run"}
    assert runs.keys() == {"train", "report"}
    assert runs["train"].attributes["param.lr"] == 0.3
    assert {n.attributes["experiment"] for n in runs.values()} == {"hot"}
    assert runs["report"].label == "hot"
    assert opened.compare("run:hot", "run:hot-2")


@pytest.mark.parametrize("place", ["main", "linked"])
@pytest.mark.parametrize("moved", [False, True])
def test_what_a_work_tree_has_checked_out_is_a_commit_of_the_project(
    project, opened, tmp_path, place, moved
):
    first = project.commit("one", {"a": "1"})
    linked = tmp_path / "linked tree"
    project.git("worktree", "add", "-q", "--detach", str(linked))
    (linked / "b").write_text("2")
    project.git("-C", str(linked), "add", "-A")
    project.git("-C", str(linked), "commit", "-qm", "only there")
    second = project.git("-C", str(linked), "rev-parse", "HEAD")
    project.git("switch", "-q", "--detach")
    third = project.commit("only here", {"c": "3"})
    if moved:
        project.git("worktree", "add", "-q", "-b", "named", str(tmp_path / "other"))
    opened.load(project.path if place == "main" else linked, named="git")
    assert commits(opened) == {first, second, third}
    [resolved] = opened.commits(second)
    assert resolved.reachable


def test_a_work_tree_whose_commit_is_gone_is_said_and_stops_nothing(project, opened):
    first = project.commit("one", {"a": "1"})
    project.write({".git/worktrees/gone/HEAD": "ab" * 20 + "\n", ".git/worktrees/odd/HEAD": "?\n"})
    [report] = opened.load(project.path, named="git")
    assert commits(opened) == {first}
    assert ("refs", 1) in {loss[:2] for loss in report.losses}

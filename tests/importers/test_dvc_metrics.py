# SPDX-License-Identifier: Apache-2.0
"""Metrics files wherever stages put them: in folders, in git, in a cache, written on Windows."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.importers.dvc_locks import VERSIONS, entry, md5, one, records


def listed(files):
    said = [{"md5": md5(text), "relpath": path} for path, text in sorted(files.items())]
    data = json.dumps(said, sort_keys=True).encode()
    return data, f"{md5(data)}.dir"


def numbers(acc):
    return json.dumps({"acc": acc, "note": "x" * 80}, indent=1)


FILES = {
    "metrics.json": numbers(0.9),
    "plots/loss.tsv": "step\tloss\n0\t1\n" * 9,
    "z.bin": "\0\n" * 50,
}


def pipeline(metrics, outs="eval", **stage):
    said = {"cmd": "x", "outs": [{outs: {"cache": False}}], **stage}
    return yaml.safe_dump({"stages": {"ev": said}, "metrics": metrics})


def lock(digest, path="eval"):
    stages = {"ev": {"cmd": "x", "outs": [entry(path, digest, 900)]}}
    return yaml.safe_dump({"schema": "2.0", "stages": stages})


def metrics(nodes, **run):
    said = one(nodes, "Run", **run).attributes
    return {key: value for key, value in said.items() if key.startswith("metric.")}


def why(losses):
    return {loss.reason for loss in losses if loss.what == "metrics files"}


def inside(folder, files):
    return {f"{folder}/{path}": text for path, text in files.items()}


@pytest.fixture
def project(new_repository):
    return new_repository()


@pytest.mark.parametrize("place", ["cache", "git", "later in git", "working folder"])
@pytest.mark.parametrize("named", ["eval/metrics.json", "eval"])
def test_metrics_in_a_folder_that_is_an_output_are_those_of_its_run(project, place, named):
    data, digest = listed(FILES)
    files = {"dvc.yaml": pipeline([named]), "dvc.lock": lock(digest), ".gitignore": "cache\n"}
    if place == "cache":
        project.commit("run", files)
        cached = {digest: data, **{md5(text): text for text in FILES.values()}}
        project.write({f".dvc/cache/files/md5/{d[:2]}/{d[2:]}": x for d, x in cached.items()})
    elif place == "working folder":
        project.commit("start", {"README": "x"})
        project.write({**files, **inside("eval", FILES)})
    else:
        first, second = files, inside("eval", FILES)
        project.commit("run", first | (second if place == "git" else {}))
        if place != "git":
            project.commit(
                "the folder too", {**second, "dvc.lock": files["dvc.lock"] + "# again\n"}
            )
    nodes, _, losses, seen = records(project.path)
    assert metrics(nodes) == {"metric.acc": 0.9}
    assert seen["metrics files"] == 1
    assert not why(losses)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_folder_written_on_windows_is_known_by_the_text_that_git_has(project, legacy):
    ends = "\n" if legacy else "\r\n"
    there = {p: t if "\0" in t else t.replace("\n", ends) for p, t in FILES.items()}
    _, digest = listed(there)
    text = lock(digest).replace("hash: md5\n      ", "" if legacy else "hash: md5\n      ")
    git = {p: t.replace("\n", "\r\n") if legacy and "\0" not in t else t for p, t in FILES.items()}
    project.git("config", "core.autocrlf", "false")
    project.commit(
        "run",
        {"dvc.yaml": pipeline(["eval/metrics.json"]), "dvc.lock": text, **inside("eval", git)},
    )
    nodes, _, losses, _ = records(project.path)
    assert metrics(nodes) == {"metric.acc": 0.9}
    assert not why(losses)


@pytest.mark.parametrize(("locked", "there"), [("\r\n", "\n"), ("\n", "\r\n")])
def test_a_metrics_file_with_other_line_ends_in_git_is_the_one_that_was_locked(
    project, locked, there
):
    digest = md5(numbers(0.7).replace("\n", locked))
    said = {"ev": {"cmd": "x", "metrics": [{"m.json": {"cache": False}}]}}
    project.git("config", "core.autocrlf", "false")
    project.commit(
        "run",
        {
            "dvc.yaml": yaml.safe_dump({"stages": said}),
            "dvc.lock": lock(digest, "m.json"),
            "m.json": numbers(0.7).replace("\n", there),
        },
    )
    nodes, *_ = records(project.path)
    assert metrics(nodes) == {"metric.acc": 0.7}


def test_a_folder_of_another_run_in_git_gives_no_metrics(project):
    _, digest = listed(FILES)
    stale = FILES | {"metrics.json": numbers(0.1)}
    project.commit(
        "run",
        {
            "dvc.yaml": pipeline(["eval/metrics.json"]),
            "dvc.lock": lock(digest),
            **inside("eval", stale),
        },
    )
    nodes, _, losses, _ = records(project.path)
    assert metrics(nodes) == {}
    assert why(losses) == {
        "lie in a folder whose list of files is not in a cache beside (first: eval/metrics.json)"
    }


def test_metrics_that_no_stage_makes_and_that_a_folder_does_not_have_are_counted(project):
    _, digest = listed(FILES)
    project.commit(
        "run",
        {
            "dvc.yaml": pipeline(["eval/metrics.json", "eval/absent.json", "by/hand.json"]),
            "dvc.lock": lock(digest),
            "by/hand.json": numbers(0.5),
            **inside("eval", FILES),
        },
    )
    nodes, _, losses, _ = records(project.path)
    assert metrics(nodes) == {"metric.acc": 0.9}
    assert why(losses) == {
        "are not in the folder that was locked (first: eval/absent.json)",
        "no stage that was run made them: they belong to no run (first: by/hand.json)",
    }


def test_a_run_on_windows_and_one_elsewhere_name_the_same_paths(project):
    """DVC 1 and 2 wrote the backslashes of Windows into dvc.yaml, dvc.lock and *.dvc."""

    def files(slash, model):
        path = ["nodes", "sim", "scores.json"]
        where, out = slash.join(path[1:]), slash.join(["..", "model", "m.bin"])
        said = {
            "cmd": "x",
            "wdir": slash.join([".", "nodes"]),
            "metrics": [{where: {"cache": False}}],
        }
        outs = [entry(out, md5(model), 900), entry(where, md5(numbers(0.5)), 100)]
        stage = {
            "cmd": "x",
            "deps": [entry(slash.join(["..", "raw", "d.csv"]), md5("d"), 900)],
            "outs": outs,
        }
        raw = {"outs": [entry("d.csv", md5("d"), 900)], "wdir": slash.join(["raw"])}
        return {
            "dvc.yaml": yaml.safe_dump({"stages": {"sim": said}}),
            "dvc.lock": yaml.safe_dump({"schema": "2.0", "stages": {"sim": stage}}),
            "d.dvc": yaml.safe_dump(raw),
            "nodes/sim/scores.json": numbers(0.5),
        }

    project.commit("on Windows", files("\\", "one"))
    project.commit("on Linux", files("/", "two"))
    nodes, *_ = records(project.path)
    names = {n.attributes["name"] for n in nodes.values() if n.kind in VERSIONS}
    assert names == {"raw/d.csv", "model/m.bin", "nodes/sim/scores.json"}
    for model in ("one", "two"):
        assert one(nodes, "Artifact", name="model/m.bin", digest=f"md5:{md5(model)}")
    said = [n.attributes.get("metric.acc") for n in nodes.values() if n.kind == "Run"]
    assert said == [0.5, 0.5]

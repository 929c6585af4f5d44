# SPDX-License-Identifier: Apache-2.0
"""Templates of dvc.yaml: where they take their values from, and how DVC names the stages they make."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.importers.dvc_locks import VERSIONS, entry, md5, one, records


def numbers(acc):
    return json.dumps({"acc": acc})


def run(project, pipeline, stages, files):
    """Commit a pipeline with the metrics of its stages; stage -> (path as locked, path, value)."""
    locked = {
        name: {"cmd": name, "outs": [entry(path, md5(numbers(acc)), 20)]}
        for name, (path, _, acc) in stages.items()
    }
    project.commit(
        "run",
        {
            "dvc.yaml": pipeline,
            "dvc.lock": yaml.safe_dump({"schema": "2.0", "stages": locked}),
            **{where: numbers(acc) for _, where, acc in stages.values()},
            **files,
        },
    )
    return records(project.path)


def accuracies(nodes):
    runs = [n.attributes for n in nodes.values() if n.kind == "Run"]
    return {said["name"]: said.get("metric.acc") for said in runs}


SOURCES = {
    "conf.toml": 'day = 2024-01-01\n[paths]\nout = "there"\n',
    "conf.json": '{"paths": {"out": "there"}}',
    "conf.yml": "paths: {out: there}",
    "conf": "paths: {out: there}",
    "conf.py": "import os\nx, y = 1, 2\nBAD = os.sep\nclass paths:\n    out: str = 'there'\n",
    "self.py": "class paths:\n    def __init__(self):\n        self.out = 'there'\n        other = 'no'\n",
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("place", ["global", "stage", "stage in a folder", "some keys"])
def test_values_come_from_files_of_every_format_for_the_pipeline_or_one_stage(
    new_repository, source, place
):
    vars_ = f"vars: [{source}{':paths' if place == 'some keys' else ''}]"
    inner = place.startswith("stage")
    wdir = "sub" if place == "stage in a folder" else "."
    pipeline = f"""
{"" if inner else vars_}
stages:
  ev:
    {vars_ if inner else ""}
    wdir: {wdir}
    cmd: x
    metrics: ["${{paths.out}}/m.json"]
"""
    where = f"{wdir}/there/m.json".removeprefix("./")
    files = {f"{wdir}/{source}".removeprefix("./") if inner else source: SOURCES[source]}
    nodes, _, losses, _ = run(
        new_repository(), pipeline, {"ev": ("there/m.json", where, 0.5)}, files
    )
    assert accuracies(nodes) == {"ev": 0.5}
    assert not losses


def test_values_of_several_files_are_joined_and_a_stage_has_its_own(new_repository):
    pipeline = """
vars:
  - more.yaml
  - extra: {sub: {a: deep}}
  - extra: {sub: {b: deeper}}
stages:
  both: {cmd: x, metrics: ["${model.name}.${model.ext}.json"]}
  inline: {cmd: x, metrics: ["${extra.sub.a}-${extra.sub.b}.json"]}
  own: {cmd: x, vars: [{here: {dir: mine}, model: {name: svm}}], metrics: ["${here.dir}/${model.name}.${model.ext}"]}
"""
    stages = {
        "both": ("rf.pkl.json", "rf.pkl.json", 0.1),
        "inline": ("deep-deeper.json", "deep-deeper.json", 0.2),
    }
    files = {
        "params.yaml": "model: {name: rf}\nhere: {dir: no}\n",
        "more.yaml": "model: {ext: pkl}\n",
    }
    nodes, *_ = run(new_repository(), pipeline, stages, files)
    assert accuracies(nodes) == {"both": 0.1, "inline": 0.2}


GROUPS = {
    "truth as DVC writes it of a list": ("{foreach: '${flags}', do: {wdir: '${item}', X}}", "True", "true"),
    "truth that stands there": ("{foreach: [true, false], do: {wdir: '${item}', X}}", "false", "false"),
    "truth in a matrix": ("{matrix: {f: [true, false]}, wdir: '${item.f}', X}", "true", "true"),
    "truth named by a matrix": ("{matrix: {f: '${flags}', n: [1]}, wdir: '${item.f}${item.n}', X}", "False-1", "false1"),
    "numbers and dashes": ("{matrix: {a: [x-y, x], b: [y-z, z, 3.5]}, wdir: '${item.a}_${item.b}', X}", "x-y-3.5", "x-y_3.5"),
    "the part of a name": ("{matrix: {a: [x-y, x], b: [z, y-z]}, wdir: '${key}', X}", "x-y-z", "x-y-z"),
    "templates in a list": ("{foreach: ['${name}', b], do: {wdir: '${item}', X}}", "n", "n"),
    "templates in a mapping": ("{foreach: {de: {to: '${name}'}}, do: {wdir: '${key}-${item.to}', X}}", "de", "de-n"),
    "mappings by number": ("{foreach: [{to: a}, {to: b}], do: {wdir: '${item.to}', X}}", "1", "b"),
    "mappings in a matrix": ("{matrix: {m: [{to: a}, {to: b}]}, wdir: '${item.m.to}', X}", "m1", "b"),
    "a name with signs": ("{foreach: {'a@b:c': 1}, do: {wdir: 'w${item}', X}}", "a@b:c", "w1"),
}  # fmt: skip


@pytest.mark.parametrize("group", GROUPS)
def test_a_stage_of_a_group_is_found_by_the_name_that_dvc_gives_it(new_repository, group):
    text, key, wdir = GROUPS[group]
    pipeline = f"stages: {{s: {text.replace('X', 'cmd: x, metrics: [m.json]')}}}"
    files = {"params.yaml": "flags: [true, false]\nname: n\n"}
    stages = {f"s@{key}": ("m.json", f"{wdir}/m.json", 0.5)}
    nodes, _, losses, _ = run(new_repository(), pipeline, stages, files)
    assert accuracies(nodes) == {f"s@{key}": 0.5}
    assert not losses


def test_a_stage_stays_whose_folder_cannot_be_filled_in_and_its_files_are_counted(new_repository):
    pipeline = "stages: {s: {cmd: x, wdir: '${gone}', metrics: [m.json]}, t: {cmd: y}}"
    stages = {"s": ("m.json", "m.json", 0.5), "t": ("t.json", "t.json", 0.5)}
    nodes, _, losses, _ = run(new_repository(), pipeline, stages, {})
    assert accuracies(nodes) == {"s": None, "t": None}
    assert one(nodes, "Run", name="s").attributes["command"] == "s"
    names = {n.attributes["name"] for n in nodes.values() if n.kind in VERSIONS}
    assert names == {"t.json"}
    assert {(loss.what, loss.number) for loss in losses} == {("files", 1)}


@pytest.mark.parametrize(
    ("name", "text"),
    [("v.toml", "[a"), ("v.json", "{"), ("v.py", "x ="), ("v.yaml", "a: ["), ("v.py", "(" * 3000)],
)
def test_a_file_of_values_that_cannot_be_read_is_counted_by_its_format(new_repository, name, text):
    pipeline = f"vars: [{name}]\nstages: {{s: {{cmd: x, metrics: ['${{a}}.json']}}}}"
    nodes, _, losses, _ = run(
        new_repository(), pipeline, {"s": ("m.json", "m.json", 0.5)}, {name: text}
    )
    assert accuracies(nodes) == {"s": None}
    [loss] = [loss for loss in losses if loss.what == "files of parameters"]
    word = {"toml": "TOML", "json": "JSON", "py": "Python", "yaml": "YAML"}[name.split(".")[1]]
    assert loss.reason.startswith(f"not {word}") or "end" in loss.reason
    assert name in loss.reason

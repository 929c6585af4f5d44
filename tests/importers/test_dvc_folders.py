# SPDX-License-Identifier: Apache-2.0
"""Stages that read a part of a folder, or a folder over what others made, as ``dvc dag`` joins them."""

from __future__ import annotations

import json

import pytest
import yaml

from lineage import ids
from tests.importers.dvc_locks import entry, git, linked, md5, named, one, records


def listed(*files):
    """The list that DVC keeps of a folder, and its digest."""
    said = [{"md5": md5(text), "relpath": path} for path, text in sorted(files)]
    data = json.dumps(said, sort_keys=True).encode()
    return data, f"{md5(data)}.dir"


LIST, FOLDER = listed(("train.csv", "t"), ("test.csv", "e"), ("sub/x.csv", "x"))
_, SUB = listed(("x.csv", "x"))


def cached(digest, data):
    return {f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}": data}


def locked(*stages):
    said = {
        name: {
            "cmd": name,
            "deps": [entry(*x, 500) for x in deps],
            "outs": [entry(*x, 500) for x in outs],
        }
        for name, deps, outs in stages
    }
    return yaml.safe_dump({"schema": "2.0", "stages": said})


def prepare(raw="raw", folder=FOLDER, path="data/prepared"):
    return "prepare", [("raw.csv", md5(raw))], [(path, folder)]


def train(*deps, model="model"):
    return "train", list(deps), [("model.bin", md5(model))]


TRAIN = ("data/prepared/train.csv", md5("t"))


@pytest.fixture
def project(new_repository):
    return new_repository()


@pytest.fixture
def loaded(project, opened):
    def load(files, cache=()):
        project.commit("run", {".gitignore": "cache\n", **files})
        project.write(dict(cache))
        opened.load(project.path, named="dvc")
        return opened

    return load


def runs(answer):
    return {node.attributes["name"] for node in answer.nodes if node.kind == "Run"}


def files(answer):
    return {name for name, _ in named(answer)}


@pytest.mark.parametrize("method", ["list", "path"])
@pytest.mark.parametrize(
    "dep", [TRAIN, ("data/prepared/sub", SUB)], ids=["a file", "a folder in the folder"]
)
def test_what_a_stage_reads_of_a_folder_was_made_by_the_stage_that_made_the_folder(
    loaded, method, dep
):
    lab = loaded(
        {"dvc.lock": locked(prepare(), train(dep))},
        cached(FOLDER, LIST) if method == "list" else (),
    )
    assert runs(lab.trace("model.bin@")) == {"prepare", "train"}
    assert runs(lab.impact("raw.csv@")) == {"prepare", "train"}
    assert lab.why("model.bin@", "raw.csv@").paths
    part = f"{dep[0]}@"
    edge = next(
        e
        for e in lab.trace(part).edges
        if e.relation == "wasGeneratedBy" and "method" in e.attributes
    )
    assert edge.attributes == {"prov:role": "out", "method": method}
    assert "data/prepared" in files(lab.impact(part))
    assert "data/prepared/test.csv" not in files(lab.trace("model.bin@"))


@pytest.mark.parametrize("known", [True, False])
def test_a_folder_that_was_read_has_the_outputs_that_lie_in_it(loaded, known):
    data, digest = listed(("a.csv", "a"), ("deep/er/b.csv", "b"), ("c.csv", "c"))
    inner = listed(("b.csv", "b"))[1]
    lab = loaded(
        {
            "dvc.lock": locked(
                ("one", [("raw.csv", md5("raw"))], [("data/a.csv", md5("a"))]),
                ("two", [("raw.sql", md5("sql"))], [("data/deep/er", inner)]),
                train(("data", digest)),
            ),
        },
        cached(digest, data) if known else (),
    )
    assert runs(lab.trace("model.bin@")) == {"one", "two", "train"}
    assert runs(lab.impact("raw.sql@")) == {"two", "train"}
    assert "model.bin" in files(lab.impact("data/a.csv@"))


def test_a_file_of_a_tracked_folder_leads_to_the_name_of_the_folder_and_to_its_source(loaded):
    said = {
        "deps": [{"path": "d", "repo": {"url": "https://git.example/lab/d", "rev_lock": "a" * 40}}],
        "outs": [entry("prepared", FOLDER, 500)],
    }
    lab = loaded({"data/prepared.dvc": yaml.safe_dump(said), "dvc.lock": locked(train(TRAIN))})
    found = lab.trace("model.bin@")
    assert ids.commit_id("a" * 40) in {node.id for node in found.nodes}
    assert "data/prepared" in {n.label for n in found.nodes if n.kind == "Dataset"}
    assert runs(lab.impact("dataset:data/prepared")) == {"train"}
    assert {
        e.attributes["method"] for e in found.edges if e.attributes.get("prov:role") == "part"
    } == {"path"}


def test_a_folder_that_holds_other_bytes_is_not_what_was_read(project):
    project.commit("run", {".gitignore": "cache\n", "dvc.lock": locked(prepare(), train(TRAIN))})
    data, digest = listed(("train.csv", "another"))
    project.commit("stale", {"dvc.lock": locked(prepare(folder=digest), train(TRAIN, model="m2"))})
    project.write(cached(digest, data))
    nodes, edges, losses, _ = records(project.path)
    part = one(nodes, "Artifact", name=TRAIN[0], digest=f"md5:{TRAIN[1]}")
    makers = {e.cause for e in edges if e.effect == part.id and e.relation == "wasGeneratedBy"}
    assert len(makers) == 1
    first = next(e for e in edges if e.cause in makers and "prepared@" in e.effect)
    assert FOLDER in first.effect
    assert ("parts of folders", 1) in {loss[:2] for loss in losses}


def test_a_part_is_of_the_folder_that_was_locked_when_the_stage_ran(project):
    """A folder that is made anew later, while the stage is not run again, is another one."""
    other = listed(("train.csv", "another"))[1]
    project.commit("run", {"dvc.lock": locked(prepare(), train(TRAIN))})
    project.commit("prepared again", {"dvc.lock": locked(prepare("raw2", other), train(TRAIN))})
    nodes, edges, *_ = records(project.path)
    part = one(nodes, "Artifact", name=TRAIN[0])
    wholes = {
        nodes[e.effect].attributes["digest"]
        for e in edges
        if e.cause == part.id and e.relation == "hadMember"
    }
    assert wholes == {f"md5:{FOLDER}"}


@pytest.mark.parametrize(
    "way", ["committed", "in the working folder", "without git", "a bare clone"]
)
def test_folders_are_joined_over_pipelines_in_other_places(project, tmp_path, opened, way):
    first = {
        "a/dvc.yaml": "stages: {prepare: {cmd: prepare, wdir: ../data, outs: [prepared]}}",
        "a/dvc.lock": locked(prepare(path="prepared")),
    }
    second = {"b/dvc.lock": locked(train((f"../{TRAIN[0]}", TRAIN[1])))}
    path = project.path
    if way == "without git":
        path = tmp_path / "plain"
        for name, text in (first | second).items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(text)
    else:
        project.commit("prepare", first)
        project.write(second)
        if way != "in the working folder":
            project.commit("train", second)
        if way == "a bare clone":
            git(tmp_path, "clone", "-q", "--bare", str(path), "bare")
            path = tmp_path / "bare"
    opened.load(path, named="dvc")
    assert runs(opened.trace("b/model.bin@")) == {"prepare", "train"}


def test_what_is_tracked_by_itself_is_no_part_and_a_name_that_begins_alike_is_none(project):
    project.commit(
        "run",
        {
            "data/prepared/train.csv.dvc": yaml.safe_dump(
                {"outs": [entry("train.csv", md5("t"), 500)]}
            ),
            "other.dvc": yaml.safe_dump({"outs": [entry("data/prepared2", FOLDER, 500)]}),
            "dvc.lock": locked(train(TRAIN)),
        },
    )
    project.commit(
        "the folder as a whole", {"dvc.lock": locked(prepare(path="data"), train(model="2"))}
    )
    _, edges, *_ = records(project.path)
    assert not [e for e in edges if "method" in e.attributes and e.relation != "alternateOf"]
    assert len(linked(edges, "used", "dep")) == 2

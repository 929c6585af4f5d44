# SPDX-License-Identifier: Apache-2.0
"""Where projects of DVC are: begun only, inside other repositories, in folders of one, in its history."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

from importers.base import Source
from importers.dvc import IMPORTER
from lineage.errors import BadInput
from tests.importers.dvc_locks import entry, git, linked, lock, md5, one, records

TRACKED = f"outs:\n- {entry('d.csv', md5('d'), 500)}\n"


@pytest.mark.parametrize("committed", [True, False])
def test_a_project_that_has_only_been_initialised_takes_nothing_else_with_it(
    new_repository, opened, committed
):
    project = new_repository()
    project.commit("start", {"requirements.txt": "numpy==2.0.0\n"})
    project.write({".dvc/config": "[core]\n    analytics = false\n"})
    if committed:
        project.commit("dvc init", {})
    reports = {report.importer: report for report in opened.load(project.path)}
    assert reports.keys() >= {"git", "dvc", "lockfile"}
    assert reports["git"].added
    assert reports["lockfile"].added
    assert not reports["dvc"].added
    [loss] = reports["dvc"].losses
    assert loss.reason.startswith("nothing to read yet")


def test_a_range_of_commits_without_dvc_is_no_error(new_repository):
    project = new_repository()
    project.commit("run", {"dvc.lock": lock()})
    project.commit("later", {"README": "x"})
    *_, losses, _ = records(project.path, revisions="HEAD~1..HEAD")
    assert [loss.reason for loss in losses] == [
        "nothing to read yet: no dvc.lock, dvc.yaml, Dvcfile or .dvc file, in these commits"
    ]


@pytest.fixture
def registry(new_repository):
    inner = new_repository("registry")
    inner.commit("data", {"d.csv.dvc": TRACKED, ".dvc/config": ""})
    return inner


@pytest.mark.parametrize("place", ["data", "third party/data"])
@pytest.mark.parametrize("own", [True, False])
def test_a_repository_inside_is_named_with_the_command_that_reads_it(
    new_repository, registry, opened, monkeypatch, place, own
):
    app = new_repository("app")
    app.commit(
        "app", {"requirements.txt": "numpy==2.0.0\n"} | ({"dvc.lock": lock()} if own else {})
    )
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add")
    app.git(*add, str(registry.path), place)
    app.git("commit", "-qm", "data as a submodule")
    monkeypatch.chdir(app.path)
    reports = {report.importer: report for report in opened.load(app.path)}
    assert reports.keys() >= {"git", "dvc", "lockfile"}
    said = next(loss for loss in reports["dvc"].losses if loss.what == "repositories inside")
    quoted = f"'{place}'" if " " in place else place
    assert said.reason == (
        f"{place} is a repository of its own, with DVC: lineage import {quoted} reads it"
    )
    assert bool(reports["dvc"].added) is own
    assert {report.importer for report in opened.load(place)} >= {"git", "dvc"}
    assert "d.csv" in {n.attributes.get("name") for n in opened.find("d.csv").nodes}


def test_a_submodule_without_dvc_is_nothing_to_dvc(new_repository):
    inner, app = new_repository("inner"), new_repository("app")
    inner.commit("code", {"x.py": "1"})
    app.commit("app", {"README": "x"})
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add")
    app.git(*add, str(inner.path), "inner")
    app.git("commit", "-qm", "code as a submodule")
    assert not IMPORTER.sniffs(Source.of(app.path))
    app.write({".gitmodules": '[submodule "x"]\n\tpath = ../registry\n'})
    new_repository("registry").commit("data", {"d.csv.dvc": TRACKED})
    assert not IMPORTER.sniffs(Source.of(app.path))


@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.parametrize("gone", [True, False])
def test_a_project_deep_in_a_repository_or_only_in_its_history_is_found(
    new_repository, tmp_path, bare, gone
):
    project = new_repository()
    project.commit("run", {"a/b/c/dvc.lock": lock()})
    if gone:
        shutil.rmtree(project.path / "a")
        project.commit("tidied away", {})
    path = project.path
    if bare:
        git(tmp_path, "clone", "-q", "--bare", str(path), "bare")
        path = tmp_path / "bare"
    assert IMPORTER.sniffs(Source.of(path))
    nodes, *_ = records(path)
    assert one(nodes, "Run").attributes["stage"] == "a/b/c/dvc.yaml:train"


# --- caches ---------------------------------------------------------------------------------------

LIST = json.dumps([{"md5": md5("a"), "relpath": "a.csv"}]).encode()
FOLDER = f"{md5(LIST)}.dir"
KEPT = {"3": f"files/md5/{FOLDER[:2]}/{FOLDER[2:]}", "2": f"{FOLDER[:2]}/{FOLDER[2:]}"}


def members(path):
    nodes, edges, losses, _ = records(path)
    assert bool(linked(edges, "hadMember")) is not any("cache" in loss.reason for loss in losses)
    return {nodes[cause].attributes["name"] for _, cause in linked(edges, "hadMember")}


def tracked(version="3"):
    said = entry("d", FOLDER, 500)
    if version == "2":
        del said["hash"]
    return yaml.safe_dump({"outs": [said]})


@pytest.mark.parametrize("version", ["2", "3"])
@pytest.mark.parametrize("project", ["", "ml/", "teams/vision/ml/"])
@pytest.mark.parametrize("with_git", [True, False])
def test_the_cache_of_a_project_is_read_wherever_the_project_lies(
    new_repository, tmp_path, version, project, with_git
):
    files = {
        f"{project}.dvc/config": "[core]\n    analytics = false\n",
        f"{project}data/d.dvc": tracked(version),
        f"{project}.dvc/cache/{KEPT[version]}": LIST,
        ".gitignore": "cache\n",
    }
    repository = new_repository()
    repository.commit("data", files)
    if not with_git:
        shutil.rmtree(repository.path / ".git")
    assert members(repository.path) == {f"{project}data/d/a.csv"}


@pytest.mark.parametrize(
    ("config", "local", "place"),
    [
        ("[cache]\n    dir = ../../shared", "", "../shared"),
        ('[cache]\n    dir = "{root}/shared"  # on the big disk', "", "../shared"),
        (
            "[cache]\n    dir = /nowhere",
            "['remote \"x\"']\nurl = s3://b\n[cache]\ndir = ../own",
            "own",
        ),
        ("[cache\n dir = ", "", ".dvc/cache"),
        ("[cache]\n    type = hardlink\n", "", ".dvc/cache"),
    ],
)
def test_a_cache_that_a_setting_names_is_read(new_repository, tmp_path, config, local, place):
    project = new_repository()
    config = config.format(root=tmp_path)
    files = {"d.dvc": tracked(), ".dvc/config": config, ".gitignore": "cache\nconfig.local\nown\n"}
    project.commit("data", files)
    project.write({".dvc/config.local": local, f"{place}/{KEPT['3']}": LIST})
    assert members(project.path) == {"d/a.csv"}


def test_a_bare_clone_has_the_cache_that_its_newest_commit_names(new_repository, tmp_path):
    project = new_repository()
    shared = tmp_path / "shared" / KEPT["3"]
    project.commit("data", {"d.dvc": tracked(), ".dvc/config": f"[cache]\ndir = {tmp_path}/shared"})
    git(tmp_path, "clone", "-q", "--bare", str(project.path), "bare")
    assert members(tmp_path / "bare") == set()
    shared.parent.mkdir(parents=True)
    shared.write_bytes(LIST)
    assert members(tmp_path / "bare") == {"d/a.csv"}


def test_bytes_in_a_cache_that_are_not_what_their_name_says_are_not_read(new_repository):
    project = new_repository()
    project.commit("data", {"d.dvc": tracked(), ".gitignore": "cache\n", ".dvc/config": ""})
    project.write({f".dvc/cache/{KEPT['3']}": LIST.replace(b"a.csv", b"b.csv")})
    assert members(project.path) == set()


# --- files of single stages, as DVC before 1.0 wrote them ---------------------------------------------

OLD = f"""cmd: python train.py
md5: {md5("stage")}
wdir: {{wdir}}
deps:
- md5: {md5("d")}
  path: data.csv
outs:
- md5: {md5("m")}
  path: model.bin
  cache: true
  metric: false
  persist: false
"""


@pytest.mark.parametrize("way", ["committed", "bare", "only in history", "not committed"])
@pytest.mark.parametrize(("folder", "wdir"), [("", "."), ("steps/", "..")])
def test_a_dvcfile_is_a_stage(new_repository, tmp_path, opened, way, folder, wdir):
    project = new_repository()
    project.commit("start", {"README": "x"})
    file = {f"{folder}Dvcfile": OLD.format(wdir=wdir)}
    if way == "not committed":
        project.write(file)
    else:
        project.commit("dvc run -f Dvcfile", file)
    if way == "only in history":
        project.git("rm", "-q", f"{folder}Dvcfile")
        project.git("commit", "-qm", "moved on")
    path = project.path
    if way == "bare":
        git(tmp_path, "clone", "-q", "--bare", str(path), "bare")
        path = tmp_path / "bare"
    reports = opened.load(path)
    assert {report.importer for report in reports} == {"git", "dvc"}
    found = opened.trace("model.bin@")
    names = {n.attributes["name"] for n in found.nodes if n.kind in {"Run", "Artifact"}}
    assert names == {f"{folder}Dvcfile", "model.bin", "data.csv"}


def test_a_last_stage_without_outputs_is_kept(new_repository):
    said = f"cmd: python report.py\ndeps:\n- md5: {md5('m')}\n  path: model.bin\n"
    project = new_repository()
    project.commit("report", {"Dvcfile": said, "also.dvc": said})
    _, edges, losses, _ = records(project.path)
    assert len(linked(edges, "used", "dep")) == 2
    assert not losses


def test_a_dvcfile_that_is_none_is_one_clear_error(new_repository):
    project = new_repository()
    project.commit("x", {"Dvcfile": "hello: world\n"})
    with pytest.raises(BadInput, match="no Dvcfile: it lists no outputs"):
        records(project.path)


def test_a_dependency_on_a_share_is_read_to_its_end(new_repository):
    project = new_repository()
    deps = [{"path": path, "md5": md5(path), "hash": "md5"} for path in ("//nas/y.csv", "///z")]
    stages = {"t": {"cmd": "t", "deps": deps, "outs": []}}
    project.commit("one", {"dvc.lock": yaml.safe_dump({"schema": "2.0", "stages": stages})})
    _, edges, *_ = records(project.path)
    assert len(linked(edges, "used", "dep")) == 2


def test_data_at_an_address_is_a_version_of_what_others_call_by_the_address(new_repository, opened):
    project = new_repository()
    said = "deps:\n- path: s3a://lab/clean/people.csv\n  etag: abc\nouts:\n"
    project.commit("one", {"people.csv.dvc": said + f"- {entry('people.csv', md5('p'), 500)}\n"})
    opened.load(project.path, named="dvc")
    source = opened.find(text="lab/clean/people.csv", kinds=["Dataset"]).nodes
    assert [node.id for node in source] == ["urn:lineage:dataset:s3://lab/clean/people.csv"]
    assert source[0].id in opened.trace("people.csv").ids


def test_a_project_of_dvc_below_a_plain_folder_is_read_where_git_is(
    tmp_path, new_repository, opened
):
    (tmp_path / "above").mkdir()
    project = new_repository("above/one")
    project.commit("one", {"d.csv.dvc": TRACKED})
    reports = opened.load(project.path.parent)
    assert [(r.importer, bool(r.added)) for r in reports] == [("git", True), ("dvc", True)]

# SPDX-License-Identifier: Apache-2.0
"""Projects of DVC, feature by feature: stages, versions, templates, digests, what cannot be read."""

from __future__ import annotations

import json
import math
from collections import Counter

import pytest
import yaml

from lineage import ids
from lineage.errors import BadInput, InputMissing, InputTooNew, InputTruncated, LimitExceeded
from lineage.model.value import Literal
from tests.importers.dvc_locks import (
    VERSIONS,
    entry,
    git,
    linked,
    lock,
    md5,
    named,
    one,
    records,
    upstream,
)


def test_parameters_are_read_as_yaml_1_2_which_dvc_writes(new_repository):
    project = new_repository()
    text = "mode: on\n        rate: '0.01'\n        warmup: '1e-2'\n        zip: '07'"
    project.commit("run", {"dvc.lock": lock().replace("mode: on", text)})
    nodes, *_ = records(project.path)
    run = one(nodes, "Run")
    shown = {k: v for k, v in run.attributes.items() if k.startswith("param.")}
    assert shown == {
        "param.lr": 0.0001,
        "param.mode": "on",
        "param.rate": 0.01,
        "param.warmup": Literal("1e-2", "xsd:double"),
        "param.zip": "07",
        "param.model.name": "rf",
        "param.model.depth": 3,
    }


def test_a_run_is_recorded_in_the_commits_that_brought_it_in(new_repository):
    project = new_repository()
    project.commit("no pipeline yet", {"README": "x"})
    first = project.commit("run", {"dvc.lock": lock()})
    project.commit("other work", {"README": "y"})
    project.commit("comment", {"dvc.lock": "# again\n" + lock()})
    second = project.commit("new data", {"dvc.lock": lock(data="d2", model="m2")})
    nodes, edges, *_ = records(project.path)
    commits = {cause for _, cause in linked(edges, "used", "recorded-in")}
    assert commits == {ids.commit_id(first), ids.commit_id(second)}
    assert Counter(n.kind for n in nodes.values())["Run"] == 2


def test_two_empty_files_are_not_one_lineage(new_repository, opened):
    """Empty and tiny files are the same bytes everywhere; they join nothing."""
    empty, tiny = md5(b""), md5(b"ok\n")
    stages = {
        name: {
            "cmd": name,
            "deps": [entry(f"{name}.in", md5(name), 500)],
            "outs": [entry(f"{name}.done", empty, 0), entry(f"{name}.ok", tiny, 3)],
        }
        for name in ("one", "two")
    }
    project = new_repository()
    project.commit("run", {"dvc.lock": yaml.safe_dump({"schema": "2.0", "stages": stages})})
    opened.load(project.path, named="dvc")
    namespace = project.git("rev-list", "--max-parents=0", "HEAD")
    for digest, end in ((empty, "done"), (tiny, "ok")):
        answer = upstream(opened, namespace, (f"one.{end}", f"md5:{digest}"))
        assert named(answer) == {(f"one.{end}", f"md5:{digest}"), ("one.in", f"md5:{md5('one')}")}


def test_paths_are_those_of_the_repository_from_whatever_folder_they_are_written(new_repository):
    stages = {
        "inner": {
            "cmd": "make",
            "deps": [
                entry("../../data.csv", md5("d"), 100),
                entry("/mnt/big.bin", md5("b"), 100),
                entry("../../../other/x.csv", md5("o"), 100),
                {"path": "s3://ana:hunter2@bucket/k.csv", "etag": '"abc-2"', "size": 100},
            ],
            "outs": [entry("out.txt", md5("t"), 100)],
        }
    }
    project = new_repository()
    project.commit(
        "run",
        {
            "sub/dvc.yaml": "stages: {inner: {cmd: make, wdir: deep, outs: [out.txt]}}",
            "sub/dvc.lock": yaml.safe_dump({"schema": "2.0", "stages": stages}),
        },
    )
    nodes, edges, losses, _ = records(project.path)
    namespace = project.git("rev-list", "--max-parents=0", "HEAD")
    run = one(nodes, "Run", stage="sub/dvc.yaml:inner")
    used = {cause for effect, cause in linked(edges, "used", "dep")}
    assert used == {
        ids.dataset_version_id(namespace, "data.csv", "md5", md5("d")),
        ids.dataset_version_id("file", "/mnt/big.bin", "md5", md5("b")),
        ids.dataset_version_id(namespace, "../other/x.csv", "md5", md5("o")),
        ids.dataset_version_id("s3://bucket", "k.csv", "etag", "abc-2"),
    }
    out = ids.dataset_version_id(namespace, "sub/deep/out.txt", "md5", md5("t"))
    assert linked(edges, "wasGeneratedBy", "out") == {(out, run.id)}
    assert [n.attributes.get("external") for n in nodes.values() if n.id in used].count(True) == 3
    assert "hunter2" not in repr((nodes, edges, losses))


def test_dvc_2_and_dvc_3_digests_of_one_file_are_told_apart(new_repository):
    """Without ``hash: md5`` it is the md5 of the text with Unix line ends."""
    project = new_repository()
    project.commit(
        "2", {"data.csv.dvc": f"outs:\n- md5: {md5('x')}\n  size: 99\n  path: data.csv\n"}
    )
    project.commit(
        "3",
        {"data.csv.dvc": f"outs:\n- md5: {md5('x')}\n  size: 99\n  hash: md5\n  path: data.csv\n"},
    )
    nodes, edges, *_ = records(project.path)
    digests = {n.attributes["digest"] for n in nodes.values() if n.kind == "DatasetVersion"}
    assert digests == {f"md5:{md5('x')}", f"md5-dos2unix:{md5('x')}"}
    dataset = one(nodes, "Dataset")
    assert {cause for _, cause in linked(edges, "specializationOf")} == {dataset.id}
    assert len(linked(edges, "wasInfluencedBy", "recorded-in")) == 2


def test_templates_of_metrics_foreach_and_matrix_are_filled_in(new_repository):
    metrics = b'{"auc": 0.9, "inner": {"loss": NaN}, "note": "fine", "ok": true, "curve": [1, 2]}'
    pipeline = """
vars: [{where: reports}]
stages:
  eval: {cmd: x, metrics: ["${where}/${out.name}.json": {cache: false}]}
  each: {foreach: [de, fr], do: {cmd: x, plots: ["${item}.svg"]}}
  grid: {matrix: {m: [a, b], n: [1, 2]}, cmd: x, wdir: "${item.m}", metrics: ["${item.n}.json"]}
  never: {cmd: x}
artifacts: {scorer: {type: model, path: model.pkl}, notes: {type: text, path: n.txt}}
"""
    stages = {
        "eval": {"cmd": "x", "outs": [entry("reports/all.json", md5(metrics), len(metrics))]},
        "each@fr": {"cmd": "x", "outs": [entry("fr.svg", md5("f"), 100)]},
        "grid@b-2": {"cmd": "x", "outs": [entry("2.json", md5("2"), 100)]},
        "gone": {"cmd": "x", "outs": [entry("model.pkl", md5("m"), 100)]},
    }
    project = new_repository()
    project.commit(
        "run",
        {
            "dvc.yaml": pipeline,
            "params.yaml": "out: {name: all}",
            "dvc.lock": yaml.safe_dump({"schema": "2.0", "stages": stages}),
            "reports/all.json": metrics,
        },
    )
    nodes, edges, losses, _ = records(project.path)
    roles = {
        nodes[e.effect].attributes["name"]: e.attributes["prov:role"]
        for e in edges
        if e.relation == "wasGeneratedBy"
    }
    assert roles == {
        "reports/all.json": "metric",
        "fr.svg": "plot",
        "b/2.json": "metric",
        "model.pkl": "out",
    }
    run = one(nodes, "Run", name="eval")
    said = {k: v for k, v in run.attributes.items() if k.startswith("metric.")}
    assert math.isnan(said.pop("metric.inner.loss"))
    assert said == {"metric.auc": 0.9, "metric.curve.0": 1, "metric.curve.1": 2}
    model = one(nodes, "Model")
    assert (model.label, [e.cause for e in edges if e.relation == "specializationOf"]) == (
        "scorer",
        [model.id],
    )
    assert {(loss.what, loss.number) for loss in losses} == {
        ("values of metrics files", 2),
        ("metrics files", 1),
        ("stages", 1),
        ("roles of outputs", 1),
    }


def test_metrics_of_another_run_are_not_taken_for_those_that_were_locked(new_repository):
    stages = {"eval": {"cmd": "x", "outs": [entry("m.json", md5('{"auc": 0.9}'), 12)]}}
    files = {
        "dvc.yaml": "stages: {eval: {cmd: x, metrics: [m.json: {cache: false}]}}",
        "dvc.lock": yaml.safe_dump({"schema": "2.0", "stages": stages}),
    }
    project = new_repository()
    project.commit("stale", {**files, "m.json": '{"auc": 0.1}'})
    nodes, _, losses, _ = records(project.path)
    assert not any(key.startswith("metric.") for key in one(nodes, "Run").attributes)
    assert ("metrics files", 1) in {loss[:2] for loss in losses}


def test_the_files_of_a_folder_come_from_the_list_in_the_cache(new_repository):
    listed = [{"md5": md5("a"), "relpath": "a.csv"}, {"md5": md5("e"), "relpath": "../escape"}]
    data = json.dumps(listed).encode()
    digest = f"{md5(data)}.dir"
    project = new_repository()
    project.commit(
        "add",
        {".gitignore": ".dvc", "raw.dvc": f"outs:\n- md5: {digest}\n  hash: md5\n  path: raw\n"},
    )
    project.write({f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}": data})
    nodes, edges, losses, _ = records(project.path)
    folder, member = (
        one(nodes, "DatasetVersion", name="raw"),
        one(nodes, "DatasetVersion", name="raw/a.csv"),
    )
    assert linked(edges, "hadMember") == {(folder.id, member.id)}
    assert [(loss.what, loss.number) for loss in losses] == [("files of folders", 1)]
    project.write({f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}": data + b" "})
    _, edges, losses, _ = records(project.path)
    assert not linked(edges, "hadMember")
    assert "not in a cache" in losses[0].reason


def test_files_of_dvc_before_1_0_and_flat_locks_are_stages_too(new_repository):
    project = new_repository()
    old = f"cmd: python prep.py\ndeps:\n- md5: {md5('a')}\n  path: a.csv\nouts:\n- md5: {md5('b')}\n  path: b.csv\n  metric: true\n"
    flat = {
        "train": {
            "cmd": "x",
            "deps": [{"path": "b.csv", "md5": md5("b")}],
            "outs": [{"path": "m", "md5": md5("m")}],
        }
    }
    project.commit("old", {"prep.dvc": old, "dvc.lock": yaml.safe_dump(flat)})
    nodes, edges, *_ = records(project.path)
    assert {n.label for n in nodes.values() if n.kind == "Run"} == {"prep.dvc", "train"}
    assert len(linked(edges, "wasGeneratedBy", "metric")) == 1
    assert len(linked(edges, "used", "dep")) == 2


def test_imported_data_leads_to_the_commit_of_the_other_repository(new_repository):
    said = {
        "deps": [
            {
                "path": "data/x.csv",
                "repo": {"url": "https://ana:pw@git.example/lab/d.git", "rev_lock": "a" * 40},
            }
        ],
        "outs": [entry("x.csv", md5("x"), 100)],
    }
    url = {
        "deps": [
            {"path": "https://data.example/y.csv?token=abcdef123456", "etag": "e1", "size": 9}
        ],
        "outs": [entry("y.csv", md5("y"), 100)],
    }
    project = new_repository()
    project.commit("import", {"x.csv.dvc": yaml.safe_dump(said), "y.csv.dvc": yaml.safe_dump(url)})
    nodes, edges, *_ = records(project.path)
    causes = {cause for _, cause in linked(edges, "wasDerivedFrom", "import")}
    there = ids.dataset_version_id("git.example/lab/d", "data/x.csv", "commit", "a" * 40)
    assert causes == {there, ids.dataset_version_id("https://data.example", "y.csv", "etag", "e1")}
    assert linked(edges, "wasDerivedFrom", "source") == {(there, ids.commit_id("a" * 40))}
    assert "pw@" not in repr(nodes)
    assert "abcdef123456" not in repr(nodes)


def test_what_is_not_committed_yet_is_read_from_the_working_folder(new_repository):
    project = new_repository()
    project.commit("run", {"dvc.lock": lock()})
    project.write(
        {
            "dvc.lock": lock(model="m2"),
            "new.csv.dvc": f"outs:\n- md5: {md5('n')}\n  path: new.csv\n",
        }
    )
    nodes, edges, *_ = records(project.path)
    names = Counter(n.attributes.get("name") for n in nodes.values() if n.kind in VERSIONS)
    assert names == {"data.csv": 1, "model.pkl": 2, "new.csv": 1}
    assert len(linked(edges, "used", "recorded-in")) == 1


def test_a_folder_without_git_is_read_as_it_is(tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "dvc.lock").write_text(lock())
    nodes, edges, *_ = records(tmp_path / "plain")
    assert ids.dataset_version_id("plain", "model.pkl", "md5", md5("m")) in nodes
    assert not linked(edges, "used", "recorded-in")


def test_a_shallow_clone_claims_no_commit_for_what_it_finds_there(new_repository, tmp_path):
    project = new_repository()
    project.commit("run", {"dvc.lock": lock()})
    project.commit("later", {"README": "x"})
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{project.path}", "clone")
    nodes, edges, losses, _ = records(tmp_path / "clone")
    assert one(nodes, "Run").label == "train"
    assert not linked(edges, "used", "recorded-in")
    assert losses[0].what == "earlier history"


def test_names_with_spaces_and_other_scripts_are_found(new_repository):
    project = new_repository()
    project.commit(
        "run",
        {
            "mein plan/dvc.yaml": "stages: {t: {cmd: x, wdir: 'œuvre d', outs: [o]}}",
            "mein plan/dvc.lock": yaml.safe_dump(
                {"stages": {"t": {"cmd": "x", "outs": [entry("o", md5("o"), 100)]}}}
            ),
        },
    )
    nodes, *_ = records(project.path)
    assert one(nodes, "Artifact").attributes["name"] == "mein plan/œuvre d/o"


# --- bad input ------------------------------------------------------------------------------------

MARKERS = "schema: '2.0'\nstages:\n<<<<<<< HEAD\n  a: {cmd: x}\n=======\n  a: {cmd: y}\n>>>>>>> b\n"
BAD = [
    ({"dvc.lock": MARKERS}, BadInput, "git conflict markers at line 3"),
    ({"dvc.lock": ""}, InputTruncated, "empty"),
    ({"dvc.lock": "stages:\n  a:\n    cmd: 'python tr"}, InputTruncated, "end"),
    ({"dvc.lock": "schema: '3.0'\nstages: {}\n"}, InputTooNew, "schema 3.0"),
    ({"dvc.lock": "schema: zwei\nstages: {}\n"}, BadInput, "schema"),
    ({"dvc.lock": "- 1\n"}, BadInput, "no dvc.lock"),
    ({"dvc.lock": "stages: [1]\nschema: '2.0'"}, BadInput, "no mapping"),
    ({"dvc.lock": "just: text\n"}, BadInput, "none of its entries"),
    ({"dvc.lock": b"\xff\xfe\x00"}, BadInput, "UTF-8"),
    ({"dvc.lock": "a: !!python/object/apply:os.system [id]"}, BadInput, "tag"),
    ({"dvc.lock": "a: " + "[" * 99}, LimitExceeded, "50 levels"),
    ({"dvc.lock": "a: &a [x]\nb: [" + "*a," * 99 + "]"}, LimitExceeded, "aliases"),
    ({"dvc.lock": "a: {cmd: x}\na: {cmd: y}\n"}, BadInput, "twice"),
    ({"x.dvc": "md5: abc\n"}, BadInput, "no outputs"),
    ({"dvc.yaml": "stages: 3\n"}, BadInput, "no dvc.yaml"),
    ({"README": "x"}, BadInput, "no dvc.lock"),
]


@pytest.mark.parametrize(("files", "kind", "text"), BAD)
@pytest.mark.parametrize("committed", [True, False])
def test_what_cannot_be_read_is_one_clear_error(files, kind, text, committed, new_repository):
    """Alone in the history, or in the working folder."""
    project = new_repository()
    project.commit("start", {"NOTES": "x"} | (files if committed else {}))
    project.write({} if committed else files)
    with pytest.raises(kind) as raised:
        records(project.path)
    assert text in raised.value.what
    assert raised.value.where
    assert raised.value.hint


def test_one_bad_version_of_history_does_not_hide_the_others(new_repository):
    project = new_repository()
    project.commit("run", {"dvc.lock": lock()})
    bad = project.commit("oops", {"dvc.lock": MARKERS})
    project.commit("resolved", {"dvc.lock": lock(model="m2")})
    nodes, _, losses, _ = records(project.path)
    assert Counter(n.kind for n in nodes.values())["Run"] == 2
    assert losses[0].what == "versions of dvc.lock"
    assert f"dvc.lock at {bad[:12]}" in losses[0].reason


def test_entries_that_say_too_little_are_counted_and_the_rest_is_kept(new_repository):
    stages = {
        "a": {
            "cmd": "curl --token=abcdefgh12345 x",
            "deps": [
                {"path": "no-digest.csv"},
                {"md5": md5("x")},
                {"path": "short", "md5": "73fb"},
            ],
            "params": {"params.yaml": {"api_key": "s3cr3t-value", "lr": 1}},
            "outs": [entry("out\n\u202e.csv", md5("o"), 100, unknown=1), entry("nul\0", md5("p"))],
        }
    }
    project = new_repository()
    project.commit("run", {"dvc.lock": yaml.safe_dump({"schema": "2.0", "stages": stages})})
    nodes, _, losses, _ = records(project.path)
    run = one(nodes, "Run")
    assert run.attributes["command"] == "curl --token=[scrubbed] x"
    assert run.attributes["param.api_key"] == "[scrubbed]"
    assert one(nodes, "Artifact").label == f"out .csv@{md5('o')[:8]}"
    assert {(loss.what, loss.number) for loss in losses} == {
        ("files", 2),
        ("settings of files", 1),
        ("values", 1),
        ("roles of outputs", 1),
    }


@pytest.mark.parametrize("where", ["missing", "file", "inside"])
def test_only_the_root_of_a_project_can_be_imported(where, new_repository):
    project = new_repository()
    project.commit("run", {"sub/dvc.lock": lock(), "dvc.lock": lock()})
    path = {"missing": "nowhere", "file": "dvc.lock", "inside": "sub"}[where]
    with pytest.raises(InputMissing if where == "missing" else BadInput) as raised:
        records(project.path / path)
    assert where == "missing" or str(project.path) in raised.value.hint


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "secret.yaml").write_text("outs: [{path: x, md5: " + md5("x") + "}]")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "x.dvc").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(BadInput, match="no plain file"):
        records(tmp_path / "plain")

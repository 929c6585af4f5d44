# SPDX-License-Identifier: Apache-2.0
"""DVC: what the graph says of every output is what dvc.lock said, in all of history."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
from collections import Counter

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import importers
from importers.base import Options, Source
from importers.dvc import IMPORTER
from lineage import ids
from lineage.errors import BadInput, InputMissing, InputTooNew, InputTruncated, LimitExceeded
from lineage.model.record import line

HISTORIES = ("calkit+example-basic", "iterative+demo-bank-customer-churn")
VERSIONS = {"DatasetVersion", "Artifact"}
SMALL = 64


@pytest.fixture
def known(monkeypatch):
    """The importer is in the table, whatever else is."""
    monkeypatch.setattr(importers, "BUILTIN", tuple(dict.fromkeys((*importers.BUILTIN, "dvc"))))


@pytest.fixture(params=["memory", "sqlite"])
def opened(request, lineage_at, tmp_path, known):
    return lineage_at("memory:" if request.param == "memory" else str(tmp_path / "store.db"))


@pytest.fixture(params=HISTORIES)
def history(request, corpora, tmp_path):
    stream = corpora / "dvc" / request.param / "history.fast-export.txt"
    return rebuilt(tmp_path / "project", stream.read_bytes())


def rebuilt(path, stream):
    path.mkdir()
    git(path, "init", "-q")
    git(path, "fast-import", "--quiet", data=stream)
    return path


def git(path, *command, data=None):
    clean = {"PATH": os.environ["PATH"], "HOME": str(path), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *command], cwd=path, env=clean, input=data, capture_output=True, check=True
    )
    return done.stdout.decode()


def records(path, **options):
    nodes, edges, losses, seen = {}, [], [], Counter()
    for batch in IMPORTER.read(Source.of(path), Options(**options)):
        nodes |= {node.id: node for node in batch.nodes}
        edges += batch.edges
        losses += batch.losses
        seen.update(batch.seen)
    return nodes, edges, losses, seen


def lines(path):
    return [line(r) for b in IMPORTER.read(Source.of(path), Options()) for r in b.records]


# --- an independent reading: git show, safe_load and dicts ----------------------------------------


def locks(path):
    """Every commit whose dvc.lock no parent has: (commit, [(stage, deps, outs)])."""
    found = []
    for said in git(path, "rev-list", "--all", "--parents").splitlines():
        commit, *parents = said.split()
        mine = shown(path, commit, "dvc.lock")
        if mine is None or any(shown(path, parent, "dvc.lock") == mine for parent in parents):
            continue
        pipeline = yaml.safe_load(shown(path, commit, "dvc.yaml") or "{}").get("stages") or {}
        stages = []
        for name, stage in yaml.safe_load(mine)["stages"].items():
            wdir = (pipeline.get(name) or {}).get("wdir", "")
            deps = [version(entry, wdir) for entry in stage.get("deps", ())]
            outs = [version(entry, wdir) for entry in stage.get("outs", ())]
            stages.append((name, deps, outs))
        found.append((commit, stages))
    return found


def shown(path, commit, name):
    try:
        return git(path, "show", f"{commit}:{name}")
    except subprocess.CalledProcessError:
        return None


def version(entry, wdir=""):
    algorithm = "md5" if entry.get("hash") == "md5" else "md5-dos2unix"
    path = os.path.normpath(f"{wdir or '.'}/{entry['path']}")
    return path, f"{algorithm}:{entry['md5']}", entry.get("size")


def closures(instances):
    """(path, digest) -> every (path, digest) it came from: its stages' inputs, theirs, and so on;
    the same bytes under another path are the same bytes, unless they say nothing.
    """
    made, same, sizes = {}, {}, {}
    for deps, outs in instances:
        for path, digest, size in (*deps, *outs):
            same.setdefault(digest, set()).add((path, digest))
            sizes[digest] = min(sizes.get(digest, 1 << 60), 1 << 60 if size is None else size)
        for path, digest, _ in outs:
            made.setdefault((path, digest), set()).update((p, d) for p, d, _ in deps)
    telling = {
        digest
        for digest in same
        if sizes[digest] >= SMALL and digest.split(":")[1] not in ids.EMPTY_DIGESTS
    }

    def closure(start):
        found, todo = {start}, [start]
        while todo:
            one = todo.pop()
            near = made.get(one, set()) | (same[one[1]] if one[1] in telling else set())
            todo += near - found
            found |= near
        return found

    return {one: closure(one) for one in made}


def upstream(store, namespace, one):
    path, digest = one
    ident = ids.version(namespace, path, *digest.split(":"))
    answer = store.trace(ident)
    assert answer.certificate.complete
    return answer


def named(answer):
    return {
        (node.attributes["name"], node.attributes["digest"])
        for node in answer
        if node.kind in VERSIONS
    }


# --- real histories -------------------------------------------------------------------------------


def test_the_upstream_of_every_locked_output_is_what_all_the_locks_together_say(history, opened):
    """The graph joins, for one version, all stages that ever made it or the same bytes."""
    opened.load(history, named="dvc")
    namespace = git(history, "rev-list", "--all", "--max-parents=0").split()[0]
    expected = closures([(deps, outs) for _, stages in locks(history) for _, deps, outs in stages])
    assert len(expected) in {6, 290}
    for one, closure in expected.items():
        assert named(upstream(opened, namespace, one)) == closure


def test_a_model_names_the_digests_its_commit_locked(corpora, tmp_path, opened):
    stream = corpora / "dvc" / HISTORIES[1] / "history.fast-export.txt"
    path = rebuilt(tmp_path / "project", stream.read_bytes())
    opened.load(path, named="dvc")
    namespace = git(path, "rev-list", "--all", "--max-parents=0").split()[0]
    checked = 0
    for commit, stages in locks(path):
        before = [
            stage
            for parent in git(path, "rev-list", "--parents", "-1", commit).split()[1:]
            for c, found in locks_at(path, parent)
            for stage in found
        ]
        for stage in stages:
            name, deps, outs = stage
            if name not in {"train", "run_notebook"} or stage in before or checked == 5:
                continue
            model = next(x for x in outs if "model" in x[0])
            ident = ids.version(namespace, model[0], *model[1].split(":"))
            answer = opened.trace(ident, depth=2, via=["wasGeneratedBy", "used"])
            runs = {e.effect for e in answer.edges if e.cause == ids.commit(commit)}
            for run in runs:
                used = {e.cause for e in answer.edges if e.effect == run}
                used -= {ids.commit(commit)}
                digests = {
                    n.attributes["digest"] for n in answer if n.id in used and n.kind in VERSIONS
                }
                assert digests == {digest for _, digest, _ in deps}
            assert len(runs) == 1
            checked += 1
    assert checked == 5


def locks_at(path, commit):
    said = shown(path, commit, "dvc.lock")
    stages = yaml.safe_load(said)["stages"] if said else {}
    yield (
        commit,
        [
            (name, [version(x) for x in s.get("deps", ())], [version(x) for x in s.get("outs", ())])
            for name, s in stages.items()
        ],
    )


def test_the_second_import_adds_nothing(history, opened):
    (first,) = opened.load(history, named="dvc")
    (second,) = opened.load(history, named="dvc")
    assert first.added > 0
    assert (second.added, second.retracted, second.entries) == (0, 0, ())


def test_two_engines_keep_the_same_counts_and_ledger(history, lineage_at, tmp_path, known):
    stores = [lineage_at("memory:"), lineage_at(str(tmp_path / "store.db"))]
    for store in stores:
        store.load(history, named="dvc")
    assert stores[0].stats() == stores[1].stats()


def test_a_clone_says_the_same(history, tmp_path):
    git(tmp_path, "clone", "-q", "--mirror", str(history), "clone")
    assert lines(history) == lines(tmp_path / "clone")
    assert IMPORTER.sniffs(Source.of(tmp_path / "clone"))


def test_everything_that_was_locked_is_counted(history):
    """Nothing is left out silently: stages, versions and metrics equal an independent count."""
    nodes, _, losses, seen = records(history)
    versions = {
        x[:2] for _, stages in locks(history) for _, deps, outs in stages for x in (*deps, *outs)
    }
    mine = {
        (n.attributes["name"], n.attributes["digest"]) for n in nodes.values() if n.kind in VERSIONS
    }
    assert versions <= mine
    assert seen["versions of dvc.lock"] == len(locks(history))
    assert {loss.what for loss in losses} <= {"files of folders", "metrics files"}


# --- small histories of our own -------------------------------------------------------------------

LOCK = """schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps:
    - path: data.csv
      hash: md5
      md5: {data}
      size: 1000
    params:
      params.yaml:
        lr: 1e-4
        mode: on
        model: {{name: rf, depth: 3}}
    outs:
    - path: model.pkl
      hash: md5
      md5: {model}
      size: 2000
"""


def md5(text):
    return hashlib.md5(text if isinstance(text, bytes) else text.encode()).hexdigest()


def lock(data="d", model="m"):
    return LOCK.format(data=md5(data), model=md5(model))


def one(nodes, kind, **attributes):
    found = [
        node
        for node in nodes.values()
        if node.kind == kind and attributes.items() <= dict(node.attributes).items()
    ]
    assert len(found) == 1, found
    return found[0]


def linked(edges, relation, role=None):
    return {
        (e.effect, e.cause)
        for e in edges
        if e.relation == relation and e.attributes.get("prov:role") == role
    }


def test_parameters_are_read_as_yaml_1_2_which_dvc_writes(new_repository):
    project = new_repository()
    project.commit("run", {"dvc.lock": lock()})
    nodes, *_ = records(project.path)
    run = one(nodes, "Run")
    shown = {k: v for k, v in run.attributes.items() if k.startswith("param.")}
    assert shown == {
        "param.lr": 0.0001,
        "param.mode": "on",
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
    assert commits == {ids.commit(first), ids.commit(second)}
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


def entry(path, digest, size=None, **more):
    said = {"path": path, "hash": "md5", "md5": digest, **more}
    return said if size is None else {**said, "size": size}


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
        ids.version(namespace, "data.csv", "md5", md5("d")),
        ids.version("file", "/mnt/big.bin", "md5", md5("b")),
        ids.version(namespace, "../other/x.csv", "md5", md5("o")),
        ids.version("s3://bucket", "k.csv", "etag", "abc-2"),
    }
    out = ids.version(namespace, "sub/deep/out.txt", "md5", md5("t"))
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
    there = ids.version("git.example/lab/d", "data/x.csv", "commit", "a" * 40)
    assert causes == {there, ids.version("https://data.example", "y.csv", "etag", "e1")}
    assert linked(edges, "wasDerivedFrom", "source") == {(there, ids.commit("a" * 40))}
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
    assert ids.version("plain", "model.pkl", "md5", md5("m")) in nodes
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


# --- laws -----------------------------------------------------------------------------------------

paths = st.sampled_from(["a", "b", "c/d", "e", "f"])
digests = st.sampled_from([md5(str(n)) for n in range(6)] + [md5(b"")])
entries = st.builds(entry, paths, digests, st.sampled_from([None, 10, 100, 100]))
files = st.lists(entries, max_size=3, unique_by=lambda x: x["path"])
stage = st.fixed_dictionaries({"cmd": st.just("x"), "deps": files, "outs": files})
pipelines = st.lists(
    st.dictionaries(st.sampled_from(["s", "t", "u"]), stage, min_size=1), min_size=1, max_size=4
)


@settings(max_examples=25)
@given(pipelines)
def test_any_history_of_locks_has_the_upstream_the_locks_say(tmp_path_factory, versions):
    path = tmp_path_factory.mktemp("law")
    stream = b""
    for version_ in versions:
        text = yaml.safe_dump({"schema": "2.0", "stages": version_}).encode()
        stream += b"commit refs/heads/main\ncommitter A <a@b> 1750000000 +0000\ndata 0\n"
        stream += b"M 100644 inline dvc.lock\ndata %d\n%s\n" % (len(text), text)
    rebuilt(path / "project", stream)
    nodes, edges, *_ = records(path / "project")
    causes = {}
    for edge in edges:
        causes.setdefault(edge.effect, set()).add(edge.cause)
    instances = [(deps, outs) for _, stages in locks(path / "project") for _, deps, outs in stages]
    for start, closure in closures(instances).items():
        found = {
            n.id
            for n in nodes.values()
            if (n.attributes.get("name"), n.attributes.get("digest")) == start
        }
        todo = list(found)
        while todo:
            near = causes.get(todo.pop(), set()) - found
            found |= near
            todo += near
        kinds = [nodes[x] for x in found if nodes[x].kind in VERSIONS]
        assert {(n.attributes["name"], n.attributes["digest"]) for n in kinds} == closure


@settings(max_examples=150)
@given(st.integers(0, 400), st.integers(0, 400), st.binary(max_size=12))
def test_a_damaged_lock_is_read_or_refused_but_never_anything_else(
    tmp_path_factory, start, length, bytes_
):
    data = lock().encode()
    path = tmp_path_factory.mktemp("damaged")
    (path / "dvc.lock").write_bytes(data[:start] + bytes_ + data[start + length :])
    try:
        batches = list(IMPORTER.read(Source.of(path), Options()))
    except BadInput as error:
        assert error.where
    else:
        assert batches[-1].seen

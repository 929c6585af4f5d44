# SPDX-License-Identifier: Apache-2.0
"""Whole histories of DVC: those of real projects, and any that can be drawn."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from importers.base import Options, Source
from importers.dvc import IMPORTER
from lineage import ids
from lineage.errors import BadInput
from lineage.model import terms
from tests.importers.dvc_locks import (
    VERSIONS,
    closures,
    entry,
    git,
    lines,
    lock,
    locks,
    md5,
    named,
    parts,
    records,
    shown,
    upstream,
    version,
)

HISTORIES = ("calkit+example-basic", "iterative+demo-bank-customer-churn")


@pytest.fixture(params=HISTORIES)
def history(request, corpora, tmp_path):
    stream = corpora / "dvc" / request.param / "history.fast-export.txt"
    return rebuilt(tmp_path / "project", stream.read_bytes())


def rebuilt(path, stream):
    path.mkdir()
    git(path, "init", "-q")
    git(path, "fast-import", "--quiet", data=stream)
    return path


def test_the_upstream_of_every_locked_output_is_what_all_the_locks_together_say(history, opened):
    """The graph joins, for one version, all stages that ever made it or the same bytes."""
    opened.load(history, named="dvc")
    namespace = git(history, "rev-list", "--all", "--max-parents=0").split()[0]
    locked = locks(history)
    instances = [(deps, outs) for _, stages in locked for _, deps, outs in stages]
    expected = closures(instances, parts(locked))
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
            ident = ids.dataset_version_id(namespace, model[0], *model[1].split(":"))
            answer = opened.trace(ident, depth=2, via=["wasGeneratedBy", "used"])
            runs = {e.effect for e in answer.edges if e.cause == ids.commit_id(commit)}
            for run in runs:
                used = {e.cause for e in answer.edges if e.effect == run}
                used -= {ids.commit_id(commit)}
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
    first, *_ = opened.load(history, named="dvc")
    (second,) = opened.load(history, named="dvc")
    assert first.added > 0
    assert (second.added, second.retracted, second.entries) == (0, 0, ())


def test_two_engines_keep_the_same_counts_and_ledger(history, lineage_at, tmp_path):
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
        if terms.follows(edge.relation, edge.attributes):
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

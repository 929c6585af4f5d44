# SPDX-License-Identifier: Apache-2.0
"""A source is known by what it is, wherever it lies; one that changed after it was imported is said to
have, beside every answer.
"""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

import importers.mlflow
import lineage
from lineage.errors import StoreUnreachable
from lineage.model.record import Batch, Node
from lineage.store.sqlite.engine import SqliteStore
from tests.services.test_joins import BIG, LOCK, Project

TRACKED = "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  path: {name}\n"
EVENT = (
    '{"eventType":"COMPLETE","eventTime":"2026-05-01T12:00:00Z","producer":"https://e.example/p",'
    '"run":{"runId":"01a21795-a796-785d-9b9c-a08e65315710"},"job":{"namespace":"n","name":"j"}}\n'
)


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "churn")
    made.commit(
        **{
            "data/train.csv": BIG,
            "model.bin.dvc": TRACKED.format(name="model.bin"),
            "uv.lock": LOCK.format(numpy="2.3.1"),
            "events.ndjson": EVENT,
            "mlruns/0/meta.yaml": "artifact_location: a\nexperiment_id: '0'\nname: Default\n",
        }
    )
    return made


def changed(store):
    gaps = store.impact("data/train.csv").certificate.gaps
    return [(gap.example, gap.command) for gap in gaps if gap.code == "source-changed"]


WRITTEN = {
    "model.bin.dvc": TRACKED.format(name="another.bin"),
    "other.bin.dvc": TRACKED.format(name="other.bin"),
    "uv.lock": LOCK.format(numpy="2.3.2") + "\n",
    f"mlruns/0/{32 * 'a'}/meta.yaml": f"run_id: {32 * 'a'}\nexperiment_id: '0'\nstatus: 3\n",
    "events.ndjson": EVENT * 2,
    "a commit": "",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_was_written_since_is_told_with_the_command_that_brings_it(project, name):
    with lineage.open("memory:") as store:
        store.load(project.root)
        if name == "a commit":
            project.git("commit", "-q", "--allow-empty", "-m", "more")
        else:
            (project.root / name).parent.mkdir(exist_ok=True)
            (project.root / name).write_text(WRITTEN[name])
        source = project.root / name if name == "events.ndjson" else project.root
        assert changed(store) == [(str(source), f"lineage import {source}")]
        store.load(project.root)
        assert changed(store) == []


def test_what_is_no_longer_there_has_not_changed(project):
    with lineage.open("memory:") as store:
        store.load(project.root)
        shutil.rmtree(project.root)
        assert changed(store) == []


RUN = "run_id: {0}\nexperiment_id: '0'\nstatus: 3\nlifecycle_stage: active\n"
DOCUMENT = '{{"prefix": {{"ex": "http://e.example/"}}, "entity": {{"ex:{0}": {{}}}}}}'


def with_runs(root, *names):
    """An MLflow store of runs that are called so."""
    shutil.rmtree(root / "mlruns", ignore_errors=True)
    (root / "mlruns/0").mkdir(parents=True)
    (root / "mlruns/0/meta.yaml").write_text(
        "artifact_location: a\nexperiment_id: '0'\nname: Default\ncreation_time: 1760000000000\n"
    )
    for name in names:
        (root / f"mlruns/0/{name * 32}").mkdir()
        (root / f"mlruns/0/{name * 32}/meta.yaml").write_text(RUN.format(name * 32))


def runs(store):
    return {row.id[-1] for row in store.find(kinds=["Run"]).nodes}


@pytest.mark.parametrize("named", ["", "mlruns"])
def test_what_a_moved_store_has_lost_is_taken_back(tmp_path, named):
    first, second = tmp_path / "first", tmp_path / "second"
    with_runs(first, "a", "b")
    with lineage.open("memory:") as store:
        store.load(first)
        assert runs(store) == {"a", "b"}
        first.rename(second)
        with_runs(second, "b", "c")
        store.load(second / named)
        assert runs(store) == {"b", "c"}
        assert changed_places(store) == []


def changed_places(store):
    gaps = store.trace("run:" + 32 * "b").certificate.gaps
    return [gap.example for gap in gaps if gap.code == "source-changed"]


def test_what_another_store_at_the_place_does_not_say_is_taken_back(tmp_path):
    with_runs(tmp_path, "a")
    with lineage.open("memory:") as store:
        store.load(tmp_path)
        with_runs(tmp_path, "b")
        meta = tmp_path / "mlruns/0/meta.yaml"
        meta.write_text(meta.read_text().replace("1760000000000", "1770000000000"))
        store.load(tmp_path)
        assert runs(store) == {"b"}


def test_documents_through_a_pipe_do_not_take_each_other_back():
    with lineage.open("memory:") as store:
        for name in ("one", "two", "one"):
            (report,) = store.load("-", data=DOCUMENT.format(name).encode())
        assert (report.things, report.added, report.unchanged) == (0, 0, 1)
        assert store.stats().nodes == 2


def test_a_first_commit_does_not_make_another_source_of_a_project(tmp_path):
    project = Project(tmp_path / "young")
    (project.root / "doc.json").write_text(DOCUMENT.format("one"))
    with lineage.open("memory:") as store:
        store.load(project.root / "doc.json")
        project.commit(**{"doc.json": DOCUMENT.format("two")})
        store.load(project.root / "doc.json")
        assert [row.id for row in store.find(kinds=["Entity"]).nodes] == ["http://e.example/two"]


def test_an_import_tells_new_things_from_new_records(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_text(DOCUMENT.format("same"))
    with lineage.open("memory:") as store:
        (first,) = store.load(tmp_path / "one.json")
        (second,) = store.load(tmp_path / "two.json")
        assert (first.things, first.added) == (1, 1)
        assert (second.things, second.added) == (0, 1)


def test_an_import_of_several_transactions_that_is_broken_off_loses_no_run_and_says_so(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(importers.mlflow, "BATCH_RECORDS", 4)
    monkeypatch.setattr(SqliteStore, "caps", replace(SqliteStore.caps, records=8))
    write, calls = SqliteStore.write_all, []

    def some(self, writes, *given):
        calls.append(len(writes))
        if len(calls) == 2:
            raise StoreUnreachable("the server went away")
        return write(self, writes, *given)

    def unfinished(store):
        gaps = store.ask("+kind:run").certificate.gaps
        return [(g.example, g.command) for g in gaps if g.code == "import-unfinished"]

    def rates(store):
        return [node.attributes.get("param.rate") for node in store.find(kinds=["Run"]).nodes]

    with lineage.open(tmp_path / "s.db") as store:
        store.load(with_rate(tmp_path / "lab", "1"))
        assert (rates(store), unfinished(store)) == ([1] * 6, [])
        monkeypatch.setattr(SqliteStore, "write_all", some)
        with pytest.raises(StoreUnreachable):
            store.load(with_rate(tmp_path / "lab", "2"))
        assert len(calls) == 2
        assert len(rates(store)) == 6
        assert set(rates(store)) <= {1, 2}
        lab = str(tmp_path / "lab")
        assert unfinished(store) == [(lab, f"lineage import {lab}")]
        store.load(lab)
        assert (rates(store), unfinished(store)) == ([2] * 6, [])


def with_rate(root, rate):
    with_runs(root, *"abcdef")
    for name in "abcdef":
        folder = root / f"mlruns/0/{name * 32}/params"
        folder.mkdir()
        (folder / "rate").write_text(rate)
    return root


def test_copies_of_a_store_that_lie_side_by_side_do_not_take_each_other_back(tmp_path):
    """A backup that is older, a colleague's store that went on: each has what the other lacks."""
    ana, ben = tmp_path / "ana", tmp_path / "ben"
    with_runs(ana, "a", "b")
    with_runs(ben, "b", "c")
    with lineage.open("memory:") as store:
        for _ in range(2):
            store.load(tmp_path)
            assert runs(store) == {"a", "b", "c"}
        again = [report for report in store.load(tmp_path) if report.importer == "mlflow"]
        assert [(one.added, one.retracted) for one in again] == [(0, 0), (0, 0)]
        assert all(one.unchanged for one in again)
        with_runs(ben, "b", "d")
        store.load(ben)
        assert runs(store) == {"a", "b", "d"}
        with_runs(ana, "b")
        store.load(ana)
        assert runs(store) == {"b", "d"}
        shutil.rmtree(ana)
        with_runs(ben, "d")
        store.load(ben)
        assert runs(store) == {"d"}


def test_a_clone_beside_its_project_is_unchanged_but_for_its_branches(tmp_path):
    project = Project(tmp_path / "churn")
    project.commit(**{"a.csv": "x"})
    project.git("clone", "-q", str(project.root), str(tmp_path / "clone"))
    with lineage.open("memory:") as store:
        store.load(project.root, named="git")
        for _ in range(2):
            (report,) = store.load(tmp_path / "clone", named="git")
        assert (report.things, report.added, report.retracted) == (0, 0, 0)
        assert report.unchanged > 0
        (again,) = store.load(project.root, named="git")
        assert (again.added, again.retracted) == (0, 0)


@pytest.mark.parametrize("other", ["", "mlruns"])
def test_other_spellings_of_one_place_are_one_source(tmp_path, other):
    with_runs(tmp_path, "a", "b")
    with lineage.open("memory:") as store:
        store.load(tmp_path, named="mlflow")
        (report,) = store.load(tmp_path / other, named="mlflow")
        assert (report.added, report.retracted) == (0, 0)
        with_runs(tmp_path, "b")
        store.load(f"file://{tmp_path}/mlruns", named="mlflow")
        assert runs(store) == {"b"}


def forgotten(store):
    """The store, without what it knows of files that did not change."""
    kept = store.store.values_under("unchanged/")
    assert kept
    store.store.keep({name: None for name, _ in kept})
    return store


@pytest.mark.parametrize("name", ["doc.json", "events.ndjson"])
def test_a_file_that_did_not_change_is_not_read_again(tmp_path, monkeypatch, name):
    file = tmp_path / name
    secret = '"prefix": {"ex": "http://e.example/"}, "entity": {"ex:a": {"ex:key": "AKIAIOSFODNN7EXAMPLE"}, "ex:b": {}}'
    file.write_text(f"{{{secret}}}" if name == "doc.json" else EVENT + '{"no": "event"}\n')
    importer = importers.named("document" if name == "doc.json" else "openlineage")
    read, count = type(importer).read, []

    def counted(*asked):
        count.append(1)
        return read(*asked)

    monkeypatch.setattr(type(importer), "read", counted)
    with lineage.open(str(tmp_path / "store.db")) as store:
        [first] = store.load(file, joined=False)
        size = store.store.head().size
        file.touch()
        [second] = store.load(file, joined=False)
        assert len(count) == 1
        assert (first.losses != (), second.told, second.entries) == (True, True, ())
        assert (second.unchanged, second.added) == (first.added, 0)
        assert store.impact(next(iter(store.ask("*").nodes)).id).certificate.gaps == ()
        # Just what reading it again would tell.
        assert forgotten(store).load(file, joined=False) == (second,)
        assert store.store.head().size == size
        # What anybody writes under its name, or in it, has to be compared.
        assert len(count) == 2
        node = Node(id="urn:another", kind="Entity")
        store.ingest(Batch(nodes=(node,)), source=first.source)
        [third] = store.load(file, joined=False)
        assert (len(count), third.retracted) == (3, int(name == "doc.json"))
        file.write_bytes(file.read_bytes() + b"\n")
        assert store.load(file, joined=False)[0].unchanged == first.added
        assert len(count) == 4


def test_a_file_that_is_written_to_while_it_is_read_is_read_again(tmp_path, monkeypatch):
    file = tmp_path / "doc.json"
    text = '{"prefix": {"ex": "http://e.example/"}, "entity": {"ex:%s": {}}}'
    file.write_text(text % "a")
    read = type(importers.named("document")).read

    def beside(own, source, options):
        yield from read(own, source, options)
        file.write_text(text % "b")

    with lineage.open("memory:") as store, monkeypatch.context() as patched:
        patched.setattr(type(importers.named("document")), "read", beside)
        store.load(file)
        patched.undo()
        file.write_text(text % "a")
        store.load(file)
        file.write_text(text % "b")
        [report] = store.load(file)
        assert (report.added, report.retracted) == (1, 1)

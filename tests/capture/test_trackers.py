# SPDX-License-Identifier: Apache-2.0
"""Trackers stay: what a captured program logs to MLflow, locks as DVC does, or says as OpenLineage is tied to its run."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import yaml

import lineage
from lineage import ids
from lineage.model.record import line
from lineage.store.base import NOW
from tests.capture.launched import run
from tests.importers.conftest import Repository
from tests.importers.dvc_locks import entry, md5

#: The real MLflow, once captured and once again: each start of it takes seconds.
pytestmark = pytest.mark.xdist_group("mlflow")

TRAIN = """
import os
import sys

import mlflow
from mlflow import MlflowClient

mlflow.set_tracking_uri("sqlite:///mlflow.db")
if "again" in sys.argv:
    with mlflow.start_run():  # that of MLFLOW_RUN_ID
        mlflow.log_metric("auc", 0.9)
    with mlflow.start_run(run_name="child"):
        pass
else:
    text = open("data.csv").read()
    with mlflow.start_run(run_name="train") as run:
        mlflow.log_text(text * 2, "model/weights.txt")
        with mlflow.start_run(run_name="fold", nested=True):
            pass
    with mlflow.start_run(run_name="forged", tags={"lineage.run": "mine"}):
        pass
    os.environ["LINEAGE_DISABLED"] = "1"
    with mlflow.start_run(run_name="alone"):
        pass
    client = MlflowClient()
    client.create_registered_model("fraud")
    client.create_model_version("fraud", f"runs:/{run.info.run_id}/model", run_id=run.info.run_id)
    print(run.info.run_id)
"""
DATA = "a,b\n" * 30


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A repository, and what runs programs in it under the launcher whose runs wait in a spool."""
    place = tmp_path_factory.mktemp("trackers")
    path = place / "project"
    path.mkdir()
    repository = Repository(path)
    repository.git("init", "-q")
    repository.commit("Train", {"train.py": TRAIN, ".gitignore": "*.db\nmlruns/\ndata.csv\n"})
    (path / "data.csv").write_text(DATA)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LINEAGE_", "MLFLOW_"))}
    environ = {
        **kept,
        "XDG_STATE_HOME": str(place / "state"),
        "LINEAGE_SPOOL": str(place / "spool"),
        "LINEAGE_STORE": str(place / "no.db"),
    }

    def launched(name, *words, **more):
        """What a program printed under the launcher, and the bytes of its run file."""
        before = set((place / "spool").glob("*.run"))
        done = run(*words, options=["--name", name], cwd=path, env=environ | more)
        assert done.returncode == 0, done.stderr[-2000:]
        [made] = set((place / "spool").glob("*.run")) - before
        return done.stdout, made.read_bytes()

    return SimpleNamespace(path=path, launched=launched, repository=repository)


@pytest.fixture(scope="module")
def logged(project):
    """The run files of two captured programs that log to one MLflow store."""
    said, first = project.launched("first", sys.executable, "-W", "ignore", "train.py")
    known = said.split()[-1]
    words = [sys.executable, "-W", "ignore", "train.py", "again"]
    _, again = project.launched("again", *words, MLFLOW_RUN_ID=known)
    return SimpleNamespace(first=first, again=again, store=str(project.path / "mlflow.db"))


@pytest.fixture(scope="module")
def told(logged):
    """A store with all of it."""
    with lineage.open("memory:", person_key=bytes(32)) as store:
        for data in (logged.first, logged.again):
            store.take_run(data)
        store.reports = store.load(logged.store, named="mlflow")
        yield store


def titles(answer):
    return {(node.kind, node.label) for node in answer.nodes}


def informed(store, name):
    """The names of the runs that a run was informed by, each with the method that found it."""
    [told] = store.ask(f"kind:run and name:{name}").nodes
    answer = store.show(told.id)
    names = {node.id: node.attributes.get("name") for node in answer.nodes}
    return {
        (names[edge.cause], edge.attributes.get("method"))
        for edge in answer.edges
        if edge.relation == "wasInformedBy" and edge.effect == told.id
    }


def test_a_model_version_is_traced_through_the_tracker_to_what_really_ran(told, project):
    behind = titles(told.trace("fraud@v1"))
    assert {("Run", "train"), ("Run", "first")} <= behind
    kinds = {kind for kind, _ in behind}
    assert {"Artifact", "Commit", "Environment", "Machine", "Person"} <= kinds
    [data] = told.ask("kind:artifact and name:data.csv").nodes
    assert data.attributes["md5"] == md5(DATA)
    assert ("Artifact", data.label) in behind
    assert ("ModelVersion", "fraud@v1") in titles(told.impact(data.id))
    commit = project.repository.git("rev-parse", "HEAD")
    assert ("ModelVersion", "fraud@v1") in titles(told.impact(ids.commit_id(commit)))


def test_what_the_captured_run_knows_is_not_called_unknown_of_the_run_of_mlflow(told):
    codes = {gap.code for gap in told.trace("fraud@v1").certificate.gaps}
    assert not codes & {"environment-unknown", "commit-unknown"}
    train, fold = (told.ask(f"kind:run and name:{name}").nodes[0].id for name in ("train", "fold"))
    assert "data-unknown" not in {reason.code for reason in told.compare(train, fold).reasons}


def test_each_run_of_mlflow_names_the_captured_run_that_it_was_made_in(told):
    assert informed(told, "fold") == {("train", None), ("first", None)}
    assert informed(told, "child") == {("again", None)}


def test_a_run_that_is_continued_is_tied_to_who_continued_it(told):
    assert informed(told, "train") == {("first", None), ("again", "run-id")}


def test_what_is_not_captured_or_no_identifier_of_ours_is_tied_to_nothing(told):
    assert informed(told, "alone") == informed(told, "forged") == set()
    [forged] = told.ask("kind:run and name:forged").nodes
    assert forged.attributes["tag.lineage.run"] == "mine"
    lost = [loss for report in told.reports for loss in report.losses]
    assert [loss.number for loss in lost if loss.what == "captured runs"] == [1]


def test_the_order_in_which_tracker_and_captured_runs_arrive_changes_nothing(logged):
    def captured(store):
        for data in (logged.first, logged.again):
            store.take_run(data)

    def imported(store):
        store.load(logged.store, named="mlflow")

    def records(*steps):
        with lineage.open("memory:", person_key=bytes(32)) as store:
            for step in steps:
                step(store)
            store.join()
            sources = {header.source for header in store.store.headers(0, 1_000, NOW)}
            return sorted({line(r) for s in sources for r in store.store.asserted(s, NOW)})

    assert records(captured, imported) == records(imported, captured)


def test_what_mlflow_loads_is_small_and_knows_nothing_of_a_run_where_there_is_none():
    text = (
        "import sys\nfrom importlib.metadata import entry_points\n"
        "[ours] = [x for x in entry_points(group='mlflow.run_context_provider') if x.value.startswith('lineage.')]\n"
        "context = ours.load()()\nprint(context.in_context(), context.tags())\n"
        "print(*sorted(x for x in sys.modules if x.partition('.')[0] in {'lineage', 'orjson', 'mlflow', 'click'}))"
    )
    environ = {k: v for k, v in os.environ.items() if not k.startswith("LINEAGE_")}
    said = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, env=environ, check=True
    ).stdout.splitlines()
    assert said[0] == "False {}"
    assert said[1].split() == [
        "lineage",
        "lineage.capture",
        "lineage.capture.mlflow_context",
        "lineage.capture.variables",
        "lineage.sources",
        "lineage.sources.captured_runs",
        "lineage.version",
    ]


# --- OpenLineage ----------------------------------------------------------------------------------

EMIT = """
import os
import sys
import uuid

import lineage
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import parent_run
from openlineage.client.serde import Serde

with lineage.run("inside"):
    namespace, name, run = os.environ["OPENLINEAGE_PARENT_ID"].split("/")
parent = parent_run.ParentRunFacet(
    run=parent_run.Run(runId=run), job=parent_run.Job(namespace=namespace, name=name)
)
event = RunEvent(
    eventType=RunState.START,
    eventTime="2026-01-02T03:04:05Z",
    run=Run(runId=str(uuid.uuid4()), facets={"parent": parent}),
    job=Job(namespace="etl", name="load"),
    producer="https://producer.example/1",
)
with open(sys.argv[1], "w") as file:
    file.write(Serde.to_json(event))
"""


def test_a_producer_of_openlineage_names_the_captured_run_as_its_parent(project, tmp_path):
    events = str(tmp_path / "events.json")
    _, data = project.launched("producer", sys.executable, "-W", "ignore", "-c", EMIT, events)
    with lineage.open("memory:") as store:
        store.load(events)
        store.take_run(data)
        assert informed(store, "load") == {("producer", None)}
        assert ("Run", "load") in titles(store.impact("run:producer"))


def test_a_parent_that_somebody_else_set_stays(project):
    words = [sys.executable, "-c", "import os; print(os.environ['OPENLINEAGE_PARENT_ID'])"]
    said, _ = project.launched("x", *words, OPENLINEAGE_PARENT_ID="airflow/etl.load/1")
    assert said == "airflow/etl.load/1\n"


def test_after_a_run_from_inside_the_environment_is_as_it_was(project):
    text = (
        "import lineage, os\nbefore = dict(os.environ)\n"
        "with lineage.run('x'):\n    assert os.environ['OPENLINEAGE_PARENT_ID'] != before.get('OPENLINEAGE_PARENT_ID')\n"
        "assert dict(os.environ) == before\n"
    )
    alone = {k: v for k, v in os.environ.items() if not k.startswith(("LINEAGE_", "OPENLINEAGE_"))}
    environ = {**alone, "LINEAGE_SPOOL": str(project.path.parent / "other")}
    command = [sys.executable, "-c", text]
    done = subprocess.run(
        command, cwd=project.path, capture_output=True, text=True, env=environ, check=False
    )
    assert done.returncode == 0, done.stderr


# --- DVC ------------------------------------------------------------------------------------------


def locked(model):
    """A dvc.lock as DVC writes it, of a stage that nobody runs again and of one that makes a model."""
    prepare = {"cmd": "make clean.csv", "outs": [entry("clean.csv", md5(DATA), len(DATA))]}
    train = {
        "cmd": "make model.bin",
        "deps": [entry("clean.csv", md5(DATA), len(DATA))],
        "outs": [entry("model.bin", md5(model), len(model))],
    }
    return yaml.safe_dump({"schema": "2.0", "stages": {"prepare": prepare, "train": train}})


@pytest.fixture(scope="module")
def pipeline(project):
    """The same repository as a project of DVC, in which the stages were locked once."""
    (project.path / ".dvc").mkdir()
    files = {".dvc/config": "", ".gitignore": "*.db\n*.csv\n*.bin\n", "dvc.lock": locked("m1")}
    project.repository.commit("Lock", files)
    return project


def stages(store, name):
    """The locked states of a stage: what made it, by the end of what it made."""
    found = {}
    for node in store.ask(f"kind:run and tracker:dvc and name:{name}").nodes:
        edges = store.show(node.id).edges
        [made] = [e.effect for e in edges if e.relation == "wasGeneratedBy"]
        found[made] = {e.cause for e in edges if e.relation == "wasInformedBy"}
    return found


#: As DVC goes on: a stage writes, and DVC looks at what it wrote, and locks it.
REPRO = """
import subprocess
subprocess.run(["sh", "-c", "printf m2 > model.bin"], check=True)
open("model.bin", "rb").read()
open("dvc.lock", "w").write(open("next.lock").read())
"""


def test_the_stages_that_were_locked_in_a_captured_run_are_tied_to_it_and_no_others(pipeline):
    (pipeline.path / "next.lock").write_text(locked("m2"))
    _, data = pipeline.launched("repro", sys.executable, "-c", REPRO)
    pipeline.repository.commit("Run again", {})
    with lineage.open("memory:") as store:
        store.take_run(data)
        store.load(str(pipeline.path), named="dvc")
        [captured] = store.ask("kind:run and name:repro").nodes
        assert [*stages(store, "prepare").values()] == [set()]
        behind = {made.rpartition(":")[2]: by for made, by in stages(store, "train").items()}
        assert behind == {md5("m1"): set(), md5("m2"): {captured.id}}


def test_a_small_file_is_one_thing_for_dvc_and_for_who_wrote_it(pipeline):
    text = "open('model.bin', 'w').write('m4')"
    _, data = pipeline.launched("small", sys.executable, "-c", text)
    pipeline.repository.commit("Lock again", {"dvc.lock": locked("m4")})
    with lineage.open("memory:") as store:
        store.take_run(data)
        store.load(str(pipeline.path), named="dvc")
        [made] = [made for made in stages(store, "train") if made.endswith(md5("m4"))]
        assert ("Run", "small") in titles(store.trace(made))

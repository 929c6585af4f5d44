# SPDX-License-Identifier: Apache-2.0
"""What MLflow's stores say, as database, files and server: the same runs, data and models."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import lineage
from importers.base import Source
from importers.mlflow import IMPORTER
from lineage import ids
from lineage.errors import LineageError
from lineage.model.numeric import meaning
from lineage.model.record import Edge, Node, line
from lineage.model.value import Literal, wired
from tests.conftest import KEY, clock
from tests.faults.proxy import places
from tests.importers.mlflow_found import COMMIT, OLD, REAL, Found

#: With the other file of tests for which the real MLflow makes a store: that takes seconds.
pytestmark = pytest.mark.xdist_group("mlflow")

# --- what a store says ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sql", "files"])
def test_a_model_version_leads_back_to_its_run_its_data_and_its_commit(kind, request) -> None:
    found = Found(request.getfixturevalue(kind))
    run = found.labelled("train")
    upstream = found.causes(found.labelled("fraud@v1").id)
    assert {
        run.id,
        COMMIT,
        found.labelled("churn-train@" + digest(found, "churn-train")).id,
        "urn:lineage:dataset:s3://lake/churn/test.csv",
        found.labelled("model").id,
        found.labelled("fraud").id,
    } <= upstream
    assert upstream <= found.causes(found.labelled("fraud@v3").id), "v3 is a copy of v1"
    assert {edge.attributes.get("prov:role") for edge in found.edges if edge.effect == run.id} >= {
        "source",
        "training",
        "validation",
    }
    plans = {edge.attributes.get("prov:plan") for edge in found.edges if edge.effect == run.id}
    assert COMMIT in {getattr(plan, "iri", None) for plan in plans}
    assert found.labelled("fraud@v1").attributes["aliases"] == "audited, champion"
    assert found.labelled("fraud@v3").attributes["tag.risk"] == "low"


def digest(found: Found, name: str) -> str:
    (version,) = (node for node in found.of("DatasetVersion") if node.attributes["name"] == name)
    return str(version.attributes["digest"]).removeprefix("mlflow:")


def test_nested_deleted_and_consuming_runs_keep_their_ties(sql) -> None:
    found = Found(sql)
    sweep, train, tune = (found.labelled(name).id for name in ("sweep", "train", "tune"))
    ties = {(edge.relation, edge.effect, edge.cause) for edge in found.edges}
    assert ("wasInformedBy", train, sweep) in ties
    assert ("used", tune, found.labelled("model").id) in ties
    assert found.labelled("tune").attributes["lifecycle"] == "deleted"
    assert found.labelled("sweep").attributes["tag.mlflow.source.git.commit"] == "0123456"
    assert found.lost("source commits") == 1


def test_files_are_hashed_and_boilerplate_ties_no_models_together(sql) -> None:
    found = Found(sql)
    notes = found.labelled("report/notes.txt")
    assert notes.attributes["digest"] == "sha256:" + ids.sha256(b"x" * 100)
    assert f"urn:lineage:content:{notes.attributes['digest']}" in found.causes(notes.id)
    assert notes.id in found.causes(found.labelled("fraud@v2").id), "registered from runs:/"
    environment = found.labelled("conda.yaml")
    ties = [edge for edge in found.edges if edge.relation == "alternateOf"]
    assert environment.id not in {edge.effect for edge in ties}


def test_credentials_are_replaced_and_counted(sql) -> None:
    text = b"".join(Found(sql).lines)
    assert b"hunter2" not in text
    assert b"not-for-you" not in text
    assert b"https://git.example/churn.git" in text
    assert Found(sql).lost("values") == 3


# --- three doors, one content --------------------------------------------------------------------


def test_files_and_tables_give_a_run_the_same_attributes(sql, files) -> None:
    def told(found: Found) -> dict[str, Any]:
        return {
            node.label: {
                key: "NaN" if isinstance(value, float) and math.isnan(value) else value
                for key, value in node.attributes.items()
                if key not in {"started", "ended", "created"}
            }
            for node in (*found.of("Run"), found.labelled("model"))
        }

    assert told(Found(sql)) == told(Found(files))
    train = Found(sql).labelled("train").attributes
    kept = {key: train[f"param.{key}"] for key in ("depth", "rate", "folds", "torch_version")}
    assert kept == {
        "depth": 3,
        "rate": Literal("1e-2", "xsd:double"),
        "folds": "007",
        "torch_version": "1.10",
    }
    assert (train["param.lr"], train["metric.auc"], train["metric.inf"]) == (0.1, 0.93, -math.inf)


def test_a_server_says_what_its_database_says(sql, server) -> None:
    database, asked = Found(sql), Found(server)
    without_files = {
        line(record)
        for batch in database.batches
        for record in batch.records
        if not any("@sha256:" in text or "content:" in text for text in names(record))
    }
    not_numbers = {text for text in without_files if b'"NaN"' in text and b"logged-model" in text}
    assert without_files - not_numbers <= set(asked.lines)
    assert len(asked.lines) == len(without_files)
    assert asked.lost("artifact folders") == 4


def test_a_server_is_imported_whole_or_not_at_all_wherever_the_network_fails(
    server, tmp_path, monkeypatch, extent
) -> None:
    monkeypatch.setattr("importers.mlflow.server._TIMEOUT", 1.5)
    port = urlsplit(server).port
    path: Path = tmp_path / "store.db"

    def imported(at: int) -> tuple[Any, ...]:
        with lineage.open(path, clock=clock, person_key=KEY) as store:
            store.load(f"http://127.0.0.1:{at}")
            return seen()

    def seen() -> tuple[Any, ...]:
        with lineage.open(path, clock=clock, person_key=KEY) as store:
            assert store.verify().state == "intact"
            return store.stats().nodes, store.stats().edges

    def fresh(at: int) -> tuple[Any, ...]:
        for file in tmp_path.glob("store.db*"):
            file.unlink()
        return imported(at)

    expected = fresh(port)
    for what, through in places(port, extent, fresh):
        for file in tmp_path.glob("store.db*"):
            file.unlink()
        try:
            found = imported(through.port)
        except LineageError:
            assert seen() in {(0, 0), expected}, what
        else:
            assert found == expected, what
        through.heal()
        assert imported(through.port) == expected, what


def names(record: Node | Edge) -> tuple[str, ...]:
    return (record.id,) if isinstance(record, Node) else (record.effect, record.cause)


@pytest.mark.parametrize("kind", ["sql", "files"])
def test_a_moved_copy_read_twice_gives_the_same_records(kind, request, tmp_path) -> None:
    here = request.getfixturevalue(kind)
    there = shutil.copytree(here, tmp_path / "a b#c%41?d")
    first = Found(here)
    assert first.lines == Found(there).lines
    assert [*map(line, first.nodes)] == [*map(line, Found(here).nodes)]
    assert [*map(line, first.edges)] == [*map(line, Found(here).edges)]


def test_stores_are_recognised_wherever_they_lie(sql, files, tmp_path) -> None:
    assert all(
        IMPORTER.sniffs(Source.of(place))
        for place in (sql, sql / "mlflow.db", files, files / "mlruns", "postgresql://db/mlflow")
    )
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE runs (a)")
    assert not any(
        IMPORTER.sniffs(Source.of(place))
        for place in (tmp_path, other, REAL, tmp_path / "none", "https://git.example/churn.git")
    )


# --- stores of others ----------------------------------------------------------------------------


def test_the_store_of_2019_is_read_whole(corpora, tmp_path) -> None:
    shutil.copy(corpora / f"{OLD}.sql", tmp_path / "mlflow.db")
    found = Found(tmp_path)
    expected = json.loads((corpora / f"{OLD}_expected_values.json").read_text())
    runs = {node.id.rpartition("/")[2]: node.attributes for node in found.of("Run")}
    assert {
        run: {f"metric.{name}": value for name, value in metrics.items()}
        for run, metrics in expected.items()
    } == {
        run: {name: value for name, value in told.items() if name.startswith("metric.")}
        for run, told in runs.items()
    }
    assert (found.seen["runs"], found.seen["metrics"], found.seen["tags"]) == (26, 404, 103)
    kept = sum(len(metrics) for metrics in expected.values())
    assert found.lost("metric points before the last") == 404 - kept
    tags = sum(name.startswith("tag.") for told in runs.values() for name in told)
    commits = sum(edge.attributes.get("prov:role") == "source" for edge in found.edges)
    people = sum(edge.relation == "wasAssociatedWith" for edge in found.edges)
    assert tags + commits + people == 103


@pytest.mark.parametrize(
    "place", ["mlflow/konradmalik+mlfix/tests/mlruns", "mlflow/loglabs+mltrace/examples/mlruns"]
)
def test_file_stores_of_others_are_read_whole(corpora, place) -> None:
    root = corpora / place
    found = Found(root)
    runs = [path.parent for path in root.glob("*/*/meta.yaml")]
    assert len(found.of("Run")) == found.seen["runs"] == len(runs)
    for what in ("params", "tags"):
        assert found.seen[what] == sum(len(list((run / what).glob("*"))) for run in runs)
    for run in runs:
        (node,) = (node for node in found.of("Run") if node.id.endswith(run.name))
        for param in run.glob("params/*"):
            kept = meaning(wired(node.attributes[f"param.{param.name}"]))
            assert kept == meaning(param.read_text())
        for metric in run.glob("metrics/*"):
            last = metric.read_text().splitlines()[-1].split()
            assert node.attributes[f"metric.{metric.name}"] == float(last[1])
        sha = (run / "tags/mlflow.source.git.commit").read_text()
        assert f"swh:1:rev:{sha}" in found.causes(node.id)
        hashed = sum(path.is_file() for path in run.glob("artifacts/**/*"))
        assert len([e for e in found.edges if e.cause == node.id]) == hashed

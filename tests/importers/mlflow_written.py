# SPDX-License-Identifier: Apache-2.0
"""Writes one small store of MLflow in each of the three ways in which it is read.

For what the real MLflow writes only beside a service that no test has (Databricks, S3, Spark), or
wrote years ago. The files, tables and answers are those of MLflow 3.17.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

READERS = ("files", "tables", "server")
#: Times of what has none of its own: milliseconds since 1970.
NOW = 1_700_000_000_000


@dataclass(kw_only=True)
class Dataset:
    name: str = "dataset"
    digest: str = "1a2b3c4d"
    source_type: str = "local"
    source: str = '{"uri": "/data/a.csv"}'
    schema: str = "{}"
    profile: str = "{}"
    context: str = "training"


@dataclass(kw_only=True)
class Run:
    id: str
    name: str
    experiment: str = "1"
    artifacts: str | None = None
    deleted: bool = False
    source_version: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: Sequence[Dataset] = ()


@dataclass(kw_only=True)
class Logged:
    id: str
    name: str = "model"
    run: str = ""
    experiment: str = "1"
    artifacts: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Version:
    version: str
    source: str
    run: str = ""
    stage: str = "None"
    created: int = NOW
    storage: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Model:
    name: str
    versions: Sequence[Version] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Said:
    """What the store holds; its experiments are named 1 and 2, and their ids are their names."""

    traces: int = 0
    evaluation_sets: int = 0
    runs: Sequence[Run] = ()
    logged: Sequence[Logged] = ()
    models: Sequence[Model] = ()


@contextmanager
def written(said: Said, reader: str, folder: Path) -> Iterator[str]:
    """The address of the store."""
    if reader == "files":
        as_files(said, folder / "mlruns")
        yield str(folder / "mlruns")
    elif reader == "tables":
        as_tables(said, folder / "mlflow.db")
        yield str(folder / "mlflow.db")
    else:
        with as_server(said) as address:
            yield address


# --- files ---------------------------------------------------------------------------------------


def as_files(said: Said, root: Path) -> None:
    for experiment in ("1", "2"):
        _meta(root / experiment, experiment_id=experiment, name=experiment, creation_time=NOW,
              lifecycle_stage="active")  # fmt: skip
    for run in said.runs:
        at = root / run.experiment / run.id
        _meta(at, run_id=run.id, run_uuid=run.id, run_name=run.name, status=3, start_time=NOW,
              end_time=NOW + 1, artifact_uri=run.artifacts, experiment_id=run.experiment,
              source_version=run.source_version,
              lifecycle_stage="deleted" if run.deleted else "active")  # fmt: skip
        _texts(at / "tags", {"mlflow.runName": run.name, **run.tags})
        for number, dataset in enumerate(run.datasets):
            key = f"{run.id}-{number}"
            kept = {name: value for name, value in vars(dataset).items() if name != "context"}
            _meta(root / run.experiment / "datasets" / key, **kept)
            _meta(at / "inputs" / key, source_type="DATASET", source_id=key,
                  destination_type="RUN", destination_id=key,
                  tags={"mlflow.data.context": dataset.context})  # fmt: skip
    for logged in said.logged:
        at = root / logged.experiment / "models" / logged.id
        _meta(at, model_id=logged.id, name=logged.name, source_run_id=logged.run, status=2,
              creation_timestamp=NOW, artifact_location=logged.artifacts,
              experiment_id=logged.experiment, lifecycle_stage="active")  # fmt: skip
        _texts(at / "tags", logged.tags)
    for number in range(said.traces):
        (root / "1" / "traces" / f"tr-{number}").mkdir(parents=True)
    for model in said.models:
        at = root / "models" / model.name
        _meta(at, name=model.name, creation_timestamp=NOW)
        _texts(at / "tags", model.tags)
        _texts(at / "aliases", model.aliases)
        for version in model.versions:
            inner = at / f"version-{version.version}"
            _meta(inner, name=model.name, version=version.version, source=version.source,
                  storage_location=version.storage or version.source, run_id=version.run,
                  creation_timestamp=version.created, current_stage=version.stage, status="READY")  # fmt: skip
            _texts(inner / "tags", version.tags)


def _meta(folder: Path, **told: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # JSON is YAML.
    (folder / "meta.yaml").write_text(json.dumps(told))


def _texts(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


# --- tables --------------------------------------------------------------------------------------

_SCHEMA = """
CREATE TABLE alembic_version (version_num);
INSERT INTO alembic_version VALUES ('dc11669786a5');
CREATE TABLE experiments (experiment_id, name, creation_time, lifecycle_stage);
CREATE TABLE runs (run_uuid, experiment_id, name, status, user_id, start_time, end_time,
  lifecycle_stage, artifact_uri, source_version);
CREATE TABLE metrics (run_uuid, key, value, timestamp, step, is_nan);
CREATE TABLE latest_metrics (run_uuid, key, value, timestamp, step, is_nan);
CREATE TABLE params (run_uuid, key, value);
CREATE TABLE tags (run_uuid, key, value);
CREATE TABLE datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type,
  dataset_source, dataset_schema, dataset_profile);
CREATE TABLE inputs (input_uuid, source_type, source_id, destination_type, destination_id, step);
CREATE TABLE input_tags (input_uuid, name, value);
CREATE TABLE logged_models (model_id, experiment_id, name, source_run_id, creation_timestamp_ms,
  status, model_type, lifecycle_stage, artifact_location);
CREATE TABLE logged_model_tags (model_id, tag_key, tag_value);
CREATE TABLE registered_models (workspace, name, creation_time, description);
CREATE TABLE registered_model_tags (workspace, name, key, value);
CREATE TABLE registered_model_aliases (workspace, name, alias, version);
CREATE TABLE model_versions (workspace, name, version, source, storage_location, run_id,
  creation_time, description, user_id, current_stage, status);
CREATE TABLE model_version_tags (workspace, name, version, key, value);
CREATE TABLE trace_info (request_id);
CREATE TABLE evaluation_datasets (dataset_id);
"""


def as_tables(said: Said, path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(_SCHEMA)
        for table, *row in _rows(said):
            marks = ", ".join("?" * len(row))
            database.execute(f"INSERT INTO {table} VALUES ({marks})", row)


def _rows(said: Said) -> Iterator[tuple[Any, ...]]:
    for experiment in ("1", "2"):
        yield "experiments", experiment, experiment, NOW, "active"
    for run in said.runs:
        stage = "deleted" if run.deleted else "active"
        yield ("runs", run.id, run.experiment, run.name, "FINISHED", "", NOW, NOW + 1, stage,
               run.artifacts, run.source_version)  # fmt: skip
        for key, value in {"mlflow.runName": run.name, **run.tags}.items():
            yield "tags", run.id, key, value
        for number, dataset in enumerate(run.datasets):
            key = f"{run.id}-{number}"
            yield ("datasets", key, run.experiment, dataset.name, dataset.digest,
                   dataset.source_type, dataset.source, dataset.schema, dataset.profile)  # fmt: skip
            yield "inputs", key, "DATASET", key, "RUN", run.id, 0
            yield "input_tags", key, "mlflow.data.context", dataset.context
    for logged in said.logged:
        yield ("logged_models", logged.id, logged.experiment, logged.name, logged.run, NOW, 2, "",
               "active", logged.artifacts)  # fmt: skip
        for key, value in logged.tags.items():
            yield "logged_model_tags", logged.id, key, value
    yield from (("trace_info", number) for number in range(said.traces))
    yield from (("evaluation_datasets", number) for number in range(said.evaluation_sets))
    for model in said.models:
        yield "registered_models", "default", model.name, NOW, None
        for key, value in model.tags.items():
            yield "registered_model_tags", "default", model.name, key, value
        for alias, stands in model.aliases.items():
            yield "registered_model_aliases", "default", model.name, alias, int(stands)
        for version in model.versions:
            yield ("model_versions", "default", model.name, int(version.version), version.source,
                   version.storage or version.source, version.run, version.created, None, None,
                   version.stage, "READY")  # fmt: skip
            for key, value in version.tags.items():
                yield "model_version_tags", "default", model.name, int(version.version), key, value


# --- answers of a server -------------------------------------------------------------------------


@contextmanager
def as_server(said: Said) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = urlsplit(self.path)
            asked = json.loads(body) if body else {k: v[0] for k, v in parse_qs(url.query).items()}
            found = _answer(said, url.path.partition("/mlflow/")[2], asked)
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(found or {}).encode())

        do_GET = do_POST = answer  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _answer(said: Said, path: str, asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if path == "experiments/search":
        return {"experiments": [{"experiment_id": e, "name": e, "creation_time": NOW,
                                 "lifecycle_stage": "active"} for e in ("1", "2")]}  # fmt: skip
    if path == "runs/search":
        return {"runs": [_run(run) for run in said.runs]}
    if path == "runs/get":
        return {"run": _run(next(run for run in said.runs if run.id == asked["run_id"]))}
    if path == "logged-models/search":
        return {"models": [
            {"info": {"model_id": logged.id, "name": logged.name, "source_run_id": logged.run,
                      "experiment_id": logged.experiment, "creation_timestamp_ms": NOW,
                      "artifact_uri": logged.artifacts, "status": "LOGGED_MODEL_READY",
                      "tags": _pairs(logged.tags)}, "data": {}}
            for logged in said.logged]}  # fmt: skip
    if path in {"traces", "datasets/search"}:
        under, held = ("traces", said.traces) if path == "traces" else ("datasets", said.evaluation_sets)  # fmt: skip
        start = int(asked.get("page_token", 0))
        page = {under: [{"id": n} for n in range(start, min(held, start + 2))]}
        return page | ({"next_page_token": str(start + 2)} if start + 2 < held else {})
    prompts = "is_prompt" in asked.get("filter", "")
    shown = [m for m in said.models if ("mlflow.prompt.is_prompt" in m.tags) == prompts]
    if path == "registered-models/search":
        return {"registered_models": [
            {"name": model.name, "creation_timestamp": NOW, "tags": _pairs(model.tags),
             "aliases": [{"alias": a, "version": v} for a, v in model.aliases.items()]}
            for model in shown]}  # fmt: skip
    if path == "model-versions/search":
        return {"model_versions": [
            {"name": model.name, "version": version.version, "source": version.source,
             "run_id": version.run, "creation_timestamp": version.created, "status": "READY",
             "current_stage": version.stage, "tags": _pairs(version.tags)}
            for model in shown
            for version in model.versions if version.stage != "Deleted_Internal"]}  # fmt: skip
    return None


def _run(run: Run) -> Mapping[str, Any]:
    return {
        "info": {"run_id": run.id, "experiment_id": run.experiment, "run_name": run.name,
                 "status": "FINISHED", "start_time": NOW, "end_time": NOW + 1,
                 "artifact_uri": run.artifacts, "source_version": run.source_version,
                 "lifecycle_stage": "deleted" if run.deleted else "active"},
        "data": {"tags": _pairs({"mlflow.runName": run.name, **run.tags})},
        "inputs": {"dataset_inputs": [
            {"tags": _pairs({"mlflow.data.context": dataset.context}),
             "dataset": {key: value for key, value in vars(dataset).items() if key != "context"}}
            for dataset in run.datasets]},
    }  # fmt: skip


def _pairs(texts: Mapping[str, str]) -> list[Mapping[str, str]]:
    return [{"key": key, "value": value} for key, value in texts.items()]

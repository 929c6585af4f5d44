# SPDX-License-Identifier: Apache-2.0
"""Stores and servers of MLflow that are damaged, strange, silent, or made to do harm."""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importers.base import Options, Source
from importers.mlflow import IMPORTER
from lineage.errors import (
    BadInput,
    InputMissing,
    InputTooNew,
    InputTruncated,
    LimitExceeded,
    LineageError,
    MissingExtra,
)
from lineage.model.record import Batch
from tests.importers.mlflow_found import Found, refused

#: With the other file of tests for which the real MLflow makes a store: that takes seconds.
pytestmark = pytest.mark.xdist_group("mlflow")


def test_what_is_no_store_is_one_error(sql, tmp_path) -> None:
    assert type(refused(tmp_path / "none")) is InputMissing
    assert type(refused(tmp_path)) is BadInput
    (tmp_path / "empty.db").touch()
    assert type(refused(tmp_path / "empty.db")) is InputTruncated
    (tmp_path / "text.db").write_text("not a database, and long enough to have a header" * 9)
    assert "not an SQLite database" in str(refused(tmp_path / "text.db"))
    whole = (sql / "mlflow.db").read_bytes()
    (tmp_path / "half.db").write_bytes(whole[: len(whole) // 2])
    error = refused(tmp_path / "half.db")
    assert type(error) is InputTruncated
    assert f"{len(whole) // 2} of {len(whole)} bytes" in error.what
    (tmp_path / "schema.db").write_bytes(whole.replace(b'TABLE "runs"', b'T\x99BLE "runs"'))
    assert "SQLite cannot read it" in refused(tmp_path / "schema.db").what
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE songs (title)")
    assert "runs.run_uuid" in str(refused(tmp_path / "other.db"))


def test_a_locked_database_says_to_try_again(sql, tmp_path) -> None:
    shutil.copy(sql / "mlflow.db", tmp_path)
    writer = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        error = refused(tmp_path / "mlflow.db")
        assert IMPORTER.sniffs(Source.of(tmp_path / "mlflow.db"))
    finally:
        writer.close()
    assert "holds the database" in error.what
    assert "again" in error.hint


def test_a_live_store_is_read_beside_its_writer(sql, tmp_path) -> None:
    """The reader holds no lock between its questions: a training run goes on."""
    shutil.copy(sql / "mlflow.db", tmp_path)
    reading = IMPORTER.read(Source.of(tmp_path / "mlflow.db"), Options())
    next(reading)
    with sqlite3.connect(tmp_path / "mlflow.db", timeout=0) as writer:
        writer.execute("UPDATE runs SET status = 'KILLED'")
    assert all(isinstance(batch, Batch) for batch in reading)


def altered(sql: Path, to: Path, *statements: str) -> Path:
    shutil.copy(sql / "mlflow.db", to / "mlflow.db")
    with sqlite3.connect(to / "mlflow.db") as database:
        for statement in statements:
            database.execute(statement)
    return to / "mlflow.db"


def test_a_newer_schema_is_read_as_far_as_it_is_known(sql, tmp_path) -> None:
    newer = altered(
        sql,
        tmp_path,
        "UPDATE alembic_version SET version_num = 'ffffffffffff'",
        "ALTER TABLE runs ADD COLUMN mood",
        "CREATE TABLE moods AS SELECT 1 AS mood",
    )
    found = Found(newer)
    assert len(found.of("Run")) == 3
    assert found.lost("schema features") == found.lost("rows of moods") == 1
    error = refused(altered(sql, tmp_path, "UPDATE alembic_version SET version_num = 'f0'",
                            "ALTER TABLE params RENAME COLUMN value TO worth"))  # fmt: skip
    assert type(error) is InputTooNew
    assert "params.value" in error.what


def test_tables_that_run_code_are_not_read(sql, tmp_path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    columns = "i AS run_uuid, i AS experiment_id, i AS status, i AS start_time"
    trap = altered(
        sql,
        tmp_path,
        "DROP TABLE runs",
        f"CREATE VIEW runs AS SELECT {columns} FROM ({endless})",
    )
    begun = time.monotonic()
    assert "runs.run_uuid" in refused(trap).what
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("recorded", "reason"),
    [
        ("file:///etc", "not in the folder"),
        ("/etc/{run}", "not in the folder"),
        ("../../{run}/artifacts", "leaves the folder"),
        ("file:///x/%2e%2e/{run}", "leaves the folder"),
        ("./{run}#/../../etc", "leaves the folder"),
        ("file:///{run}#/etc", "not in the folder"),
        ("file://evil.example/{run}", "not in the folder"),
        ("http://169.254.169.254/{run}", "not in the folder"),
        ("linked/{run}/artifacts", "leaves the folder"),
    ],
)
def test_artifact_paths_that_lead_elsewhere_are_not_opened(sql, tmp_path, recorded, reason) -> None:
    run = Found(sql).labelled("train").id.rpartition("/")[2]
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    (outside / run / "artifacts").mkdir(parents=True)
    (outside / run / "artifacts" / "secret").write_text("s" * 100)
    inside.mkdir()
    (inside / "linked").symlink_to(outside)
    uri = recorded.format(run=run)
    store = altered(sql, inside, f"UPDATE runs SET artifact_uri = '{uri}'",
                    "DELETE FROM logged_models")  # fmt: skip
    found = Found(store)
    assert not [node for node in found.nodes if node.label == "secret"]
    assert any(reason in loss.reason for loss in found.losses if loss.what == "artifact folders")


def test_links_pipes_and_files_without_end_are_counted_not_followed(files, tmp_path) -> None:
    shutil.copytree(files / "mlruns", tmp_path / "mlruns")
    (report,) = tmp_path.glob("mlruns/*/*/artifacts/report")
    (report / "link").symlink_to("/etc/passwd")
    (report / "loop").symlink_to(report)
    os.mkfifo(report / "pipe")
    for number in range(1_005):
        (report / f"z{number}").touch()
    (report.parents[1] / "params" / "stolen").symlink_to("/etc/passwd")
    found = Found(tmp_path)
    assert b"root:" not in b"".join(found.lines)
    assert found.lost("symbolic links") == 2
    assert found.lost("params files") == 1
    assert found.lost("artifacts") == 1, "the pipe"
    assert found.lost("artifact folders") == 1, "more than a thousand files"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("artifact_uri: file:///x\nrun_na", "ends too early"),
        ("artifact_uri: file:///x\n", "names run ''"),
        ("a: !!python/object/apply:os.system [touch /tmp/pwned]\n", "tag"),
        ("a: &a [x]\nb: [*a, *a]\n", "alias"),
        ("a: " + "[" * 100 + "]" * 100, "nested deeper"),
        ("run_id: " + "9" * 5000, "not YAML"),
        ("", "no mapping"),
        ("a: \x00", "not YAML"),
    ],
)
def test_one_bad_run_does_not_stop_a_store_and_a_bad_store_is_one_error(
    files, tmp_path, text, reason
) -> None:
    shutil.copytree(files / "mlruns", tmp_path / "mlruns")
    named = {path.read_text(): path for path in tmp_path.glob("mlruns/*/*/tags/mlflow.runName")}
    # Of a run that others name, those would be counted as well.
    meta = named["sweep"].parents[1] / "meta.yaml"
    meta.write_text(text)
    found = Found(tmp_path)
    assert len(found.of("Run")) == 2
    (loss,) = (loss for loss in found.losses if loss.what == "runs")
    assert reason in loss.reason
    assert meta.parent.name in loss.reason
    for experiment in tmp_path.glob("mlruns/*/meta.yaml"):
        experiment.write_text(text)
    assert isinstance(refused(tmp_path / "mlruns"), BadInput)


def test_malformed_metric_lines_are_skipped_and_named(files, tmp_path) -> None:
    shutil.copytree(files / "mlruns", tmp_path / "mlruns")
    metric = next(tmp_path.glob("mlruns/*/*/metrics/bad"))
    metric.write_text("5 2.5 9\n1e5 nan x\n7\n4 1.5 3\n6 nan 9\n")
    found = Found(tmp_path)
    assert math.isnan(found.labelled("train").attributes["metric.bad"])
    assert found.lost("metric points") == 2
    assert any("line 2" in loss.reason for loss in found.losses)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(places=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=40), byte=st.integers(0, 255))  # fmt: skip
def test_a_damaged_database_is_one_error_or_what_can_be_read(sql, tmp_path, places, byte) -> None:
    data = bytearray((sql / "mlflow.db").read_bytes())
    for place in places:
        data[int(place * len(data))] = byte
    (tmp_path / "damaged.db").write_bytes(data)
    IMPORTER.sniffs(Source.of(tmp_path / "damaged.db"))
    try:
        Found(tmp_path / "damaged.db")
    except LineageError as error:
        assert error.where


anything = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=anything, value=anything, when=st.integers(-(2**63), 2**63 - 1))
def test_whatever_a_store_holds_is_storable(sql, tmp_path, name, value, when) -> None:
    """Names and values come from people: none may keep a store out of the graph."""
    shutil.copy(sql / "mlflow.db", tmp_path / "mlflow.db")
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute("UPDATE params SET key = ?, value = ? WHERE key = 'lr'", (name, value))
        database.execute("UPDATE runs SET start_time = ?, name = ?", (when, value))
        database.execute("UPDATE tags SET value = ? WHERE key LIKE 'mlflow.%'", (value,))
        database.execute("UPDATE datasets SET name = ?, digest = ?, dataset_source = ?"
                         " WHERE name = 'churn-train'",
                         (name, value, json.dumps({"uri": value})))  # fmt: skip
        database.execute("UPDATE registered_model_aliases SET alias = alias || ?", (name,))
        database.execute("UPDATE model_versions SET source = ?, user_id = ?", (value, name))
        database.execute("UPDATE experiments SET name = name || ?, creation_time = ?",
                         (name, when))  # fmt: skip
    found = Found(tmp_path / "mlflow.db")
    assert len(found.of("Run")) == 3
    assert len(found.of("ModelVersion")) == 3


# --- servers -------------------------------------------------------------------------------------


@pytest.fixture
def answering() -> Iterator[Any]:
    """A web server that gives one answer to every request."""
    started = []

    def start(status: int, body: bytes, **headers: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.server.asked.append((self.path, self.headers.get("Authorization")))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815 - the names that http.server looks for

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.asked = []
        Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return f"127.0.0.1:{server.server_port}"

    start.servers = started
    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, b"", "answers 500"),
        (401, b"", "answers 401"),
        (404, b"", "is it MLflow"),
        (200, b"<html>", "not JSON"),
        (200, b"[]", "no JSON object"),
        (200, b'{"experiments": [', "too early"),
        (200, b'{"experiments": [], "next_page_token": "x"}', "same page"),
    ],
)
def test_a_server_that_fails_is_one_error(answering, status, body, reason) -> None:
    assert reason in refused(f"http://{answering(status, body)}").what


def test_a_server_is_asked_with_the_users_login_and_may_not_send_us_elsewhere(answering) -> None:
    elsewhere = answering(200, b"{}")
    host = answering(302, b"", Location=f"http://{elsewhere}/")
    error = refused(f"http://ana:hunter2@{host}")
    assert "hunter2" not in f"{error} {error.hint}"
    first, second = answering.servers
    assert first.asked == []
    assert [login for _, login in second.asked] == ["Basic YW5hOmh1bnRlcjI="]


def test_an_answer_that_is_too_long_or_never_ends_is_one_error(answering, monkeypatch) -> None:
    host = answering(200, b" " * 2_000, **{"Content-Length": "2000"})
    with monkeypatch.context() as patch:
        patch.setattr("importers.mlflow.server._LARGEST_ANSWER", 1_000)
        error = refused(f"http://{host}")
        assert (type(error), error.what) == (
            LimitExceeded,
            "the answer is over the limit of 1,000 bytes",
        )
    with monkeypatch.context() as patch:
        patch.setattr("importers.mlflow.server._LONGEST_ANSWER", 0)
        assert "longer than 0 seconds" in refused(f"http://{host}").what
    early = answering(200, b'{"experiments": []}', **{"Content-Length": "2000"})
    assert "ends early" in refused(f"http://{early}").what


def test_a_silent_address_and_a_half_one_are_one_error() -> None:
    assert type(refused("http://127.0.0.1:1")) is InputMissing
    assert "not complete" in refused("http://").what
    assert "would be stored" in refused("postgresql://db.example/mlflow?password=hunter2").what
    assert type(refused("ftp://host/mlflow")) is BadInput


def test_postgresql_without_its_driver_names_the_command(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    error = refused("postgresql://ana:hunter2@db.example/mlflow")
    assert type(error) is MissingExtra
    assert "pip install" in error.hint
    assert "hunter2" not in str(error)

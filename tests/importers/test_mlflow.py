# SPDX-License-Identifier: Apache-2.0
"""MLflow stores as the real package leaves them, old ones and damaged ones."""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
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
from lineage import ids
from lineage.errors import (
    BadInput,
    InputMissing,
    InputTooNew,
    InputTruncated,
    LimitExceeded,
    LineageError,
    MissingExtra,
)
from lineage.model.check import check
from lineage.model.record import Batch, Edge, Loss, Node, line
from lineage.model.terms import follows

REAL = Path(__file__).with_name("mlflow_store.py")
COMMIT = "swh:1:rev:0123456789abcdef0123456789abcdef01234567"
OLD = "mlflow/aarondav+mlflow/tests/resources/db/db_version_7ac759974ad8_with_metrics"


class Found:
    """What the importer says of a source, and that the model accepts it."""

    def __init__(self, source: str | Path) -> None:
        self.batches: list[Batch] = list(IMPORTER.read(Source.of(source), Options()))
        for batch in self.batches:
            assert [finding for finding in check(batch) if finding.fatal] == []
        self.nodes = [node for batch in self.batches for node in batch.nodes]
        self.edges = [edge for batch in self.batches for edge in batch.edges]
        self.seen: Counter[str] = sum((Counter(batch.seen) for batch in self.batches), Counter())
        self.losses: list[Loss] = [loss for batch in self.batches for loss in batch.losses]

    @property
    def lines(self) -> list[bytes]:
        return sorted({line(record) for batch in self.batches for record in batch.records})

    def of(self, kind: str) -> list[Node]:
        return [node for node in self.nodes if node.kind == kind]

    def labelled(self, label: str) -> Node:
        (found,) = {node.id: node for node in self.nodes if node.label == label}.values()
        return found

    def lost(self, what: str) -> int:
        return sum(loss.number for loss in self.losses if loss.what == what)

    def causes(self, start: str) -> set[str]:
        """Everything upstream, as the default walk goes."""
        met, left = set(), [start]
        while left:
            at = left.pop()
            for edge in self.edges:
                if edge.effect == at and follows(edge.relation, edge.attributes):
                    left += [edge.cause] if edge.cause not in met else []
                    met.add(edge.cause)
        return met


def run_mlflow(*arguments: str, cwd: Path, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", REAL, *arguments],
        cwd=cwd,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": "/", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="session")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with ``mlflow.db``, made by the real MLflow."""
    folder = tmp_path_factory.mktemp("sql")
    run_mlflow("build", "sqlite:///mlflow.db", cwd=folder)
    return folder


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same project with ``mlruns``, which MLflow must be talked into."""
    folder = tmp_path_factory.mktemp("files")
    run_mlflow("build", "file:./mlruns", cwd=folder, MLFLOW_ALLOW_FILE_STORE="true")
    return folder


@pytest.fixture(scope="session")
def server(sql: Path) -> Iterator[str]:
    """The real MLflow server over the SQLite store."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", REAL, "serve", f"sqlite:///{sql}/mlflow.db"],
        cwd=sql,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.communicate()


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
    assert (train["param.lr"], train["metric.auc"], train["metric.inf"]) == ("0.1", 0.93, -math.inf)


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
            assert node.attributes[f"param.{param.name}"] == param.read_text()
        for metric in run.glob("metrics/*"):
            last = metric.read_text().splitlines()[-1].split()
            assert node.attributes[f"metric.{metric.name}"] == float(last[1])
        sha = (run / "tags/mlflow.source.git.commit").read_text()
        assert f"swh:1:rev:{sha}" in found.causes(node.id)
        hashed = sum(path.is_file() for path in run.glob("artifacts/**/*"))
        assert len([e for e in found.edges if e.cause == node.id]) == hashed


# --- bad input -----------------------------------------------------------------------------------


def refused(source: str | Path) -> LineageError:
    with pytest.raises(LineageError) as caught:
        Found(source)
    assert caught.value.what
    assert caught.value.where
    assert caught.value.hint
    return caught.value


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
    meta = next(tmp_path.glob("mlruns/*/*/tags/mlflow.runName")).parents[1] / "meta.yaml"
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
        patch.setattr("importers.mlflow.rest._LARGEST_ANSWER", 1_000)
        error = refused(f"http://{host}")
        assert (type(error), error.what) == (
            LimitExceeded,
            "the answer is over the limit of 1,000 bytes",
        )
    with monkeypatch.context() as patch:
        patch.setattr("importers.mlflow.rest._LONGEST_ANSWER", 0)
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

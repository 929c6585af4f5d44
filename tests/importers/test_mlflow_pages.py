# SPDX-License-Identifier: Apache-2.0
"""Stores of MLflow whose pages do not move on, or do not end: the rows come once, or one error."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from lineage.errors import BadInput, LimitExceeded
from tests.importers.mlflow_found import Found, refused

TABLES = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, lifecycle_stage TEXT);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE metrics (key TEXT, value REAL, timestamp INTEGER, run_uuid TEXT, step INTEGER);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
INSERT INTO experiments VALUES (1, 'churn', 'active');
"""
RUNS = "run_uuid {}, name TEXT, status TEXT, start_time INTEGER, experiment_id INTEGER"


def database(path: Path, key: str, idents: list[Any], *, cast: str = "?") -> Path:
    """A store whose runs have these ids, each named as its id."""
    with sqlite3.connect(path) as made:
        made.executescript(f"{TABLES} CREATE TABLE runs ({RUNS.format(key)});")
        rows = [
            (ident, ident.decode("utf-8", "replace") if isinstance(ident, bytes) else ident)
            for ident in idents
        ]
        made.executemany(f"INSERT INTO runs VALUES ({cast}, ?, 'FINISHED', 1, 1)", rows)
    return path


def runs_of(found: Found) -> Counter[str]:
    return Counter(node.label for node in found.of("Run"))


def test_ids_that_are_no_text_cost_their_runs_and_the_others_are_read_once(tmp_path) -> None:
    """Read as text, each id on the last page sorts before others that are on an earlier one."""
    good = [f"\N{GRINNING FACE}{n:04d}" for n in range(700)] + [f"{n:032x}" for n in range(700)]
    idents = [ident.encode() for ident in good] + [b"\xff%04d" % n for n in range(1_100)]
    store = database(tmp_path / "m.db", "TEXT PRIMARY KEY", idents, cast="CAST(? AS TEXT)")
    found = Found(store)
    assert runs_of(found) == Counter(good)
    (loss,) = (loss for loss in found.losses if loss.what == "runs")
    assert loss.number == 1_100
    assert "UTF-8" in loss.reason


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
@pytest.mark.parametrize("key", ["", "TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM"])
def test_ids_of_every_type_and_order_are_read_once_or_counted(tmp_path, key, encoding) -> None:
    texts = [f"{letter}{n:03d}{end}" for n in range(300) for letter in "aAé" for end in ("", " ")]
    odd = [None, "", "a000", "a000", b"a001", *([] if key else [7, 2.5])]
    with sqlite3.connect(tmp_path / "m.db") as made:
        made.execute(f"PRAGMA encoding = '{encoding}'")
    found = Found(database(tmp_path / "m.db", key, texts + odd))
    assert set(runs_of(found).values()) == {1}
    assert runs_of(found).keys() == set(texts)
    assert found.lost("runs") == len(odd)


def test_an_index_in_the_wrong_order_is_one_error(tmp_path) -> None:
    """Here the last id of the first page sorts before all others: the next page is the first again."""
    idents = [f"a{n:04d}" for n in range(499)] + ["B"] + [f"c{n:04d}" for n in range(2_500)]
    store = database(tmp_path / "m.db", "TEXT", idents)
    with sqlite3.connect(store) as made:
        made.execute("CREATE INDEX by_id ON runs (run_uuid COLLATE NOCASE)")
        made.execute("PRAGMA writable_schema = ON")
        damage = "UPDATE sqlite_master SET sql = replace(sql, ' COLLATE NOCASE', '')"
        made.execute(f"{damage} WHERE name = 'by_id'")
    assert "again and again" in refused(store).what


# --- servers -------------------------------------------------------------------------------------


@pytest.fixture
def tracking() -> Iterator[Any]:
    """An MLflow server with one experiment, whose other answers a function gives."""
    started = []

    def start(answers: Callable[[str, Any], Any]) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                asked = json.loads(
                    self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}"
                )
                path = self.path.partition("/mlflow/")[2].partition("?")[0]
                said = (
                    {}
                    if path != "experiments/search"
                    else {"experiments": [{"experiment_id": "1", "name": "churn"}]}
                )
                said |= answers(path, asked)
                body = json.dumps(said).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815 - the names that http.server looks for

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def run(ident: object, **also: Any) -> dict[str, Any]:
    info = {"run_id": str(ident), "experiment_id": "1", "status": "FINISHED", "start_time": 1}
    return {"info": {**info, **also}}


SEARCHES = {
    "experiments/search": ("experiments", lambda n: {"experiment_id": str(n), "name": f"e{n}"}),
    "runs/search": ("runs", run),
    "logged-models/search": ("models", lambda n: {"info": {"model_id": f"m-{n}", "name": "m"}}),
    "registered-models/search": ("registered_models", lambda n: {"name": f"r{n}"}),
    "model-versions/search": ("model_versions", lambda n: {"name": "r", "version": str(n)}),
}


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize(
    ("page", "error"),
    [
        (lambda n, of: ("same", [of(n)]), BadInput),
        (lambda n, of: (f"{n % 3}", [of(n)]), BadInput),
        (lambda n, of: (f"{n}", [of(1), of(2)]), BadInput),
        (lambda n, of: (f"{n}", [{**of(1), "mood": n}]), BadInput),
        (lambda n, of: (f"{n}", [of(n % 4)]), BadInput),
        (lambda n, of: (f"{n}", []), LimitExceeded),
        (lambda n, of: (f"{n}", [of(n)]), LimitExceeded),
        (lambda n, of: ([n], [of(n)]), BadInput),
        (lambda n, of: (n + 1, [of(n)]), BadInput),
    ],
    ids=["token", "tokens in a circle", "objects", "objects that change", "objects in a circle",
         "empty pages", "short pages", "a list as token", "a number as token"],
)  # fmt: skip
def test_pages_that_do_not_move_on_or_end_are_one_error(
    tracking, monkeypatch, search, page, error
) -> None:
    monkeypatch.setattr("importers.mlflow.server._MOST_SHORT", 20)
    numbers, (under, of) = count(), SEARCHES[search]

    def answers(path: str, _asked: Any) -> Any:
        if path != search:
            return {}
        token, objects = page(next(numbers), of)
        return {under: objects, "next_page_token": token}

    assert type(refused(tracking(answers))) is error
    assert next(numbers) <= 23


def test_pages_that_are_short_or_empty_for_once_are_read_to_their_end(tracking) -> None:
    """As some servers send them that filter after they page."""
    pages = [[], [run(1)], [], [run(2), run(3)], [], []]

    def answers(path: str, asked: Any) -> Any:
        if path != "runs/search":
            return {}
        at = int(asked.get("page_token", 0))
        more = {"next_page_token": str(at + 1)} if at + 1 < len(pages) else {}
        return {"runs": pages[at], **more}

    assert len(Found(tracking(answers)).of("Run")) == 3


def test_what_is_only_counted_is_counted_as_far_as_it_goes(tracking) -> None:
    def answers(path: str, _asked: Any) -> Any:
        if path == "traces":
            return {"traces": [{"request_id": "tr-1"}], "next_page_token": "x"}
        return {}

    found = Found(tracking(answers))
    assert [(loss.what, loss.number) for loss in found.losses] == [("traces", 1)]
    assert "nor counted to the end" in found.losses[0].reason

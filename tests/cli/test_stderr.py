# SPDX-License-Identifier: Apache-2.0
"""With --json stderr is one object or nothing, whatever drivers and libraries log and warn of."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import lineage

#: The driver tries again for 15 seconds, and logs each time; it says the same in one.
SCRIPT = (
    "import lineage.store.neo4j.connect as connect; connect.RETRY = 1.0\n"
    "from lineage.cli import main; main()"
)
#: Some command that is warned of something and does not fail.
WARNED = (
    "import warnings, lineage.app; real = lineage.app.open_store\n"
    "def warned(*a, **k): warnings.warn('mind the gap'); return real(*a, **k)\n"
    "lineage.app.open_store = warned\n"
    "from lineage.cli import main; main()"
)
DATA = """@prefix prov: <http://www.w3.org/ns/prov#> . @prefix ex: <http://e.org/> .
ex:ana a prov:Person .
"""
SHAPES = """@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix ex: <http://e.org/> .
ex:S a sh:NodeShape ; sh:targetNode ex:ana ; sh:property [ sh:path ex:name ; sh:minCount "one" ] .
"""


def run(*words, script=SCRIPT):
    command = [sys.executable, "-c", script, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_driver_that_logs_leaves_one_object(monkeypatch):
    monkeypatch.setenv("LINEAGE_NEO4J_PASSWORD", "x")
    done = run("--store", "neo4j://localhost:1", "stats", "--json")
    assert json.loads(done.stderr)["error"]["code"] == "store-unreachable"
    assert done.stdout == ""
    plain = run("--store", "neo4j://localhost:1", "stats")
    first, _ = plain.stderr.splitlines()
    assert first.startswith("error[store-unreachable]")
    debug = run("--debug", "--store", "neo4j://localhost:1", "stats", "--json")
    assert "retried" in debug.stderr


def test_a_warning_stands_in_the_object_and_names_no_file_of_ours(monkeypatch):
    monkeypatch.setenv("LINEAGE_NEO4J_PASSWORD", "x")
    address = "neo4j://ana:secret@localhost:1"
    told = json.loads(run("--store", address, "stats", "--json").stderr)
    assert told["error"]["code"] == "store-unreachable"
    assert [text.split(";")[0] for text in told["warnings"]] == [
        "credentials in a store's address end up in logs"
    ]
    lines = run("--store", address, "stats").stderr.splitlines()
    assert lines[0].startswith("warning: credentials in")
    assert not [line for line in lines if ".py" in line or "secret" in line]


def test_a_command_that_is_warned_and_does_not_fail_says_so_too(tmp_path):
    path = tmp_path / "s.db"
    lineage.open(path).close()
    done = run("--store", path, "stats", "--json", script=WARNED)
    assert (done.returncode, json.loads(done.stderr)) == (0, {"warnings": ["mind the gap"]})
    assert json.loads(done.stdout)["nodes"] == 0
    assert run("--store", path, "stats", script=WARNED).stderr == "warning: mind the gap\n"


def test_a_library_that_logs_leaves_one_object(tmp_path):
    (tmp_path / "d.ttl").write_text(DATA, "utf-8")
    (tmp_path / "bad.ttl").write_text(SHAPES, "utf-8")
    done = run("validate", tmp_path / "d.ttl", "--shapes", tmp_path / "bad.ttl", "--json")
    assert json.loads(done.stderr)["error"]["code"] == "bad-input"


@pytest.mark.parametrize(
    "words", [["stats", "--nothing"], ["nothing"], ["why", "one"], ["why", "a", "b", "-k", "x"]]
)
def test_a_command_that_is_written_wrongly_is_one_object_too(tmp_path, words):
    done = run("--store", tmp_path / "s.db", *words, "--json")
    assert (done.returncode, json.loads(done.stderr)["error"]["code"]) == (2, "usage")

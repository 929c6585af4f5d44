# SPDX-License-Identifier: Apache-2.0
"""Commands that read and write documents do as others do with files, pipes and devices."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

FULL = Path("/dev/full")
DOCUMENT = b"""document
  prefix ex <https://e.example/>
  entity(ex:model, [prov:label="the model"])
  activity(ex:run)
  wasGeneratedBy(ex:model, ex:run, -)
endDocument
"""


def lineage(*words, cwd, data=b"", stdout=subprocess.PIPE):
    return subprocess.run(
        [Path(sys.executable).with_name("lineage"), *words],
        input=data,
        stdout=stdout,
        stderr=subprocess.PIPE,
        cwd=cwd,
        check=False,
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "doc.provn").write_bytes(DOCUMENT)
    assert lineage("--store", "s.db", "import", "doc.provn", cwd=tmp_path).returncode == 0
    return tmp_path


def test_a_pipe_stays_a_pipe_and_a_link_a_link_and_whoever_may_read_a_file_may_still(folder):
    os.mkfifo(folder / "pipe")
    heard = []
    reader = threading.Thread(target=lambda: heard.append((folder / "pipe").read_bytes()))
    reader.start()
    assert lineage("convert", "doc.provn", "--to", "json", "-o", "pipe", cwd=folder).returncode == 0
    reader.join(20)
    assert json.loads(heard[0])["entity"]
    assert stat.S_ISFIFO((folder / "pipe").stat().st_mode)
    private = folder / "private.json"
    private.touch(0o600)
    (folder / "link.json").symlink_to(private)
    assert lineage("convert", "doc.provn", "-o", "link.json", cwd=folder).returncode == 0
    assert (folder / "link.json").is_symlink()
    assert json.loads(private.read_bytes())["entity"]
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert {path.name for path in folder.iterdir()} >= {"pipe", "link.json", "private.json"}
    assert not list(folder.glob("*.part")) + list(folder.glob(".*.part"))


@pytest.mark.skipif(not FULL.exists(), reason="this system has no full device")
@pytest.mark.parametrize(
    "words",
    [
        ("convert", "doc.provn", "--to", "json"),
        ("--store", "s.db", "export"),
        ("--store", "s.db", "sparql", "SELECT * { ?s ?p ?o }"),
        ("--store", "s.db", "stats", "--json"),
    ],
    ids=lambda words: words[-1],
)
def test_where_there_is_no_room_for_the_answer_one_line_says_so(words, folder):
    with FULL.open("wb") as full:
        done = lineage(*words, cwd=folder, stdout=full)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error[usage]: cannot write: No space left on device (stdout)")
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


def test_nothing_at_all_is_called_empty_by_every_command_that_reads(folder):
    (folder / "nothing").touch()
    for words in (
        ("convert", "-", "--to", "json"),
        ("convert", "nothing", "--to", "json"),
        ("validate", "-"),
        ("--store", "s.db", "import", "-"),
        ("--store", "s.db", "import", "nothing"),
    ):
        done = lineage(*words, cwd=folder)
        assert done.returncode == 2, words
        assert done.stderr.startswith(b"error[input-truncated]: the input is empty"), words


def test_an_export_has_the_format_that_its_name_says(folder):
    for name, begins in {"a.ttl": b"@prefix", "a.provn": b"document", "a.txt": b"{"}.items():
        assert lineage("--store", "s.db", "export", "-o", name, cwd=folder).returncode == 0
        assert (folder / name).read_bytes().startswith(begins)


def test_options_that_would_do_nothing_are_refused(folder):
    (folder / "none.ttl").touch()
    for words in (
        ("validate", "doc.provn", "--select", "kind:run"),
        ("validate", "s.db", "--as", "json"),
        ("validate", "doc.provn", "--shapes", "none.ttl"),
    ):
        assert lineage(*words, cwd=folder).returncode == 2, words


def test_a_finding_says_whether_it_is_an_error(folder):
    (folder / "bad.provn").write_bytes(DOCUMENT.replace(b"ex:run)", b"ex:model)", 1))
    told = lineage("validate", "bad.provn", cwd=folder)
    assert told.returncode == 4
    assert b"\n  error prov-55: " in told.stdout


def test_a_row_of_an_answer_is_a_line(folder):
    query = 'SELECT ?x ?y { BIND(BNODE("b") AS ?x) BIND("a\\tb\\nc" AS ?y) }'
    told = lineage("--store", "s.db", "sparql", query, cwd=folder)
    head, row, rest = told.stdout.split(b"\n")
    assert (head, row[:2], row.endswith(b"\ta\\tb\\nc"), rest) == (b"?x\t?y", b"_:", True, b"")

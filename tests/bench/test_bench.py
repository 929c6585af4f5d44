# SPDX-License-Identifier: Apache-2.0
"""The bench writes whole tables into the page of performance, and leaves the others as they are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from bench.bounds import PROMISED
from bench.document import BOUNDS, Document, Table
from tests.conftest import unmeasured
from tests.house.test_house import ROOT


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The page before and after one of its tables was measured on a tiny graph."""
    path = tmp_path_factory.mktemp("page") / "performance.md"
    shutil.copy(ROOT / "docs" / "performance.md", path)
    before = path.read_text("utf-8")
    environ = {"BENCH_EDGES": "2000", "BENCH_ONLY": "growth", "BENCH_DOCUMENT": str(path)}
    command = [sys.executable, "-m", "bench"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **unmeasured(), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Document(path), before


def test_tables_that_were_measured_are_written_whole_with_their_day_and_commit(pages):
    document, _ = pages
    tables = document.tables()
    whats = [line[0] for line in tables["growth"]]
    assert "trace of a model, p50" in whats
    assert "stats" in whats
    assert all(cell for line in tables["growth"] for cell in line[:5])
    page = document.path.read_text("utf-8")
    assert page.count("others had") == 1


def test_what_was_not_measured_stays_as_it_was(pages):
    document, before = pages
    after = document.path.read_text("utf-8")
    for name in document.tables():
        if name not in {"growth", BOUNDS}:
            place = f"<!-- bench: {name} -->"
            end = f"<!-- end of {name} -->"
            assert after.split(place)[1].split(end)[0] == before.split(place)[1].split(end)[0]


def test_every_bound_names_a_table_and_those_measured_have_their_row(pages):
    document, _ = pages
    tables = document.tables()
    assert {promised.table for promised in PROMISED} <= set(tables)
    for promised in PROMISED:
        if promised.table in {"growth"}:
            (row,) = [r for r in tables[BOUNDS] if r[0] == promised.table and r[1] == promised.what]
            assert row[2]
            assert row[-2]


def test_a_table_that_the_page_has_no_place_for_is_refused(pages):
    document, _ = pages
    with pytest.raises(ValueError, match="no place for the table 'else'"):
        document.write("else", Table(("what", "bound", ""), []), "")

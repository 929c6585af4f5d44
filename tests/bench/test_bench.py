# SPDX-License-Identifier: Apache-2.0
"""The bench writes whole tables into the page of performance, and leaves the others as they are."""

from __future__ import annotations

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
    """The page before and after two of its tables were measured on a tiny graph. Of every peer that is
    installed the answers were compared with ours: one that differs ends the bench.
    """
    path = tmp_path_factory.mktemp("page") / "performance.md"
    shutil.copy(ROOT / "docs" / "performance.md", path)
    before = path.read_text("utf-8")
    environ = {"BENCH_EDGES": "2000", "BENCH_ONLY": "peers,growth", "BENCH_DOCUMENT": str(path)}
    command = [sys.executable, "-m", "bench"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**unmeasured(), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Document(path), before


def test_tables_that_were_measured_are_written_whole_with_their_day_and_commit(pages):
    document, _ = pages
    tables = document.tables()
    assert len(tables["peers"]) == 10
    assert len({len(line) for line in tables["peers"]}) == 1
    whats = [line[0] for line in tables["growth"]]
    assert "trace of a model, p50" in whats
    assert "stats" in whats
    assert all(cell for line in tables["growth"] for cell in line[:5])
    page = document.path.read_text("utf-8")
    for name in ("peers", "growth"):
        table = page.split(f"<!-- bench: {name} -->")[1].split(f"<!-- end of {name} -->")[0]
        assert table.count("Measured on") == table.count("others had") == 1


def test_peers_stand_in_the_table_with_figures_or_with_what_they_lack(pages):
    document, _ = pages
    page = document.path.read_text("utf-8")
    head = next(line for line in page.splitlines() if line.startswith("| what | ours | DuckDB"))
    for cell, name in zip(
        head.split("|")[3:7], ("DuckDB", "Ladybug", "pyoxigraph", "rustworkx"), strict=True
    ):
        assert cell.strip().startswith(name)
        place = head.split("|").index(cell) - 1
        figures = [line[place] for line in document.tables()["peers"]]
        assert all(figures) or ("not here" in cell and not any(figures))


def test_what_was_not_measured_stays_as_it_was(pages):
    document, before = pages
    after = document.path.read_text("utf-8")
    for name in document.tables():
        if name not in {"peers", "growth", BOUNDS}:
            place = f"<!-- bench: {name} -->"
            end = f"<!-- end of {name} -->"
            assert after.split(place)[1].split(end)[0] == before.split(place)[1].split(end)[0]


def test_every_bound_names_a_table_and_those_measured_have_their_row(pages):
    document, _ = pages
    tables = document.tables()
    assert {promised.table for promised in PROMISED} <= set(tables)
    for promised in PROMISED:
        if promised.table in {"peers", "growth"}:
            named = promised.table, promised.what
            (row,) = [row for row in tables[BOUNDS] if tuple(row[:2]) == named]
            assert row[2]
            assert row[-2]


def test_a_table_that_the_page_has_no_place_for_is_refused(pages):
    document, _ = pages
    with pytest.raises(ValueError, match="no place for the table 'else'"):
        document.write("else", Table(("what", "bound", ""), []), "")

# SPDX-License-Identifier: Apache-2.0
"""``pytest --lineage``: a test session is one run, with however many workers, and each test counts once."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from tests.capture.launched import LINEAGE, runs, spooled, stored
from tests.conftest import unmeasured

SUITE = """
import pathlib, subprocess, sys
import pytest

def test_passes():
    pathlib.Path("data.csv").read_text()

def test_fails():
    assert False

def test_passes_at_last(request):
    tries = pathlib.Path("tries")
    tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
    assert len(tries.read_text()) > 2

@pytest.mark.skip
def test_skipped(): ...

@pytest.mark.xfail
def test_expected(): assert False

@pytest.fixture
def broken(): raise ValueError

def test_error(broken): ...

@pytest.fixture
def late():
    yield
    raise ValueError

def test_error_after_it_passed(late): ...
"""
#: Only those that are needed: others take a second to load in every worker.
PLUGINS = ["-p", "xdist", "-p", "pytest_rerunfailures", "-p", "lineage.pytest_plugin"]


@pytest.fixture
def session(workspace):
    """Runs pytest in the workspace on a suite; its exit code and what it printed."""
    (workspace / "data.csv").write_text("a,b\n" * 30)
    (workspace / "test_suite.py").write_text(SUITE)
    (workspace / "test_uncollected.py").write_text("import nothing_of_this_name\n")

    def called(*words, under=()):
        (workspace / "tries").unlink(missing_ok=True)
        command = [*under, sys.executable, "-m", "pytest", "-q", *PLUGINS, *words]
        environ = {**unmeasured(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout

    return called


def results_of(node):
    return {
        name.removeprefix("tests."): value
        for name, value in node.attributes.items()
        if name.startswith("tests.")
    }


def test_a_session_is_one_run_with_workers_and_counts_the_same(workspace, session):
    words = ["--lineage", "--reruns", "2", "--continue-on-collection-errors"]
    code, said = session(*words)
    assert (code, "lineage" in said) == (1, False)
    assert session(*words, "-n", "2")[0] == 1
    assert spooled(workspace) == []
    alone, together = runs(workspace)
    assert {alone.attributes["name"], together.attributes["name"]} == {"pytest"}
    assert (alone.attributes["status"], alone.attributes["exit_code"]) == ("failed", 1)
    told, again = results_of(alone), results_of(together)
    assert told.pop("options") != again.pop("options")
    assert told == again
    counts = ("total", "passed", "failed", "error", "skipped", "xfailed", "xpassed")
    assert tuple(told[name] for name in counts) == (7, 2, 1, 2, 1, 1, 0)
    assert (told["collection_errors"], told["not_collected"]) == (1, "test_uncollected.py")
    assert told["failures"] == tuple(
        f"test_suite.py::{name}"
        for name in ("test_error", "test_error_after_it_passed", "test_fails")
    )
    assert "test_suite.py::test_passes_at_last: failed, failed, passed" in told["attempts"]
    assert told["rerun"] == 4
    # What tests open is theirs.
    with stored(workspace) as opened:
        assert "data.csv" not in {node.title for node in opened.trace(alone.id).nodes}


def test_under_the_launcher_a_session_is_a_step_of_its_run(workspace, session):
    options = ["run", "--name", "ci", "--"]
    code, _ = session("--lineage", "test_suite.py::test_passes", under=[*LINEAGE, *options])
    assert code == 0
    (whole,) = (node for node in runs(workspace) if node.attributes["name"] == "ci")
    (tests,) = (node for node in runs(workspace) if node.attributes["name"] == "pytest")
    assert (results_of(tests)["passed"], tests.attributes["status"]) == (1, "finished")
    assert not results_of(whole)
    with stored(workspace) as opened:
        assert whole.id in {node.id for node in opened.trace(tests.id).nodes}


def test_without_the_option_nothing_of_ours_is_loaded(workspace, session):
    (workspace / "conftest.py").write_text(
        "import sys\n"
        "def pytest_sessionfinish():\n"
        "    print(sorted(name for name in sys.modules if name.startswith('lineage')))\n"
    )
    (entry,) = entry_points(group="pytest11", name="lineage")
    assert entry.value in PLUGINS
    code, said = session("test_suite.py::test_passes")
    assert code == 0
    assert "['lineage', 'lineage.pytest_plugin', 'lineage.version']" in said
    assert (runs(workspace), spooled(workspace)) == ([], [])

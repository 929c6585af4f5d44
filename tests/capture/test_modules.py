# SPDX-License-Identifier: Apache-2.0
"""The code of the project that a run imported: files of its commit by their names, others by their bytes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lineage.cli import main
from tests.capture.launched import run, stored
from tests.importers.conftest import Repository

PROGRAM = """
import csv, json, os, click, helper, package
from package import made
open(".gitignore").close()
os._exit(0)  # no handler of exit is called
"""


@pytest.fixture
def project(workspace):
    """A repository in which git ignores one module, and another one is edited."""
    found = Repository(workspace)
    found.git("init", "-q")
    found.write({".gitignore": "made.py\n.lineage/\n__pycache__/\n"})
    found.commit("one", {"helper.py": "X = 1\n", "package/__init__.py": "", "unused.py": ""})
    found.write({"package/made.py": "VERSION = '1'\n", "helper.py": "X = 2\n", "train.py": PROGRAM})
    return found


def code_of(name):
    """The modules that a run used by their bytes, and those that are its commit's."""
    with stored(Path.cwd()) as opened:
        answer = opened.show(f"run:{name}")
    modules = {e.cause for e in answer.edges if e.attributes.get("prov:role") == "module"}
    names = {n.attributes["name"].rpartition("/work/")[2] for n in answer.nodes if n.id in modules}
    [told] = [n for n in answer.nodes if n.kind == "Run" and n.label == name]
    return names, told.attributes


def test_what_git_ignores_is_a_file_of_its_own_and_the_rest_is_the_commits(project):
    assert run(sys.executable, "train.py", options=["--name", "first"]).returncode == 0
    used, told = code_of("first")
    assert used == {"package/made.py"}
    assert told["imported"] == ("helper.py", "package/__init__.py", "train.py")


def test_another_module_that_git_ignores_makes_it_another_run_and_is_wanted_again(project, capsys):
    def said(*words):
        with pytest.raises(SystemExit) as ended:
            main([*words])
        return ended.value.code, capsys.readouterr().out

    options = ["--name", "first"]
    assert run(sys.executable, "train.py", options=options).returncode == 0
    code, _ = said("reproduce", "run:first", "--into", "../again")
    again = project.path.parent / "again" / "project"
    assert (again / "package" / "made.py").read_text() == "VERSION = '1'\n"
    project.write({"package/made.py": "VERSION = '2'\n"})
    assert run(sys.executable, "train.py", options=["--name", "second"]).returncode == 0
    assert "imported package/made.py: sha256:" in said("compare", "run:first", "run:second")[1]
    code, shown = said("reproduce", "run:first")
    assert (code, "missing  source: package/made.py" in shown) == (4, True)


def test_in_no_repository_the_program_is_known_by_its_bytes(workspace):
    (workspace / "other.py").write_text("")
    (workspace / "late.py").write_text("")
    (workspace / "train.py").write_text(
        "import lineage, other\nwith lineage.run('x'):\n    import late\n"
        "    open('late.py', 'a').write('#')\n"
    )
    assert run(sys.executable, "train.py", options=["--name", "x"]).returncode == 0
    used, told = code_of("x")
    assert used == {"train.py", "other.py"}
    assert "late.py: its file may have changed since it was imported" in str(told["not_observed"])

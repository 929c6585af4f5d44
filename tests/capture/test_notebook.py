# SPDX-License-Identifier: Apache-2.0
"""Notebooks in a real kernel: the session is a run, and what is executed is kept, whatever is saved."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbformat.v4 import new_code_cell, new_notebook

import lineage
from lineage.capture.probes import notebook
from lineage.capture.probes.notebook import Parent
from tests.capture.launched import LINEAGE, runs, spooled, stored
from tests.conftest import unmeasured

LOAD = "%load_ext lineage"
READ = "text = open('data.csv').read()"
WRITE = "count = open('model.bin', 'w').write(text * 2)"


@pytest.fixture
def save(workspace):
    """Writes a notebook into the workspace, which is a repository."""
    subprocess.run(["git", "init", "-q", "-b", "main"], check=True)
    for name, value in {"name": "Ana", "email": "ana@a.example"}.items():
        subprocess.run(["git", "config", f"user.{name}", value], check=True)
    (workspace / ".gitignore").write_text(".lineage\n")
    (workspace / "data.csv").write_text("a,b\n" * 30)

    def written(*sources, **metadata):
        cells = [new_code_cell(source) for source in sources]
        path = workspace / "train.ipynb"
        nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
        subprocess.run(["git", "add", "."], check=True)
        subprocess.run(["git", "commit", "-qm", "The notebook"], check=True)
        return path

    return written


def told(workspace):
    """The session, and its cells by their numbers."""
    found = [node.attributes for node in runs(workspace)]
    cells = {one["cell.number"]: one for one in found if "cell.number" in one}
    (session,) = (one for one in found if "notebook.cells_executed" in one)
    return session, cells


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_source_of_a_session_is_its_notebook_and_its_cells_are_steps(workspace, save):
    path = save(LOAD, READ, f"api_key = 'Xy7Kq2Lm9'; {WRITE}", "print(count)")
    jupyter = Path(sys.executable).parent / "jupyter-execute"
    command = [sys.executable, jupyter, "train.ipynb", "--output=done.ipynb"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=unmeasured())
    assert done.returncode == 0, done.stderr
    shown = [cell.outputs for cell in nbformat.read("done.ipynb", 4).cells]
    assert [out.text for outputs in shown for out in outputs] == ["240\n"]
    assert spooled(workspace) == []
    session, cells = told(workspace)
    assert (session["name"], session["status"]) == ("train.ipynb", "finished")
    assert (session["notebook.path"], session["notebook.sha256"]) == (str(path), digest(path))
    assert session["notebook.found_by"] == "the command line of jupyter-execute"
    assert session["notebook.kernel"] == "python3"
    assert not session["notebook.differs_from_what_ran"]
    # What started the kernel is no command by which somebody does this again.
    assert not [name for name in session if name in {"command", "argv"} or name[:6] == "param."]
    assert {number: one["cell.source"] for number, one in cells.items()} == {
        1: LOAD,
        2: READ,
        3: f"[scrubbed]; {WRITE}",
        4: "print(count)",
    }
    with stored(workspace) as opened:
        answer = opened.trace("artifact:model.bin")
        labels = {node.id: node.title.partition("@")[0] for node in answer.nodes}
        used = {
            (edge.attributes.get("prov:role"), labels[edge.cause])
            for edge in answer.edges
            if edge.relation == "used"
        }
    assert {("notebook", "train.ipynb"), ("input", "data.csv")} <= used
    assert [role for role, label in used if label.endswith("The notebook")] == ["source"]


def executed(kernel, source):
    """Execute a cell; what it showed."""
    shown = []
    kernel.execute_interactive(source, output_hook=shown.append, timeout=30)
    return [one["content"] for one in shown if one["msg_type"] in {"stream", "error"}]


def test_what_ran_is_kept_though_it_was_never_saved(workspace, save):
    left = {"parameters": {"rate": 0.5}, "exception": True}
    path = save(LOAD, "# Parameters\nrate = 0.1", "a = 1", "b = a", papermill=left)
    before = digest(path)
    # As Jupyter's server says which one it is.
    environ = {**unmeasured(), "JPY_SESSION_NAME": str(path)}
    manager, kernel = start_new_kernel(env=environ)
    try:
        for source in ("early = 1", LOAD, "# Parameters\nrate = 0.1", "b = a", "a = 1", "b = a"):
            executed(kernel, source)
        assert executed(kernel, "a = 2 # not saved") == []
        # Somebody else, between two cells: neither is claimed.
        (workspace / "notes.txt").write_text((workspace / "data.csv").read_text())
        assert executed(kernel, "\n".join(f"x{n} = {n}" for n in range(5_000))) == []
        held = json.loads(path.read_text())
        held["metadata"]["saved"] = True
        path.write_text(json.dumps(held))
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel()
    session, cells = told(workspace)
    assert session["notebook.found_by"] == "JPY_SESSION_NAME, as Jupyter's server sets it"
    assert session["notebook.sha256"] == before
    assert session["notebook.sha256_at_end"] == digest(path) != before
    assert session["notebook.differs_from_what_ran"]
    assert session["notebook.cells_not_saved"] == ("cell 7", "cell 8")
    assert session["notebook.cells_out_of_order"] == "cell 5"
    assert (session["notebook.cells_executed"], session["notebook.cells_failed"]) == (7, 1)
    assert cells[4]["error"].startswith("NameError")
    assert cells[4]["error_at"] == "Cell In[4], line 1"
    assert cells[7]["cell.source"] == "a = 2 # not saved"
    assert (len(cells[8]["cell.source"]), cells[8]["cell.is_cut"]) == (20_000, True)
    # What the file says of another execution is none of this one's.
    assert session["param.rate"] == 0.1
    assert session["notebook.stale_metadata"] == (
        "another execution failed",
        "parameters of another execution: rate",
    )
    assert "1 cell: executed before the extension was loaded" in session["not_observed"]
    # Who saves the notebook is no part of the session, and the notebook no data of it.
    with stored(workspace) as opened:
        made = opened.impact("run:train.ipynb").nodes
        used = opened.trace("run:train.ipynb").nodes
    assert {node.kind for node in made} == {"Run"}
    names = {node.title.partition("@")[0] for node in used if node.kind == "Artifact"}
    assert names == {"train.ipynb"}


def test_in_a_terminal_it_ends_when_it_is_told_to_and_is_a_step_of_the_run_around(
    workspace, monkeypatch
):
    monkeypatch.setenv("IPYTHONDIR", str(workspace / "ipython"))
    command = [*LINEAGE, "run", "--name", "outer", "--", sys.executable, "-m", "IPython"]
    typed = f"{LOAD}\n1 / 0\n{LOAD}\n%unload_ext lineage\nlater = 1\n"
    subprocess.run([*command, "--simple-prompt"], input=typed.encode(), check=True)
    session, cells = told(workspace)
    assert (session["name"], session["status"]) == ("IPython session", "finished")
    assert "notebook.path" not in session
    assert "path of the notebook: " in session["not_observed"]
    assert [cells[number]["status"] for number in sorted(cells)] == [
        *("finished", "failed", "finished", "finished"),
    ]
    with stored(workspace) as opened:
        behind = {node.title for node in opened.trace("run:cell 4").nodes if node.kind == "Run"}
    assert behind == {"cell 4", "IPython session", "outer"}


def test_disabled_the_extension_does_nothing(workspace, monkeypatch):
    monkeypatch.setenv("LINEAGE_DISABLED", "1")
    shell = object()  # of which nothing is asked
    lineage.load_ipython_extension(shell)
    lineage.unload_ipython_extension(shell)
    assert (runs(workspace), spooled(workspace)) == ([], [])


def test_a_shell_that_is_none_is_one_warning(workspace, capsys):
    lineage.load_ipython_extension(object())
    said = capsys.readouterr().err
    assert said.startswith("lineage: not recorded: ")
    assert said.count("\n") == 1
    assert (runs(workspace), spooled(workspace)) == ([], [])


FOUND = {
    ("jupyter-nbconvert --execute a.ipynb --output b.ipynb", "", ""): "a.ipynb",
    ("papermill a.ipynb b.ipynb -p rate 0.1", "", ""): "a.ipynb",
    ("papermill a.ipynb b.ipynb", "b.ipynb", "b.ipynb"): "a.ipynb",  # started in a cell of b
    ("jupyter-lab a.ipynb", "", "b.ipynb"): "b.ipynb",
    ("jupyter-lab a.ipynb", "", ""): None,
    ("jupyter-lab", "", "console-1-a3f"): None,
    ("jupyter-lab", "", "gone.ipynb"): None,
    ("python run.py", "b.ipynb", "b.ipynb"): None,  # inherited: it is the one of another kernel
    ("jupyter-execute a.ipynb b.ipynb", "", ""): None,
}


@pytest.mark.parametrize("said", FOUND)
def test_a_notebook_is_found_by_what_whoever_started_the_kernel_says(said, tmp_path):
    words, above, own = said
    for name in ("a.ipynb", "b.ipynb"):
        (tmp_path / name).write_text("{}")
    named = [f"{tmp_path}/{name}" if name else "" for name in (above, own)]
    parent = Parent(words.split(), tmp_path, {"JPY_SESSION_NAME": named[0]} if above else {})
    environ = {"JPY_SESSION_NAME": named[1]} if own else {}
    found, how = notebook.locate({}, environ, parent)
    assert (found and found.name) == FOUND[said]
    assert how


def test_parameters_that_papermill_did_not_give_are_not_of_this_execution():
    assert Parent(["papermill", "a.ipynb", "b.ipynb", "-p", "rate", "1"]).gives_parameters()
    assert not Parent(["papermill", "a.ipynb", "b.ipynb", "--progress-bar"]).gives_parameters()
    given = {"a": 1, "b": [None, "x"], "c": "float('nan')"}
    assert notebook.injected("# Parameters\na = 1\nb = [None, 'x']\nc = float('nan')\n") == given
    assert notebook.injected("# Parameters\nprint(1)") is None
    assert notebook.injected("a = 1") is None

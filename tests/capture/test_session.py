# SPDX-License-Identifier: Apache-2.0
"""``lineage.run()``: what a program says of its run from inside, in whatever processes it is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.capture.launched import run, runs, spooled, stored


@pytest.fixture
def script(workspace):
    """Runs a program in the workspace; what it printed."""

    def called(text, *words, under=(), code=0, **environ):
        (workspace / "train.py").write_text(text)
        command = [*under, sys.executable, "train.py", *words]
        environ = {**os.environ, **environ}
        done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout, done.stderr

    return called


def by_name(workspace):
    return {node.attributes.get("name"): node for node in runs(workspace)}


TRAIN = """
import lineage
with lineage.run("train", params={"lr": 0.1, "layers": 3}, why="the numbers of May") as this:
    text = open(this.input("data.csv")).read()
    this.param("seed", 7)
    for step in range(5):
        this.metric("loss", 1 / (step + 1), step)
    open("model.bin", "w").write(text * 2)
    this.model("fraud", "model.bin")
"""


def test_what_produced_a_model_is_the_run_that_says_so(workspace, script):
    (workspace / "data.csv").write_text("a,b\n" * 30)
    assert script(TRAIN) == ("", "")
    assert spooled(workspace) == []
    with stored(workspace) as opened:
        answer = opened.trace("model:fraud")
        told = next(node for node in answer.nodes if node.kind == "Run").attributes
    assert {
        node.label.split("@")[0].rpartition("/")[2]
        for node in answer.nodes
        if node.kind == "Artifact"
    } == {"data.csv", "model.bin", "train.py"}
    assert (told["param.lr"], told["param.layers"], told["param.seed"]) == (0.1, 3, 7)
    assert (told["metric.loss"], told["status"], told["why"]) == (
        0.2,
        "finished",
        "the numbers of May",
    )
    assert told["command"].endswith("python train.py")


ENDS = {
    "raise ValueError('no rows')": (1, "failed", "ValueError: no rows"),
    "raise SystemExit(0)": (0, "finished", None),
    "raise SystemExit(3)": (3, "failed", "SystemExit: 3"),
}


@pytest.mark.parametrize("end", ENDS)
def test_how_it_ended_is_told_and_nothing_is_swallowed(workspace, script, end):
    code, status, error = ENDS[end]
    script(f"import lineage\nwith lineage.run('x'):\n    {end}\n", code=code)
    told = by_name(workspace)["x"].attributes
    assert (told["status"], told.get("error")) == (status, error)
    assert not error or told["error_at"].endswith("train.py:3")


@pytest.mark.parametrize(
    "text", ["this = lineage.run('x')", "lineage.run('x'); raise ValueError('y')"]
)
def test_a_run_that_nobody_ends_ends_with_the_program(workspace, script, text):
    code = int("raise" in text)
    script(f"import lineage\n{text}\n", code=code)
    told = by_name(workspace)["x"].attributes
    assert told["status"] == ("failed" if code else "finished")


def test_a_process_that_is_killed_leaves_what_it_said(workspace, script):
    text = (
        "import lineage, os\nthis = lineage.run('x')\nthis.param('a', 1)\nthis.input('train.py')\n"
    )
    script(text + "os._exit(4)\n", code=4)
    subprocess.run(
        [sys.executable, "-c", "from lineage.cli import main; main(['push'])"],
        check=True,
        capture_output=True,
    )
    assert by_name(workspace)["x"].attributes["status"] == "unknown"


WORKERS = """
import lineage, multiprocessing, sys
lineage.run("train")  # nobody guards it: a worker that is spawned comes here as well

def work(number):
    with lineage.run("worker") as this:
        this.input("data.csv")
    return number

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    with multiprocessing.Pool(2) as pool:
        print(sorted(pool.map(work, range(4))))
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_are_part_of_the_run_however_they_are_started(workspace, script, method):
    (workspace / "data.csv").write_text("a,b\n" * 30)
    said, _ = script(WORKERS, method)
    assert said == "[0, 1, 2, 3]\n"
    with stored(workspace) as opened:
        names = [node.attributes["name"] for node in opened.ask("kind:run").nodes]
        [read] = opened.ask('kind:artifact and name:"*data.csv"').nodes
        used = {node.attributes.get("name") for node in opened.impact(read.id).nodes}
    assert names.count("train") == 1
    assert names.count("worker") == 4
    assert "worker" in used


def test_under_the_launcher_it_is_the_launchers_run(workspace):
    (workspace / "train.py").write_text(TRAIN)
    (workspace / "data.csv").write_text("a,b\n" * 30)
    done = run(sys.executable, "train.py", options=["--name", "outer"])
    assert (done.returncode, done.stderr) == (0, "")
    [told] = runs(workspace)
    assert (told.attributes["name"], told.attributes["param.seed"]) == ("outer", 7)
    assert told.attributes["why"] == "the numbers of May"
    with stored(workspace) as opened:
        assert "outer" in {node.label for node in opened.trace("model:fraud").nodes}


STEPS = """
import lineage

@lineage.step("clean", because="ages come as text")
def clean(text):
    return text * 2

@lineage.step()
def fit():
    with lineage.run() as this:  # inside of a step it is a step of that
        this.input("clean.csv")
        open("model.bin", "w").write(open("clean.csv").read() * 2)
        this.output("model.bin")

assert clean("a") == "aa"  # outside of a run it is a function
with lineage.run("train") as this:
    with this.step("prepare") as step:
        step.input("data.csv")
        open("clean.csv", "w").write(clean(open("data.csv").read()))
        step.output("clean.csv")
    fit()
"""


def test_steps_are_runs_behind_the_run_with_files_of_their_own(workspace, script):
    (workspace / "data.csv").write_text("a,b\n" * 30)
    script(STEPS)
    assert by_name(workspace)["clean"].attributes["why"] == "ages come as text"
    with stored(workspace) as opened:
        behind = [n for n in opened.trace("artifact:model.bin").nodes if n.kind == "Run"]
        assert {node.attributes.get("name") for node in behind} == {None, "fit", "prepare", "train"}
        assert [n for n in opened.trace("run:clean").nodes if n.attributes.get("name") == "prepare"]
    assert {node.attributes["status"] for node in behind} == {"finished"}


def test_disabled_every_call_does_nothing(workspace, script):
    (workspace / "data.csv").write_text("a,b\n" * 30)
    assert script(TRAIN, LINEAGE_DISABLED="1") == ("", "")
    assert (runs(workspace), spooled(workspace)) == ([], [])


def test_values_that_json_has_not_are_told_and_stop_nothing(workspace, script):
    text = (
        "import lineage\nwith lineage.run('x') as this:\n"
        "    this.metric('a', float('nan'))\n    this.metric('b', 'no number')\n"
        "    this.param('c', [None, 1])\n    this.param('d', 'x' * 10_000)\n"
        "    this.param('d', 2)\n    this.param('e', None)\n"
    )
    assert script(text) == ("", "")
    told = by_name(workspace)["x"].attributes
    assert (told["metric.a"], told["metric.b"], told["param.c"]) == (
        "nan",
        "no number",
        "[None, 1]",
    )
    assert {type(value) for value in told["param.d"]} == {int, str}


def test_nothing_of_the_users_stack_is_imported(workspace, script):
    text = "import sys, lineage\nwith lineage.run('x'): pass\nprint([m for m in sys.modules if m in {'numpy', 'pandas', 'torch', 'mlflow', 'sklearn'}])"
    assert script(text) == ("[]\n", "")


def test_what_no_number_can_hold_and_no_text_tells_stops_nothing(workspace, script):
    done = script(
        "import lineage\n"
        "class Odd:\n    def __str__(self): raise ValueError('no')\n"
        "with lineage.run('x') as run:\n"
        "    run.metric('large', 10**400)\n    run.because(Odd())\n    run.metric('auc', 0.5)\n"
    )
    assert done == ("", "lineage: not recorded: no\n")
    [told] = runs(workspace)
    assert told.attributes["metric.auc"] == 0.5
    assert str(told.attributes["metric.large"]).startswith("1000")


def test_a_step_that_never_ended_in_a_run_that_did_is_unknown(workspace, script):
    script("import lineage\nrun = lineage.run('x')\nrun.step('left open')\nrun.end()\n")
    states = {node.label: node.attributes["status"] for node in runs(workspace)}
    assert states == {"x": "finished", "left open": "unknown"}

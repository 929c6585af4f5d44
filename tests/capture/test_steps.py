# SPDX-License-Identifier: Apache-2.0
"""``lineage run --step``: a command inside of a run is a step of it, with inputs and outputs of its own."""

from __future__ import annotations

import shlex
import sys

from tests.capture.launched import LINEAGE, files_of, run, runs, stored

FIT = """
import lineage
rows = open("clean.csv").read()
with lineage.run() as this:
    this.param("seed", 7)
    with this.step("inner"):
        pass
open("model.bin", "w").write(rows * 2)
"""


def step(name, *words, more=""):
    return f"{shlex.join(LINEAGE)} run --step --name {name} {more} -- {shlex.join(words)}\n"


def pipeline(workspace, *lines, code=0):
    (workspace / "all.sh").write_text("".join(lines))
    done = run("sh", "all.sh", options=["--name", "all"])
    assert done.returncode == code, done.stderr
    return done.stderr


def told(workspace, name):
    [found] = [one for one in runs(workspace) if one.attributes.get("name") == name]
    return found.attributes


def behind(workspace, name):
    """The runs that a run was informed by."""
    with stored(workspace) as opened:
        return {n.label for n in opened.trace(f"run:{name}", depth=1).nodes if n.kind == "Run"} - {
            name
        }


def test_a_pipeline_of_three_steps_is_one_run_with_three_steps_each_with_its_files(workspace):
    (workspace / "raw.csv").write_text("a,b\n" * 30)
    (workspace / "fit.py").write_text(FIT)
    said = pipeline(
        workspace,
        step("clean", "sh", "-c", "sed s/a/c/ raw.csv > clean.csv"),
        step("fit", sys.executable, "fit.py", more="--param k=3 --why 'two hospitals'"),
        step("report", "sh", "-c", "wc model.bin > report.txt", more="--in model.bin --in raw.csv"),
    )
    assert said == ""
    declared, seen, opened = "declared", "inotify", ("inotify", "opened")
    files = {name: files_of(workspace, name)[:2] for name in ("clean", "fit", "report")}
    assert files == {
        "clean": ({"raw.csv": seen}, {"clean.csv": seen}),
        "fit": ({"clean.csv": opened}, {"model.bin": opened}),
        "report": ({"model.bin": (declared, seen), "raw.csv": declared}, {"report.txt": seen}),
    }
    read, made, whole = files_of(workspace, "all")
    assert (set(read), set(made)) == (
        {"all.sh", "raw.csv"},
        {"clean.csv", "model.bin", "report.txt"},
    )
    assert "it was written to" not in str(whole["not_observed"])
    assert [behind(workspace, name) for name in ("clean", "fit", "inner")] == [
        {"all"},
        {"all"},
        {"fit"},
    ]
    fit = told(workspace, "fit")
    assert (fit["param.k"], fit["param.seed"], fit["why"]) == ("3", 7, "two hospitals")
    assert fit["command"].endswith("python fit.py")
    assert told(workspace, "report")["declared_not_read"].endswith("/raw.csv")
    # The run's own are who, where and with what; a step is told by what it did.
    assert "completeness" in whole
    assert "completeness" not in fit


def test_how_a_step_ended_is_its_own_and_reaches_the_shell(workspace):
    said = pipeline(
        workspace,
        step("fails", "sh", "-c", "exit 3").replace("\n", " || echo $? > code\n"),
        step("dies", "sh", "-c", "kill -9 $$"),
        step("absent", "no-such-program"),
        step("torn", "sh", "-c", "kill -9 $PPID"),
        step("outer", *shlex.split(step("deep", "true"))),
    )
    assert "no-such-program: No such file or directory" in said
    assert (workspace / "code").read_text() == "3\n"
    ends = {
        name: (told(workspace, name)["status"], told(workspace, name).get("exit_code"))
        for name in ("fails", "dies", "absent", "torn", "outer", "all")
    }
    assert ends == {
        "fails": ("failed", 3),
        "dies": ("killed", None),
        "absent": ("failed", 127),
        "torn": ("unknown", None),
        "outer": ("finished", 0),
        "all": ("finished", 0),
    }
    assert behind(workspace, "deep") == {"outer"}


def test_steps_at_the_same_time_claim_what_only_one_of_them_can_have_opened(workspace):
    (workspace / "raw.csv").write_text("a,b\n" * 30)
    reads = "import sys; print(open('raw.csv').read()); sys.stdout.flush(); import time; time.sleep(0.3)"
    pipeline(
        workspace,
        step("first", sys.executable, "-c", reads).replace("\n", " | "),
        step("second", "sh", "-c", "cat > copy.csv"),
    )
    read, _, first = files_of(workspace, "first")
    assert read == {"raw.csv": "opened"}
    _, made, second = files_of(workspace, "second")
    assert made == {}
    for one in (first, second):
        assert "other steps of the run went on at the same time" in str(one["not_observed"])
    assert set(files_of(workspace, "all")[1]) == {"copy.csv"}


def test_outside_of_a_run_it_is_a_run(workspace):
    assert run("true", options=["--step", "--name", "alone"]).returncode == 0
    assert "completeness" in told(workspace, "alone")
    refused = run("true", options=["--step", "--id", "job"])
    assert (refused.returncode, "--id is of runs" in refused.stderr) == (2, True)

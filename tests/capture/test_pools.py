# SPDX-License-Identifier: Apache-2.0
"""Trials on workers that are used again and again are steps of one run, each with what is its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.capture.launched import run, runs, stored

TRIALS = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
import lineage

def trial(number):
    os.chdir("/")
    with lineage.run(f"trial {number}", params={"rate": number}) as this:
        this.metric("loss", number * 2)
    return os.getpid()

@lineage.step("clean", because="ages are texts")
def clean(number):
    return number

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    search = lineage.run("search") if sys.argv[2] == "inside" else None
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        print(len(set(pool.map(trial, range(20)))) <= 2, [*pool.map(clean, range(2))])
"""


@pytest.mark.parametrize(
    ("method", "place"),
    [
        ("spawn", "launched"),
        pytest.param("spawn", "inside", marks=pytest.mark.deep),
        pytest.param("fork", "inside", marks=pytest.mark.deep),
    ],
)
def test_each_trial_of_a_pool_is_a_step_with_its_own_parameters_and_numbers(
    workspace, method, place
):
    (workspace / "search.py").write_text(TRIALS)
    words = [sys.executable, "search.py", method, place]
    done = (
        run(*words, options=["--name", "search"])
        if place == "launched"
        else subprocess.run(words, capture_output=True, text=True, check=False)
    )
    assert (done.stdout, done.stderr) == ("True [0, 1]\n", "")
    told = {node.label: node.attributes for node in runs(workspace)}
    trials = {name: one for name, one in told.items() if name.startswith("trial ")}
    assert {(one["param.rate"], one["metric.loss"]) for one in trials.values()} == {
        (number, number * 2) for number in range(20)
    }
    assert told["clean"]["why"] == "ages are texts"
    # Nothing of a trial is told of the search, and its source is the search's.
    assert not [name for name in told["search"] if name.startswith(("param.rate", "metric."))]
    with stored(workspace) as opened:
        around = {
            e.cause for e in opened.show("run:trial 7").edges if e.relation == "wasInformedBy"
        }
        [search] = [node for node in runs(workspace) if node.label == "search"]
    assert around == {search.id}


def test_of_a_launched_program_the_first_run_is_the_launchers_and_others_are_steps(workspace):
    (workspace / "loop.py").write_text(
        "import lineage\nfor rate in (1, 2, 3):\n"
        "    with lineage.run(f'try {rate}', params={'rate': rate}): pass\n"
    )
    run(sys.executable, "loop.py", options=["--name", "all"])
    told = {node.label: node.attributes.get("param.rate") for node in runs(workspace)}
    assert told == {"all": 1, "try 2": 2, "try 3": 3}

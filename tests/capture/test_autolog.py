# SPDX-License-Identifier: Apache-2.0
"""``lineage.autolog()``: one line at the top of a script, and how a program ends as it is seen from inside."""

from __future__ import annotations

import sys

import pytest

from tests.capture.launched import files_of, run, runs, spooled
from tests.capture.test_session import script

__all__ = ["script"]

TRAIN = """
import lineage; lineage.autolog()
import pickle, sys
assert pickle.loads(pickle.dumps(sys.exit)) is sys.exit
open("model.bin", "w").write(open("data.csv").read() * 2)
lineage.autolog().metric("auc", 0.9)
def main():
    try:
        sys.exit(9)  # as a library does that is called by hand
    except SystemExit as error:
        assert type(error) is SystemExit and pickle.loads(pickle.dumps(error)).code == 9
    exec(sys.argv[1])
main()
"""
ENDS = {
    "pass": (0, "finished", 0, None),
    "sys.exit(3)": (3, "failed", 3, "SystemExit: 3"),
    "sys.exit('no rows')": (1, "failed", 1, "SystemExit: no rows"),
    "raise ValueError('no rows')": (1, "failed", 1, "ValueError: no rows"),
    "raise KeyboardInterrupt": (-2, "failed", 1, "KeyboardInterrupt: "),
    # Nothing tells with which code this ends.
    "raise SystemExit(4)": (4, "unknown", None, None),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_script_is_a_run_until_its_end_whatever_that_is(workspace, script, end):
    (workspace / "data.csv").write_text("a,b\n" * 30)
    code, status, exit_code, error = ENDS[end]
    script(TRAIN, end, code=code)
    read, made, told = files_of(workspace, "train")
    assert (set(read), set(made)) == ({"data.csv"}, {"model.bin"})
    assert (told["status"], told.get("exit_code"), told.get("error")) == (status, exit_code, error)
    assert ("exit code: SystemExit was raised" in str(told["not_observed"])) == (exit_code is None)
    assert (told["metric.auc"], len(runs(workspace))) == (0.9, 1)


def test_inside_a_run_it_is_part_of_that_and_disabled_it_is_nothing(workspace, script):
    (workspace / "data.csv").write_text("a,b\n" * 30)
    script(TRAIN, "pass", LINEAGE_DISABLED="1")
    assert (runs(workspace), spooled(workspace)) == ([], [])
    done = run(sys.executable, "train.py", "raise SystemExit(4)", options=["--name", "outer"])
    assert done.returncode == 4
    [told] = runs(workspace)
    outer = told.attributes
    assert (outer["name"], outer["exit_code"], outer["metric.auc"]) == ("outer", 4, 0.9)


def test_the_exit_code_of_a_run_that_nobody_ends_is_the_programs(workspace, script):
    script("import lineage, sys\nlineage.run('x')\nsys.exit(3)\n", code=3)
    [told] = runs(workspace)
    assert (told.attributes["status"], told.attributes["exit_code"]) == ("failed", 3)
    assert told.attributes["error_at"].endswith("train.py:3")

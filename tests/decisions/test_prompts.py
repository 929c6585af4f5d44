# SPDX-License-Identifier: Apache-2.0
"""Who makes a run or a commit is asked what it is for, where decisions are written down."""

from __future__ import annotations

import os
import subprocess

from tests.capture.launched import LINEAGE
from tests.decisions.conftest import record

ASKED = "lineage: nothing says what this run is for: "


def test_a_run_that_follows_no_decision_is_asked_once_a_day_what_it_is_for(new_repository, command):
    repository = new_repository()
    repository.commit("One file", {"a.py": "1"})
    place = repository.path
    environ = {
        **os.environ,
        "LINEAGE_STORE": str(place / "s.db"),
        "LINEAGE_SPOOL": str(place / "spool"),
    }

    def said(*options, **more):
        words = [*LINEAGE, "run", *options, "--", "true"]
        around = {**environ, **more}
        done = subprocess.run(
            words, cwd=place, env=around, capture_output=True, text=True, check=True
        )
        return done.stderr

    store = ("--store", "s.db")
    assert command(place, *store, "import", ".", text=True)[0] == 0
    assert said() == "", "nobody writes decisions down here"
    repository.commit("Decide", {"decisions/0001-x.md": record("X", id="dec-x", status="accepted")})
    assert command(place, *store, "import", ".", text=True)[0] == 0
    assert said("--why", "the numbers of May") == ""
    assert said("--decision", "dec-x") == ""
    assert said(LINEAGE_PROMPT="never") == ""
    first = said()
    assert first.startswith(ASKED) and first.count("\n") == 1
    assert said() == "", "once a day"
    assert said(LINEAGE_PROMPT="always").startswith(ASKED)
    subprocess.run(["git", "switch", "-qc", "decision/0001-x"], cwd=place, check=True)
    assert said(LINEAGE_PROMPT="always") == "", "it follows the decision of its branch"


def test_commits_of_a_range_are_judged_by_what_they_say(new_repository, command):
    repository = new_repository()
    repository.commit("Begin with a record", {"decisions/0001-x.md": record("X", id="dec-x")})
    repository.commit("wip", {"a.py": "1"})
    repository.commit("fixup! Begin with a record", {"a.py": "2"})
    repository.commit("Take all splits", {"a.py": "3"})
    repository.commit("Take two splits\n\nThe third one leaks.", {"a.py": "4"})
    repository.commit("Take one split\n\nDecision: dec-x", {"a.py": "5"})
    asked = ("decision", "check", "--commits", "HEAD~5..HEAD")
    code, told = command(repository.path, *asked)
    found = [(one["code"], one["severity"]) for one in told["findings"]]
    assert (code, told["commits"]) == (0, 5)
    assert sorted(found) == [("commit-message", "warning")] * 2 + [("commit-reason", "note")] * 3
    assert "'wip' says nothing" in str(told["findings"])
    assert command(repository.path, *asked, "--fail-on", "warning")[0] == 4
    code, text = command(repository.path, *asked, text=True)
    assert text.startswith("1 record, 5 commits, 5 findings")
    repository.git("rm", "-rq", "decisions")
    repository.commit("Remove the record\n\nIt was an example.", {"a.py": "6"})
    assert command(repository.path, "decision", "check", "--commits", "HEAD~1..HEAD")[0] == 0
    nowhere = ("decision", "check", "--commits", "nowhere..HEAD")
    assert command(repository.path, *nowhere, text=True) == (1, "")

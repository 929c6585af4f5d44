# SPDX-License-Identifier: Apache-2.0
"""Processes that begin a run together are one run; runs that are begun again are attempts at one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.capture.launched import LINEAGE, run, spooled, stored

#: What torchrun does: it starts the program once for each rank, with these variables.
AGENT = """
import os, subprocess, sys
size, words = sys.argv[1], sys.argv[2:]
marks = {"TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_RESTART_COUNT": "0", "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size}
running = [
    subprocess.Popen(words, env={**os.environ, **marks, "RANK": str(n), "LOCAL_RANK": str(n)})
    for n in range(int(size))
]
sys.exit(max(one.wait() for one in running))
"""
TRAIN = """
import os, sys, time, lineage
rank = os.environ["RANK"]
run = lineage.run("train", params={"lr": 0.1, "seed": int(rank)})
time.sleep(0.3 * int(rank))
open(f"shard-{rank}.csv").read()
open(f"part-{rank}.bin", "w").write(rank * 100)
run.metric("loss", 0.5)
if "fail" in sys.argv and rank == "0":
    raise ValueError("out of numbers")
"""


@pytest.fixture
def ranks(workspace):
    """Runs a program on several ranks; the runs that there are then."""
    (workspace / "agent.py").write_text(AGENT)
    (workspace / "train.py").write_text(TRAIN)

    def called(number, *words):
        for rank in range(number):
            (workspace / f"shard-{rank}.csv").write_text(f"{rank},x\n" * 30)
        command = [sys.executable, "agent.py", str(number), sys.executable, "train.py", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert "lineage:" not in done.stderr
        with stored(workspace) as opened:
            [told] = opened.ask("kind:run").nodes
            return told, opened.show(told.id)

    return called


def test_the_ranks_of_torchrun_are_one_run(workspace, ranks):
    told, answer = ranks(3)
    assert (told.label, told.attributes["status"]) == ("train", "finished")
    assert told.attributes["ranks"] == ("0", "1", "2")
    assert told.attributes["rank.1"].startswith("local rank 1 of 3, process ")
    assert told.attributes["param.lr"] == 0.1
    assert set(told.attributes["param.seed"]) == {0, 1, 2}
    names = {node.attributes.get("name", "").rpartition("/")[2] for node in answer.nodes}
    assert {
        f"{what}-{n}.{end}" for what, end in (("shard", "csv"), ("part", "bin")) for n in range(3)
    } <= names
    assert spooled(workspace) == []


def test_where_one_rank_fails_the_run_has_failed(workspace, ranks):
    told, _ = ranks(2, "fail")
    assert (told.attributes["status"], told.attributes["exit_code"]) == ("failed", 1)
    assert told.attributes["error"] == "ValueError: out of numbers"


def test_the_next_program_of_the_same_name_is_another_run(workspace, ranks):
    ranks(2)
    with stored(workspace) as opened:
        first = {node.id for node in opened.ask("kind:run").nodes}
    command = [sys.executable, "agent.py", "2", sys.executable, "train.py"]
    subprocess.run(command, check=True, timeout=60)
    with stored(workspace) as opened:
        assert len({node.id for node in opened.ask("kind:run").nodes} - first) == 1


def test_a_job_that_is_requeued_is_one_run_with_its_attempts(workspace, monkeypatch):
    """Each attempt has its own start, end and signal, in order, though nothing could be delivered meanwhile."""
    monkeypatch.setenv("LINEAGE_STORE", str(workspace / "not-there" / "store.db"))
    for number in range(1, 4):
        how = "kill -TERM $$" if number < 3 else "echo weights > model.bin"
        run("sh", "-c", f"echo {number} > checkpoint-{number}; {how}", options=["--id", "job-17"])
    monkeypatch.delenv("LINEAGE_STORE")
    monkeypatch.setenv("LINEAGE_RUN_ID", "job-17")
    run("sh", "-c", "cat model.bin")
    subprocess.run([*LINEAGE, "push"], check=True, capture_output=True)
    with stored(workspace) as opened:
        whole = opened.show("run:job-17")
        trace = opened.trace("artifact:model.bin")
    attempts = [node for node in whole.nodes if node.kind == "Run" and node.label != "job-17"]
    attempts.sort(key=lambda node: node.attributes["started"])
    told = [(a.attributes["status"], a.attributes.get("signal")) for a in attempts]
    assert told == [
        ("killed", "SIGTERM"),
        ("killed", "SIGTERM"),
        ("finished", None),
        ("finished", None),
    ]
    roles = {(e.relation, e.attributes["prov:role"]) for e in whole.edges}
    assert roles == {("wasInformedBy", "attempt")}
    assert "job-17" in {node.label for node in trace.nodes}

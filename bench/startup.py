# SPDX-License-Identifier: Apache-2.0
"""What it costs to begin: the command's help, a first answer in a new process, the command for one trace."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.engines import stored
from bench.graph import Graph
from bench.measure import Row, below, clock, say

REPEAT = 11
_FIRST = """
import sys, time
begun = time.perf_counter()
import lineage
with lineage.open(sys.argv[1], create=False) as store:
    assert store.trace(sys.argv[2]).found.node_rows
    print(time.perf_counter() - begun)
"""
_COMMAND = [sys.executable, "-c", "from lineage.cli import main; main()"]


def measure(graph: Graph, folder: Path) -> Iterator[Row]:
    """Medians; each time is of a process of its own."""
    say("command")
    helped = median(_cpu([*_COMMAND, "--help"]) for _ in range(REPEAT))
    yield below("`lineage --help`, CPU", helped, 0.100)
    store, model = str(stored(graph, folder)), graph.models[len(graph.models) // 2]
    first = [sys.executable, "-c", _FIRST, store, model]
    taken = median(float(_out(first)) for _ in range(REPEAT))
    yield below("`import lineage`, a store opened, a first trace", taken, 0.100)
    words = [*_COMMAND, "--store", store, "trace", model]
    assert json.loads(_out([*words, "--json"]))["nodes"]
    for what, more, limit in (
        ("`lineage trace`", [], 0.200),
        ("`lineage trace --json`", ["--json"], 0.150),
    ):
        whole = median(clock(lambda more=more: _out([*words, *more])) for _ in range(REPEAT))
        yield below(f"{what}, from start to end", whole, limit)


def _cpu(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _out(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _out(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout

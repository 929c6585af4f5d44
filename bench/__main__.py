# SPDX-License-Identifier: Apache-2.0
"""python -m bench: the tables of the README, SQLite first, then Neo4j.

BENCH_EDGES sets the size (default 1,000,000), BENCH_ENGINES the engines.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bench import exactness, startup, suites
from bench.graph import make
from bench.measure import control, machine, say, table


def main() -> None:
    """Measure, print the table, and how quiet the machine was."""
    size = int(os.environ.get("BENCH_EDGES", "1000000"))
    engines = os.environ.get("BENCH_ENGINES", "sqlite,neo4j").split(",")
    before = control()
    say(f"making a graph of {size:,} edges")
    graph = make(size)
    print(f"{machine()}; {len(graph.nodes):,} nodes, {len(graph.edges):,} edges\n")
    with tempfile.TemporaryDirectory(prefix="lineage-bench-") as folder:
        for engine in engines:
            rows = [
                *suites.measure(engine, graph, Path(folder)),
                *exactness.measure(engine, Path(folder)),
            ]
            print(f"**{engine}**\n\n{table(rows)}\n", flush=True)
    print(f"**command**\n\n{table(startup.measure())}\n")
    print(f"control loop: {before * 1000:.0f} ms before, {control() * 1000:.0f} ms after")


if __name__ == "__main__":
    main()

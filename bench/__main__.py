# SPDX-License-Identifier: Apache-2.0
"""python -m bench: the tables of docs/performance.md: SQLite, Neo4j, the server, the command.

BENCH_EDGES sets the size (default 1,000,000), BENCH_ENGINES the engines; the server is measured on
SQLite, by itself with BENCH_ONLY=server.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import crowd, exactness, exchange, http, joins, openlineage, soak, startup, suites
from bench.engines import stop
from bench.graph import Graph, make
from bench.measure import Row, control, machine, say, table


def main() -> None:
    """Measure, print the table, and how quiet the machine was."""
    size = int(os.environ.get("BENCH_EDGES", "1000000"))
    engines = os.environ.get("BENCH_ENGINES", "sqlite,neo4j").split(",")
    alone = os.environ.get("BENCH_ONLY") == "server"
    before = control()
    say(f"making a graph of {size:,} edges")
    graph = make(size)
    print(f"{machine()}; {len(graph.nodes):,} nodes, {len(graph.edges):,} edges\n")
    with tempfile.TemporaryDirectory(prefix="lineage-bench-") as folder:
        for engine in () if alone else engines:
            rows = [
                *suites.measure(engine, graph, Path(folder)),
                *exactness.measure(engine, Path(folder)),
            ]
            print(f"**{engine}**\n\n{table(rows)}\n", flush=True)
        if alone or "sqlite" in engines:
            print(f"**server**\n\n{table(list(_server(graph, Path(folder))))}\n", flush=True)
        stop(Path(folder))
    if not alone:
        with tempfile.TemporaryDirectory(prefix="lineage-bench-") as folder:
            print(f"**joins**\n\n{table(list(joins.measure(Path(folder))))}\n", flush=True)
            print(f"**exchange**\n\n{table(list(exchange.measure(Path(folder))))}\n", flush=True)
        print(f"**command**\n\n{table(startup.measure())}\n")
    print(f"control loop: {before * 1000:.0f} ms before, {control() * 1000:.0f} ms after")


def _server(graph: Graph, folder: Path) -> Iterator[Row]:
    """The rows of the server, on SQLite."""
    yield from http.measure(graph, folder)
    yield from openlineage.measure(folder)
    yield from crowd.measure(folder)
    yield from soak.measure(folder)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""python -m bench: measure, and write the tables of docs/performance.md.

BENCH_EDGES sets the size of the graph (default 1,000,000); of another size those tables are measured that
follow it, and printed, and written only into the page that BENCH_DOCUMENT names. BENCH_ENGINES=sqlite
leaves Neo4j out; BENCH_ONLY names the tables to be measured, with commas between them: the others
stay as they are.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from bench import (
    capture,
    crowd,
    exactness,
    exchange,
    growth,
    http,
    joins,
    largest,
    openlineage,
    peers,
    soak,
    startup,
    suites,
    whole,
    writers,
)
from bench.bounds import PROMISED
from bench.document import PAGE, Document, Table
from bench.engines import stop
from bench.graph import Graph, make
from bench.machine import Watch
from bench.measure import HEAD, Row, markdown, say

EDGES = 1_000_000


def _engine(name: str) -> Callable[[Graph, Path], Table]:
    def measure(graph: Graph, folder: Path) -> Table:
        rows = [*suites.measure(name, graph, folder), *exactness.measure(name, folder)]
        return _table(rows, graph)

    return measure


def _server(graph: Graph, folder: Path) -> Table:
    """The rows of the server, on SQLite."""
    parts = (http.measure(graph, folder), *(m(folder) for m in _SERVED))
    return _table((row for part in parts for row in part), graph)


_SERVED: tuple[Callable[[Path], Iterator[Row]], ...] = (
    openlineage.measure,
    crowd.measure,
    soak.measure,
)


def _table(rows: Iterable[Row], graph: Graph | None = None) -> Table:
    return Table(HEAD, [row.cells for row in rows], graph.told if graph else "")


#: The tables of the document, in the order in which they are measured.
TABLES: Mapping[str, Callable[[Graph, Path], Table]] = {
    "sqlite": _engine("sqlite"),
    "peers": peers.measure,
    "growth": lambda graph, folder: growth.measure(graph.size, folder),
    "neo4j": _engine("neo4j"),
    "whole": lambda graph, folder: _table(whole.measure(graph, folder), graph),
    "largest": lambda graph, folder: _table(largest.measure(graph.size, folder)),
    "writers": lambda _, folder: _table(writers.measure(folder)),
    "server": _server,
    "joins": lambda _, folder: _table(joins.measure(folder)),
    "exchange": lambda _, folder: _table(exchange.measure(folder)),
    "capture": lambda _, folder: _table(capture.measure(folder)),
    "command": lambda graph, folder: _table(startup.measure(graph, folder), graph),
}


#: Those that take their minutes on a graph of any size.
_LONG = {"writers", "server", "joins", "exchange", "capture"}


def _chosen(size: int) -> list[str]:
    """The tables that the environment asks for. Exits for one that there is not."""
    engines = os.environ.get("BENCH_ENGINES", "sqlite,neo4j").split(",")
    only = os.environ.get("BENCH_ONLY")
    if only:
        chosen = only.split(",")
    elif "sqlite" in engines:
        left_out = {"neo4j"} - set(engines) | (_LONG if size != EDGES else set())
        chosen = [name for name in TABLES if name not in left_out]
    else:
        chosen = engines
    if unknown := [name for name in chosen if name not in TABLES]:
        sys.exit(f"there is no table {', '.join(unknown)}; there are {', '.join(TABLES)}")
    return chosen


def main() -> None:
    """Measure table by table; each is printed, and written, as soon as it is there."""
    size = int(os.environ.get("BENCH_EDGES", EDGES))
    named = os.environ.get("BENCH_DOCUMENT")
    document = Document(Path(named) if named else PAGE)
    kept = bool(named) or size == EDGES
    chosen = _chosen(size)
    say(f"making a graph of {size:,} edges")
    graph = make(size)
    with tempfile.TemporaryDirectory(prefix="lineage-bench-") as made:
        for name in chosen:
            folder = Path(made)
            watch = Watch()
            table = TABLES[name](graph, folder)
            told = watch.told()
            print(f"**{name}** {told}\n\n{markdown(table.head, table.lines)}\n", flush=True)
            if kept:
                document.write(name, table, told)
                document.bounds(PROMISED)
            if name == "neo4j":
                stop(folder)
    if not kept:
        say(f"{document.path} is not written: its tables are of {EDGES:,} edges")


if __name__ == "__main__":
    main()

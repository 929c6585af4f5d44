# SPDX-License-Identifier: Apache-2.0
"""The same questions of a tenth of the graph, of the graph, and of five times as much: where a figure grows
with the graph, its cost follows the graph; where it stays, the answer.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from statistics import median

from bench import engines, verbs
from bench.document import Table
from bench.graph import stream
from bench.measure import judged, say, settle, shown, within
from lineage.app import Lineage, open_here
from lineage.model.record import Batch

#: Of the size that is asked for.
SIZES = (0.1, 1, 5)
#: The models that are asked are those of so many whose answers are nearest to so many nodes.
_LOOKED_AT, _ANSWER = 400, 150
#: What may grow how many times from the smallest to the largest.
BOUNDS = {"trace of a model, p50": 1.4}


def measure(edges: int, folder: Path) -> Table:
    """The table: a column a size, and the last beside the first."""
    sizes = [round(edges * share) for share in SIZES]
    found = [_one(size, folder) for size in sizes]
    lines = []
    for what, (_, unit) in found[0].items():
        figures = [column[what][0] for column in found]
        ratio = figures[-1] / figures[0]
        bound = BOUNDS.get(what)
        verdict = ""
        if bound is not None:
            held, near = within(ratio, bound)
            verdict = judged(held=held, near=near)
        cells = [shown(figure, unit) for figure in figures]
        told = "" if bound is None else f"<= {bound:g}x"
        lines.append((what, *cells, f"{ratio:.2f}", told, verdict))
    short = [f"{size:,} edges" for size in sizes]
    return Table(("what", *short, "last / first", "bound", ""), lines)


def _one(edges: int, folder: Path) -> dict[str, tuple[float, str]]:
    """Figures of one size, with their units. The graph is made while it is written, so that memory holds
    a batch of it; what making it takes is not counted.
    """
    say(f"growth: {edges:,} edges")
    graph, path = stream(edges), folder / f"growth-{edges}.db"
    with open_here(str(path)) as opened:
        making = _Making(graph.batches())
        begun = time.perf_counter()
        opened.ingest(making)
        took = time.perf_counter() - begun - making.seconds
        settle()
        found = {"ingest, records": (graph.records / took, "/s")}
        models, nodes = _alike(opened, graph.models)
        found["nodes that a trace gives, p50"] = nodes, ""
        told = f"growth, {edges:,} edges"
        for what, seconds, _ in verbs.timed(told, graph, models, opened.store):
            found[what] = seconds, "ms"
    found["on disk, an edge with its share of all"] = engines.size(path) / graph.edges, "B"
    for file in folder.glob(f"{path.name}*"):
        file.unlink()
    return found


def _alike(opened: Lineage, models: Sequence[str]) -> tuple[list[str], float]:
    """Models with much the same to answer on a graph of any size, and how much: in a large graph the
    usual model has a longer history, and what that costs is no growth.
    """
    some = Random(5).sample(models, min(_LOOKED_AT, len(models)))
    sizes = {m: opened.reach(m, toward="causes", counts=True).total for m in some}
    chosen = sorted(some, key=lambda model: abs(sizes[model] - _ANSWER))[: verbs.MODELS]
    return chosen, median(sizes[model] for model in chosen)


class _Making(Iterable[Batch]):
    """Batches, and how long it took to make them."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Batch]:
        while True:
            begun = time.perf_counter()
            batch = next(self._batches, None)
            self.seconds += time.perf_counter() - begun
            if batch is None:
                return
            yield batch

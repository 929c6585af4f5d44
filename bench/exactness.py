# SPDX-License-Identifier: Apache-2.0
"""The shapes on which neighbours give no answer, or half of one: exact, and in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random

from bench.engines import open_ours
from bench.measure import Row, below, clock, reported, say, settle, shown
from lineage.model.record import Batch, Edge
from lineage.services.context import Context
from lineage.services.write.ingest import ingest
from lineage.store.base import NOW, Store, Walk
from lineage.store.memory import MemoryStore

#: Each shape is asked so often; a server needs the first few to get warm.
_TIMES = 21


def ladder() -> tuple[list[Edge], str]:
    """18 stages, each with two outputs that the next one reads: 2**18 paths, 56 nodes."""
    edges = []
    for stage in range(18):
        run = f"urn:ladder:run:{stage}"
        for side in "ab":
            edges.append(_edge("wasGeneratedBy", f"urn:ladder:{side}:{stage + 1}", run))
            edges.append(_edge("used", run, f"urn:ladder:{side}:{stage}"))
    return edges, "urn:ladder:a:18"


def layers() -> tuple[list[Edge], str]:
    """5,000 jobs in 50 layers, each reading two outputs of the layer below: one job's whole cone
    (1,275 jobs), as the neighbours were asked for it.
    """
    return _layered(lambda job: (job, (job + 1) % 100)), "urn:layer:run:49:0"


def mixed() -> tuple[list[Edge], str]:
    """The same jobs, each reading three outputs at random, asked from all of the last: every job."""
    random = Random(7)
    edges = _layered(lambda _: random.sample(range(100), 3), "mixed")
    edges += [_edge("used", "urn:mixed:last", f"urn:mixed:out:49:{job}") for job in range(100)]
    return edges, "urn:mixed:last"


def _layered(reads: Callable[[int], Iterable[int]], name: str = "layer") -> list[Edge]:
    edges = []
    for layer in range(50):
        for job in range(100):
            run = f"urn:{name}:run:{layer}:{job}"
            edges.append(_edge("wasGeneratedBy", f"urn:{name}:out:{layer}:{job}", run))
            below = [f"urn:{name}:out:{layer - 1}:{source}" for source in reads(job)]
            edges += [_edge("used", run, source) for source in below]
    return edges


def chain() -> tuple[list[Edge], str]:
    """100,000 derivations, one after the other."""
    names = [f"urn:chain:{n:06d}" for n in range(100_001)]
    edges = [_edge("wasDerivedFrom", a, b) for a, b in zip(names[1:], names, strict=False)]
    return edges, names[-1]


def hub() -> tuple[list[Edge], str]:
    """One dataset that half of 100,000 things depend on."""
    edges = [_edge("wasDerivedFrom", f"urn:hub:{n:06d}", "urn:hub:root") for n in range(50_000)]
    edges += [_edge("wasDerivedFrom", f"urn:aside:{n:06d}", "urn:aside") for n in range(49_999)]
    return edges, "urn:hub:root"


def _edge(relation: str, effect: str, cause: str) -> Edge:
    return Edge(relation=relation, effect=effect, cause=cause)


#: What, how it is made, which way, and the limit in seconds (None: reported only).
SHAPES = (
    ("diamond ladder, 18 stages", ladder, "causes", 0.005),
    ("5,000 jobs in 50 layers, one job's cone", layers, "causes", 0.020),
    ("5,000 jobs in 50 layers, all of them", mixed, "causes", None),
    ("chain of 100,000", chain, "causes", 2.0),
    ("hub of half the graph", hub, "effects", None),
)


def measure(engine: str, folder: Path) -> Iterator[Row]:
    """Each shape on an engine, its answer compared with the reference walk."""
    oracle = MemoryStore()
    store = open_ours(engine, folder, "shapes")
    try:
        for _, shape, _, _ in SHAPES:
            edges, _start = shape()
            for each in (oracle, store):
                _load(each, edges)
        for what, shape, toward, limit in SHAPES:
            say(f"{engine}: {what}")
            walk = Walk(start=frozenset({shape()[1]}), toward=toward)  # type: ignore[arg-type]
            ours, exact = store.walk(walk, NOW), oracle.walk(walk, NOW)
            assert (ours.nodes, ours.edges) == (exact.nodes, exact.edges), what
            settle()
            took = sorted(clock(lambda walk=walk: store.walk(walk, NOW)) for _ in range(_TIMES))
            size = f"{len(ours.node_rows):,} nodes, {len(ours.edge_rows):,} edges"
            told, middle = f"{what} ({size})", took[_TIMES // 2]
            yield below(told, middle, limit) if limit else reported(told, shown(middle, "ms"))
    finally:
        store.close()


def _load(store: Store, edges: list[Edge]) -> None:
    ctx = Context(store=store, actor="bench", person_key=b"")
    parts = (edges[at : at + 20_000] for at in range(0, len(edges), 20_000))
    ingest(ctx, (Batch(edges=tuple(part)) for part in parts))

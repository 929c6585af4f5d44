# SPDX-License-Identifier: Apache-2.0
"""Ingest and walks on the big graph, each beside its rival."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from bench import bare_neo4j, bare_sqlite, engines, questions, verbs
from bench.graph import Graph
from bench.measure import Row, at_most, below, clock, percentile, rate, say, settle, together
from bench.runs import a_run
from lineage.model import terms
from lineage.model.record import Batch
from lineage.services.context import Context
from lineage.services.write.ingest import ingest
from lineage.store.base import NOW, Store, Subgraph, Walk

MODELS = 200
RUNS = 60
Answer = tuple[list[Any], list[Any]]


def measure(engine: str, graph: Graph, folder: Path) -> Iterator[Row]:
    """The rows of one engine."""
    if engine == "sqlite":
        yield from _sqlite(graph, folder)
    else:
        yield from _neo4j(graph, folder)


def _sqlite(graph: Graph, folder: Path) -> Iterator[Row]:
    store = engines.open_ours("sqlite", folder, "ours")
    bare = bare_sqlite.Bare(folder / "bare.db")
    yield _ingest("sqlite", graph, store, lambda: bare.load(graph.batches()))
    yield from _one_run(store, bare.load)
    for ident in _some(graph, 5):
        _same(store.walk(_up(ident), NOW), bare.by_level(ident))
        _same(store.walk(_up(ident), NOW), bare.by_cte(ident))
    say("sqlite: 200 models")
    yield from _closures(graph, store, (bare.by_level, bare.by_cte))
    _same(store.walk(_down(graph.hub), NOW), bare.by_level(graph.hub, "cause"))
    say("sqlite: hub")
    rivals = (lambda i: bare.by_level(i, "cause"), lambda i: bare.by_cte(i, "cause"))
    yield _hub(graph, store, rivals)
    yield from questions.measure("sqlite", graph, folder, store)
    yield from verbs.measure("sqlite", graph, store)
    store.close()
    kept = engines.size(folder / "ours.db") / graph.edges
    yield below("on disk, an edge with its share of all", kept, 260, "B")


def _neo4j(graph: Graph, folder: Path) -> Iterator[Row]:
    running = engines.server(folder)
    engines.wipe(folder)
    bare = bare_neo4j.Bare(running.url, running.user, running.password)
    say("neo4j: bare load")
    settle()
    theirs = clock(lambda: bare.load(graph.batches()))
    chosen = _some(graph, MODELS)
    expected = {ident: bare.walk(ident) for ident in chosen[:5]}
    say("neo4j: bare walks")
    # Two stores do not fit into one database: the rival is measured first, then ours.
    rival = [median(clock(lambda i=i: bare.walk(i)) for _ in range(3)) for i in chosen]
    rival_hub = median(clock(lambda: bare.walk(graph.hub, "effects")) for _ in range(3))
    hub = bare.walk(graph.hub, "effects")
    rival_run = median(clock(lambda n=n: bare.load([a_run(n)])) for n in range(RUNS))
    engines.wipe(folder)
    store = engines.open_ours("neo4j", folder, "ours")
    say("neo4j: our load")
    ours = clock(lambda: _load(store, graph))
    yield rate("ingest, records", graph.records / ours, graph.records / theirs, 0.5)
    taken = [clock(lambda n=n: _write(store, a_run(n))) for n in range(RUNS)]
    yield at_most("commit one run, p50", median(taken), rival_run, 3)
    for ident, answer in expected.items():
        _same(store.walk(_up(ident), NOW), answer, named=True)
    _same(store.walk(_down(graph.hub), NOW), hub, named=True)
    say("neo4j: 200 models")
    mine = [median(clock(lambda i=i: store.walk(_up(i), NOW)) for _ in range(3)) for i in chosen]
    for share, name in ((0.5, "p50"), (0.95, "p95")):
        a, b = percentile(mine, share), percentile(rival, share)
        yield at_most(f"upstream closure, {name}", a, b, 1.5)
    mine_hub = median(clock(lambda: store.walk(_down(graph.hub), NOW)) for _ in range(3))
    yield at_most(f"effects of the hub ({len(hub[0]):,} nodes)", mine_hub, rival_hub, 1.3)
    yield from questions.measure("neo4j", graph, folder, store)
    yield from verbs.measure("neo4j", graph, store)
    bare.close()
    store.close()


def _ingest(engine: str, graph: Graph, store: Store, rival: Callable[[], Any]) -> Row:
    say(f"{engine}: our load")
    settle()
    ours = clock(lambda: _load(store, graph))
    say(f"{engine}: bare load")
    settle()
    theirs = clock(rival)
    return rate("ingest, records", graph.records / ours, graph.records / theirs, 0.6)


def _load(store: Store, graph: Graph) -> None:
    ingest(Context(store=store, actor="bench", person_key=b""), graph.batches())


def _write(store: Store, batch: Batch) -> None:
    ingest(Context(store=store, actor="bench", person_key=b""), batch)


def _one_run(store: Store, rival: Callable[[list[Batch]], Any]) -> Iterator[Row]:
    pairs = [
        (lambda n=n: _write(store, a_run(n)), lambda n=n: rival([a_run(n)])) for n in range(RUNS)
    ]
    ours, theirs = together(pairs, repeat=1)
    yield at_most("commit one run durably, p50, beside bare SQL", median(ours), median(theirs), 3)
    yield below("commit one run durably, p50", median(ours), 0.0007)


def _closures(
    graph: Graph, store: Store, rivals: tuple[Callable[[str], Answer], ...]
) -> Iterator[Row]:
    """Beside the better of the rival's forms."""
    best: tuple[list[float], list[float]] | None = None
    for rival in rivals:
        pairs = [
            (lambda i=i: store.walk(_up(i), NOW), lambda i=i, rival=rival: rival(i))
            for i in _some(graph, MODELS)
        ]
        times = together(pairs)
        if best is None or median(times[1]) < median(best[1]):
            best = times
    assert best is not None
    for share, name in ((0.5, "p50"), (0.95, "p95")):
        ours, theirs = percentile(best[0], share), percentile(best[1], share)
        yield at_most(f"upstream closure, {name}", ours, theirs, 1.5)


def _hub(graph: Graph, store: Store, rivals: tuple[Callable[[str], Answer], ...]) -> Row:
    size = len(store.walk(_down(graph.hub), NOW).node_rows)
    times = [
        together([(lambda: store.walk(_down(graph.hub), NOW), lambda r=r: r(graph.hub))])
        for r in rivals
    ]
    ours, theirs = min(times, key=lambda pair: pair[1][0])
    return at_most(f"effects of the hub ({size:,} nodes)", ours[0], theirs[0], 1.5)


def _some(graph: Graph, number: int) -> list[str]:
    return Random(3).sample(graph.models, min(number, len(graph.models)))


def _up(ident: str) -> Walk:
    return Walk(start=frozenset({ident}))


def _down(ident: str) -> Walk:
    return Walk(start=frozenset({ident}), toward="effects")


def _same(ours: Subgraph, theirs: Answer, *, named: bool = False) -> None:
    """Equal answers, or nothing is worth timing."""
    assert {tuple(row) for row in ours.node_rows} == {tuple(row) for row in theirs[0]}
    names = {r.cypher if named else r.code: r.name for r in terms.TABLE}
    edges = {(names[type_], *rest) for type_, *rest in theirs[1]}
    assert {tuple(row[:4]) for row in ours.edge_rows} == edges

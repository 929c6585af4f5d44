# SPDX-License-Identifier: Apache-2.0
"""What people ask of a large store, on SQLite beside a limit of its own: of these the cost should follow the
answer, and not the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from random import Random
from statistics import median
from typing import Any

from bench.graph import Graph
from bench.measure import Row, below, clock, percentile, reported, say, settle, shown
from lineage.app import Lineage
from lineage.errors import NotFound
from lineage.services.context import Context
from lineage.store.base import Store

MODELS = 40
#: A verb, the seconds it took, and how many it may take: ``None`` where that is not bounded by itself.
Timed = tuple[str, float, float | None]


def measure(engine: str, graph: Graph, store: Store) -> Iterator[Row]:
    """The verbs on one engine: medians. The limits are those of SQLite: on Neo4j the round trip to
    the server is more than some of them.
    """
    models = Random(5).sample(graph.models, min(MODELS, len(graph.models)))
    for what, took, limit in timed(engine, graph, models, store):
        bounded = limit is not None and engine == "sqlite"
        yield below(what, took, limit) if bounded else reported(what, shown(took, "ms"))


def timed(engine: str, graph: Graph, models: Sequence[str], store: Store) -> Iterator[Timed]:
    """What each verb took; of a question that is asked of all models, the median of these."""
    hub = graph.hub
    asked = Lineage(Context(store=store, actor="bench", person_key=b"bench"))

    def missing() -> None:
        with suppress(NotFound):
            asked.trace("no-such-name")

    def all_of(ask: Callable[[str], Any]) -> list[float]:
        return [clock(lambda model=model: ask(model)) for model in models]

    def each(ask: Callable[[str], Any]) -> float:
        return median(all_of(ask))

    def again(ask: Callable[[], Any]) -> float:
        return median(clock(ask) for _ in range(5))

    settle()
    say(f"{engine}: verbs")
    asked.reach(hub)
    traced = all_of(asked.trace)
    yield "trace of a model, p50", median(traced), 0.00125
    yield "trace of a model, p95", percentile(traced, 0.95), None
    yield "impact of the hub: nodes and edges", again(lambda: asked.impact(hub)), 0.65
    yield "impact of the hub: identifiers", again(lambda: asked.reach(hub)), 0.35
    yield "impact of the hub: counts", again(lambda: asked.reach(hub, counts=True)), 0.28
    yield "why, k = 1", each(lambda model: asked.why(model, hub)), 0.0015
    yield "why, k = 10", each(lambda model: asked.why(model, hub, k=10)), 0.005
    most = max(all_of(lambda model: asked.ask(f'between(id:"{hub}", "{model}")')))
    yield "between, the longest", most, 0.008
    for name, query, limit in (
        ("the first fifty runs", "kind:run", 0.0003),
        ("the first fifty runs that failed (declared)", "kind:run and status:failed", 0.0003),
        ("the first fifty runs of an owner (not declared)", "kind:run and owner:team-3", 0.015),
        ("the runs of an owner that is not there", "kind:run and owner:nobody", None),
    ):
        yield name, again(lambda query=query: asked.ask(query, limit=50)), limit
    yield "find by a part of a name", again(lambda: asked.find("model-3@77")), 0.002
    yield "a name that is not there", again(missing), 0.002
    yield "show of the busiest", again(lambda: asked.show(graph.busiest)), 0.010
    yield "stats", again(asked.stats), 0.005

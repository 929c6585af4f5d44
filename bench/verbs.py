# SPDX-License-Identifier: Apache-2.0
"""What people ask of a large store, each beside a limit of its own: of these the cost should follow the
answer, and not the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from statistics import median
from typing import Any

from bench.graph import Graph
from bench.measure import Row, below, clock, say, settle
from lineage.app import Lineage
from lineage.errors import NotFound
from lineage.services.context import Context
from lineage.store.base import Store

MODELS = 40


def measure(engine: str, graph: Graph, store: Store) -> Iterator[Row]:
    """The verbs on one engine: medians."""
    asked = Lineage(Context(store=store, actor="bench", person_key=b"bench"))
    models = Random(5).sample(graph.models, MODELS)
    hub = graph.hub

    def missing() -> None:
        with suppress(NotFound):
            asked.trace("no-such-name")

    def each(ask: Callable[[str], Any]) -> float:
        return median(clock(lambda model=model: ask(model)) for model in models)

    def again(ask: Callable[[], Any]) -> float:
        return median(clock(ask) for _ in range(5))

    settle()
    say(f"{engine}: verbs")
    asked.reach(hub)
    yield below("impact of the hub: nodes and edges", again(lambda: asked.impact(hub)), 0.65)
    yield below("impact of the hub: identifiers", again(lambda: asked.reach(hub)), 0.35)
    yield below("impact of the hub: counts", again(lambda: asked.reach(hub, counts=True)), 0.28)
    yield below("why, k = 1", each(lambda model: asked.why(model, hub)), 0.0015)
    yield below("why, k = 10", each(lambda model: asked.why(model, hub, k=10)), 0.005)
    most = max(clock(lambda m=m: asked.ask(f'between(id:"{hub}", "{m}")')) for m in models)
    yield below(f"between, the longest of {MODELS}", most, 0.008)
    for name, query, limit in (
        ("the first fifty runs", "kind:run", 0.0003),
        ("the first fifty runs that failed (declared)", "kind:run and status:failed", 0.0003),
        ("the first fifty runs of an owner (not declared)", "kind:run and owner:team-3", 0.015),
        ("the runs of an owner that is not there", "kind:run and owner:nobody", 0.015),
    ):
        yield below(name, again(lambda query=query: asked.ask(query, limit=50)), limit)
    yield below("find by a part of a name", again(lambda: asked.find("model-3-77")), 0.002)
    yield below("a name that is not there", again(missing), 0.002)
    yield below("show of the hub", again(lambda: asked.show(hub)), 0.010)
    yield below("stats", again(asked.stats), 0.005)

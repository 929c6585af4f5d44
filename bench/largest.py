# SPDX-License-Identifier: Apache-2.0
"""A graph of five times the size, by the command: what each takes, and the most memory that it ever holds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import lineage
from bench import alone, served
from bench.graph import Graph, stream
from bench.measure import Row, below, reported, say, shown

#: Times the size that is asked for, and bytes that any of it may hold.
TIMES, LIMIT = 5, 1 << 30
_REACH = "query($ref: String!) { reach(ref: $ref, counts: true, limit: 100000) { total } }"
#: How often a server is asked, with so many seconds in between, while it puts together in the background
#: what depends on what.
_ASKED, _BETWEEN = 4, 12


def measure(size: int, folder: Path) -> Iterator[Row]:
    """The rows, on SQLite."""
    graph, store = stream(size * TIMES), folder / "largest.db"
    say(f"largest: {graph.size:,} edges")
    with lineage.open(store) as opened:
        opened.ingest(graph.batches())
    document, model = folder / "largest.json", graph.models[-1]
    asked = {
        "stats": (),
        "find": ("model-3@77",),
        "trace": (model,),
        "impact": (graph.hub, "--json"),
        "impact --ids": (graph.hub,),
        "impact --count": (graph.hub,),
        "ask": ("kind:run and status:failed", "--json"),
        "export --format nquads": ("--out", str(folder / "largest.nq")),
        "export --format json": ("--out", str(document)),
        "verify": (),
    }
    for words, more in asked.items():
        yield from _ran(words, store, *more)
    store.unlink()
    yield from _ran("import", folder / "imported.db", str(document))
    yield from _served(folder / "imported.db", graph)


def _ran(words: str, store: Path, *more: str) -> Iterator[Row]:
    say(f"largest: {words}")
    ran = alone.lineage("--store", str(store), *words.split(), *more)
    yield reported(f"{words}, time", shown(ran.seconds, "s"))
    yield below(f"{words}, memory", ran.peak, LIMIT, "MiB")


def _served(store: Path, graph: Graph) -> Iterator[Row]:
    say("largest: serve")
    with served.serving(store) as target:
        seconds = asyncio.run(_asked(target, graph.hub))
        yield reported("serve: numbers of what depends on the hub, time", shown(seconds, "ms"))
        yield below("serve, memory", alone.peak(str(target.pid)), LIMIT, "MiB")


async def _asked(target: served.Target, hub: str) -> float:
    """Seconds that the last of the answers took."""
    body = json.dumps({"query": _REACH, "variables": {"ref": hub}}).encode()
    question = served.request("POST", "/graphql", target.secret, body)
    loop = asyncio.get_running_loop()
    took = 0.0
    for _ in range(_ASKED):
        connection = await served.Connection.open(target.port)
        begun = loop.time()
        status, answer = await connection.ask(question)
        took = loop.time() - begun
        connection.close()
        assert status == 200, answer
        assert json.loads(answer)["data"]["reach"]["total"], answer
        await asyncio.sleep(_BETWEEN)
    return took

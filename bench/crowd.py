# SPDX-License-Identifier: Apache-2.0
"""Readers beside a writer, and honest clients beside stalled and hostile ones: p95 of the honest.

Honest clients are paced: each asks on a timetable that no slow answer delays (an open loop), and
its time runs from when the request was due, so that waiting in line is counted. The single reader
has the same pace. ``python -m bench.crowd`` prints the rows;
with words it is the others.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lineage
from bench.measure import Row, at_most, percentile, table
from bench.openlineage import event
from bench.served import Connection, Target, paced, request, serving
from lineage.model.record import Batch, Edge, Node

#: Seconds of one measurement, and the pace of one client (requests a second).
SECONDS, PACE = 10, 8
READERS, HONEST, STALLED, HOSTILE = 16, 50, 300, 30
#: The pace of fifty honest clients together stays below what the server can answer.
HONEST_PACE = 3


def measure(folder: Path) -> Iterator[Row]:
    """The rows; a request that fails ends the bench."""
    store = folder / "crowd.db"
    with lineage.open(store) as opened:
        opened.ingest(_graph())
    with serving(store) as target:
        yield from asyncio.run(_measure(target))


def _graph(runs: int = 500) -> Batch:
    """Runs that each use five datasets of fifty and make one thing."""
    nodes, edges = [], []
    for number in range(runs):
        run = f"urn:bench:run:{number}"
        nodes.append(Node(id=run, kind="Run", label=f"run {number}", attributes={"n": number}))
        edges.append(Edge(relation="wasGeneratedBy", effect=f"urn:bench:m:{number}", cause=run))
        for place in range(5):
            data = f"urn:bench:d:{(number * 7 + place) % 50}"
            edges.append(Edge(relation="used", effect=run, cause=data))
    return Batch(nodes=tuple(nodes), edges=tuple(edges))


async def _measure(target: Target) -> list[Row]:
    await _p95(target, 4, PACE)
    alone = await _p95(target, 1, PACE)
    with _beside("writer", target):
        many = await _p95(target, READERS, PACE)
    usual = await _p95(target, HONEST, HONEST_PACE)
    with _beside("stalled", target):
        stalled = await _p95(target, HONEST, HONEST_PACE)
    with _beside("hostile", target):
        attacked = await _p95(target, HONEST, HONEST_PACE)
    rate = f"{PACE}/s each, paced"
    return [
        at_most(f"{READERS} readers and a writer beside one reader, p95 ({rate})", many, alone, 3),
        at_most(f"{HONEST} clients beside {STALLED} stalled ones, p95", stalled, usual, 2),
        at_most(f"{HONEST} clients beside {HOSTILE} hostile ones, p95", attacked, usual, 2),
    ]


async def _p95(target: Target, clients: int, pace: float) -> float:
    """The p95 of so many honest readers, none of whom may fail."""
    rng = random.Random(5)
    begin = time.perf_counter() + 0.2
    opened = [await Connection.open(target.port) for _ in range(clients)]
    asked = []
    for connection in opened:
        run = rng.randrange(500)
        data = request("GET", f"/prov/urn:bench:run:{run}", target.secret)
        start = begin + rng.random() / pace
        asked.append(paced(connection, data, 1 / pace, SECONDS * pace, start))
    taken = [one for times in await asyncio.gather(*asked) for one in times]
    for connection in opened:
        connection.close()
    return percentile(taken, 0.95)


@contextmanager
def _beside(others: str, target: Target) -> Iterator[None]:
    """While others do what they do, in a process of their own; they are to be alive at the end."""
    command = [sys.executable, "-m", "bench.crowd", others, str(target.port), target.secret]
    with subprocess.Popen(command) as popen:
        time.sleep(2)
        try:
            yield
            assert popen.poll() is None, f"the {others} ended early"
        finally:
            popen.kill()


async def _others(kind: str, target: Target) -> None:
    """The others of a kind, without end."""
    make, count = {
        "writer": (_write, 1),
        "stalled": (_stall, STALLED),
        "hostile": (_attack, HOSTILE),
    }[kind]
    await asyncio.gather(*(make(target, number) for number in range(count)))


async def _write(target: Target, _: int) -> None:
    """One writer, as fast as its commits are acknowledged."""
    connection = await Connection.open(target.port)
    number = 0
    while True:
        number += 1
        body = event(number, "COMPLETE")
        status, told = await connection.ask(request("POST", "/api/v1/lineage", target.secret, body))
        assert status == 201, told


async def _stall(target: Target, number: int) -> None:
    """One that stalls: nothing, half a header, or half a body; cut off, it comes again."""
    body = request("POST", "/api/v1/lineage", target.secret, b"x" * 1000)[:-500]
    begun = (b"", b"GET /prov/x HTTP/1.1\r\nhost: ", body)[number % 3]
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        writer.write(begun)
        try:
            await reader.read()
        finally:
            writer.close()


async def _attack(target: Target, number: int) -> None:
    """One that sends what is costly to refuse, once a second."""
    spread = "".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}\n" for n in range(200))
    fragments = "{ ...f0 }\n" + spread + "fragment f200 on Query { stats { nodes } }"
    aliases = "{" + " ".join(f"a{n}: stats {{ nodes }}" for n in range(4_000)) + "}"
    nameless = {"job": {"namespace": "n", "name": ""}, "inputs": [{}] * 20_000}
    bombs = (
        ("/api/v1/lineage", b"[" * 100_000),
        ("/api/v1/lineage", json.dumps(nameless).encode()),
        ("/api/v1/lineage", b"\xff" * 250_000),
        ("/graphql", json.dumps({"query": fragments}).encode()),
        ("/graphql", json.dumps({"query": aliases}).encode()),
        ("/graphql", json.dumps({"query": "{" * 100_000}).encode()),
    )
    connection = await Connection.open(target.port)
    await asyncio.sleep(number / HOSTILE)
    while True:
        path, body = bombs[number % len(bombs)]
        status, told = await connection.ask(request("POST", path, target.secret, body))
        assert status in (400, 422) or b'"errors"' in told, told
        await asyncio.sleep(1)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(_others(sys.argv[1], Target(int(sys.argv[2]), sys.argv[3])))
    else:
        with tempfile.TemporaryDirectory(prefix="lineage-bench-") as made:
            print(table(list(measure(Path(made)))))

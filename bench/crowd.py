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
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import lineage
from bench.graph import make
from bench.measure import Row, at_most, percentile, say, table
from bench.openlineage import event
from bench.served import Connection, Target, paced, request, serving

#: Seconds of one measurement, how often it is repeated, and the pace of one client (a second).
SECONDS, ROUNDS, PACE = 6, 3, 8
READERS, HONEST, IDLE, STALLED, HOSTILE = 16, 50, 500, 300, 30
#: The pace of fifty honest clients together stays below what the server can answer.
HONEST_PACE = 2
EDGES = 50_000
TRACE = """query($ref: String!) {trace(ref: $ref) {
  nodes {id kind label attributes} edges {type effect cause} certificate {complete}}}"""
SELECT = """query($query: String!) {select(query: $query) {
  nodes {id kind label} certificate {complete cursor}}}"""


def measure(folder: Path) -> Iterator[Row]:
    """The rows; a request that fails ends the bench."""
    store = folder / "crowd.db"
    graph = make(EDGES)
    with lineage.open(store) as opened:
        opened.ingest(graph.batches())
    models = random.Random(5).sample(graph.models, 200)
    with serving(store, HOSTILE) as target:
        yield from asyncio.run(_measure(target, models))


async def _measure(target: Target, models: list[str]) -> list[Row]:
    async def both(others: str, many: int, usual: int, pace: float) -> tuple[float, float]:
        """Medians beside others and alone, measured in turns."""
        pairs = []
        for _ in range(ROUNDS):
            alone = await _p95(target, models, usual, pace)
            with beside(others, target):
                pairs.append((await _p95(target, models, many, pace), alone))
        say(f"crowd: {others} {[f'{a * 1e3:.1f}/{b * 1e3:.1f}' for a, b in pairs]} ms")
        return median(a for a, _ in pairs), median(b for _, b in pairs)

    await _p95(target, models, 4, PACE)
    with_writer = await both("writer", READERS, 1, PACE)
    stalled = await both("stalled", HONEST, HONEST, HONEST_PACE)
    attacked = await both("hostile", HONEST, HONEST, HONEST_PACE)
    half = "half GraphQL"
    many = f"{HONEST} clients ({HONEST_PACE}/s each, {half}) beside"
    return [
        at_most(f"{READERS} readers ({PACE}/s each, {half}) and a writer, p95", *with_writer, 3),
        at_most(f"{many} {STALLED} stalled ones, p95", *stalled, 2),
        at_most(f"{many} {HOSTILE} hostile ones, p95", *attacked, 2),
    ]


def _honest(number: int, model: str, secret: str) -> bytes:
    """What an honest client asks again and again."""
    if number % 4 == 1:
        asked: dict[str, Any] = {"query": TRACE, "variables": {"ref": model}}
    elif number % 4 == 3:
        query = f'+"{model}" and kind:run'
        asked = {"query": SELECT, "variables": {"query": query}}
    else:
        return request("GET", f"/prov/{model}", secret)
    return request("POST", "/graphql", secret, json.dumps(asked).encode())


async def _p95(target: Target, models: list[str], clients: int, pace: float) -> float:
    return percentile(await asked(target, models, clients, pace, round(SECONDS * pace)), 0.95)


async def asked(
    target: Target, models: list[str], clients: int, pace: float, each: int
) -> list[float]:
    """How long each request of so many honest clients took, none of which may fail."""
    rng = random.Random(5)
    begin = time.perf_counter() + 0.2
    opened = [await Connection.open(target.port) for _ in range(clients)]
    asking = []
    for number, connection in enumerate(opened):
        # One client alone is to ask what the many ask: each of them in its turn.
        data = [_honest(number + turn, rng.choice(models), target.secret) for turn in range(each)]
        asking.append(paced(connection, data, 1 / pace, begin + rng.random() / pace))
    taken = [one for times in await asyncio.gather(*asking) for one in times]
    for connection in opened:
        connection.close()
    return taken


@contextmanager
def beside(others: str, target: Target, *, to_the_end: bool = True) -> Iterator[None]:
    """While others do what they do, in a process of their own; they are to be alive at the end, unless
    the server ends before them.
    """
    secrets = (target.secret, *target.others)
    command = [sys.executable, "-m", "bench.crowd", others, str(target.port), *secrets]
    with subprocess.Popen(command, stderr=None if to_the_end else subprocess.DEVNULL) as popen:
        time.sleep(2)
        try:
            yield
            assert not to_the_end or popen.poll() is None, f"the {others} ended early"
        finally:
            popen.kill()


async def _others(kind: str, target: Target) -> None:
    """The others of a kind, without end."""
    begin, number = {
        "writer": (_write, 1),
        "idle": (_idle, IDLE),
        "stalled": (_stall, STALLED),
        "hostile": (_attack, HOSTILE),
    }[kind]
    await asyncio.gather(*(begin(target, place) for place in range(number)))


async def _write(target: Target, _: int) -> None:
    """One writer, as fast as its commits are acknowledged."""
    connection = await Connection.open(target.port)
    number = 0
    while True:
        number += 1
        body = event(number, "COMPLETE")
        status, told = await connection.ask(request("POST", "/api/v1/lineage", target.secret, body))
        assert status == 201, told


async def _idle(target: Target, number: int) -> None:
    """One that asks once, and then keeps its connection; cut off, it comes again in its own time."""
    while True:
        await asyncio.sleep(20 * number / IDLE)
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        writer.write(request("GET", "/healthz", target.secret))
        try:
            await reader.read()
        finally:
            writer.close()


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
    """One with a token of its own that sends what is costly to refuse, once a second, and GraphQL
    never twice the same.
    """
    nameless = {"job": {"namespace": "n", "name": ""}, "inputs": [{}] * 20_000}
    events = (b"[" * 100_000, json.dumps(nameless).encode(), b"\xff" * 250_000)
    # Two that are far beyond the limits, six that come as near to them as they can.
    queries = (
        "{" + " ".join(f"a{n}: stats {{ nodes }}" for n in range(4_000)) + "}",
        "{" * 100_000,
        "{ ...f0 }"
        + "".join(f"fragment f{n} on Query {{...f{n + 1} ...f{n + 1}}}" for n in range(95)),
        "{" + "stats { nodes } " * 240 + "}",
        "{ __schema { types { NEW: name fields { name args { name type { name ofType { name } } } } } } }",
        "{" + " ".join(f"a{n}: stats {{ nodez }}" for n in range(160)) + "}",
        "{" + " ".join(f"a{n}: compare {{ code {{ what }} }}" for n in range(110)) + "}",
        "{" + " ".join(f'a{n}: why(a: "x", b: "y") {{ start }}' for n in range(60)) + "}",
    )
    secret = target.others[number]
    connection = await Connection.open(target.port)
    await asyncio.sleep(number / HOSTILE)
    for turn in count(number):
        if turn % 2:
            text = queries[turn // 2 % len(queries)].replace("NEW", f"a{number}_{turn}")
            query = {"query": f"# {number} {turn}\n{text}"}
            data = request("POST", "/graphql", secret, json.dumps(query).encode())
        else:
            data = request("POST", "/api/v1/lineage", secret, events[turn // 2 % len(events)])
        status, told = await connection.ask(data)
        answered = b'"errors"' in told or b'"__schema"' in told
        assert status in (400, 413, 422, 429) or answered, told
        await asyncio.sleep(1)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(
            _others(sys.argv[1], Target(int(sys.argv[2]), sys.argv[3], tuple(sys.argv[4:])))
        )
    else:
        with tempfile.TemporaryDirectory(prefix="lineage-bench-") as made:
            print(table(list(measure(Path(made)))))

# SPDX-License-Identifier: Apache-2.0
"""OpenLineage events over HTTP into SQLite: a real server, client processes, all counted after.

``python -m bench.openlineage`` prints the rows; with a number it is one of the clients.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import lineage
from bench.measure import Row, above, table
from bench.served import Connection, clients, request, serving

PROCESSES, CONNECTIONS, EVENTS = 2, 32, 12_000
#: Events a second that the endpoint is to sustain.
PROMISED = 1_000


def event(number: int, kind: str) -> bytes:
    """One event of a typical job: two inputs, one output, a few facets."""
    facet = {"_producer": "https://bench.example", "_schemaURL": "https://bench.example/s.json"}
    schema = {**facet, "fields": [{"name": f"c{n}", "type": "INT"} for n in range(4)]}
    shown = {
        "eventType": kind,
        "eventTime": f"2026-01-02T03:04:{number % 60:02}Z",
        "producer": "https://bench.example",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
        "run": {
            "runId": str(UUID(int=number)),
            "facets": {"processing_engine": {**facet, "name": "Spark", "version": "3.5"}},
        },
        "job": {"namespace": "bench", "name": f"job-{number % 200}"},
        "inputs": [
            {"namespace": "db", "name": f"raw-{(number + n) % 300}", "facets": {"schema": schema}}
            for n in range(2)
        ],
        "outputs": [{"namespace": "db", "name": f"made-{number % 200}"}],
    }
    return json.dumps(shown).encode()


def measure(folder: Path) -> Iterator[Row]:
    """Events a second, each acknowledged after its commit, and whether all of them are there."""
    store = folder / "openlineage.db"
    with serving(store) as target:
        begun = time.perf_counter()
        clients("bench.openlineage", PROCESSES, str(target.port), target.secret)
        seconds = time.perf_counter() - begun
    with lineage.open(store, create=False) as opened:
        stats = opened.stats()
        assert stats.kinds["Run"] == PROCESSES * EVENTS // 2, stats
        assert opened.verify().state == "intact"
    done = PROCESSES * EVENTS / seconds
    what = f"OpenLineage events, {PROCESSES * CONNECTIONS} connections, none lost"
    yield replace(above(what, done, PROMISED), rival=f"{stats.entries:,} commits")


async def _client(number: int, port: int, secret: str) -> None:
    first = number * EVENTS // 2
    events = [
        request("POST", "/api/v1/lineage", secret, event(first + run, kind))
        for run in range(EVENTS // 2)
        for kind in ("START", "COMPLETE")
    ]
    opened = [await Connection.open(port) for _ in range(CONNECTIONS)]

    async def send(connection: Connection) -> None:
        while events:
            status, body = await connection.ask(events.pop())
            assert status == 201, body

    await asyncio.gather(*map(send, opened))
    for connection in opened:
        connection.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(_client(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
        print("[]")
    else:
        with tempfile.TemporaryDirectory(prefix="lineage-bench-") as made:
            print(table(list(measure(Path(made)))))

# SPDX-License-Identifier: Apache-2.0
"""A server that has a crowd for long: what it holds in memory after 20,000 requests of honest clients,
how long these waited, and in what time it ends among all of them. ``python -m bench.soak`` prints the rows.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import lineage
from bench import crowd
from bench.graph import make
from bench.measure import Row, at_most, below, percentile, say, table
from bench.served import Target, serving

#: Requests of all honest clients, and how many of them come before memory is read first.
REQUESTS, FIRST = 20_000, 1_000
_KIND = "idle", "stalled", "hostile"


def measure(folder: Path) -> Iterator[Row]:
    """The rows; a request that fails ends the bench."""
    store = folder / "soak.db"
    graph = make(crowd.EDGES)
    with lineage.open(store) as opened:
        opened.ingest(graph.batches())
    models = random.Random(5).sample(graph.models, 200)
    with serving(store, crowd.HOSTILE) as target:
        yield from asyncio.run(_measure(target, models))


async def _measure(target: Target, models: list[str]) -> list[Row]:
    await _asked(target, models, FIRST)
    alone = percentile(await _asked(target, models, FIRST), 0.95)
    with ExitStack() as others:
        for kind in _KIND:
            others.enter_context(crowd.beside(kind, target, to_the_end=False))
        await _asked(target, models, FIRST)
        early = _resident(target.pid)
        taken = await _asked(target, models, REQUESTS - FIRST)
        late = _resident(target.pid)
        begun = time.perf_counter()
        os.kill(target.pid, signal.SIGTERM)
        await asyncio.to_thread(os.waitid, os.P_PID, target.pid, os.WEXITED | os.WNOWAIT)
        ended = time.perf_counter() - begun
    say(f"soak: median {percentile(taken, 0.5) * 1e3:.1f} ms, longest {max(taken) * 1e3:.0f} ms")
    them = f"{crowd.IDLE} idle, {crowd.STALLED} stalled and {crowd.HOSTILE} hostile ones"
    return [
        at_most(f"{crowd.HONEST} clients beside {them}, p95", percentile(taken, 0.95), alone, 2),
        at_most(
            f"resident memory of the server after {REQUESTS:,} requests", late, early, 1.2, "MiB"
        ),
        below(f"a server that is ended beside {them}", ended, 10, "s"),
    ]


async def _asked(target: Target, models: list[str], requests: int) -> list[float]:
    each = requests // crowd.HONEST
    return await crowd.asked(target, models, crowd.HONEST, crowd.HONEST_PACE, each)


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds now (VmRSS of proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="lineage-bench-") as made:
        print(table(list(measure(Path(made)))))

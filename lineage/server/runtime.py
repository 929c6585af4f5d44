# SPDX-License-Identifier: Apache-2.0
"""Runs the calls of a store that is served: threads, callers, and who waits for new entries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from lineage.access.tokens import Role
from lineage.server.fair_queue import FairQueue
from lineage.server.rate_limit import RateLimiter
from lineage.services.context import Context

T = TypeVar("T")
#: Processes that answer for the server at once.
_PROCESSES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The caller of a request: the name that entries will carry, and the role that allows it. ``token``
    is the id of what it brought, and ``rate`` how many requests a minute that may send.
    """

    name: str
    role: Role
    token: str = ""
    rate: int | None = None


class Runtime:
    """The contexts that services are called with, on threads of their own.

    ``reading`` and ``writing`` may hold two connections to one store, so that readers need not wait
    for a commit; ``threads`` is how many reads at once the engine is faster with (``Caps.threads``).
    ``extra_readers`` are more contexts to read with, for those who would wait behind a long read.
    Without ``apart`` reads and writes take turns on one thread: an engine of plain dictionaries
    cannot be read while it is written.
    Everything async here belongs to the event loop of the server.
    """

    def __init__(
        self,
        reading: Context,
        writing: Context,
        *,
        extra_readers: Sequence[Context] = (),
        threads: int = 1,
        apart: bool = True,
    ) -> None:
        self.reading = reading
        self.writing = writing
        self.rate_limiter: RateLimiter = RateLimiter()
        slots = (*[reading] * threads, *extra_readers) if apart else (reading,)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="lineage-write")
        self._readers = (
            ThreadPoolExecutor(len(slots), thread_name_prefix="lineage-read")
            if apart
            else self._writer
        )
        self._preparer = ThreadPoolExecutor(1, thread_name_prefix="lineage-prepare")
        self._reads = FairQueue(self._readers, slots, threads)
        self._prepares: FairQueue[None] = FairQueue(self._preparer, (None,))
        self._waiter = ThreadPoolExecutor(_PROCESSES, thread_name_prefix="lineage-wait")
        self._waits: FairQueue[None] = FairQueue(self._waiter, (None,) * _PROCESSES)
        self._grown: set[asyncio.Event] = set()

    async def read(self, viewer: Viewer, work: Callable[[Context], T]) -> T:
        """Call a service that only reads, when it is the viewer's turn."""
        return await self._reads.run(viewer.name, work)

    async def prepare(self, viewer: Viewer, work: Callable[[], T]) -> T:
        """Compute what would hold up the event loop, in turns as well."""
        return await self._prepares.run(viewer.name, lambda _: work())

    async def wait(self, viewer: Viewer, work: Callable[[], T]) -> T:
        """Wait for a process, in turns, without a connection that readers need."""
        return await self._waits.run(viewer.name, lambda _: work())

    async def write(self, viewer: Viewer, work: Callable[[Context], T]) -> T:
        """Call a service that writes, in the name of whoever is calling; then wake the waiting."""
        ctx = replace(self.writing, actor=viewer.name, role=viewer.role)
        done = await asyncio.get_running_loop().run_in_executor(self._writer, partial(work, ctx))
        for event in self._grown:
            event.set()
        return done

    @asynccontextmanager
    async def ledger_changed(self) -> AsyncIterator[asyncio.Event]:
        """An event that is set after every write of this server; clear it before waiting again."""
        event = asyncio.Event()
        self._grown.add(event)
        try:
            yield event
        finally:
            self._grown.discard(event)

    def close(self) -> None:
        """End the threads when their work is done; the stores are the caller's to close."""
        self._preparer.shutdown(cancel_futures=True)
        self._waiter.shutdown(cancel_futures=True)
        self._writer.shutdown()
        if self._readers is not self._writer:
            self._readers.shutdown(cancel_futures=True)

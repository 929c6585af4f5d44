# SPDX-License-Identifier: Apache-2.0
"""A fair queue of calls on a few threads: callers take turns, and a long call holds up nobody."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")
#: Seconds after which a call is a long one, and the next no longer waits for it.
LONG = 0.025


@dataclass(slots=True, eq=False)
class _Call(Generic[S]):
    """One call, and the future that its caller awaits."""

    caller: str
    work: Callable[[S], Any]
    result: asyncio.Future[Any]
    long: bool = False


class FairQueue(Generic[S]):
    """Gives each call a slot (a connection, say) and a thread of ``executor``.

    ``usual`` calls run at once: more would only slow each other down. The other slots are for those
    who would wait behind a call that takes long; one caller has at most half of all slots. The queues
    of the callers are served in turn (round robin). Belongs to one event loop.
    """

    def __init__(self, executor: Executor, slots: Sequence[S], usual: int = 1) -> None:
        self._executor = executor
        self._free = deque(slots)
        self._usual = usual
        self._share = max(usual, len(slots) // 2)
        self._queues: dict[str, deque[_Call[S]]] = {}
        self._running: Counter[str] = Counter()
        self._short = 0

    async def run(self, caller: str, work: Callable[[S], T]) -> T:
        """Call ``work`` with a slot when it is the caller's turn. A call that is cancelled while it
        waits leaves the queue.
        """
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(caller, deque()).append(_Call(caller, work, result))
        self._start_next()
        return await result

    def _start_next(self) -> None:
        while self._free and self._short < self._usual:
            call = self._next()
            if call is None:
                return
            if not call.result.done():
                self._start(call)

    def _next(self) -> _Call[S] | None:
        """The first call of the first queue whose caller may have another slot; that queue is then the
        last.
        """
        who = next((who for who in self._queues if self._running[who] < self._share), None)
        if who is None:
            return None
        queue = self._queues.pop(who)
        call = queue.popleft()
        if queue:
            self._queues[who] = queue
        return call

    def _start(self, call: _Call[S]) -> None:
        loop = asyncio.get_running_loop()
        slot = self._free.popleft()
        self._short += 1
        self._running[call.caller] += 1
        timer = loop.call_later(LONG, self._mark_long, call)
        done = loop.run_in_executor(self._executor, call.work, slot)
        done.add_done_callback(partial(self._finish, call, slot, timer))

    def _mark_long(self, call: _Call[S]) -> None:
        """Let the next calls start beside one that takes long."""
        call.long = True
        self._short -= 1
        self._start_next()

    def _finish(
        self, call: _Call[S], slot: S, timer: asyncio.TimerHandle, done: asyncio.Future[Any]
    ) -> None:
        timer.cancel()
        self._free.appendleft(slot)
        self._running -= Counter((call.caller,))
        if not call.long:
            self._short -= 1
        error = None if done.cancelled() else done.exception()
        if call.result.done():
            pass
        elif done.cancelled():
            call.result.cancel()
        elif error is not None:
            call.result.set_exception(error)
        else:
            call.result.set_result(done.result())
        self._start_next()

# SPDX-License-Identifier: Apache-2.0
"""Calls take turns on a few threads: round and round the callers, and past whoever takes long."""

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
class _Turn(Generic[S]):
    """One call, and where its caller waits."""

    who: str
    work: Callable[[S], Any]
    heard: asyncio.Future[Any]
    long: bool = False


class Turns(Generic[S]):
    """Gives each call a seat (a connection, say) and a thread of ``executor``.

    ``usual`` calls run at once: more would only slow each other down. The other seats are for those
    who would wait behind a call that takes long; one caller has at most half of all seats.
    Whoever has many calls waiting lets each other caller go in between. Belongs to one event loop.
    """

    def __init__(self, executor: Executor, slots: Sequence[S], usual: int = 1) -> None:
        self._executor = executor
        self._free = deque(slots)
        self._usual = usual
        self._share = max(usual, len(slots) // 2)
        self._lines: dict[str, deque[_Turn[S]]] = {}
        self._seated: Counter[str] = Counter()
        self._short = 0

    async def run(self, who: str, work: Callable[[S], T]) -> T:
        """Call ``work`` with a seat when it is the turn of ``who``; a caller that is cancelled while
        it waits gives its turn up.
        """
        heard: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(who, deque()).append(_Turn(who, work, heard))
        self._begin()
        return await heard

    def _begin(self) -> None:
        while self._free and self._short < self._usual:
            turn = self._next()
            if turn is None:
                return
            if not turn.heard.done():
                self._seat(turn)

    def _next(self) -> _Turn[S] | None:
        """The first call of the first line that may have another seat; that line is then the last."""
        who = next((who for who in self._lines if self._seated[who] < self._share), None)
        if who is None:
            return None
        line = self._lines.pop(who)
        turn = line.popleft()
        if line:
            self._lines[who] = line
        return turn

    def _seat(self, turn: _Turn[S]) -> None:
        loop = asyncio.get_running_loop()
        seat = self._free.popleft()
        self._short += 1
        self._seated[turn.who] += 1
        timer = loop.call_later(LONG, self._pass, turn)
        done = loop.run_in_executor(self._executor, turn.work, seat)
        done.add_done_callback(partial(self._rise, turn, seat, timer))

    def _pass(self, turn: _Turn[S]) -> None:
        """Let the next ones past a call that takes long."""
        turn.long = True
        self._short -= 1
        self._begin()

    def _rise(
        self, turn: _Turn[S], seat: S, timer: asyncio.TimerHandle, done: asyncio.Future[Any]
    ) -> None:
        timer.cancel()
        self._free.appendleft(seat)
        self._seated -= Counter((turn.who,))
        if not turn.long:
            self._short -= 1
        error = None if done.cancelled() else done.exception()
        if turn.heard.done():
            pass
        elif done.cancelled():
            turn.heard.cancel()
        elif error is not None:
            turn.heard.set_exception(error)
        else:
            turn.heard.set_result(done.result())
        self._begin()

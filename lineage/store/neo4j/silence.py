# SPDX-License-Identifier: Apache-2.0
"""Ends what waits for a server that sends nothing: the driver itself waits as long as the server told it to,
two minutes as a rule, and for ever to be rid of what it sends.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

import neo4j
from neo4j import exceptions as driver_errors

from lineage.errors import StoreUnreachable

#: Seconds without a byte, from a server that does not say that it works, before a connection is given up. The
#: driver tries another one for as long again (``connect.RETRY``).
QUIET = 15.0
#: What a server works on, by the connections that it works for; ``Closing`` is a commit.
WORKING = """SHOW TRANSACTIONS YIELD connectionId, currentQuery, status
WHERE currentQuery <> '' OR status <> 'Running' RETURN collect(connectionId)"""
#: Host and port -> seconds -> the connections that the server there works for.
Asked = Callable[[tuple[str, int], float], Collection[str]]


class Silence:
    """Watches the calls of one driver while there are any.

    A server that computes, commits or waits for a lock is silent too, and that is no fault. So where a
    connection has been silent for half of ``QUIET``, its server is asked on another what it works on
    (``asked``). Where it does not answer, or does not work for that connection, and goes on to be silent,
    the connection is shut down: the driver does it again on another, or its call fails.
    """

    def __init__(self, driver: neo4j.Driver, asked: Asked) -> None:
        self._driver = driver
        self._asked = asked
        self._lock = Lock()
        self._calls = 0
        self._ended = 0
        self._is_watching = False
        self._pause = Event()

    @contextmanager
    def watched(self, where: str) -> Iterator[Callable[[], bool]]:
        """Watch a call; what it gives says whether one was ended meanwhile.

        Raises ``StoreUnreachable`` in place of the driver's errors where that was.
        """
        with self._lock:
            self._calls += 1
            before = self._ended
            if not self._is_watching:
                self._is_watching = True
                Thread(target=self._watch, name="neo4j-silence", daemon=True).start()
        try:
            yield lambda: self._ended > before
        except (driver_errors.DriverError, OSError) as error:
            if self._ended == before:
                raise
            raise StoreUnreachable(
                f"the server has sent nothing for {QUIET:g} seconds and more",
                where=where,
                hint="See whether it and the network are well, and run the same again: what it has done of "
                "this is found and not done twice.",
            ) from error
        finally:
            with self._lock:
                self._calls -= 1

    def _watch(self) -> None:
        #: Connection -> when it last sent or received, since when it is known to be silent, when to ask.
        seen: dict[Any, tuple[float, float, float]] = {}
        while True:
            self._pause.wait(QUIET / 30)
            with self._lock:
                if not self._calls:
                    self._is_watching = False
                    return
            now = monotonic()
            seen = {c: _seen(c, seen.get(c), now) for c in _waiting(self._driver)}
            for connection, (last, since, then) in seen.items():
                if now - since >= QUIET:
                    with self._lock:
                        self._ended += 1
                    _shut_down(connection)
                elif now >= then and self._works_for(connection):
                    seen[connection] = (last, monotonic(), monotonic() + QUIET / 2)
                elif now >= then:
                    seen[connection] = (last, since, since + QUIET)

    def _works_for(self, connection: Any) -> bool:
        """Whether the server says so, in the time that is left."""
        found: list[Collection[str]] = []
        at = tuple(connection.unresolved_address)[:2]

        def ask() -> None:
            found.append(self._asked(at, QUIET / 3))

        asking = Thread(target=ask, name="neo4j-works", daemon=True)
        asking.start()
        asking.join(QUIET / 3)
        return any(connection.connection_id in working for working in found)


def _waiting(driver: neo4j.Driver) -> list[Any]:
    """The connections that somebody waits on. The driver has no public name for them, nor a time-out: where a
    release of it has other private ones, there are none, and its own time-out is what is left.
    """
    with suppress(AttributeError, RuntimeError, OSError, ValueError):
        pool = driver._pool  # noqa: SLF001
        open_ = [c for at in list(pool.connections.values()) for c in list(at)]
        return [c for c in open_ if c.in_use and c.responses and not _has_more(c)]
    return []


def _has_more(connection: Any) -> bool:
    """Whether the server has sent what is not read yet."""
    return bool(select.select([connection.socket._socket], (), (), 0)[0])  # noqa: SLF001


def _seen(
    connection: Any, before: tuple[float, float, float] | None, now: float
) -> tuple[float, float, float]:
    last: float = connection.idle_since
    if before is not None and before[0] == last:
        return before
    return last, now, now + QUIET / 2


def _shut_down(connection: Any) -> None:
    """Wake whoever waits on a connection, as if the server had ended it."""
    with suppress(OSError, AttributeError):
        # That of SSLSocket drops what the thread that waits is using.
        socket.socket.shutdown(connection.socket._socket, socket.SHUT_RDWR)  # noqa: SLF001

# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that passes bytes, until it is told not to."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from threading import Event, Lock, Thread
from typing import Any, Self

#: What may happen to a packet: the connection is closed or reset, with half of the packet passed or none; it
#: is passed late; nothing is passed any more; on its connection alone nothing is.
FAULTS = ("close", "reset", "half", "late", "stall", "stall one")
#: Places of a fault, some and many.
PLACES = (4, 30)
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Passes bytes between clients and the server at a port. The packet of the number ``at``, counted over all
    connections from 0, meets a ``fault``, once; a stall lasts until ``heal``.
    """

    def __init__(self, port: int, *, at: int | None = None, fault: str = "close") -> None:
        self._to, self._at, self._fault = port, at, fault
        self.packets, self._count = 0, Lock()
        self._flowing = Event()
        self._flowing.set()
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()
        self.heal()
        for side in self._open:
            _end(side)

    def stall(self) -> None:
        """Pass nothing more."""
        self._flowing.clear()

    def heal(self) -> None:
        """Pass what waits, and all that comes."""
        self._at = None
        self._flowing.set()

    @property
    def is_stalled(self) -> bool:
        return not self._flowing.is_set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._open.append(client)
                server = socket.create_connection(("127.0.0.1", self._to))
                self._open.append(server)
                stop = Event()
                for pair in ((client, server), (server, client)):
                    Thread(target=self._pass, args=(*pair, stop), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, stop: Event) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if self._is_next() and not self._meet(source, target, data, stop):
                    return
                while stop.is_set():
                    Event().wait(0.05)
                    if self._at is None:
                        stop.clear()
                self._flowing.wait()
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _is_next(self) -> bool:
        with self._count:
            self.packets += 1
            return self.packets - 1 == self._at

    def _meet(self, *ends: Any) -> bool:
        """Whether the connection goes on behind its fault."""
        source, target, data, stop = ends
        match self._fault:
            case "late":
                Event().wait(0.2)
            case "stall":
                self.stall()
            case "stall one":
                stop.set()
            case _:
                if self._fault == "half":
                    target.sendall(data[: len(data) // 2])
                for side in (source, target):
                    if self._fault == "reset":
                        side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    _end(side)
                return False
        return True


def places(port: int, extent: int, work: Callable[[int], Any]) -> Iterator[tuple[str, Proxy]]:
    """Proxies whose faults are spread over the packets that the work takes."""
    random = Random(extent)
    with Proxy(port) as through:
        work(through.port)
        packets = through.packets
    for number in range(PLACES[extent]):
        fault, at = FAULTS[number % len(FAULTS)], random.randrange(packets)
        with Proxy(port, at=at, fault=fault) as through:
            yield f"{fault} at {at} of {packets}", through


def _end(side: socket.socket) -> None:
    """Close a connection under the thread that reads it."""
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
    side.close()

# SPDX-License-Identifier: Apache-2.0
"""Listens on a socket that is bound first, ends cleanly on signals, and cuts off stalled clients."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import uvicorn
from fastapi import FastAPI

from lineage.errors import Usage
from lineage.server import log
from lineage.server.header_limits import protocol
from lineage.server.settings import Settings

#: Connections that are accepted in one go, and descriptors that are kept for them and for the store.
_BACKLOG, _KEPT = 128, 64 + 128
#: Seconds that a thread may compute while others wait: a request should not wait 5 ms, which is
#: what Python would give, each time that the store's thread has something to do.
_SWITCH = 0.0001
#: New objects, and collections of the younger, after which each generation's garbage is collected.
_GARBAGE = 10_000, 20, 10


class _Server(uvicorn.Server):
    """Says when it listens, and ends the process with code 0 when it is told to stop."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # The schema and the modules stay: each full collection would walk them for 50 to 150 ms.
        # Parsed queries are garbage in rings: with Python's thresholds each begins several.
        gc.set_threshold(*_GARBAGE)
        gc.collect()
        gc.freeze()
        self._listening()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """On the loop, without raising the signal again: what comes after must still happen."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def bind(host: str, port: int) -> socket.socket:
    """Bind a listening socket; port 0 takes a free one. Raises ``Usage`` where it cannot be bound."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Usage(f"there is no address {host!r}", hint="Name one of this machine's.") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        message = f"cannot listen on {host} port {port}: {error.strerror}"
        raise Usage(message, hint="Choose another --port; 0 takes a free one.") from error
    return bound


def within_descriptors(settings: Settings) -> Settings:
    """The settings with no more connections than this process may open files, of which it takes as
    many as it is given.
    """
    with suppress(ValueError, OSError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return settings
    return replace(settings, connections=min(settings.connections, max(8, soft - _KEPT)))


def address_of(bound: socket.socket) -> str:
    """The address of a socket as people open it."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(
    app: FastAPI, bound: socket.socket, settings: Settings, listening: Callable[[], None]
) -> None:
    """Serve until a signal says stop: new clients are refused at once, requests under way get
    ``shutdown_grace`` seconds, and whoever stalls is cut.
    """
    sys.setswitchinterval(_SWITCH)
    config = uvicorn.Config(
        app,
        http=protocol(settings.client_timeout, settings.connections),
        backlog=_BACKLOG,
        ws="websockets-sansio",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=int(settings.client_timeout),
        timeout_graceful_shutdown=settings.shutdown_grace,
        ws_max_size=settings.body,
    )
    log.bridge(log.logger(settings.log_lines_per_second))
    _Server(config, listening).run([bound])

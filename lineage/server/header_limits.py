# SPDX-License-Identifier: Apache-2.0
"""Adds bounds to HTTP/1.1: clients that never finish their headers are cut off, and where there are
too many connections, those that only wait make room.
"""

from __future__ import annotations

import asyncio
from typing import Any

from lineage.errors import ServerBusy
from lineage.server.framing import Framing

#: Bytes of headers that one request may have.
HEADERS = 64 * 1024


class BoundedHeaders(Framing):
    """Closes a connection that stays between two requests, or inside headers, for too long, and one
    whose headers are too large.

    Bodies and answers are the guard's to time; an idle connection after an answer is uvicorn's.
    """

    #: Seconds from the first byte expected to the last byte of the headers.
    client_timeout: float = 10.0
    #: Connections at once.
    connections_at_most: int = 1_000
    #: Since when it waits, by the clock of the loop: for a request, or for the rest of one.
    since: float = 0.0
    _deadline: asyncio.TimerHandle | None = None
    _heard: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a client may connect and say nothing."""
        super().connection_made(transport)
        self.since = self.loop.time()
        self._arm()
        if len(self.connections) > self.connections_at_most and not self._make_room():
            self.refuse(ServerBusy(f"there are {self.connections_at_most:,} connections"))

    def _make_room(self) -> bool:
        """Cut off what is closing and whose client does not take the rest; where there is none, the
        connection that has waited longest, if any waits.
        """
        closing = [held for held in self.connections if held.transport.is_closing()]
        for held in closing:
            held.transport.abort()
        if closing:
            return True
        others = (held for held in self.connections if isinstance(held, BoundedHeaders))
        waiting = [held for held in others if held is not self and held.waits]
        if not waiting:
            return False
        longest = min(waiting, key=lambda held: held.since)
        # It is gone when the loop comes to it; until then it is not to be counted.
        self.connections.discard(longest)
        longest.transport.abort()
        return True

    @property
    def waits(self) -> bool:
        """Whether nothing is being done for it: a request is to come, or the rest of one."""
        if self._asking:
            return True
        return bool(self.cycle and self.cycle.more_body and not self.cycle.response_started)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self.since = self.loop.time()
        super().on_response_complete()

    def on_message_begin(self) -> None:
        """Begin to count the bytes of the headers."""
        self._heard = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting; begin to wait for the body."""
        self._heard = None
        self.since = self.loop.time()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Keep the clock running while headers trickle in, and stop it behind them; close the
        connection where they are too large.
        """
        super().data_received(data)
        if self._asking:
            self._arm()
        else:
            self._disarm()
        if self._heard is not None:
            self._heard += len(data)
            if self._heard > HEADERS:
                self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._disarm()
        super().connection_lost(exc)

    @property
    def _asking(self) -> bool:
        """Whether a request's headers are still to come (and it is no WebSocket by now)."""
        if self.transport.get_protocol() is not self:
            return False
        return self.cycle is None or bool(self.cycle.response_complete)

    def _arm(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.client_timeout, self._cut)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self) -> None:
        self._deadline = None
        if self._asking:
            self.transport.close()


def protocol(client_timeout: float, connections: int = 1_000) -> Any:
    """Make a protocol with this timeout (seconds), and so many connections at once."""
    bounds = {"client_timeout": client_timeout, "connections_at_most": connections}
    return type("Protocol", (BoundedHeaders,), bounds)

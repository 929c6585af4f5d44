# SPDX-License-Identifier: Apache-2.0
"""Adds to uvicorn's HTTP/1.1 what it lacks: clients that never finish their headers are cut off."""

from __future__ import annotations

import asyncio
from typing import Any

#: Bytes of headers that one request may have.
HEADERS = 64 * 1024


class HeaderTimeout:
    """Mixed into a protocol of uvicorn's: closes a connection that stays between two requests, or
    inside headers, for too long.

    Bodies and answers are the guard's to time; an idle connection after an answer is uvicorn's.
    """

    #: Seconds from the first byte expected to the last byte of the headers.
    client_timeout: float = 10.0
    _deadline: asyncio.TimerHandle | None = None
    cycle: Any
    loop: asyncio.AbstractEventLoop
    transport: Any

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Start the clock: a client may connect and say nothing."""
        super().connection_made(transport)  # type: ignore[misc] # the protocol's own
        self._arm()

    def data_received(self, data: bytes) -> None:
        """Keep the clock running while headers trickle in, and stop it behind them."""
        super().data_received(data)  # type: ignore[misc] # the protocol's own
        if self._asking:
            self._arm()
        else:
            self._disarm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._disarm()
        super().connection_lost(exc)  # type: ignore[misc] # the protocol's own

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


class BoundedHeaders(HeaderTimeout):
    """The same for httptools, whose parser would accept headers without end."""

    _heard: int | None = None

    def on_message_begin(self) -> None:
        """Begin to count the bytes of the headers."""
        self._heard = 0
        super().on_message_begin()  # type: ignore[misc] # the protocol's own

    def on_headers_complete(self) -> None:
        """Stop counting."""
        self._heard = None
        super().on_headers_complete()  # type: ignore[misc] # the protocol's own

    def data_received(self, data: bytes) -> None:
        """Close the connection where the headers are too large."""
        super().data_received(data)
        if self._heard is not None:
            self._heard += len(data)
            if self._heard > HEADERS:
                self.transport.close()


def protocol(client_timeout: float) -> Any:
    """Make a protocol with this timeout (seconds): on httptools where it is installed, which reads
    a request in a fifth of the time, else on h11.
    """
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        from uvicorn.protocols.http.h11_impl import H11Protocol

        return type("Protocol", (HeaderTimeout, H11Protocol), {"client_timeout": client_timeout})
    return type("Protocol", (BoundedHeaders, HttpToolsProtocol), {"client_timeout": client_timeout})

# SPDX-License-Identifier: Apache-2.0
"""uvicorn's HTTP/1.1 with the one thing it lacks: a client that never sends its headers is cut."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


class Protocol(H11Protocol):
    """Closes a connection that stays between two requests, or inside headers, for too long.

    Bodies and answers are the guard's to time; an idle connection after an answer is uvicorn's.
    """

    #: Seconds from the first byte expected to the last byte of the headers.
    patience = 10.0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock runs from here: a client may connect and say nothing."""
        super().connection_made(transport)
        self._arm()

    def data_received(self, data: bytes) -> None:
        """Headers that trickle in do not wind the clock up again."""
        super().data_received(data)
        if self._asking:
            self._arm()
        else:
            self._disarm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to wait for."""
        self._disarm()
        super().connection_lost(exc)

    @property
    def _asking(self) -> bool:
        """Whether a request's headers are still to come (and it is no WebSocket by now)."""
        if self.transport.get_protocol() is not self:
            return False
        return self.cycle is None or self.cycle.response_complete

    def _arm(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.patience, self._cut)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self) -> None:
        self._deadline = None
        if self._asking:
            self.transport.close()

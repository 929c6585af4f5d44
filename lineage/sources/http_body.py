# SPDX-License-Identifier: Apache-2.0
"""Reads the answer of an HTTP server within bounds of size and time: the server is not trusted."""

from __future__ import annotations

import io
import time
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from socket import socket
from typing import Any

from lineage.errors import LimitExceeded

#: Bytes read at once.
_PIECE = 256 * 1024


class _Timed(io.RawIOBase):
    """The bytes of a connection until a moment of ``time.monotonic``. Raises ``TimeoutError``."""

    def __init__(self, raw: io.RawIOBase, connection: socket, seconds: float) -> None:
        self._raw, self._connection, self._seconds = raw, connection, seconds
        self._end = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        silence, left = self._connection.gettimeout(), self._end - time.monotonic()
        if left > 0:
            self._connection.settimeout(left if silence is None else min(left, silence))
            try:
                return self._raw.readinto(buffer)
            except TimeoutError:
                if time.monotonic() < self._end:
                    raise
            finally:
                self._connection.settimeout(silence)
        raise TimeoutError(f"the answer took longer than {self._seconds:g} seconds")

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, seconds: float, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        timed = _Timed(self.fp.detach(), sock, seconds)
        self.fp = io.BufferedReader(timed)


def bounded(connection: HTTPConnection, seconds: float) -> None:
    """Let each answer on a connection, its headers among it, take so many seconds: a server that sends a byte
    now and then is never silent. Reading then raises ``TimeoutError``.
    """
    connection.response_class = partial(_Response, seconds=seconds)  # type: ignore[assignment] # it is called


def read_body(
    response: HTTPResponse, *, largest: int, hint: str, where: str | None = None
) -> bytes:
    """Read the whole body, no further than ``largest`` bytes.

    Raises ``LimitExceeded`` with the hint and place, ``TimeoutError``, and ``ConnectionResetError`` where the
    server ends early; closing the response ends its body, not a connection that is kept.
    """
    too_large = LimitExceeded(
        f"the answer is over the limit of {largest:,} bytes", where=where, hint=hint
    )
    parts = list[bytes]()
    size = 0
    with response:
        if (response.length or 0) > largest:
            raise too_large
        while piece := response.read1(_PIECE):
            parts.append(piece)
            size += len(piece)
            if size > largest:
                raise too_large
        if response.length:
            raise ConnectionResetError("the answer ends early")
    return b"".join(parts)

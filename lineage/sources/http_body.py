# SPDX-License-Identifier: Apache-2.0
"""Reads the body of an HTTP response within bounds of size and time: the server is not trusted."""

from __future__ import annotations

import time
from http.client import HTTPResponse

from lineage.errors import LimitExceeded

#: Bytes read at once.
_PIECE = 256 * 1024


def read_body(
    response: HTTPResponse, *, largest: int, seconds: float, hint: str, where: str | None = None
) -> bytes:
    """Read the whole body, no further than ``largest`` bytes, nor for longer than ``seconds``.

    Raises ``LimitExceeded`` with the hint and place, ``TimeoutError``, and ``ConnectionResetError`` where the
    server ends early; closing the response ends its body, not a connection that is kept.
    """
    too_large = LimitExceeded(
        f"the answer is over the limit of {largest:,} bytes", where=where, hint=hint
    )
    end = time.monotonic() + seconds
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
            if time.monotonic() > end:
                raise TimeoutError(f"the answer took longer than {seconds:g} seconds")
        if response.length:
            raise ConnectionResetError("the answer ends early")
    return b"".join(parts)

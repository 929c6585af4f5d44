# SPDX-License-Identifier: Apache-2.0
"""What whoever starts the server may choose, and the bounds it keeps."""

from __future__ import annotations

from dataclasses import dataclass

#: Names by which a browser on this machine calls it.
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Bounds of one server. Times are in seconds, sizes in bytes.

    ``hosts`` are the names it answers to (``*``: any), ``origins`` the pages of other sites that
    may call it. ``body`` bounds a request's body where its route says nothing, ``client_timeout`` how
    long a client may take to send its headers, its body, or to take what is sent; ``response_timeout`` how long
    a request may take to begin its answer, ``shutdown_grace`` what requests get to finish at shutdown.
    ``lines`` is how many log lines a second are written at most.
    """

    hosts: frozenset[str] = LOOPBACK
    origins: frozenset[str] = frozenset()
    body: int = 256 * 1024
    client_timeout: float = 10.0
    response_timeout: float = 5.0
    shutdown_grace: int = 4
    refresh: float = 2.0
    lines: int = 100

# SPDX-License-Identifier: Apache-2.0
"""The settings of a server: what it may be told, and the bounds that it keeps."""

from __future__ import annotations

from dataclasses import dataclass

#: Names by which a browser on this machine calls it.
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Bounds of one server. Times are in seconds, sizes in bytes.

    ``hosts`` are the names it answers to (``*``: any), ``origins`` the pages of other sites that may
    call it. ``connections`` is how many there may be at once, a half of them WebSockets: where one
    more comes, the one goes that has waited longest, between two requests or inside one. ``body`` bounds a request's body where its route says nothing. ``client_timeout`` is how
    long a client may take to send its headers or its body, or to take what is sent;
    ``response_timeout`` how long a request may take to begin its answer; ``shutdown_grace`` what
    requests get to finish at shutdown. ``token_refresh`` is how long tokens that were read from the
    store are used before they are read again, ``log_lines_per_second`` how many lines the log gets.
    """

    hosts: frozenset[str] = LOOPBACK
    origins: frozenset[str] = frozenset()
    connections: int = 1_000
    body: int = 256 * 1024
    client_timeout: float = 10.0
    response_timeout: float = 5.0
    shutdown_grace: int = 4
    token_refresh: float = 1.0
    log_lines_per_second: int = 100

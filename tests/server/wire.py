# SPDX-License-Identifier: Apache-2.0
"""Requests as bytes on a socket, for what no client of HTTP would send."""

from __future__ import annotations

import socket
from contextlib import contextmanager


def head(secret, method="GET", path="/prov/x", *more):
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"authorization: Bearer {secret}"]
    return "\r\n".join([*lines, *more, "", ""]).encode()


@contextmanager
def talking(port, data):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(data)
        yield client


def everything(client):
    """All that the server sends until it hangs up."""
    found = b""
    try:
        while part := client.recv(65536):
            found += part
    except ConnectionError:
        pass
    return found


def status(answer):
    return int(answer[9:12]) if answer else None

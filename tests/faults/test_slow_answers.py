# SPDX-License-Identifier: Apache-2.0
"""Servers over HTTP that are never silent for long, and never done."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread

import pytest

from lineage.client.remote import Remote
from lineage.errors import LineageError, StoreUnreachable
from tests.importers.mlflow_found import refused

#: What is sent at once; what follows it, a byte at a time.
ANSWERS = {
    "status": (b"HTTP/1.1 2", b"0"),
    "one header": (b"HTTP/1.1 200 OK\r\n", b"x"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b" "),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a size of a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "another status before": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.fixture(params=ANSWERS)
def dripping(request: pytest.FixtureRequest) -> Iterator[str]:
    first, rest = ANSWERS[request.param]
    stop = Event()

    def answer(client: socket.socket) -> None:
        with suppress(OSError), client:
            client.recv(65_536)
            client.sendall(first)
            while not stop.wait(0.1):
                for byte in rest:
                    client.sendall(bytes([byte]))

    def serve() -> None:
        with suppress(OSError):
            while True:
                Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        stop.set()


def test_an_importer_gives_up_a_server_that_is_never_done(dripping, monkeypatch) -> None:
    monkeypatch.setattr("importers.mlflow.server._LONGEST_ANSWER", 0.3)
    begun = time.monotonic()
    error: LineageError = refused(dripping)
    assert time.monotonic() - begun < 10
    assert "longer than 0.3 seconds" in error.what


def test_a_client_gives_up_a_server_that_is_never_done(dripping) -> None:
    begun = time.monotonic()
    with Remote(dripping, timeout=0.3) as store, pytest.raises(StoreUnreachable):
        store.stats()
    assert time.monotonic() - begun < 10

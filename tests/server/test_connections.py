# SPDX-License-Identifier: Apache-2.0
"""Connections that only wait keep nobody out, however few files the server may open."""

from __future__ import annotations

import json
import re
import resource
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack

import pytest
from graphql import get_introspection_query
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import lineage
from tests.server.sites import DEMO, running
from tests.server.wire import everything, head, status, talking

#: Files of the server, of which it keeps 192 for itself and the store.
FILES = 300


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "s.db"
    with lineage.open(path) as opened:
        opened.ingest(DEMO)
    return path


@pytest.fixture(autouse=True)
def room():
    """As many files for the clients as this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ask(served, query="{stats{nodes}}"):
    request = urllib.request.Request(
        served.address + "/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={
            "authorization": f"Bearer {served.secret}",
            "content-type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["data"]


def waiting(port, secret, number):
    """A connection that says nothing, or stops in its headers, in its body, or after a request."""
    begun = head(secret, "POST", "/graphql", "content-type: application/json")
    beginnings = (
        b"",
        begun[:40],
        begun[:-2] + b"content-length: 900\r\n\r\n{",
        begun[:-2] + b"transfer-encoding: chunked\r\n\r\n5\r\n{",
        head(secret, "GET", "/healthz"),
    )
    client = socket.create_connection(("127.0.0.1", port), timeout=20)
    client.sendall(beginnings[number % len(beginnings)])
    return client


def test_hundreds_that_wait_make_room_for_who_asks(store):
    with running(store, files=FILES) as served, ExitStack() as stack:
        for number in range(800):
            stack.enter_context(waiting(served.port, served.secret, number))
            if number % 100 == 0:
                assert ask(served)["stats"]["nodes"] == 3
        for _ in range(50):
            assert ask(served)["stats"]["nodes"] == 3
        code, seconds, err = served.stop(signal.SIGTERM)
    assert (code, seconds < 10) == (0, True), err
    assert not [line for line in err.splitlines() if b"defect" in line or b"Too many" in line]


def test_one_more_than_there_may_be_is_told_to_come_again(serving_few):
    port, secret, held = serving_few
    with talking(port, head(secret, "GET", "/metrics")) as client:
        told = everything(client)
    assert status(told) == 503
    assert b'"code":"server-busy"' in told
    assert b"retry-after: 1" in told.lower()
    held.set()


@pytest.fixture
def serving_few(monkeypatch):
    """A server of two connections, on both of which it is at work until it is told to go on."""
    import asyncio
    import io

    import uvicorn
    from fastapi import APIRouter

    from lineage import app as root
    from lineage.access.tokens import Role
    from lineage.server import app as application
    from lineage.server.access import public
    from lineage.server.header_limits import protocol
    from lineage.server.serve import bind
    from lineage.services.operate import tokens

    held, at_work = threading.Event(), threading.Semaphore(0)
    slow = APIRouter()

    @slow.get("/slow")
    @public
    async def wait():
        at_work.release()
        await asyncio.to_thread(held.wait, 20)
        return {}

    monkeypatch.setattr(application, "ROUTERS", (*application.ROUTERS, lambda _: slow))
    with root.served("memory:") as runtime, bind("127.0.0.1", 0) as bound, ExitStack() as stack:
        _, secret = tokens.add(runtime.writing, "me", Role.admin)
        config = uvicorn.Config(
            application.create_app(runtime, stream=io.StringIO()),
            http=protocol(10, connections=2),
            log_config=None,
            lifespan="on",
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server._serve([bound])))
        thread.start()
        port = bound.getsockname()[1]
        for _ in range(2):
            stack.enter_context(talking(port, head(secret, "GET", "/slow")))
            assert at_work.acquire(timeout=20)
        yield port, secret, held
        held.set()
        server.should_exit = True
        thread.join(20)


def test_websockets_take_half_of_the_connections_at_most(store):
    address = "ws://127.0.0.1:{}/graphql"
    with running(store, files=FILES) as served, ExitStack() as stack:
        opened = 0
        with pytest.raises(InvalidStatus) as refused:
            for _ in range(FILES):
                stack.enter_context(
                    connect(
                        address.format(served.port),
                        subprotocols=["graphql-transport-ws"],
                        additional_headers={"authorization": f"Bearer {served.secret}"},
                    )
                )
                opened += 1
        assert refused.value.response.status_code == 503
        assert opened == (FILES - 192) // 2
        assert ask(served)["stats"]["nodes"] == 3


def frames(*messages):
    """Messages of a client, masked as they have to be."""
    made = b""
    for message in messages:
        data = json.dumps(message).encode()
        made += b"\x81\xfe" + len(data := data.ljust(126)).to_bytes(2, "big") + bytes(4) + data
    return made


def test_a_websocket_whose_client_takes_nothing_is_let_go(served, monkeypatch):
    monkeypatch.setattr("lineage.server.sockets.TAKEN", 0.3)
    port, secret = served
    handshake = head(
        secret,
        "GET",
        "/graphql",
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-protocol: graphql-transport-ws",
    )
    payload = {"query": get_introspection_query()}
    asked = [{"type": "subscribe", "id": str(n), "payload": payload} for n in range(20)]

    def opened():
        with talking(port, head(secret, "GET", "/metrics", "connection: close")) as other:
            return float(
                re.search(rb"^lineage_websockets (\S+)", everything(other), re.MULTILINE)[1]
            )

    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.sendall(handshake)
        assert client.recv(12) == b"HTTP/1.1 101"
        client.sendall(frames({"type": "connection_init"}, *asked))
        deadline = time.monotonic() + 20
        while opened() == 0:
            assert time.monotonic() < deadline
        while opened():
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_server_under_load_ends_in_time(store):
    stop = threading.Event()
    answered = []

    def load(served, number):
        while not stop.is_set():
            try:
                answered.append(ask(served, f'{{find(text:"{number}"){{nodes{{id}}}}}}'))
            except (OSError, ValueError):
                return

    with running(store) as served:
        clients = [threading.Thread(target=load, args=(served, n)) for n in range(16)]
        for client in clients:
            client.start()
        deadline = time.monotonic() + 20
        while len(answered) < 100:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        code, seconds, err = served.stop(signal.SIGTERM)
        stop.set()
        for client in clients:
            client.join(20)
    assert (code, seconds < 10) == (0, True), err
    assert b"Traceback" not in err

# SPDX-License-Identifier: Apache-2.0
"""Honest clients beside stalled and hostile ones: every honest request is answered, whatever the
others do, and those are cut off.
"""

from __future__ import annotations

import asyncio
import socket

import pytest

from lineage.server.header_limits import HEADERS
from tests.server.conftest import CLIENT_TIMEOUT
from tests.server.wire import everything, head, status, talking


def honest(port, secret):
    with talking(port, head(secret, "GET", "/metrics", "connection: close")) as client:
        return status(everything(client))


HOSTILE = {
    "says nothing": (b"", None),
    "half a request line": (b"GET /he", None),
    "headers without end": (b"GET / HTTP/1.1\r\nhost: x\r\nx: ", None),
    "a body that does not come": ("content-length: 9", 408),
    "chunks that do not come": ("transfer-encoding: chunked", 408),
    "a body too large to be": ("content-length: 99999999999", 413),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_whoever_stalls_is_cut_off(served, name):
    port, secret = served
    begin, expected = HOSTILE[name]
    data = begin if isinstance(begin, bytes) else head(secret, "POST", "/api/v1/lineage", begin)
    with talking(port, data) as client:
        assert status(everything(client)) == expected
    assert honest(port, secret) == 200


def test_headers_that_trickle_in_do_not_win_time_and_too_many_are_cut_off(served):
    port, secret = served
    with talking(port, b"GET / HTTP/1.1\r\n") as client:
        client.settimeout(CLIENT_TIMEOUT / 10)
        for number in range(200):
            try:
                client.sendall(b"x-%d: y\r\n" % number)
                if not client.recv(1):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            pytest.fail("still connected")
    with talking(port, b"GET / HTTP/1.1\r\n") as client:
        try:
            for _ in range(4 * HEADERS // 1000):
                client.sendall(b"x: " + b"y" * 995 + b"\r\n")
        except ConnectionError:
            pass
        assert status(everything(client)) in (None, 400)
    assert honest(port, secret) == 200


# Clients and server share this process here: an honest one may wait its turn for a second.
@pytest.mark.parametrize("served", [10 * CLIENT_TIMEOUT], indirect=True)
def test_fifty_honest_clients_beside_three_hundred_stalled_and_thirty_hostile_ones(served):
    port, secret = served
    bombs = [b"[" * 100_000, b'{"job":' * 9_000, b"\xff" * 200_000, b"null", b"{}" * 100_000]

    async def stall(number):
        begin, _ = list(HOSTILE.values())[number % 5]
        data = begin if isinstance(begin, bytes) else head(secret, "POST", "/api/v1/lineage", begin)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        with_data = await reader.read()
        writer.close()
        return with_data

    async def ask(method, path, body=b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        more = (
            "connection: close",
            f"content-length: {len(body)}",
            "content-type: application/json",
        )
        writer.write(head(secret, method, path, *more) + body)
        told = await reader.read()
        writer.close()
        return status(told)

    async def hostile(number):
        return {await ask("POST", "/api/v1/lineage", bombs[(number + n) % 5]) for n in range(10)}

    async def friend():
        return {await ask("GET", "/metrics") for _ in range(10)}

    async def everybody():
        stalled = [asyncio.create_task(stall(n)) for n in range(300)]
        others = [asyncio.create_task(hostile(n)) for n in range(30)]
        friends = await asyncio.gather(*(friend() for _ in range(50)))
        return friends, await asyncio.gather(*others), await asyncio.gather(*stalled)

    friends, others, stalled = asyncio.run(everybody())
    assert set().union(*friends) == {200}
    assert set().union(*others) <= {400, 422}
    assert {status(told) for told in stalled} <= {None, 408}


def test_a_reader_who_never_takes_its_answer_is_cut_off(served):
    port, secret = served
    request = head(secret, "GET", "/openapi.json")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.settimeout(20)
        try:
            for _ in range(2000):
                client.sendall(request)
        except (ConnectionError, TimeoutError) as error:
            assert isinstance(error, ConnectionError)
    assert honest(port, secret) == 200

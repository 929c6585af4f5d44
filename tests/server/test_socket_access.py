# SPDX-License-Identifier: Apache-2.0
"""WebSockets obey what requests obey: the token holds while it holds, and each operation is noted."""

from __future__ import annotations

import http.server
import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

import lineage
from lineage.access.tokens import Role
from lineage.services.operate import tokens
from tests.server import browser
from tests.server.sites import DEMO, running

URL, PROTOCOL = "ws://127.0.0.1/graphql", "graphql-transport-ws"
STATS = "{stats{nodes}}"
ENTRIES = "subscription{entries{seq}}"
RECORD = 'mutation{recordRun(input:{name:"late"}){run{id}problems{code}}}'


@pytest.fixture
def quick(serving, tmp_path):
    """A server that reads its tokens all the time."""
    return serving(str(tmp_path / "s.db"), token_refresh=0.05)


@contextmanager
def opened(site, role="viewer", **payload):
    """A connection of a role whose token comes with the handshake, or in the first message."""
    headers = {} if payload else site.bearer(role)
    client = site.client
    with client.websocket_connect(URL, subprotocols=[PROTOCOL], headers=headers) as socket:
        socket.send_json({"type": "connection_init", "payload": payload})
        assert socket.receive_json() == {"type": "connection_ack"}
        yield socket


def ask(socket, query, ident="1"):
    socket.send_json({"type": "subscribe", "id": ident, "payload": {"query": query}})


def closed(socket):
    with pytest.raises(WebSocketDisconnect) as info:
        while True:
            socket.receive_json()
    return info.value.code


def keep(site, whose, **changes):
    """Change what the store keeps of a token, as another process may."""
    ident = site.ids[whose]
    ctx = site.runtime.writing
    token = next(s.token for s in tokens.listed(ctx) if s.token.id == ident)
    ctx.store.keep({f"token/{ident}": replace(token, **changes).to_text().encode()})


@pytest.mark.parametrize("in_handshake", [True, False])
def test_revoking_a_token_ends_its_connections_and_what_runs_over_them(quick, in_handshake):
    payload = {} if in_handshake else {"authorization": f"Bearer {quick.secrets['contributor']}"}
    with opened(quick, "contributor", **payload) as socket, opened(quick, "admin") as other:
        ask(socket, ENTRIES)
        tokens.Keyring().revoke(quick.runtime.writing, quick.ids["contributor"])
        assert closed(socket) == 4401
        ask(other, STATS)
        assert other.receive_json()["payload"]["data"]["stats"]["nodes"]


def test_an_operation_asks_whether_the_token_holds_and_does_not_wait_for_the_next_look(
    quick, monkeypatch
):
    monkeypatch.setattr("lineage.server.sockets.RECHECK", 600)
    with opened(quick, "contributor") as socket:
        tokens.Keyring().revoke(quick.runtime.writing, quick.ids["contributor"])
        before = quick.runtime.writing.store.head().size
        while quick.client.get("/metrics", headers=quick.bearer("contributor")).status_code != 401:
            pass
        ask(socket, RECORD)
        assert closed(socket) == 4401
    assert quick.runtime.writing.store.head().size == before


def test_a_token_that_expires_ends_its_connections(quick):
    with opened(quick) as socket:
        ask(socket, ENTRIES)
        keep(quick, "viewer", expires=quick.runtime.writing.clock() + timedelta(seconds=1))
        assert closed(socket) == 4401


@pytest.mark.parametrize(("old", "new"), [("contributor", "viewer"), ("viewer", "admin")])
def test_a_token_with_another_role_has_to_connect_anew(quick, old, new):
    with opened(quick, old) as socket:
        ask(socket, ENTRIES)
        keep(quick, old, role=Role[new])
        assert closed(socket) == 4403
    with opened(quick, old) as again:
        ask(again, RECORD)
        told = json.dumps(again.receive_json())
        assert ("denied" in told) == (new == "viewer"), told


def test_a_store_that_cannot_say_whose_tokens_hold_ends_the_connections(site, monkeypatch):
    with opened(site) as socket:
        ask(socket, ENTRIES)
        monkeypatch.setattr(tokens, "STALE", -1.0)
        assert closed(socket) == 1013


def test_operations_are_counted_and_noted_as_requests_are(site):
    with opened(site) as socket:
        ask(socket, STATS)
        assert socket.receive_json()["type"] == "next"
        assert socket.receive_json()["type"] == "complete"
        ask(socket, "{nothing}")
        told = socket.receive_json()
        assert told["type"] == "error"
        ask(socket, RECORD)
        errors = told["payload"] + socket.receive_json()["payload"]["errors"]
        assert [error["extensions"]["code"] for error in errors] == ["bad-query", "denied"]
        assert socket.receive_json()["type"] == "complete"
        shown = site.client.get("/metrics", headers=site.bearer()).text
    counted = 'lineage_requests_total{method="WEBSOCKET",route="/graphql",status="%s"} %s'
    assert counted % (200, "2.0") in shown
    assert counted % (400, "1.0") in shown
    assert "lineage_websockets 1.0" in shown
    lines = site.lines()
    noted = [line for line in lines if line.get("method") == "WEBSOCKET"]
    assert [(n["viewer"], n["status"]) for n in noted] == [("viewer", s) for s in (200, 400, 200)]
    end = next(line for line in lines if line["event"] == "websocket")
    assert (end["viewer"], end["operations"], end["route"]) == ("viewer", 3, "/graphql")
    assert [n["id"] for n in noted] == [f"{end['id']}.{number}" for number in (1, 2, 3)]
    assert [e["extensions"]["request_id"] for e in errors] == [noted[1]["id"], noted[2]["id"]]


def test_a_caller_over_its_share_is_told_when_to_come_back(site):
    with opened(site) as socket:
        site.runtime.rate_limiter.spend("viewer", 10**6)
        ask(socket, STATS)
        told = socket.receive_json()
        assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", "rate-limited")
        assert told["payload"][0]["extensions"]["retry_after"] > 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": "Bearer wrong"}, 401),
        ({"origin": "https://evil.example"}, 403),
        ({"host": "evil.example"}, 421),
    ],
)
def test_a_handshake_that_is_refused_says_why(site, headers, status):
    client = site.client
    with (
        pytest.raises(WebSocketDenialResponse) as info,
        client.websocket_connect(URL, subprotocols=[PROTOCOL], headers=headers),
    ):
        pass
    assert (info.value.status_code, info.value.json()["status"]) == (status, status)


@pytest.mark.parametrize("payload", [{}, {"authorization": "Bearer wrong"}, {"token": 7}])
def test_a_first_message_without_a_valid_token_is_refused(site, payload):
    with site.client.websocket_connect(URL, subprotocols=[PROTOCOL]) as socket:
        socket.send_json({"type": "connection_init", "payload": payload})
        assert closed(socket) == 4403


def test_who_never_says_who_calls_is_not_waited_for(serving, monkeypatch):
    monkeypatch.setattr("lineage.server.sockets.INITIALISED", timedelta(seconds=0.1))
    site = serving()
    with site.client.websocket_connect(URL, subprotocols=[PROTOCOL]) as socket:
        assert closed(socket) == 4408


ASK_FROM_A_PAGE = """(address, token) => new Promise(done => {
  const socket = new WebSocket(address, 'graphql-transport-ws'), heard = [];
  socket.onopen = () => socket.send(JSON.stringify(
    {type: 'connection_init', payload: token ? {authorization: 'Bearer ' + token} : {}}));
  socket.onmessage = ({data}) => {
    const message = JSON.parse(data);
    heard.push(message.type);
    if (message.type === 'connection_ack') socket.send(JSON.stringify(
      {type: 'subscribe', id: '1', payload: {query: '{stats{nodes}}'}}));
    if (message.type === 'complete') socket.close(1000);
  };
  socket.onclose = ({code}) => done([...heard, code]);
})"""


class Blank(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>a page of another site</title>")

    def log_message(self, *_):
        pass


@pytest.fixture
def other_site():
    """The origin of a page that is not ours."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Blank) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_page_of_an_allowed_site_subscribes_with_the_token_in_its_first_message(
    tmp_path, other_site
):
    path = tmp_path / "s.db"
    with lineage.open(path) as store:
        store.ingest(DEMO)
    with (
        running(path, "--allow-origin", other_site) as served,
        running(path, "--host", "127.0.0.1") as closed_one,
        browser.browsing(tmp_path / "profile") as page,
    ):
        page.open(other_site)

        def asked(of, token):
            words = json.dumps(of.address.replace("http", "ws") + "/graphql"), json.dumps(token)
            return page.evaluate(f"({ASK_FROM_A_PAGE})({','.join(words)})")

        assert asked(served, served.secret) == ["connection_ack", "next", "complete", 1000]
        assert asked(served, "wrong") == [4403]
        assert asked(served, "") == [4403]
        assert asked(closed_one, served.secret) == [1006]

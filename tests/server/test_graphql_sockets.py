# SPDX-License-Identifier: Apache-2.0
"""New entries over graphql-transport-ws: none lost, none twice, nobody unknown, nothing unbounded."""

from __future__ import annotations

import pytest
from starlette.websockets import WebSocketDisconnect

from tests.server.conftest import ANA

PROTOCOL = "graphql-transport-ws"
ENTRIES = "subscription($after: Int){entries(after: $after){seq actor}}"


def run(client, name):
    text = "mutation($i: RecordRunInput!){recordRun(input: $i){receipt{entries} problems{code}}}"
    answer = client.post("/graphql", json={"query": text, "variables": {"i": {"name": name}}})
    assert answer.json()["data"]["recordRun"]["problems"] == []


def begin(socket, **payload):
    socket.send_json({"type": "connection_init", "payload": payload})
    assert socket.receive_json() == {"type": "connection_ack"}


def subscribe(socket, after=None, ident="1"):
    asked = {"query": ENTRIES, "variables": {"after": after}}
    socket.send_json({"type": "subscribe", "id": ident, "payload": asked})


def sequence(socket):
    message = socket.receive_json()
    assert message["type"] == "next", message
    return message["payload"]["data"]["entries"]["seq"]


def closed(socket):
    with pytest.raises(WebSocketDisconnect) as info:
        while True:
            socket.receive_json()
    return info.value.code


def test_entries_come_in_order_and_once_whether_old_or_new(client):
    for number in range(3):
        run(client, f"old-{number}")
    with client.websocket_connect("/graphql", subprotocols=[PROTOCOL]) as socket:
        begin(socket)
        subscribe(socket, after=1)
        assert [sequence(socket) for _ in range(3)] == [2, 3, 4]
        for number in range(4):
            run(client, f"new-{number}")
        assert [sequence(socket) for _ in range(4)] == [5, 6, 7, 8]


def test_what_is_asked_before_saying_who_one_is_closes_the_connection(client):
    with client.websocket_connect("/graphql", subprotocols=[PROTOCOL]) as socket:
        subscribe(socket)
        assert closed(socket) == 4401


def test_a_token_in_the_first_message_is_enough(serve):
    known = {"secret": ANA}.get
    client = serve(viewer=None, authenticate=known)
    with client.websocket_connect("/graphql", subprotocols=[PROTOCOL]) as socket:
        begin(socket, authorization="Bearer secret")
        subscribe(socket, after=0)
        assert sequence(socket) == 1


@pytest.mark.parametrize("payload", [{}, {"token": "wrong"}, {"token": 7}])
def test_who_is_not_known_is_refused(serve, payload):
    client = serve(viewer=None, authenticate={"secret": ANA}.get)
    with client.websocket_connect("/graphql", subprotocols=[PROTOCOL]) as socket:
        socket.send_json({"type": "connection_init", "payload": payload})
        assert closed(socket) == 4403


def test_the_older_protocol_is_not_spoken(client):
    with client.websocket_connect("/graphql", subprotocols=["graphql-ws"]) as socket:
        assert closed(socket) == 4406


@pytest.mark.parametrize(
    "message",
    [
        "null",
        "[]",
        "7",
        "{",
        "[" * 5_000,
        '{"type": 7}',
        '{"type": "subscribe", "id": "1", "payload": null}',
        '{"type": "subscribe", "id": [], "payload": {"query": "{stats{nodes}}"}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "", "variables": 7}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{stats{nodes}}", "variables": 7}}',
        '{"type": "complete", "id": {}}',
        "x" * 2_000_000,
    ],
    ids=lambda text: text[:30],
)
def test_a_message_of_another_form_closes_the_connection(client, message):
    with client.websocket_connect("/graphql", subprotocols=[PROTOCOL]) as socket:
        begin(socket)
        socket.send_text(message)
        assert closed(socket) == 4400


def test_a_bad_query_is_an_error_message_and_the_connection_stays(client):
    with client.websocket_connect("/graphql", subprotocols=[PROTOCOL]) as socket:
        begin(socket)
        for query in ("{bad", "{nothing}", "{" + "a " * 5_000 + "}"):
            socket.send_json({"type": "subscribe", "id": "q", "payload": {"query": query}})
            message = socket.receive_json()
            assert message["type"] == "error", message
            assert message["payload"][0]["extensions"]["code"] in ("bad-query", "limit-exceeded")
        socket.send_json({"type": "subscribe", "id": "q", "payload": {"query": "{stats{nodes}}"}})
        assert socket.receive_json()["payload"]["data"] == {"stats": {"nodes": 13}}


def test_one_connection_has_so_many_subscriptions(client):
    with client.websocket_connect("/graphql", subprotocols=[PROTOCOL]) as socket:
        begin(socket)
        for number in range(21):
            subscribe(socket, ident=str(number))
        refused = socket.receive_json()
        assert (refused["type"], refused["id"]) == ("error", "20")


def test_a_page_of_another_origin_opens_nothing(client):
    headers = {"origin": "https://evil.example"}
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/graphql", subprotocols=[PROTOCOL], headers=headers) as socket,
    ):
        socket.receive_json()


def test_a_subscription_that_fails_says_so_and_ends(serve, caplog):
    from tests.graphql_schema.cases import small

    store = small()
    client = serve(store)
    with client.websocket_connect("/graphql", subprotocols=[PROTOCOL]) as socket:
        begin(socket)
        subscribe(socket, after=-1)
        told = socket.receive_json()
        assert "usage" in str(told), told
        store.context.store.headers = lambda after, limit, view: 1 / 0
        subscribe(socket, after=0, ident="2")
        messages = [socket.receive_json() for _ in range(2)]
        assert "something went wrong here" in str(messages), messages
        assert "division" not in str(messages) + caplog.text

# SPDX-License-Identifier: Apache-2.0
"""What reading queries costs is bounded for each caller; the same query again costs nothing."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from graphql_schema import context, introspection
from lineage.access.tokens import Role
from lineage.errors import RateLimited
from lineage.server.rate_limit import BACK, MOST, SHARES, RateLimiter
from lineage.services.operate import tokens
from tests.graphql_schema.cases import session, small


def ask(site, query, role="viewer"):
    headers = {**site.bearer(role), "x-request-id": "one-for-all"}
    return site.client.post("/graphql", json={"query": query}, headers=headers)


def flood(site):
    """Answers to queries never asked before, until one is another than those before."""
    wide = " ".join(f"a{n}: stats {{ nodez }}" for n in range(150))
    for number in range(200):
        answer = ask(site, f"# {number} {number}\n{{{wide}}}")
        if answer.status_code != 200:
            return answer
    pytest.fail("it never ended")


def test_a_flood_of_new_queries_is_turned_away_until_later_and_only_for_its_sender(site):
    told = flood(site)
    assert told.status_code == 429
    assert told.json()["errors"][0]["extensions"]["code"] == "rate-limited"
    assert int(told.headers["retry-after"]) >= 1
    assert ask(site, "{stats{nodes}}").status_code == 429
    assert ask(site, "{stats{nodes}}", "steward").json()["data"]["stats"]["nodes"]


def test_a_token_with_a_rate_sends_so_many_requests_a_minute_and_others_as_they_like():
    now = [100.0]
    limiter = RateLimiter(lambda: now[0])
    for _ in range(3):
        limiter.count("a", 3)
    with pytest.raises(RateLimited) as refused:
        limiter.count("a", 3)
    assert refused.value.retry_after == 20
    limiter.count("b", 3)
    for _ in range(1_000):
        limiter.count("c", None)
    now[0] += 19.9
    with pytest.raises(RateLimited):
        limiter.count("a", 3)
    now[0] += 0.2
    limiter.count("a", 3)
    now[0] += 600
    for _ in range(3):
        limiter.count("a", 3)
    with pytest.raises(RateLimited):
        limiter.count("a", 3)


def test_requests_and_operations_of_a_socket_count_together(serving):
    site = serving(token_refresh=0.05)
    _, secret = tokens.add(site.runtime.writing, "slow", Role.viewer, rate=4)
    site.secrets["slow"] = secret
    while site.client.get("/metrics", headers=site.bearer("slow")).status_code == 401:
        pass
    with site.client.websocket_connect(
        "ws://127.0.0.1/graphql", headers=site.bearer("slow"), subprotocols=["graphql-transport-ws"]
    ) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json()["type"] == "connection_ack"
        told = []
        for number in ("1", "2", "3"):
            payload = {"query": "{ stats { nodes } }"}
            socket.send_json({"type": "subscribe", "id": number, "payload": payload})
            while (message := socket.receive_json())["type"] not in ("next", "error"):
                pass
            told.append(message)
    # One request for /metrics, one for the handshake, and two of the operations.
    assert [message["type"] for message in told] == ["next", "next", "error"]
    assert told[2]["payload"][0]["extensions"]["code"] == "rate-limited"
    refused = site.client.get("/metrics", headers=site.bearer("slow"))
    assert (refused.status_code, refused.json()["code"]) == (429, "rate-limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 15
    assert site.client.get("/metrics", headers=site.bearer()).status_code == 200


def test_a_query_asked_again_costs_its_sender_nothing(site, monkeypatch):
    spent = []
    monkeypatch.setattr(
        site.runtime.rate_limiter, "spend", lambda who, points: spent.append(points)
    )
    for query in ("{stats{nodes edges root}}", "{stats{nodes", "{stats{nodez}}"):
        first = ask(site, query)
        before = len(spent)
        assert before
        again = ask(site, query)
        assert len(spent) == before
        assert again.json() == first.json()
    assert again.json()["errors"][0]["locations"] == [{"line": 1, "column": 8}]


def test_an_operation_without_time_left_says_which_fields_lacked_it(site, monkeypatch):
    monkeypatch.setattr(context, "SECONDS", 0.0)
    answer = ask(site, "{__typename stats{nodes}}").json()
    assert answer["data"] == {"__typename": "Query", "stats": None}
    (error,) = answer["errors"]
    assert error["path"] == ["stats"]
    assert error["extensions"]["code"] == "timed-out"


def test_a_read_gets_no_more_than_the_time_that_is_left():
    with small() as store:
        assert 0 < asyncio.run(session(store).read(lambda ctx: ctx.budget)) <= context.SECONDS
        store.context = replace(store.context, budget=0.5)
        assert asyncio.run(session(store).read(lambda ctx: ctx.budget)) == 0.5


def test_points_come_back_with_time_and_are_each_callers_own():
    now = [0.0]
    limiter = RateLimiter(lambda: now[0])
    limiter.spend("ana", MOST + 3 * BACK)
    with pytest.raises(RateLimited) as refused:
        limiter.admit("ana")
    assert refused.value.retry_after == 3
    limiter.admit("ben")
    now[0] += 3
    limiter.admit("ana")


def test_many_who_send_new_queries_at_once_share_what_a_few_have():
    """Thirty together are read no more than four; whoever is alone afterwards has a whole bucket again."""
    now = [100.0]
    limiter = RateLimiter(lambda: now[0])
    many = [f"caller {number}" for number in range(30)]
    read = 0
    for _ in range(600):
        now[0] += 0.1
        for who in many:
            try:
                limiter.admit(who)
            except RateLimited:
                continue
            limiter.spend(who, 1_000)
            read += 1_000
    begun = len(many) * 1_000 + MOST * SHARES
    assert read <= begun + 60 * BACK * SHARES + len(many) * 1_000
    assert read >= 60 * BACK * SHARES
    now[0] += 100
    for _ in range(MOST // 1_000):
        limiter.admit("caller 0")
        limiter.spend("caller 0", 1_000)


def test_introspection_is_resolved_beside_the_event_loop_once_and_what_is_new_is_counted(
    serve, monkeypatch
):
    real, threads = introspection.execute_sync, []

    def noted(*given, **options):
        threads.append(threading.current_thread().name)
        return real(*given, **options)

    monkeypatch.setattr(introspection, "execute_sync", noted)
    client = serve()
    limiter = client.app.state.runtime.rate_limiter
    spent = []
    monkeypatch.setattr(limiter, "spend", lambda who, points: spent.append(points))
    query = "{" + " ".join(f"b{n}:__schema{{types{{name description}}}}" for n in range(5)) + "}"
    for _ in range(3):
        assert client.post("/graphql", json={"query": query}).json()["data"]["b4"]
    assert [name.startswith("lineage-prepare") for name in threads] == [True]
    assert len([points for points in spent if points > 300]) == 1

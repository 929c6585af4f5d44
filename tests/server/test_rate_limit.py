# SPDX-License-Identifier: Apache-2.0
"""What reading queries costs is bounded for each caller; the same query again costs nothing."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from graphql_schema import context, introspection
from lineage.errors import RateLimited
from lineage.server.rate_limit import BACK, MOST, RateLimiter
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

# SPDX-License-Identifier: Apache-2.0
"""Whatever a server raises arrives at its client as the error that it is."""

from __future__ import annotations

import pytest

from lineage import Batch, Node, errors
from lineage.client.remote import Remote
from lineage.errors import LineageError, RateLimited, ServerError, TimedOut
from lineage.server import guard
from lineage.server.rate_limit import RateLimiter
from tests.client.test_transport import http, scripted
from tests.graphql_schema.cases import small


@pytest.fixture(scope="module")
def pair(served):
    """A store, and a client of a server of it."""
    with small() as store:
        yield store, served(store)


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


def in_a_field(patch, store, error):
    """A resolver raises: the answer's status is 200."""
    patch.setattr(type(store.context.store), "stats", raising(error))


def in_a_mutation(patch, store, error):
    """A mutation raises: the error is a problem in its payload."""
    patch.setattr(type(store.context.store), "write", raising(error))


def before_graphql(patch, store, error):
    """The endpoint raises before it reads a query."""
    patch.setattr(RateLimiter, "admit", raising(error))


def before_the_route(patch, store, error):
    """The guard raises: the answer is an RFC 9457 problem."""
    patch.setattr(guard, "check_host", raising(error))


def caught(there, door):
    with pytest.raises(LineageError) as found:
        if door is in_a_mutation:
            there.ingest(Batch(nodes=(Node(id="urn:t:new", kind="Run"),)))
        else:
            there.stats()
    return found.value


def facts(error):
    return type(error), error.code, error.status, error.exit_code, error.to_dict()


@pytest.mark.parametrize("door", [in_a_field, in_a_mutation, before_graphql, before_the_route])
@pytest.mark.parametrize("kind", errors.every(), ids=lambda kind: kind.code)
def test_an_error_of_a_server_arrives_as_itself(pair, monkeypatch, kind, door):
    store, there = pair
    door(monkeypatch, store, kind("it is so", where="line 3"))
    expected = kind("it is so", where="line 3" if kind.status < 500 else None)
    assert facts(caught(there, door)) == facts(expected)
    sent = kind("it is so", hint="do this", retry_after=7)
    door(monkeypatch, store, sent)
    assert facts(caught(there, door)) == facts(sent)


class NewError(LineageError):
    """An error that only a newer version has."""

    code, status, exit_code = "new-error", 409, 2
    hint = "Do what is new."


@pytest.mark.parametrize("door", [in_a_field, in_a_mutation, before_graphql, before_the_route])
@pytest.mark.parametrize(
    ("status", "exit_code"), [(409, 2), (410, 3), (423, 2), (451, 5), (425, 75), (508, 1)]
)
def test_an_error_of_a_newer_server_keeps_its_code_and_status(
    pair, monkeypatch, door, status, exit_code
):
    store, there = pair
    monkeypatch.setattr(NewError, "status", status)
    door(monkeypatch, store, NewError("it is new"))
    error = caught(there, door)
    assert (type(error), error.exit_code) == (ServerError, exit_code)
    assert error.to_dict() == NewError("it is new").to_dict()


@pytest.mark.parametrize(
    ("status", "kind", "after"),
    [("429 Slow down", RateLimited, 30), ("504 Late", TimedOut, 30), ("599 Odd", None, 30)],
)
def test_what_a_proxy_answers_keeps_when_to_come_again(status, kind, after):
    response = http(b"", status, "text/plain", Retry_After=after)
    with scripted([response]) as (url, _), Remote(url) as there:
        error = caught(there, in_a_field)
    assert kind is None or type(error) is kind
    assert (error.exit_code, error.retry_after) == (75, after)

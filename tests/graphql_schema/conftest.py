# SPDX-License-Identifier: Apache-2.0
"""A small store, and a way to ask it in-process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from graphql_schema import make
from lineage.access.tokens import Role
from lineage.app import Lineage
from tests.graphql_schema.cases import session, small


@pytest.fixture(scope="session")
def shared() -> Iterator[Lineage]:
    """A store that tests only read."""
    with small() as store:
        yield store


@pytest.fixture
def store() -> Iterator[Lineage]:
    """A store of its own."""
    with small() as opened:
        yield opened


def asked(
    store: Lineage,
    query: str,
    variables: dict[str, Any] | None = None,
    *,
    stock: bool = False,
    role: Role = Role.admin,
) -> bytes:
    """The bytes of a response."""
    result = asyncio.run(
        make(stock=stock).execute(
            query, variable_values=variables, context_value=session(store, role)
        )
    )
    errors = [error.formatted for error in result.errors or ()]
    return orjson.dumps({"data": result.data, "errors": errors})


@pytest.fixture
def ask(store: Lineage) -> Callable[..., Any]:
    """The data of a response, of which nothing may have gone wrong."""

    def get(query: str, **variables: Any) -> Any:
        answer = orjson.loads(asked(store, query, variables))
        assert not answer["errors"], answer["errors"]
        return answer["data"]

    return get

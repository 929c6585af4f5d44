# SPDX-License-Identifier: Apache-2.0
"""A store, and clients of the whole server over the same store."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

import lineage
from lineage.access.tokens import Role
from lineage.app import Lineage
from lineage.client.remote import Remote
from lineage.server.app import create_app
from lineage.server.runtime import Runtime
from lineage.services.context import now
from lineage.services.operate import tokens
from tests.graphql_schema.cases import small
from tests.server.conftest import listening


@pytest.fixture(scope="module")
def served() -> Iterator[Callable[..., Remote]]:
    """Clients of servers in this process, with a token of a role or with the one given."""
    with ExitStack() as stack:

        def get(store: Lineage, role: Role = Role.admin, token: str | None = None) -> Remote:
            runtime = Runtime(store.context, store.context)
            stack.callback(runtime.close)
            # The clock of test stores stands still, and tokens end.
            _, secret = tokens.add(replace(store.context, clock=now), role.name, role)
            app = create_app(runtime, stream=io.StringIO())
            url = stack.enter_context(listening(app, lifespan="on"))
            return stack.enter_context(lineage.open(url, token=secret if token is None else token))

        yield get


@pytest.fixture(scope="module")
def pair(served: Callable[..., Remote]) -> Iterator[tuple[Lineage, Remote]]:
    """One store by both doors; tests only read it."""
    with small() as store:
        yield store, served(store)

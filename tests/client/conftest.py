# SPDX-License-Identifier: Apache-2.0
"""A store, and a client of a real server over the same store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

import lineage
from lineage.app import Lineage
from lineage.client.remote import Remote
from tests.graphql_schema.cases import small
from tests.server.conftest import application, listening


@pytest.fixture(scope="module")
def served() -> Iterator[Callable[..., Remote]]:
    """Clients of real servers, closed afterwards."""
    with ExitStack() as stack:

        def get(store: Lineage, **options: object) -> Remote:
            app = application(store, **options)
            stack.callback(app.state.runtime.close)
            url = stack.enter_context(listening(app))
            return stack.enter_context(lineage.open(url))

        yield get


@pytest.fixture(scope="module")
def pair(served: Callable[..., Remote]) -> Iterator[tuple[Lineage, Remote]]:
    """One store by both doors; tests only read it."""
    with small() as store:
        yield store, served(store)

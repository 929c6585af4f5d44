# SPDX-License-Identifier: Apache-2.0
"""Makes the schema, once, and its text as it is kept in schema.graphql."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import strawberry
from graphql import GraphQLError, lexicographic_sort_schema, print_schema

from graphql_schema.fast import FastExecutor
from graphql_schema.mutation import Mutation
from graphql_schema.operation import Operation
from graphql_schema.query import Query
from graphql_schema.scalars import CONFIG
from graphql_schema.subscription import Subscription
from graphql_schema.types import KIND_TYPES, RELATION_TYPES

#: The schema as it was last agreed on; ``python -m graphql_schema`` writes it anew.
SNAPSHOT = Path(__file__).with_name("schema.graphql")


class Schema(strawberry.Schema):
    """Strawberry's schema, whose errors are logged by ``operation`` and without values."""

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Do nothing: see ``operation.told``."""


@cache
def make(*, stock: bool = False) -> Schema:
    """Make the schema; ``stock`` without the fast path of lists, to compare with."""
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[*KIND_TYPES.values(), *RELATION_TYPES.values()],
        extensions=[Operation],
        execution_context_class=None if stock else FastExecutor,
        config=CONFIG,
    )


def sdl() -> str:
    """Write the schema as text, sorted."""
    return print_schema(lexicographic_sort_schema(make()._schema)) + "\n"  # noqa: SLF001 - strawberry's own printer does not sort

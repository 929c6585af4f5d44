# SPDX-License-Identifier: Apache-2.0
"""Runs an operation: parsed once, limits checked first, errors that say no more than is allowed."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from secrets import token_hex
from typing import Any

from graphql import GraphQLError, parse
from strawberry.extensions import SchemaExtension

from graphql_schema import documents, limits
from graphql_schema.documents import located
from lineage.errors import BadQuery, LimitExceeded, LineageError

_log = logging.getLogger("lineage.graphql")
#: Characters of a message that a client's own words may fill, and that ours may: ours list
#: candidates and show places.
_MESSAGE, _OURS = 400, 4_000


#: What to do about a query that is no GraphQL, or not for this schema.
HINT = "The schema says what there is: ask for __schema, or read schema.graphql."

_NOTHING = parse("{ __typename }")


class Operation(SchemaExtension):
    """One operation, from its text to its result."""

    def __init__(self) -> None:
        self._cost: int | None = None
        self._refused: list[GraphQLError] = []

    async def on_operation(self) -> AsyncIterator[None]:
        """Make a context of its own at the beginning, and errors that may be shown at the end."""
        held = self.execution_context
        held.context = held.context.fresh()
        held.context.server.admit()
        yield
        if held.result is not None:
            _tell(held.result)

    def on_stream_result(self, result: Any) -> Iterator[None]:
        """Do the same for each result of a subscription."""
        _tell(result)
        yield

    async def on_parse(self) -> AsyncIterator[None]:
        """Parse, or take what was parsed before."""
        held = self.execution_context
        if held.query:
            read = await documents.parsed(held.query, held.context.server)
            if isinstance(read, list):
                # Said where validation speaks, so that every transport carries it in one way.
                self._refused, read = read, _NOTHING
            held.graphql_document = read
        yield

    async def on_validate(self) -> AsyncIterator[None]:
        """Count the cost, then validate, or take what was found before."""
        held = self.execution_context
        query, document, server = held.query, held.graphql_document, held.context.server
        if query is None or document is None:
            raise BadQuery("there is no query", hint=HINT)
        if self._refused:
            held.pre_execution_errors = self._refused
            yield
            return
        try:
            self._cost = limits.cost(document, held.operation_name, held.variables)
        except LimitExceeded as error:
            server.spend(len(query))
            held.pre_execution_errors = [located(error)]
        else:
            schema = held.schema._schema  # noqa: SLF001 - as strawberry's own cache does
            held.pre_execution_errors = await documents.validated(
                query, document, schema, held.validation_rules, server
            )
        if held.pre_execution_errors:
            self._cost = None
        yield

    def get_results(self) -> dict[str, Any]:
        """Add what the operation cost to its answer."""
        if self._cost is None:
            return {}
        return {"cost": {"requested": self._cost, "limit": limits.COST}}


def _tell(result: Any) -> None:
    if errors := getattr(result, "errors", None):
        result.errors = [told(error) for error in errors]


def told(error: GraphQLError) -> GraphQLError:
    """Make an error that the caller may see: ours in full with its code, others by a number only."""
    if error.extensions and "code" in error.extensions:
        return error
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, LineageError):
        return _anew(error, cause, _OURS)
    if isinstance(cause, GraphQLError):
        return _anew(error, BadQuery(error.message, hint=HINT))
    number = token_hex(8)
    frame = traceback.extract_tb(cause.__traceback__)[-1:] if cause else []
    place = f"{frame[0].name}:{frame[0].lineno}" if frame else "unknown"
    # The message may hold values: where it happened and what sort it is are enough to find it.
    _log.error("request %s failed: %s in %s", number, type(cause).__name__, place)
    hint = f"Tell the people who run this server the number {number}."
    return _anew(error, LineageError("something went wrong here", hint=hint))


def _anew(error: GraphQLError, ours: LineageError, most: int = _MESSAGE) -> GraphQLError:
    shown = ours.to_caller()
    message = str(shown.pop("message"))
    if len(message) > most:
        message = message[:most] + "..."
    made = GraphQLError(message, path=error.path, extensions=shown)
    made.locations = error.locations
    return made

# SPDX-License-Identifier: Apache-2.0
"""What surrounds every operation: parsing once, limits first, errors that say no more than allowed."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache
from secrets import token_hex
from typing import Any

from graphql import DocumentNode, GraphQLError, GraphQLSyntaxError, parse
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from graphql_schema import limits
from lineage.errors import BadInput, LimitExceeded, LineageError

_log = logging.getLogger("lineage.graphql")
#: Documents kept parsed and validated, and how long one may be to be kept (characters).
_KEPT, _SHORT = 128, 16_384
#: Characters of a message: of GraphQL's own, which repeat the client's words, and of ours, which
#: list candidates and show places.
_MESSAGE, _OURS = 400, 4_000


class BadQuery(BadInput):
    """The query is no GraphQL, or not for this schema."""

    code = "bad-query"
    hint = "The schema says what there is: ask for __schema, or read schema.graphql."


def _parse(query: str) -> DocumentNode:
    try:
        return parse(query, max_tokens=limits.TOKENS)
    except GraphQLSyntaxError as error:
        # Its limits on tokens and nesting are told apart from mistakes only by these words.
        if error.message.endswith("Parsing aborted."):
            raise LimitExceeded(
                f"a query of more than {limits.TOKENS:,} tokens, or one nested as deep, is not read"
            ) from error
        raise


_NOTHING = parse("{ __typename }")
_parse_kept = lru_cache(_KEPT)(_parse)


@lru_cache(_KEPT)
def _validate_kept(schema: Any, query: str, rules: Any) -> list[GraphQLError]:
    """By the text, which hashes once; a document hashes anew, node by node."""
    return validate_document(schema, _parse_kept(query), rules)


class Operation(SchemaExtension):
    """One operation, from its text to its result."""

    def __init__(self) -> None:
        self._cost: int | None = None
        self._refused: GraphQLError | None = None

    async def on_operation(self) -> AsyncIterator[None]:
        """A context of its own at the beginning, errors that may be shown at the end."""
        held = self.execution_context
        held.context = held.context.fresh()
        yield
        if held.result is not None:
            _tell(held.result)

    def on_stream_result(self, result: Any) -> Iterator[None]:
        """The same for each result of a subscription."""
        _tell(result)
        yield

    def on_parse(self) -> Iterator[None]:
        """Parse, or take what was parsed before."""
        held = self.execution_context
        if held.query:
            kept = _parse_kept if len(held.query) <= _SHORT else _parse
            try:
                held.graphql_document = kept(held.query)
            except LineageError as error:
                self._refused = located(error)
            except GraphQLError as error:
                self._refused = error
            if self._refused:
                # Said where validation speaks, so that every transport carries it in one way.
                held.graphql_document = _NOTHING
        yield

    def on_validate(self) -> Iterator[None]:
        """Count the cost, then validate, or take what was found before."""
        held = self.execution_context
        document = held.graphql_document
        if document is None:
            raise BadQuery("there is no query")
        if self._refused:
            held.pre_execution_errors = [self._refused]
            yield
            return
        try:
            self._cost = limits.cost(document, held.operation_name, held.variables)
        except LimitExceeded as error:
            held.pre_execution_errors = [located(error)]
        else:
            schema = held.schema._schema  # noqa: SLF001 - as strawberry's own cache does
            rules = held.validation_rules
            if held.query is not None and len(held.query) <= _SHORT:
                errors = _validate_kept(schema, held.query, rules)
            else:
                errors = validate_document(schema, document, rules)
            held.pre_execution_errors = errors
        yield

    def get_results(self) -> dict[str, Any]:
        """What the operation cost, for its answer."""
        if self._cost is None:
            return {}
        return {"cost": {"requested": self._cost, "limit": limits.COST}}


def located(error: LineageError) -> GraphQLError:
    """An error of ours as one of GraphQL."""
    return GraphQLError(str(error), original_error=error)


def _tell(result: Any) -> None:
    if errors := getattr(result, "errors", None):
        result.errors = [told(error) for error in errors]


def told(error: GraphQLError) -> GraphQLError:
    """An error as the caller may see it: ours in full with its code, others by a number only."""
    if error.extensions and "code" in error.extensions:
        return error
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, LineageError):
        shown = {"code": cause.code, "hint": cause.hint, "where": cause.where}
        return _anew(error, cause.what, shown, _OURS)
    if isinstance(cause, GraphQLError):
        shown = {"code": BadQuery.code, "hint": BadQuery.hint}
        return _anew(error, error.message, shown)
    number = token_hex(8)
    frame = traceback.extract_tb(cause.__traceback__)[-1:] if cause else []
    place = f"{frame[0].name}:{frame[0].lineno}" if frame else "unknown"
    # The message may hold values: where it happened and what sort it is are enough to find it.
    _log.error("request %s failed: %s in %s", number, type(cause).__name__, place)
    hint = f"Tell the people who run this server the number {number}."
    return _anew(error, "something went wrong here", {"code": "failed", "hint": hint})


def _anew(
    error: GraphQLError, message: str, shown: dict[str, Any], most: int = _MESSAGE
) -> GraphQLError:
    if len(message) > most:
        message = message[:most] + "..."
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=shown,
    )

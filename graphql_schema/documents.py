# SPDX-License-Identifier: Apache-2.0
"""Queries read once: what is too long is refused unread, what was read or refused before is known."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import Any, Generic, TypeVar

from graphql import DocumentNode, GraphQLError, GraphQLSyntaxError, parse
from strawberry.schema.schema import validate_document

from graphql_schema.context import Server
from graphql_schema.limits import TOKENS
from graphql_schema.repeats import check_repeats
from lineage.errors import LimitExceeded, LineageError

V = TypeVar("V")
#: Characters of a query, at most; above ``LONG`` it is read beside the event loop.
LENGTH, LONG = 16_384, 1_000
#: Queries kept parsed and validated, and refused.
_KEPT, _REFUSED = 128, 1_024
#: What graphql-core's lexer takes one by one, found 20 times faster: a bound that is exact for what
#: can be read at all, but for comments, which it is as slow with and does not count.
_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?+|"(?:[^"\\\n\r]|\\.)*+"?+|\.\.\.|#[^\n\r]*+|[\w+.-]++|[^\s,\ufeff]',
    re.DOTALL | re.ASCII,
)


class _Shelf(Generic[V]):
    """The last few things by their text, of which only a digest is kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[bytes, V] = OrderedDict()

    def get(self, query: str) -> V | None:
        key = _key(query)
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key]

    def put(self, query: str, value: V) -> None:
        self._held[_key(query)] = value
        if len(self._held) > self._most:
            self._held.popitem(last=False)


def _key(query: str) -> bytes:
    return blake2b(query.encode("utf-8", "surrogatepass"), digest_size=16).digest()


#: Refusals stand on shelves of their own: no flood of them pushes out what honest callers ask.
_PARSED: _Shelf[DocumentNode] = _Shelf(_KEPT)
_VALID: _Shelf[bool] = _Shelf(_KEPT)
_UNREADABLE: _Shelf[GraphQLError] = _Shelf(_REFUSED)
_INVALID: _Shelf[list[GraphQLError]] = _Shelf(_REFUSED)


async def parsed(query: str, server: Server) -> DocumentNode | GraphQLError:
    """The document, or why it cannot be read."""
    if known := _PARSED.get(query) or _UNREADABLE.get(query):
        return known
    if len(query) > LENGTH:
        hint = "Send long texts as variables."
        return located(
            LimitExceeded(
                f"a query of {len(query):,} characters is over the limit of {LENGTH:,}", hint=hint
            )
        )
    done = await _apart(server, query, partial(_parse, query))
    if isinstance(done, DocumentNode):
        _PARSED.put(query, done)
    else:
        _UNREADABLE.put(query, done)
    return done


async def validated(
    query: str, document: DocumentNode, schema: Any, rules: Any, server: Server
) -> list[GraphQLError]:
    """What is wrong with a document that was read."""
    if _VALID.get(query):
        return []
    if known := _INVALID.get(query):
        return known
    errors = await _apart(server, query, partial(_validate, document, schema, rules))
    if errors:
        _INVALID.put(query, errors)
    else:
        _VALID.put(query, True)
    return errors


async def _apart(server: Server, query: str, work: Callable[[], V]) -> V:
    """Read what is new: short queries here, long ones where they hold nobody up."""
    server.spend(len(query))
    return await server.prepare(work) if len(query) > LONG else work()


def _parse(query: str) -> DocumentNode | GraphQLError:
    over = f"a query of more than {TOKENS:,} tokens, or one nested as deep, is not read"
    if next(islice(_TOKEN.finditer(query), TOKENS, None), None) is not None:
        return located(LimitExceeded(over))
    try:
        return parse(query, max_tokens=TOKENS)
    except (GraphQLSyntaxError, RecursionError) as error:
        # Its limits are told apart from mistakes only by these words.
        if isinstance(error, RecursionError) or error.message.endswith("Parsing aborted."):
            return located(LimitExceeded(over))
        return error.with_traceback(None)


def _validate(document: DocumentNode, schema: Any, rules: Any) -> list[GraphQLError]:
    try:
        check_repeats(document)
    except LimitExceeded as error:
        return [located(error.with_traceback(None))]
    return validate_document(schema, document, rules)


def located(error: LineageError) -> GraphQLError:
    """An error of ours as one of GraphQL."""
    return GraphQLError(str(error), original_error=error)

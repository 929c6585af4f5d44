# SPDX-License-Identifier: Apache-2.0
"""Caches queries: what is too long is refused unread, what was read or refused before is known."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import Any, Generic, TypeVar

from graphql import DocumentNode, GraphQLError, GraphQLSyntaxError, parse, validate
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from graphql_schema.context import Server
from graphql_schema.limits import TOKENS
from graphql_schema.repeats import check_repeats
from lineage.errors import LimitExceeded, LineageError

V = TypeVar("V")
#: Characters of a query, at most; above ``LONG`` it is read beside the event loop.
LENGTH, LONG = 16_384, 200
_LESS = "Ask for less at once, or send long texts and lists as variables."
#: Mistakes told of one query; finding the names nearest to each takes its time.
ERRORS = 10
#: Characters of queries kept parsed and validated; refusals kept.
_KEPT, _REFUSALS = 128 * 1024, 256
#: What graphql-core's lexer takes one by one, found 20 times faster: a bound that is exact for what
#: can be read at all, but for comments, which it is as slow with and does not count.
_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?+|"(?:[^"\\\n\r]|\\.)*+"?+|\.\.\.|#[^\n\r]*+|[\w+.-]++|[^\s,\ufeff]',
    re.DOTALL | re.ASCII,
)


class _TextCache(Generic[V]):
    """The last few things by their text, of which only a digest is kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._held: OrderedDict[bytes, tuple[V, int]] = OrderedDict()

    def get(self, query: str) -> V | None:
        """What was put for a text, if it is still here."""
        key = _key(query)
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key][0]

    def put(self, query: str, value: V, weight: int = 1) -> None:
        """Keep it; what was not asked for for longest goes."""
        self._held[_key(query)] = (value, weight)
        self._weight += weight
        while self._weight > self._most:
            self._weight -= self._held.popitem(last=False)[1][1]


def _key(query: str) -> bytes:
    return blake2b(query.encode("utf-8", "surrogatepass"), digest_size=16).digest()


#: Refusals stand on a shelf of their own: no flood of them pushes out what honest callers ask.
_READY: _TextCache[DocumentNode] = _TextCache(_KEPT)
_REFUSED: _TextCache[list[GraphQLError]] = _TextCache(_REFUSALS)


async def parsed(query: str, server: Server) -> DocumentNode | list[GraphQLError]:
    """Parse a document, or find out why it cannot be parsed."""
    if known := _READY.get(query) or _REFUSED.get(query):
        return known
    if len(query) > LENGTH:
        message = f"a query of {len(query):,} characters is over the limit of {LENGTH:,}"
        return [located(LimitExceeded(message, hint="Send long texts as variables."))]
    done = await _apart(server, query, partial(_parse, query))
    return done if isinstance(done, DocumentNode) else _refused(query, [done])


async def validated(
    query: str, document: DocumentNode, schema: Any, rules: Any, server: Server
) -> list[GraphQLError]:
    """Validate a document that was parsed."""
    if _READY.get(query) is document:
        return []
    errors = await _apart(server, query, partial(_validate, document, schema, rules))
    if errors:
        return _refused(query, errors)
    if _READY.get(query) is None:
        _READY.put(query, document, len(query))
    return []


def _refused(query: str, errors: list[GraphQLError]) -> list[GraphQLError]:
    """The errors without the document that they hold on to, kept."""
    kept = []
    for error in errors:
        bare = GraphQLError(error.message, original_error=error.original_error)
        bare.locations = error.locations
        kept.append(bare)
    if _REFUSED.get(query) is None:
        _REFUSED.put(query, kept)
    return kept


async def _apart(server: Server, query: str, work: Callable[[], V]) -> V:
    """Read what is new: short queries here, long ones where they hold nobody up."""
    server.spend(len(query))
    return await server.prepare(work) if len(query) > LONG else work()


def _parse(query: str) -> DocumentNode | GraphQLError:
    over = f"a query of more than {TOKENS:,} tokens, or one nested as deep, is not read"
    if next(islice(_TOKEN.finditer(query), TOKENS, None), None) is not None:
        return located(LimitExceeded(over, hint=_LESS))
    try:
        return parse(query, max_tokens=TOKENS)
    except (GraphQLSyntaxError, RecursionError) as error:
        # Its limits are told apart from mistakes only by these words.
        if isinstance(error, RecursionError) or error.message.endswith("Parsing aborted."):
            return located(LimitExceeded(over, hint=_LESS))
        return error


def _validate(document: DocumentNode, schema: Any, rules: Any) -> list[GraphQLError]:
    try:
        check_repeats(document)
    except LimitExceeded as error:
        return [located(error)]
    every = (*rules, MaybeNullValidationRule, OneOfInputValidationRule)
    return validate(schema, document, every, max_errors=ERRORS)


def located(error: LineageError) -> GraphQLError:
    """Turn an error of ours into one of GraphQL."""
    return GraphQLError(str(error), original_error=error.with_traceback(None))

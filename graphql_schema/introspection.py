# SPDX-License-Identifier: Apache-2.0
"""Answers __schema and __type beside the event loop, counted by what they return, and keeps them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
)
from graphql.execution.executor import Executor

from lineage.errors import LimitExceeded

#: The fields of the root that say what the schema is.
FIELDS = frozenset({"__schema", "__type"})
#: Fields that they may return in one operation, 10 us each; what tools ask returns 16,000.
MOST = 30_000
#: Bytes of answers that are kept.
_KEPT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a field of introspection returns, as JSON, what was wrong in places of it, and how many
    fields that is.
    """

    json: bytes
    errors: Sequence[GraphQLError]
    fields: int


class _TooMany(BaseException):
    """Goes past what turns exceptions into errors of single fields: the whole is given up."""


class _Counting(Executor[Any]):
    """The stock executor, which stops where it returns more fields than one operation may."""

    fields = 0

    def execute_field(self, *args: Any) -> Any:
        """Resolve one field, where it is not one too many."""
        self.fields += 1
        if self.fields > MOST:
            raise _TooMany
        # Shared with whoever asked: the executor itself is made and dropped inside graphql-core.
        self.context_value[0] = self.fields
        return super().execute_field(*args)


_answers: OrderedDict[bytes, Answer] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Question:
    """One field of the root, asked for in these places of an operation."""

    schema: GraphQLSchema
    nodes: Sequence[FieldNode]
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]

    def kept(self) -> Answer | None:
        """What the same text was answered before, under whatever alias."""
        with _lock:
            found = _answers.get(key := self._text())
            if found is not None:
                _answers.move_to_end(key)
        return found

    def answer(self) -> tuple[Answer, int]:
        """Resolve it, where nobody has meanwhile, and keep what is no error; also how many fields
        were resolved. Raises ``LimitExceeded``, ``GraphQLError``.
        """
        if found := self.kept():
            return found, 0
        made = self._execute()
        if not made.errors:
            with _lock:
                _answers[self._text()] = made
                while sum(len(kept.json) for kept in _answers.values()) > _KEPT:
                    _answers.popitem(last=False)
        return made, made.fields

    def _text(self) -> bytes:
        """What is asked, as it is written, without aliases of the field itself."""
        parts = []
        for node, begin in [
            *((node, node.name) for node in self.nodes),
            *((node, node) for node in self.fragments.values()),
        ]:
            assert node.loc is not None
            assert begin.loc is not None
            parts.append(node.loc.source.body[begin.loc.start : node.loc.end])
        given = dict(self.variables) if any("$" in part for part in parts) else {}
        return orjson.dumps([parts, given])

    def _execute(self) -> Answer:
        alone = OperationDefinitionNode(
            operation=OperationType.QUERY,
            variable_definitions=self.operation.variable_definitions,
            selection_set=SelectionSetNode(selections=tuple(self.nodes)),
        )
        counted = [0]
        try:
            result = execute_sync(
                self.schema,
                DocumentNode(definitions=(alone, *self.fragments.values())),
                context_value=counted,
                variable_values=dict(self.variables),
                executor_class=_Counting,
            )
        except _TooMany:
            raise too_many() from None
        errors = result.errors or []
        if result.data is None:
            raise errors[0]
        return Answer(orjson.dumps(next(iter(result.data.values()))), errors, counted[0])


def too_many() -> LimitExceeded:
    """More introspection than one operation may ask for."""
    message = f"introspection that returns more than {MOST:,} fields in one operation"
    return LimitExceeded(message, hint="Ask for the schema once, or read schema.graphql.")

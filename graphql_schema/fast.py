# SPDX-License-Identifier: Apache-2.0
"""Answers lists of rows in one comprehension, where only plain fields of each row are asked for.

The stock executor walks every field of every row (16-20 us a node); here each field is one column.
Whatever is not plain, and whatever goes wrong, is left to the stock executor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

import orjson
from graphql import FieldNode, GraphQLList, GraphQLObjectType, Undefined
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_schema import introspection, rows
from graphql_schema.introspection import Answer, Question
from graphql_schema.rows import Leaf, Rows
from lineage import ids
from lineage.errors import LimitExceeded
from lineage.store.rows import NodeRow

#: What is asked of a row: its keys in the response, and the leaf of each.
_Plan = tuple[tuple[str, ...], tuple[Leaf, ...]]


class FastExecutor(StrawberryGraphQLCoreExecutionContext):
    """The stock executor, with a short way for lists of plain rows, and introspection beside the
    event loop.
    """

    #: Fields that introspection has returned in this operation.
    _fields = 0

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: Any,
        path: Any,
        position_context: Any,
    ) -> Any:
        """Resolve a field; those that say what the schema is where they hold nobody up."""
        name = field_details_list[0].node.name.value
        if name in introspection.FIELDS and parent_type is self.schema.query_type:
            return self._introspect(parent_type, name, field_details_list, path)
        return super().execute_field(
            parent_type, source, field_details_list, path, position_context
        )

    def _introspect(self, parent: Any, name: str, details: Any, path: Any) -> Any:
        sources = self.variable_values.sources.items()
        question = Question(
            self.schema,
            [detail.node for detail in details],
            self.operation,
            self.fragment_definitions,
            {word: source.value for word, source in sources if source.value is not Undefined},
        )
        field = self.schema.get_field(parent, name)
        assert field is not None

        def failed(error: Exception) -> None:
            self.handle_field_error(error, field.type, details, path)

        async def resolved() -> Any:
            server = self.context_value.server
            try:
                answer, resolved_now = await server.prepare(question.answer)
                server.spend(resolved_now)
                return self._introspected(answer, path)
            except Exception as error:  # noqa: BLE001 - whatever it is belongs to this field
                return failed(error)

        kept = question.kept()
        if kept is None:
            return resolved()
        try:
            return self._introspected(kept, path)
        except LimitExceeded as error:
            return failed(error)

    def _introspected(self, answer: Answer, path: Any) -> orjson.Fragment:
        """The answer as JSON, where it is not one too many in this operation."""
        self._fields += answer.fields
        if self._fields > introspection.MOST:
            raise introspection.too_many()
        for error in answer.errors:
            self.collected_errors.add(error, path)
        return orjson.Fragment(answer.json)

    def complete_list_value(
        self,
        return_type: GraphQLList[Any],
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete the list, in the short way where there is one."""
        if isinstance(result, Rows):
            done = self._short(field_details_list, result.rows)
            if done is not None:
                return done
        return super().complete_list_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def _short(self, details: Any, held: Sequence[Any]) -> list[Any] | None:
        """The rows as objects; ``None`` where a field is not plain."""
        if not held:
            return []
        if all(isinstance(node, FieldNode) for node in _below(details)):
            # Without fragments every type is asked the same, of what its interface has.
            plans = {name: self._plan(name, details) for name in [rows.type_of(held[0])]}
        else:
            names = sorted({rows.type_of(row) for row in _one_a_type(held)})
            plans = {name: self._plan(name, details) for name in names}
        chosen = list(plans.values())
        if None in chosen:
            return None
        try:
            if all(plan == chosen[0] for plan in chosen):
                return _objects(chosen[0], held)
            return _mixed(plans, held)
        except Exception:  # noqa: BLE001 - the stock executor says what is wrong, and where
            return None

    def _plan(self, name: str, details: Any) -> _Plan | None:
        """What is asked of the rows of one type, if all of it is plain."""
        leaves = rows.LEAVES.get(name)
        sort = self.schema.get_type(name)
        if leaves is None or not isinstance(sort, GraphQLObjectType):
            return None
        grouped, deferred, *_ = self.collect_subfields(sort, details)
        if deferred:
            return None
        keys, columns = [], []
        for key, asked in grouped.items():
            field = asked[0].node.name.value
            leaf = rows.type_of if field == "__typename" else leaves.get(field)
            if leaf is None:
                return None
            keys.append(key)
            columns.append(leaf)
        return tuple(keys), tuple(columns)


def _below(details: Any) -> Iterable[Any]:
    """The selections below a field, of all the places that ask for it."""
    for detail in details:
        yield from detail.node.selection_set.selections


def _one_a_type(held: Sequence[Any]) -> Sequence[Any]:
    """A row of each type there is."""
    spot = 1 if type(held[0]) is NodeRow else 0
    return list({row[spot]: row for row in held}.values())


def _objects(plan: _Plan | None, held: Sequence[Any]) -> list[dict[str, Any]]:
    keys, columns = plan or ((), ())
    values = [_column(leaf, held) for leaf in columns]
    if 1 <= len(keys) <= len(_WIDTHS):
        return _WIDTHS[len(keys) - 1](keys, zip(*values, strict=True))
    if not keys:
        return [{} for _ in held]
    return [dict(zip(keys, row, strict=True)) for row in zip(*values, strict=True)]


def _column(leaf: Leaf, held: Sequence[Any]) -> Iterable[Any]:
    """What a leaf says of all rows; the two that every answer shows need no call a row."""
    if leaf is rows.attributes:
        return map(orjson.Fragment, map(itemgetter(3), held))
    if leaf is rows.label:
        return [
            row[2] if row[2] and not row[0].startswith(ids.CLAIM) else ids.title(row[0], row[2])
            for row in held
        ]
    return map(leaf, held)


# Objects of known width are written as displays: 0.25 us a row, where dict(zip()) takes 0.47.
_WIDTHS: tuple[Callable[[Any, Iterable[Any]], list[dict[str, Any]]], ...] = (
    lambda k, rs: [{k[0]: a} for (a,) in rs],
    lambda k, rs: [{k0: a, k1: b} for k0, k1 in (k,) for a, b in rs],
    lambda k, rs: [{k0: a, k1: b, k2: c} for k0, k1, k2 in (k,) for a, b, c in rs],
    lambda k, rs: [{k0: a, k1: b, k2: c, k3: d} for k0, k1, k2, k3 in (k,) for a, b, c, d in rs],
    lambda k, rs: [
        {k0: a, k1: b, k2: c, k3: d, k4: e} for k0, k1, k2, k3, k4 in (k,) for a, b, c, d, e in rs
    ],
)


def _mixed(plans: dict[str, _Plan | None], held: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows of which different types are asked different things, in their order."""
    spot = 1 if type(held[0]) is NodeRow else 0
    groups: dict[str, list[Any]] = {}
    for row in held:
        groups.setdefault(row[spot], []).append(row)
    done = {
        word: iter(_objects(plans[rows.type_of(group[0])], group)) for word, group in groups.items()
    }
    return [next(done[row[spot]]) for row in held]

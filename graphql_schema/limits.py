# SPDX-License-Identifier: Apache-2.0
"""Limits what one operation may ask for: its cost is counted in one pass, before validation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from lineage.errors import LimitExceeded, Usage
from lineage.services.request import Request, fields_of
from lineage.verbs import REQUESTS

#: Tokens of a document; its cost; levels of fields with fields below them.
TOKENS, COST, DEPTH = 1_000, 10_000, 12
#: Levels of introspection: what tools ask goes 13 deep.
INTROSPECTION = 16
#: Items of a list argument, and of a list inside an input object.
ITEMS, INPUTS = 100, 1_000
#: Characters of a text argument; text inside an input object is bounded by the body only.
LETTERS = 2_000
#: Levels of a variable's value.
VALUES = 32
#: Items of a page.
PAGE = 200
_HINT = "Ask for less at once: fewer fields, smaller pages, shorter lists."
_MOST = 10**9
#: Fields that hold rows: what is nested below them is asked for once a row.
_ROWS = frozenset({"nodes", "edges"})
_ANSWERED = {request.graphql: request for request in REQUESTS.values() if request.graphql}


def _sized(request: type[Request[Any]]) -> tuple[str, int]:
    for asked in fields_of(request):
        if asked.says.sized:
            return asked.argument, asked.says.sized[0]
    return "", request.rows


#: What sizes a field, and how many rows there are where it is not given.
_SIZES: Mapping[str, tuple[str, int]] = {
    **{name: _sized(request) for name, request in _ANSWERED.items()},
    "nodes": ("ids", ITEMS),
}
#: What a call costs beside its rows; others cost 1.
_WEIGHTS: Mapping[str, int] = {
    **{name: request.weight for name, request in _ANSWERED.items()},
    "resolve": 20,
    "evidence": 5,
}
#: A reference to resolve: one that names nothing looks for the nearest among thousands (0.15 s).
_REFERENCE = 400
_REFERENCES = frozenset({"ref", "commits", "dataset", "environment", "package", "where"}).union(
    f.argument for request in _ANSWERED.values() for f in fields_of(request) if f.says.resolves
)
#: Rows of a flat answer that cost as much as one field.
_FLAT = 50


def page_size(first: int) -> int:
    """Check the size of a page. Raises ``Usage`` where it is not from 1 to 200."""
    return within("first", first, PAGE)


def within(name: str, value: int, most: int) -> int:
    """Check how much is asked for. Raises ``Usage`` where it is not from 1 to the most there is."""
    if not 1 <= value <= most:
        hint = "Go on from the cursor of each page."
        raise Usage(f"{name} is between 1 and {most:,}, not {value}", hint=hint)
    return value


class _Sum(NamedTuple):
    """What a selection costs: its plain fields, its calls, its calls a row, and how deep it is."""

    plain: int = 0
    calls: int = 0
    rows: int = 0
    depth: int = 0


@dataclass(slots=True)
class _Pass:
    """One pass over a document; a fragment is counted once, wherever it is spread."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    known: dict[str, _Sum] = field(default_factory=dict)

    def selection(self, chosen: SelectionSetNode | None) -> _Sum:
        """The sum over a selection."""
        plain = calls = rows = depth = 0
        for node in chosen.selections if chosen else ():
            one = self._one(node)
            plain, calls = min(plain + one.plain, _MOST), min(calls + one.calls, _MOST)
            rows, depth = min(rows + one.rows, _MOST), max(depth, one.depth)
        return _Sum(plain, calls, rows, depth)

    def _one(self, node: Any) -> _Sum:
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        if isinstance(node, InlineFragmentNode):
            return self.selection(node.selection_set)
        return self._field(node)

    def _fragment(self, name: str) -> _Sum:
        if name not in self.known:
            # A fragment within itself counts nothing here: validation refuses it afterwards.
            self.known[name] = _Sum()
            if name in self.fragments:
                self.known[name] = self.selection(self.fragments[name].selection_set)
        return self.known[name]

    def _field(self, node: FieldNode) -> _Sum:
        name = node.name.value
        for argument in node.arguments or ():
            _check_literal(argument.value)
        if node.selection_set is None:
            return _Sum(plain=1)
        below = self.selection(node.selection_set)
        depth = below.depth + 1
        if name.startswith("__"):
            if depth > INTROSPECTION:
                raise LimitExceeded(
                    f"introspection {depth} levels deep is over the limit of {INTROSPECTION}",
                    hint=_HINT,
                )
            return _Sum(calls=1 + below.plain + below.calls + below.rows)
        arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
        if name in _ROWS and "ids" not in arguments:
            return _Sum(calls=1 + below.plain, rows=below.calls + below.rows, depth=depth)
        size = self._size(name, arguments)
        weight = _WEIGHTS.get(name, 1) + (size // _FLAT if name in _SIZES else 0)
        weight += _REFERENCE * len(_REFERENCES & arguments.keys())
        if "ids" in arguments:
            own = weight + below.plain + size * (below.calls + below.rows)
        else:
            own = weight + below.plain + below.calls + size * below.rows
        return _Sum(calls=min(own, _MOST), depth=depth)

    def _size(self, name: str, arguments: Mapping[str, ValueNode]) -> int:
        word, default = _SIZES.get(name, ("first", 20))
        given: Any = arguments.get(word)
        if isinstance(given, VariableNode):
            value = self.variables.get(given.name.value, default)
            if isinstance(value, list):
                return len(value)
            return value if type(value) is int and value >= 0 else default
        if isinstance(given, IntValueNode):
            # Below nothing is refused later; here it must not pay for what stands beside it.
            return max(0, int(given.value[:10]))
        return len(given.values) if isinstance(given, ListValueNode) else default


def _check_literal(value: ValueNode) -> None:
    if isinstance(value, ListValueNode) and len(value.values) > ITEMS:
        raise _too_many(len(value.values), ITEMS)
    if isinstance(value, StringValueNode) and len(value.value) > LETTERS:
        raise _too_long(len(value.value))


def _too_many(number: int, most: int) -> LimitExceeded:
    return LimitExceeded(f"a list of {number:,} items is over the limit of {most:,}", hint=_HINT)


def _too_long(number: int) -> LimitExceeded:
    return LimitExceeded(
        f"a text of {number:,} characters is over the limit of {LETTERS:,}", hint=_HINT
    )


def cost(document: DocumentNode, operation: str | None, variables: Mapping[str, Any] | None) -> int:
    """Count what an operation costs, before anything of it is validated or run.

    Raises ``LimitExceeded`` for one that costs too much, is too deep, or has too long a list or
    text. Linear in the document: fragments are counted once, however often they are spread.
    """
    given = dict(variables or {})
    _check_variables(given)
    fragments: dict[str, FragmentDefinitionNode] = {}
    chosen: list[OperationDefinitionNode] = []
    for node in document.definitions:
        if isinstance(node, FragmentDefinitionNode):
            fragments[node.name.value] = node
        elif isinstance(node, OperationDefinitionNode):
            chosen.append(node)
    total = depth = 0
    for node in chosen:
        if operation and node.name and node.name.value != operation:
            continue
        values = {**_defaults(node), **given}
        try:
            one = _Pass(fragments, values).selection(node.selection_set)
        except RecursionError:
            raise LimitExceeded("the query is nested too deeply", hint=_HINT) from None
        total = max(total, one.plain + one.calls + one.rows)
        depth = max(depth, one.depth)
    if depth > DEPTH:
        raise LimitExceeded(
            f"a query {depth} levels deep is over the limit of {DEPTH}",
            hint="Use the flat answers of trace and impact: they need no nesting.",
        )
    if total > COST:
        shown = f"{total:,}" if total < _MOST else "far too much"
        raise LimitExceeded(f"the query costs {shown}; the limit is {COST:,}", hint=_HINT)
    return total


def _defaults(node: OperationDefinitionNode) -> dict[str, Any]:
    return {
        definition.variable.name.value: int(definition.default_value.value[:10])
        for definition in node.variable_definitions or ()
        if isinstance(definition.default_value, IntValueNode)
    }


def _check_variables(given: Mapping[str, Any]) -> None:
    """Lists, texts and levels of variables, without recursion."""
    level: list[Any] = []
    for value in given.values():
        if isinstance(value, str) and len(value) > LETTERS:
            raise _too_long(len(value))
        if isinstance(value, list) and len(value) > ITEMS:
            raise _too_many(len(value), ITEMS)
        level.append(value)
    deep = 0
    while level:
        deep += 1
        if deep > VALUES:
            raise LimitExceeded(f"a variable is nested over {VALUES} levels", hint=_HINT)
        level = [inner for value in level for inner in _inside(value)]


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    if not isinstance(value, list):
        return ()
    if len(value) > INPUTS:
        raise _too_many(len(value), INPUTS)
    return value

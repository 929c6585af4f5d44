# SPDX-License-Identifier: Apache-2.0
"""The syntax tree of a selection: ``parse`` makes it, ``show`` writes it back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

#: Layers of a walk: a number of hops, or as far as it goes.
Layers: TypeAlias = int | Literal["all"]
Operator = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class All:
    """``*``: everything."""


@dataclass(frozen=True, slots=True)
class Match:
    """``key:"value"`` or ``key:"value"="equals"``; ``*`` in a value stands for any text, and no
    value (``<null>``) for what has none.
    """

    key: str
    value: str | None
    equals: str | None = None


@dataclass(frozen=True, slots=True)
class Compare:
    """``key >= 0.9``: numbers as numbers, times as times, other text as text."""

    key: str
    operator: Operator
    literal: str | float | bool


@dataclass(frozen=True, slots=True)
class Missing:
    """``missing(key)``: what has no such attribute."""

    key: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A thing by the name people use, without saying of what kind."""

    text: str


@dataclass(frozen=True, slots=True)
class Walk:
    """``2+expr+1``: what was selected, with layers upstream and downstream of it."""

    of: Expression
    up: Layers | None = None
    down: Layers | None = None


@dataclass(frozen=True, slots=True)
class Ends:
    """``roots(expr)``, ``sinks(expr)``: what has nothing upstream, or downstream, in the selection."""

    way: Literal["roots", "sinks"]
    of: Expression


@dataclass(frozen=True, slots=True)
class Between:
    """``between(a, b)``: the lineage that connects two selections, both included."""

    one: Expression
    other: Expression


@dataclass(frozen=True, slots=True)
class Why:
    """``why(a, b, k=3)``: what the k shortest connections of two things lead through."""

    one: Expression
    other: Expression
    k: int = 1


@dataclass(frozen=True, slots=True)
class Not:
    """Everything but this."""

    of: Expression


@dataclass(frozen=True, slots=True)
class And:
    """What is in every part."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """What is in any part."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Via:
    """``(expr via used, wasGeneratedBy)``: its walks follow these relations only."""

    of: Expression
    relations: tuple[str, ...]


Expression: TypeAlias = (
    All | Match | Compare | Missing | Reference | Walk | Ends | Between | Why | Not | And | Or | Via
)


@dataclass(frozen=True, slots=True)
class Selection:
    """A whole query: what is selected, and as of when (an entry or a time; ``None``: now)."""

    of: Expression
    at: str | None = None


def parts(of: Expression) -> Iterator[Expression]:
    """An expression and all that it is made of."""
    waiting = [of]
    while waiting:
        part = waiting.pop()
        yield part
        match part:
            case And(inner) | Or(inner):
                waiting += inner
            case Not(one) | Walk(one) | Via(one) | Ends(_, one):
                waiting.append(one)
            case Between(one, other) | Why(one, other):
                waiting += [one, other]
            case _:
                pass


_BARE = re.compile(r"[A-Za-z_][\w.\-/]*")
_KEYWORDS = frozenset({"and", "or", "not", "via", "at", "k"})


def show(query: Selection) -> str:
    """Write the canonical text of a query: ``parse(show(query)) == query``."""
    inner = query.of
    text = _show(inner.of, 0) + _via(inner) if isinstance(inner, Via) else _show(inner, 0)
    return text if query.at is None else f"{text} at {_quoted(query.at)}"


def _via(part: Via) -> str:
    return " via " + ", ".join(_name(name) for name in part.relations)


#: How tightly things bind: or, and, not, walk, item.
_OR, _AND, _NOT, _WALK, _ITEM = range(5)


def _show(part: Expression, outer: int) -> str:
    """A part, in parentheses where it binds less tightly than what is around it."""
    if isinstance(part, Via):
        return f"({_show(part.of, _OR)}{_via(part)})"
    binds, text = _written(part)
    return f"({text})" if binds < outer else text


def _written(part: Expression) -> tuple[int, str]:
    match part:
        case Or(parts):
            return _OR, " or ".join(_show(each, _AND) for each in parts)
        case And(parts):
            return _AND, " and ".join(_show(each, _NOT) for each in parts)
        case Not(of):
            return _NOT, f"not {_show(of, _NOT)}"
        case Walk(of, up, down):
            left = "" if up is None else f"{'' if up == 'all' else up}+"
            right = "" if down is None else f"+{'' if down == 'all' else down}"
            return _WALK, left + _show(of, _ITEM) + right
        case _:
            return _ITEM, _item(part)


def _item(part: Expression) -> str:
    match part:
        case All():
            return "*"
        case Match(key, value, equals):
            shown = f"{_name(key)}:{'<null>' if value is None else _quoted(value)}"
            return shown if equals is None else f"{shown}={_quoted(equals)}"
        case Compare(key, operator, literal):
            return f"{_name(key)} {operator} {_literal(literal)}"
        case Missing(key):
            return f"missing({_name(key)})"
        case Reference(text):
            return _quoted(text)
        case Ends(way, of):
            return f"{way}({_show(of, _OR)})"
        case Between(one, other):
            return f"between({_show(one, _OR)}, {_show(other, _OR)})"
        case Why(one, other, k):
            tail = f", k={k}" if k != 1 else ""
            return f"why({_show(one, _OR)}, {_show(other, _OR)}{tail})"
        case _:
            raise AssertionError(part)


def _quoted(text: str) -> str:
    return f'"{text}"'


def _name(text: str) -> str:
    plain = _BARE.fullmatch(text) and text.lower() not in _KEYWORDS
    return text if plain else _quoted(text)


def _literal(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _quoted(value) if isinstance(value, str) else repr(value).replace("e+", "e")

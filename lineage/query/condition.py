# SPDX-License-Identifier: Apache-2.0
"""Conditions on one node, and what they mean: engines compile them, and ``accepts`` defines them.

Conditions look at what engines keep: identifier, kind, label, and the canonical JSON text of the
attributes (``lineage.model.value.text``). An attribute with several values meets a condition when
one of its values does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import eq, ge, gt, le, lt
from typing import Any, Literal, Protocol, TypeAlias

import orjson

from lineage.model import numeric
from lineage.model.numeric import canonical, may_be_number, truth

Operator = Literal["=", "<", "<=", ">", ">="]


class Shown(Protocol):
    """A node as engines hand it out."""

    @property
    def id(self) -> str:
        """Its identifier."""
        ...

    @property
    def kind(self) -> str:
        """Its kind."""
        ...

    @property
    def label(self) -> str | None:
        """What people call it."""
        ...

    @property
    def attributes(self) -> str:
        """The canonical JSON text of its attributes."""
        ...


@dataclass(frozen=True, slots=True)
class KindIn:
    """It is of one of these kinds."""

    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class NameLike:
    """Its label or identifier is like this, ``*`` standing for any text; case matters."""

    pattern: str


@dataclass(frozen=True, slots=True)
class LabelIs:
    """Its label is exactly this."""

    label: str


@dataclass(frozen=True, slots=True)
class IdPrefix:
    """Its identifier begins with this."""

    prefix: str


@dataclass(frozen=True, slots=True)
class TextContains:
    """Its identifier or label holds this text, in either case."""

    text: str


@dataclass(frozen=True, slots=True)
class Has:
    """It has the attribute."""

    key: str


@dataclass(frozen=True, slots=True)
class Like:
    """The text of an attribute is like this, ``*`` standing for any text."""

    key: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Compares:
    """An attribute compared: numbers with numbers, however they are kept (``numeric.number``), times
    with times (a bare date is its midnight in UTC; equal to a bare date is everything on that day),
    other text with text. A text that is the canonical writing of a number is that number here, and
    equal to itself; one that is a truth is equal to that truth.
    """

    key: str
    operator: Operator
    literal: str | float


@dataclass(frozen=True, slots=True)
class Truth:
    """An attribute that is true, or false. No case of ``Compares``: to Python ``True == 1``."""

    key: str
    value: bool


@dataclass(frozen=True, slots=True)
class NotCompared:
    """An attribute with a value that a comparison leaves out because it is of another type, though it
    may mean what is asked for: any for an order; for ``=`` a number or truth in another writing.
    """

    key: str
    operator: Operator
    literal: str | float | bool


@dataclass(frozen=True, slots=True)
class InVersions:
    """A version number within a PEP 440 specifier set such as ``>=2.5,<3``."""

    key: str
    specifier: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    of: Condition


Attribute: TypeAlias = Has | Like | Compares | Truth | NotCompared | InVersions
Condition: TypeAlias = (
    KindIn | NameLike | LabelIs | IdPrefix | TextContains | Attribute | AllOf | AnyOf | Not
)

ALWAYS = AllOf(())
#: The keys of typed values, which stand inside those of attributes.
VALUE_KEYS = frozenset({"$", "type", "lang"})
#: A value as a number, where it is one.
number: Callable[[Any], float | None] = numeric.number


def accepts(condition: Condition, node: Shown) -> bool:
    """Whether a node meets a condition: the meaning that engines reproduce."""
    return node_test(condition)(node)


@lru_cache(maxsize=4096)
def node_test(condition: Condition) -> Callable[[Shown], bool]:
    """The test of ``accepts``, made once for many nodes."""
    match condition:
        case AllOf(parts):
            tests = tuple(map(node_test, parts))
            return lambda node: all(test(node) for test in tests)
        case AnyOf(parts):
            tests = tuple(map(node_test, parts))
            return lambda node: any(test(node) for test in tests)
        case Not(of):
            inner = node_test(of)
            return lambda node: not inner(node)
        case KindIn(kinds):
            return lambda node: node.kind in kinds
        case NameLike(pattern):
            found = glob(pattern)
            return lambda node: bool(
                found(node.id) or (node.label is not None and found(node.label))
            )
        case LabelIs(label):
            return lambda node: node.label == label
        case IdPrefix(prefix):
            return lambda node: node.id.startswith(prefix)
        case TextContains(text):
            wanted = text.lower()
            return lambda node: wanted in node.id.lower() or wanted in (node.label or "").lower()
        case _:
            held = attributes_test(condition)
            return lambda node: held(node.attributes)


def holds(condition: Attribute, attributes: str) -> bool:
    """Whether the JSON text of a node's attributes meets a condition on one of them."""
    return attributes_test(condition)(attributes)


@lru_cache(maxsize=4096)
def attributes_test(condition: Attribute) -> Callable[[str], bool]:
    """The test of ``holds``, made once for many nodes."""
    key, marked, test = condition.key, mark(condition.key), attribute_test(condition)
    first, further = _plainly(condition)

    def meets(attributes: str) -> bool:
        if first and (further in attributes or first in attributes):
            return True
        if marked not in attributes:
            return False
        held = orjson.loads(attributes).get(key)
        if held is None:
            return False
        return any(map(test, held)) if isinstance(held, list) else test(held)

    return meets


def _plainly(condition: Attribute) -> tuple[str, str]:
    """How an attribute is written, first of them or behind another, whose one text meets a condition: found
    without reading the rest. No text has these quotes in it; typed values have, under keys of their own.
    """
    match condition:
        case Like(key, literal) | Compares(key, "=", str(literal)) if "*" not in literal:
            if key not in VALUE_KEYS and (isinstance(condition, Like) or is_plain(literal)):
                text = mark(key) + orjson.dumps(literal).decode()
                return "{" + text, "," + text
    return "", ""


@lru_cache(maxsize=4096)
def mark(key: str) -> str:
    """The text that a key is in canonical JSON. Quotes inside texts are escaped, so that it is
    found nowhere but at a key.
    """
    return orjson.dumps(key).decode() + ":"


@lru_cache(maxsize=4096)
def glob(pattern: str) -> Callable[[str], object]:
    """Compile a pattern in which ``*`` stands for any text, and nothing else for anything. It looks for
    one part behind the other: a regular expression would try all ways to share a text among the stars.
    """
    if "*" not in pattern:
        return pattern.__eq__
    first, *middle, last = pattern.split("*")

    def matches(text: str) -> bool:
        at, end = len(first), len(text) - len(last)
        if end < at or not text.startswith(first) or not text.endswith(last):
            return False
        for part in middle:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True

    return matches


_BARE = re.compile(r"-?[0-9.eE+\-]*|t|tr|tru|true|f|fa|fal|fals|false")


def may_be_bare(text: str) -> bool:
    """Whether numbers or truths may be written so, or begin so."""
    return _BARE.fullmatch(text) is not None


def written(value: Any) -> str:
    """The text of one value, as it stands in canonical JSON; that of a typed one is its lexical
    form.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return str(value["$"])
    return orjson.dumps(value).decode()


@lru_cache(maxsize=4096)
def attribute_test(condition: Attribute) -> Callable[[Any], bool]:
    """The test of one value of an attribute, as JSON has it."""
    match condition:
        case Has():
            return lambda _: True
        case Like(_, pattern):
            found = glob(pattern)
            return lambda value: bool(found(written(value)))
        case Truth(_, wanted):
            return lambda value: truth(value) is wanted
        case NotCompared(_, operator, literal):
            return _left_out(operator, literal)
        case InVersions(_, specifier):
            from lineage.query.versions import within

            test = within(specifier)
            return lambda value: test(written(value))
        case Compares(_, operator, literal):
            return _comparison(operator, literal)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": eq,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


def _comparison(operator: Operator, literal: str | float) -> Callable[[Any], bool]:
    compare = _OPERATORS[operator]
    if not isinstance(literal, str):
        return lambda value: (n := number(value)) is not None and compare(n, literal)
    if (amount := canonical(literal)) is not None:
        # Its own text as well: that of a literal of no numeric type.
        equals = "=" in operator and literal
        return lambda value: (
            compare(n, amount) if (n := number(value)) is not None else _text(value) == equals
        )
    moment = instant(literal)
    if moment is None:
        wanted = truth(literal) if operator == "=" else None
        return lambda value: (
            (wanted is not None and truth(value) is wanted)
            or (not isinstance(value, bool | int | float) and compare(written(value), literal))
        )
    if operator == "=" and len(literal) == len("2026-01-01"):
        return lambda value: (
            (t := instant(written(value))) is not None and t.date() == moment.date()
        )
    return lambda value: (t := instant(written(value))) is not None and compare(t, moment)


def is_plain(literal: str) -> bool:
    """Whether a text is compared as a text and nothing else: it is no number, truth or time."""
    return canonical(literal) is None and truth(literal) is None and instant(literal) is None


def _text(value: Any) -> str | None:
    """The text of a value that is one."""
    return None if isinstance(value, bool | int | float) else written(value)


def _left_out(operator: Operator, literal: str | float | bool) -> Callable[[Any], bool]:
    """The test of ``NotCompared``."""
    if isinstance(literal, bool):
        return lambda value: truth(value) is None and written(value).lower() in _MAY_BE_TRUTHS
    if not isinstance(literal, str) or canonical(literal) is not None:
        if operator != "=":
            return lambda value: number(value) is None
        same = _comparison(operator, literal)
        return lambda value: (
            number(value) is None
            and not isinstance(value, bool)
            and not same(value)
            and may_be_number(written(value))
        )
    if operator == "=":
        return lambda _: False
    if instant(literal) is None:
        return lambda value: isinstance(value, bool | int | float)
    return lambda value: instant(written(value)) is None


#: What else people write for a truth.
_MAY_BE_TRUTHS = frozenset({"yes", "no", "y", "n", "on", "off", "t", "f", "1", "0", "1.0", "0.0"})

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?")


@lru_cache(maxsize=4096)
def instant(text: str) -> datetime | None:
    """A text as a moment, where it is an ISO 8601 date or time; without a zone it is UTC."""
    if not _TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None

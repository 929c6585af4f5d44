# SPDX-License-Identifier: Apache-2.0
"""The logical plan: sets of nodes made from sets of nodes, the same for every engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lineage.query import condition as c
from lineage.query.condition import Condition

Toward = Literal["causes", "effects"]


@dataclass(frozen=True, slots=True)
class AllNodes:
    """All nodes."""


@dataclass(frozen=True, slots=True)
class ByIds:
    """The nodes of these identifiers, where they stand."""

    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Called:
    """The one node that a name means at first sight: the one of an identifier, else the only one of some
    kinds (``None``: any) with a label. What carries out plans may refuse it (``store.unresolved.Unresolved``),
    and does where nothing or several things are called so, or one of the kinds ``but``: whoever asks has to
    look closer.
    """

    id: str
    label: str
    kinds: frozenset[str] | None = None
    but: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Where:
    """The nodes that meet a condition."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class EdgeFilter:
    """Which edges a walk takes: those of the relations named (``None``: the default ones);
    ``tied`` leaves out the claims of sameness that default walks do not follow, those that are not by
    digest, where ``alternateOf`` is named.
    """

    relations: frozenset[str] | None = None
    tied: bool = False


BY_DEFAULT = EdgeFilter()


@dataclass(frozen=True, slots=True)
class Traverse:
    """A set with what is within so many hops of it (``None``: as far as it goes)."""

    of: Plan
    toward: Toward
    follow: EdgeFilter = BY_DEFAULT
    depth: int | None = None


@dataclass(frozen=True, slots=True)
class FilterBy:
    """The nodes of a set that meet a condition."""

    of: Plan
    condition: Condition


@dataclass(frozen=True, slots=True)
class Intersection:
    """What is in every set."""

    parts: tuple[Plan, ...]


@dataclass(frozen=True, slots=True)
class Union:
    """What is in any set."""

    parts: tuple[Plan, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What is in the one set and not in the other."""

    of: Plan
    other: Plan


@dataclass(frozen=True, slots=True)
class Ends:
    """The nodes of a set with none of the set upstream of them (``roots``), or downstream
    (``sinks``). Nodes on a cycle, as things tied by digest are, count as one.
    """

    of: Plan
    way: Literal["roots", "sinks"]
    follow: EdgeFilter = BY_DEFAULT


@dataclass(frozen=True, slots=True)
class Between:
    """What is downstream of the causes and upstream of the effects, both included."""

    causes: Plan
    effects: Plan
    follow: EdgeFilter = BY_DEFAULT


@dataclass(frozen=True, slots=True)
class Connections:
    """What the shortest connections of two nodes lead through, whichever is the effect."""

    one: str
    other: str
    k: int
    follow: EdgeFilter = BY_DEFAULT


Plan: TypeAlias = (
    AllNodes
    | ByIds
    | Called
    | Where
    | Traverse
    | FilterBy
    | Intersection
    | Union
    | Difference
    | Ends
    | Between
    | Connections
)


@dataclass(frozen=True, slots=True)
class Beside:
    """Edges toward causes from the nodes of one kind on a page, with the nodes that they lead to."""

    kind: str
    follow: EdgeFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """A plan, the edges that are shown with its nodes, and which page of them: at most ``limit``,
    behind the identifier ``after``, within ``seconds`` (``None``: however long it takes). What is wanted
    ``beside`` the page is read with it where that costs less than to read it later.
    """

    plan: Plan
    follow: EdgeFilter = BY_DEFAULT
    limit: int = 10_000
    after: str | None = None
    seconds: float | None = None
    beside: Beside | None = None


def inner(plan: Plan) -> tuple[Plan, ...]:
    """The plans that a plan is made of."""
    match plan:
        case Traverse(of) | FilterBy(of) | Ends(of):
            return (of,)
        case Intersection(parts) | Union(parts):
            return parts
        case Difference(of, other):
            return (of, other)
        case Between(causes, effects):
            return (causes, effects)
        case _:
            return ()


def has_names(plan: Plan) -> bool:
    """Whether names are yet to be looked up."""
    return isinstance(plan, Called) or any(map(has_names, inner(plan)))


def lines(plan: Plan, depth: int = 0) -> Iterator[str]:
    """Write the plan for people, one operator a line, what it is made of below it."""
    yield "  " * depth + _line(plan)
    for part in inner(plan):
        yield from lines(part, depth + 1)


def _line(plan: Plan) -> str:
    match plan:
        case AllNodes():
            return "every node"
        case ByIds(ids):
            shown = ", ".join(sorted(ids)[:3])
            return f"named: {shown}" + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
        case Called(_, label):
            return f"called: {label}"
        case Where(condition):
            return f"where {_condition(condition)}"
        case FilterBy(_, condition):
            return f"keep where {_condition(condition)}"
        case Traverse(_, toward, follow, depth):
            hops = "" if depth is None else f", {depth} {'hop' if depth == 1 else 'hops'}"
            return f"walk to {toward}{hops}{_follow(follow)}"
        case Intersection():
            return "in all of"
        case Union():
            return "in any of"
        case Difference():
            return "the first without the second"
        case Ends(_, way, follow):
            return f"{way}{_follow(follow)}"
        case Between(_, _, follow):
            return f"between the first, as causes, and the second{_follow(follow)}"
        case Connections(one, other, k, follow):
            return f"{k} shortest connections of {one} and {other}{_follow(follow)}"


def _follow(follow: EdgeFilter) -> str:
    if follow.relations is None:
        return ""
    return " via " + ", ".join(sorted(follow.relations)) + (" (tied)" if follow.tied else "")


def _condition(condition: Condition) -> str:
    match condition:
        case c.AllOf(parts):
            return " and ".join(map(_condition, parts)) or "true"
        case c.AnyOf(parts):
            return "(" + " or ".join(map(_condition, parts)) + ")"
        case c.Not(of):
            return f"not ({_condition(of)})"
        case c.KindIn(kinds):
            return "kind in " + "|".join(sorted(kinds))
        case c.NameLike(pattern):
            return f"label or id like {pattern!r}"
        case c.LabelIs(label):
            return f"label = {label!r}"
        case c.IdPrefix(prefix):
            return f"id begins {prefix!r}"
        case c.TextContains(text):
            return f"label or id holds {text!r}"
        case c.Has(key):
            return f"has {key}"
        case c.Like(key, pattern):
            return f"{key} like {pattern!r}"
        case c.Compares(key, operator, literal):
            return f"{key} {operator} {literal!r}"
        case c.Truth(key, value):
            return f"{key} is {str(value).lower()}"
        case c.NotCompared(key):
            return f"{key} is of another type"
        case c.InVersions(key, specifier):
            return f"{key} in {specifier}"

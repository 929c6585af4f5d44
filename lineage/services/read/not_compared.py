# SPDX-License-Identifier: Apache-2.0
"""Counts the values that the comparisons of a selection left out, because they are of another type."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from lineage.model.gaps import Gap
from lineage.model.numeric import canonical
from lineage.query import condition as c
from lineage.query.plan import Intersection, Plan, PlanRequest, Where, inner
from lineage.query.rules import rewritten
from lineage.services.context import Context
from lineage.services.summary import counted
from lineage.store.base import NOW, Filter, Page, Store, View
from lineage.store.rows import NodeRow

#: Things that are counted, at most.
MOST = 1_000


@dataclass(slots=True)
class _Known:
    """What is known of a store as it stands after an entry: whether anything is left out by a
    comparison, and the gap of a comparison among some other sets.
    """

    size: int = -1
    held: dict[c.Condition, bool] = field(default_factory=dict)
    gaps: dict[Plan, Gap | None] = field(default_factory=dict)


#: Plans that are known of one store.
_PLANS = 256
_KNOWN: WeakKeyDictionary[Store, _Known] = WeakKeyDictionary()


def not_compared(ctx: Context, plan: Plan, view: View) -> Iterator[Gap]:
    """The gaps of a selection's comparisons; ``plan`` is as it was bound. What is found is known until
    something is written.
    """
    known = _known(ctx.store) if view == NOW else _Known()
    told: set[c.NotCompared] = set()
    for left_out, beside in _comparisons(plan, ()):
        if left_out in told or not _any(ctx, left_out, beside, view, known):
            continue
        told.add(left_out)
        among = Intersection((*beside, Where(left_out)))
        if among not in known.gaps:
            known.gaps[among] = _counted(ctx, left_out, among, view)
        gap = known.gaps[among]
        if gap is not None:
            yield gap


def _known(store: Store) -> _Known:
    known = _KNOWN.get(store)
    size = store.head().size
    if known is None or known.size != size or len(known.gaps) + len(known.held) > _PLANS:
        known = _KNOWN[store] = _Known(size)
    return known


def _counted(ctx: Context, left_out: c.NotCompared, among: Plan, view: View) -> Gap | None:
    question = PlanRequest(plan=rewritten(among), limit=MOST, seconds=ctx.budget)
    found = ctx.store.run(question, view)
    rows = found.ordered_nodes
    return _gap(left_out, rows, more=found.cut is not None) if rows else None


def _comparisons(
    plan: Plan, beside: tuple[Plan, ...]
) -> Iterator[tuple[c.NotCompared, tuple[Plan, ...]]]:
    """What each comparison leaves out, with the other sets that its things have to be in."""
    match plan:
        case Where(condition):
            for one in _compared(condition):
                yield _left_out(one), beside
        case Intersection(parts):
            loose = [_loosely(part) for part in parts]
            for at, part in enumerate(parts):
                yield from _comparisons(part, (*beside, *loose[:at], *loose[at + 1 :]))
        case _:
            for within in inner(plan):
                yield from _comparisons(within, ())


def _compared(condition: c.Condition) -> Iterator[c.Compares | c.Truth]:
    match condition:
        case c.AllOf(parts) | c.AnyOf(parts):
            for part in parts:
                yield from _compared(part)
        case c.Not(of):
            yield from _compared(of)
        case c.Compares() | c.Truth():
            yield condition
        case _:
            pass


def _left_out(condition: c.Compares | c.Truth) -> c.NotCompared:
    if isinstance(condition, c.Truth):
        return c.NotCompared(condition.key, "=", condition.value)
    return c.NotCompared(condition.key, condition.operator, condition.literal)


def _loosely(plan: Plan) -> Plan:
    """A set with what its comparison left out: that may belong to it."""
    if isinstance(plan, Where) and isinstance(plan.condition, c.Compares | c.Truth):
        return Where(c.AnyOf((plan.condition, _left_out(plan.condition))))
    return plan


def _any(
    ctx: Context, left_out: c.NotCompared, beside: Sequence[Plan], view: View, known: _Known
) -> bool:
    """Whether anything of the kinds asked for has a value that is left out."""
    kinds = (p.condition for p in beside if isinstance(p, Where))
    also = c.AllOf((*(k for k in kinds if isinstance(k, c.KindIn)), left_out))
    if also not in known.held:
        known.held[also] = bool(ctx.store.find(Filter(also=also), Page(limit=1), view).rows)
    return known.held[also]


def _gap(left_out: c.NotCompared, rows: Sequence[NodeRow], *, more: bool) -> Gap:
    held = [orjson.loads(row.attributes).get(left_out.key) for row in rows]
    count, row = len(rows), rows[0]
    one = count == 1 and not more
    number = counted(count, "value")
    return Gap(
        code="values-not-compared",
        count=count,
        message=f"{'more than ' if more else ''}{number} of {left_out.key} {'is' if one else 'are'} "
        f"{_sort(left_out, held, one)} and {'was' if one else 'were'} not compared",
        example=f"{_written(left_out, held[0])} of {row.title}",
        command=f"lineage show {shlex.quote(row.id)}",
    )


def _sort(left_out: c.NotCompared, held: Sequence[Any], one: bool) -> str:
    """What the values are, as a part of a sentence."""
    literal, operator = left_out.literal, left_out.operator
    if isinstance(literal, bool):
        return "neither true nor false"
    if isinstance(literal, str) and canonical(literal) is None:
        if c.instant(literal) is None:
            return "no text"
        return "no time" if one else "no times"
    if all(isinstance(value, str) for value in held):
        return "text that may be a number" if operator == "=" else "text"
    return "no number" if one else "no numbers"


def _written(left_out: c.NotCompared, held: Any) -> str:
    """The text of one value that is left out."""
    values = held if isinstance(held, list) else [held]
    test = c.attribute_test(left_out)
    return next((c.written(value) for value in values if test(value)), "")

# SPDX-License-Identifier: Apache-2.0
"""Rewrites a plan into one that gives the same nodes sooner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from lineage.query import condition as c
from lineage.query.plan import (
    AllNodes,
    Between,
    Difference,
    Ends,
    FilterBy,
    Intersection,
    Plan,
    Traverse,
    Union,
    Where,
)


@lru_cache(maxsize=512)
def rewritten(plan: Plan) -> Plan:
    """Apply every rule to a plan, from the inside out."""
    plan = _inside(plan)
    while True:
        for rule in RULES:
            changed = rule(plan)
            if changed is not None:
                plan = rewritten(changed)
                break
        else:
            return plan


def _inside(plan: Plan) -> Plan:
    match plan:
        case Traverse(of) | FilterBy(of) | Ends(of):
            return replace(plan, of=rewritten(of))
        case Intersection(parts):
            return Intersection(tuple(map(rewritten, parts)))
        case Union(parts):
            return Union(tuple(map(rewritten, parts)))
        case Difference(of, other):
            return Difference(rewritten(of), rewritten(other))
        case Between(causes, effects):
            return replace(plan, causes=rewritten(causes), effects=rewritten(effects))
        case _:
            return plan


def _flat(plan: Plan) -> Plan | None:
    """Sets of sets of one sort are one set; one part alone is itself."""
    if not isinstance(plan, Intersection | Union):
        return None
    sort = type(plan)
    if any(isinstance(part, sort) for part in plan.parts):
        parts = [
            p for part in plan.parts for p in (part.parts if isinstance(part, sort) else (part,))
        ]
        return sort(tuple(parts))
    unique = tuple(dict.fromkeys(plan.parts))
    if len(unique) == 1:
        return unique[0]
    return sort(unique) if len(unique) < len(plan.parts) else None


def _everything(plan: Plan) -> Plan | None:
    """Everything adds nothing to what is in all, and takes over what is in any."""
    if isinstance(plan, Intersection) and AllNodes() in plan.parts:
        rest = tuple(part for part in plan.parts if part != AllNodes())
        return Intersection(rest) if rest else AllNodes()
    if isinstance(plan, Union) and AllNodes() in plan.parts:
        return AllNodes()
    if isinstance(plan, Traverse) and plan.of == AllNodes():
        return AllNodes()
    return None


def _condition_of_a_complement(plan: Plan) -> Plan | None:
    """What does not meet a condition meets its opposite; taking away a condition is keeping."""
    if isinstance(plan, Difference) and isinstance(plan.other, Where):
        opposite = c.Not(plan.other.condition)
        return Where(opposite) if plan.of == AllNodes() else FilterBy(plan.of, opposite)
    return None


def _conditions_together(plan: Plan) -> Plan | None:
    """Conditions that all, or any, of must hold are one condition."""
    if not isinstance(plan, Intersection | Union):
        return None
    wheres = [part for part in plan.parts if isinstance(part, Where)]
    if len(wheres) < 2:
        return None
    rest = tuple(part for part in plan.parts if not isinstance(part, Where))
    conditions = tuple(where.condition for where in wheres)
    if isinstance(plan, Intersection):
        return Intersection((*rest, Where(c.AllOf(conditions))))
    return Union((*rest, Where(c.AnyOf(conditions))))


def _keep_instead_of_meeting(plan: Plan) -> Plan | None:
    """A set met with a condition is looked at one by one; nobody looks for the rest."""
    if not isinstance(plan, Intersection):
        return None
    for part in plan.parts:
        if isinstance(part, Where):
            rest = tuple(other for other in plan.parts if other is not part)
            return FilterBy(Intersection(rest), part.condition)
    return None


def _without_instead_of_meeting(plan: Plan) -> Plan | None:
    """A set met with a complement is the set without it."""
    if not isinstance(plan, Intersection):
        return None
    for part in plan.parts:
        if isinstance(part, Difference) and part.of == AllNodes():
            rest = tuple(other for other in plan.parts if other is not part)
            return Difference(Intersection(rest), part.other)
    return None


def _keep_once(plan: Plan) -> Plan | None:
    """Conditions kept one after the other are one; a set may be reduced before others leave it."""
    if isinstance(plan, FilterBy):
        if isinstance(plan.of, FilterBy):
            return FilterBy(plan.of.of, c.AllOf((plan.of.condition, plan.condition)))
        if isinstance(plan.of, Where):
            return Where(c.AllOf((plan.of.condition, plan.condition)))
        if plan.of == AllNodes():
            return Where(plan.condition)
    return None


def _between(plan: Plan) -> Plan | None:
    """What is downstream of one set and upstream of another is found within the smaller walk."""
    if not isinstance(plan, Intersection):
        return None
    walks = [p for p in plan.parts if isinstance(p, Traverse) and p.depth is None]
    for down in walks:
        for up in walks:
            opposite = (down.toward, up.toward) == ("effects", "causes")
            if opposite and down.follow == up.follow:
                rest = tuple(part for part in plan.parts if part is not down and part is not up)
                return Intersection((*rest, Between(down.of, up.of, up.follow)))
    return None


def _walk_once(plan: Plan) -> Plan | None:
    """Walks of one sort from several sets are one walk, a walk that went all the way goes no
    further, and one of no hops is where it starts (Cypher refuses the quantifier ``{0,0}``).
    """
    if isinstance(plan, Traverse) and plan.depth == 0:
        return plan.of
    if isinstance(plan, Traverse) and isinstance(plan.of, Traverse):
        before = plan.of
        if before.depth is None and (before.toward, before.follow) == (plan.toward, plan.follow):
            return before
    if isinstance(plan, Union):
        for part in plan.parts:
            alike = [p for p in plan.parts if _alike(part, p)]
            if len(alike) > 1 and isinstance(part, Traverse):
                rest = tuple(other for other in plan.parts if other not in alike)
                starts = Union(tuple(walk.of for walk in alike if isinstance(walk, Traverse)))
                return Union((*rest, replace(part, of=starts)))
    return None


def _alike(one: Plan, other: Plan) -> bool:
    return (
        isinstance(one, Traverse)
        and isinstance(other, Traverse)
        and (one.toward, one.follow, one.depth) == (other.toward, other.follow, other.depth)
    )


Rule = Callable[[Plan], "Plan | None"]
#: Each rule changes the plan or says ``None``; the first that changes it wins.
RULES: tuple[Rule, ...] = (
    _flat,
    _everything,
    _conditions_together,
    _condition_of_a_complement,
    _between,
    _without_instead_of_meeting,
    _keep_instead_of_meeting,
    _keep_once,
    _walk_once,
)

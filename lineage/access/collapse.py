# SPDX-License-Identifier: Apache-2.0
"""Chains of hidden things as one: no path between the others appears, and none is lost.

An arc x -> y (x depends on y) is contracted where x is all that depends on y, or y all that x
depends on: then whoever depended on y did so through x, or whatever x depended on it reached
through y. Each such step keeps reachability among the other things exactly, and so makes no cycle.

Only arcs of one sense are contracted: derivations, communications and delegations, and an activity
that used what another generated (which is a communication: PROV-CONSTRAINTS, inference 5). An
entity is never one with what its activity used, for that would claim a derivation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lineage.model import terms

#: Relation, effect, cause.
Arc = tuple[str, str, str]

_THROUGH = frozenset({"used", "wasGeneratedBy"})
_SAME = frozenset(
    relation.name
    for relation in terms.TABLE
    if relation.follow
    and (
        relation.name in {"wasDerivedFrom", "wasInformedBy", "actedOnBehalfOf"}
        or relation.base == "wasDerivedFrom"
    )
)


class Group(NamedTuple):
    """Hidden things that become one node of a PROV family; ``members`` are sorted."""

    family: str
    members: tuple[str, ...]


def groups(hidden: Mapping[str, str], arcs: Iterable[Arc]) -> dict[str, Group]:
    """Hidden thing -> the group it is in; a group may be of one.

    ``hidden`` maps ids to their PROV family. A group is of one family; an entity belongs to a group
    of activities only where it has no neighbours outside. ``arcs`` are all there are, also those
    between things that are not hidden.
    """
    graph = _Graph(hidden, arcs)
    graph.contract()
    return graph.groups()


class _Graph:
    def __init__(self, hidden: Mapping[str, str], arcs: Iterable[Arc]) -> None:
        self._family = dict(hidden)
        self._members: dict[str, list[str]] = {ident: [ident] for ident in hidden}
        self._out: dict[str, set[str]] = {}
        self._into: dict[str, set[str]] = {}
        self._same: set[tuple[str, str]] = set()
        self._through: set[tuple[str, str]] = set()
        for relation, effect, cause in arcs:
            if effect != cause:
                self._out.setdefault(effect, set()).add(cause)
                self._into.setdefault(cause, set()).add(effect)
                if relation in _SAME:
                    self._same.add((effect, cause))
                elif relation in _THROUGH:
                    self._through.add((effect, cause))
        self._todo = deque(
            arc
            for arc in sorted(self._same | self._through)
            if arc[0] in hidden and arc[1] in hidden
        )

    def groups(self) -> dict[str, Group]:
        whole: dict[str, Group] = {}
        for ident, members in self._members.items():
            group = Group(self._family[ident], tuple(sorted(members)))
            whole.update(dict.fromkeys(members, group))
        return whole

    def contract(self) -> None:
        while self._todo:
            effect, cause = arc = self._todo.popleft()
            if arc in self._same and self._family[effect] == self._family[cause]:
                if self._into[cause] == {effect} or self._out[effect] == {cause}:
                    self._merge(effect, cause)
            elif arc in self._through:
                self._bridge(effect if self._family[effect] == "Entity" else cause)

    def _bridge(self, middle: str) -> None:
        """Make one of an activity, the one thing it used and nobody else, and what generated it."""
        into, out = self._into.get(middle, set()), self._out.get(middle, set())
        if len(into) != 1 or len(out) != 1:
            return
        (effect,), (cause,) = into, out
        if (
            effect != cause
            and {(effect, middle), (middle, cause)} <= self._through
            and self._family.get(effect) == self._family.get(cause) == "Activity"
            and self._family[middle] == "Entity"
            and (self._into[cause] <= {effect, middle} or self._out[effect] <= {cause, middle})
        ):
            self._merge(self._merge(effect, middle), cause)

    def _merge(self, one: str, other: str) -> str:
        """Put two into one, under the name of the one with more neighbours and ``one``'s family."""
        family = self._family[one]
        stays, goes = (one, other) if self._degree(one) >= self._degree(other) else (other, one)
        self._members[stays] += self._members.pop(goes)
        self._family[stays] = family
        for mine, theirs, forward in (
            (self._out, self._into, True),
            (self._into, self._out, False),
        ):
            for near in sorted(mine.pop(goes, ())):
                theirs[near].discard(goes)
                old = (goes, near) if forward else (near, goes)
                new = (stays, near) if forward else (near, stays)
                for kind in (self._same, self._through):
                    if old in kind:
                        kind.discard(old)
                        if near != stays:
                            kind.add(new)
                if near == stays:
                    continue
                mine.setdefault(stays, set()).add(near)
                theirs[near].add(stays)
                self._again(*new)
                self._alone(near)
        self._alone(stays)
        return stays

    def _degree(self, ident: str) -> int:
        return len(self._out.get(ident, ())) + len(self._into.get(ident, ()))

    def _alone(self, ident: str) -> None:
        """Look again at the arcs of a thing that may have one neighbour on a side by now."""
        causes, effects = self._out.get(ident, set()), self._into.get(ident, set())
        if len(causes) == 1:
            self._again(ident, next(iter(causes)))
        if len(effects) == 1:
            self._again(next(iter(effects)), ident)

    def _again(self, effect: str, cause: str) -> None:
        if effect in self._members and cause in self._members:
            self._todo.append((effect, cause))

# SPDX-License-Identifier: Apache-2.0
"""Carries out plans: the algebra is written once, over the few steps that each engine brings."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from lineage.errors import LimitExceeded, LineageError, TimedOut
from lineage.graph.ends import ends
from lineage.model import terms
from lineage.query.condition import Condition
from lineage.query.plan import (
    AllNodes,
    Between,
    ByIds,
    Called,
    Connections,
    Difference,
    EdgeFilter,
    Ends,
    FilterBy,
    Intersection,
    Plan,
    PlanRequest,
    Toward,
    Traverse,
    Union,
    Where,
)
from lineage.store import paths
from lineage.store.base import Cut, Hop, Store, Subgraph, View, Walk
from lineage.store.unresolved import Unresolved

K = TypeVar("K", bound=Hashable)


class Sets(Protocol[K]):
    """What an engine does with sets of its own keys, in one view."""

    def named(self, ids: Collection[str]) -> set[K]:
        """The nodes of these identifiers that stand."""
        ...

    def every(self) -> set[K]:
        """All nodes that stand."""
        ...

    def where(self, condition: Condition) -> set[K]:
        """The nodes that meet a condition."""
        ...

    def keep(self, keys: set[K], condition: Condition) -> set[K]:
        """Those of some nodes that meet a condition."""
        ...

    def reach_and_keep(self, keys: set[K], hop: Hop, condition: Condition) -> set[K]:
        """Of some nodes and all within reach of them, those that meet a condition."""
        ...

    def reach(
        self, keys: set[K], hop: Hop, depth: int | None = None, within: set[K] | None = None
    ) -> set[K]:
        """Some nodes, and what is within so many hops of them without leaving ``within``."""
        ...

    def arcs(self, keys: set[K], hop: Hop) -> Iterable[tuple[K, K]]:
        """The edges within reach of some nodes, each from its near end to its far end."""
        ...

    def shown(self, members: set[K] | Condition, request: PlanRequest) -> Subgraph:
        """A page of the nodes in a set, or of those that meet a condition, with their edges."""
        ...


def run(store: Store, sets: Sets[K], request: PlanRequest, view: View) -> Subgraph:
    """Read a page of what a plan selects, and the edges among the selected."""
    plan = request.plan
    if isinstance(plan, Where):
        return sets.shown(plan.condition, request)
    if (walk := walk_of(request)) is not None:
        found = store.walk(walk, view)
        if found.cut is None or found.cut.reason != "limit":
            return found
    return sets.shown(_Execution(store, sets, request, view).members(plan), request)


def walk_of(request: PlanRequest) -> Walk | None:
    """Find the one walk that gives the whole answer: then its edges are the answer's too."""
    match request.plan:
        case Traverse(ByIds(ids), toward, follow, None) if (
            follow == request.follow and request.after is None
        ):
            return Walk(
                start=ids,
                toward=toward,
                relations=follow.relations,
                limit=request.limit,
                seconds=request.seconds,
            )
        case _:
            return None


def hop(follow: EdgeFilter, toward: Toward) -> Hop:
    """Make one step of a plan's walk."""
    return Hop(toward=toward, relations=follow.relations, tied=follow.tied)


def tying(follow: EdgeFilter, toward: Toward) -> Hop:
    """Make one step that takes ties by digest as well: they make one of a version and its bytes."""
    if follow.relations is None or terms.SAMENESS in follow.relations:
        return hop(follow, toward)
    return Hop(toward=toward, relations=follow.relations | {terms.SAMENESS}, tied=True)


class _Execution(Generic[K]):
    """A plan being carried out, from the inside out."""

    def __init__(self, store: Store, sets: Sets[K], request: PlanRequest, view: View) -> None:
        self._store, self._sets = store, sets
        self._question, self._view = request, view

    def members(self, plan: Plan) -> set[K]:
        """The nodes that a plan selects."""
        sets = self._sets
        match plan:
            case AllNodes():
                return sets.every()
            case ByIds(ids):
                return sets.named(ids)
            case Called():
                raise Unresolved({})
            case Where(condition):
                return sets.where(condition)
            case Traverse(of, toward, follow, depth):
                return sets.reach(self.members(of), hop(follow, toward), depth)
            case FilterBy(Traverse(of, toward, follow, None), condition):
                return sets.reach_and_keep(self.members(of), hop(follow, toward), condition)
            case FilterBy(of, condition):
                return sets.keep(self.members(of), condition)
            case Intersection(parts):
                return self._both(parts)
            case Union(parts):
                either: set[K] = set()
                return either.union(*map(self.members, parts))
            case Difference(of, other):
                return self.members(of) - self.members(other)
            case _:
                return self._shaped(plan)

    def _both(self, parts: Sequence[Plan]) -> set[K]:
        """Parts are looked for one after the other: where nothing is left, the rest need not be."""
        found = self.members(parts[0])
        for part in parts[1:]:
            if not found:
                break
            found &= self.members(part)
        return found

    def _covering(self, plan: Plan, toward: Toward, follow: EdgeFilter) -> set[K] | None:
        """Fewer nodes from which all of a set is reached, and so all that the set reaches: where it
        was walked to from them.
        """
        match plan:
            case FilterBy(of):
                return self._covering(of, toward, follow)
            case Traverse(of, way, taken, None) if (way, taken) == (toward, follow):
                return self.members(of)
            case _:
                return None

    def _shaped(self, plan: Ends | Between | Connections) -> set[K]:
        """Sets that are found by looking at the arcs of a walk."""
        sets = self._sets
        match plan:
            case Ends(of, way, follow):
                members = self.members(of)
                toward: Toward = "causes" if way == "roots" else "effects"
                starts = self._covering(of, toward, follow) or members
                return ends(sets.arcs(starts, tying(follow, toward)), members)
            case Between(causes, effects, follow):
                upstream = sets.reach(self.members(effects), hop(follow, "causes"))
                starts = self.members(causes) & upstream
                return sets.reach(starts, hop(follow, "effects"), within=upstream)
            case Connections(one, other, k, follow):
                walk = Walk(
                    start=frozenset(), relations=follow.relations, seconds=self._question.seconds
                )
                found = paths.connections(self._store, walk, one, other, k, self._view)
                if found.cut is not None:
                    raise _not_all(found.cut)
                return sets.named({end for path in found.paths for row in path for end in row[1:3]})


def _not_all(cut: Cut) -> LineageError:
    """Part of the connections would be another set than what was asked for."""
    if cut.reason == "time":
        return TimedOut("there was not the time to find all connections of why(...)")
    return LimitExceeded(
        "why(...) begins at something with more causes than are looked through",
        hint="Ask for it with --via RELATION, or from something nearer.",
    )

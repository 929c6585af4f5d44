# SPDX-License-Identifier: Apache-2.0
"""The order of events (constraints 30 to 49): a document is invalid when it holds a strict cycle.

All generations of an entity are simultaneous (39), and so are all starts of an activity (31), so
the events here are one generation an entity and one start an activity. Ends and invalidations
precede only each other, and a usage precedes only what its entity's generation or its activity's
start precede otherwise: no cycle that one of them lies on holds a strict step, and they are left
out. Strict is only constraint 42, so a cycle is always a finding of number 42.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple, TypeAlias

from lineage.graph.components import Component, cycles
from lineage.graph.paths import shortest_walk
from lineage.model.constraints.findings import Findings, Names
from lineage.model.constraints.scope import ENTITY, STATED, Scope, reference, specializations
from lineage.model.constraints.unique import Merged
from lineage.model.record import Edge

#: An event: ``(False, entity)`` is its generation, ``(True, activity)`` its start.
Event: TypeAlias = tuple[bool, str]

#: So many strict steps of a component are tried for the shortest cycle.
_TRIED = 8


class Step(NamedTuple):
    """Why an event precedes another: the constraint, and the statement it was applied to."""

    before: Event
    after: Event
    constraint: int
    edge: Edge

    @property
    def strict(self) -> bool:
        """Whether the two cannot be simultaneous."""
        return self.constraint == 42


Graph: TypeAlias = dict[Event, list[tuple[Event, Step]]]


def inspect(scope: Scope, merged: Merged, findings: Findings) -> None:
    """Report one cycle for each set of events that would have to precede themselves."""
    if not scope.of("wasDerivedFrom"):
        return
    graph: Graph = {}
    born = _born(scope, merged)
    for step in _steps(scope, merged, born):
        graph.setdefault(step.before, []).append((step.after, step))
    for members in cycles(graph):
        path = _shortest(graph, members)
        if path:
            _report(path, born, findings)


def _steps(scope: Scope, merged: Merged, born: set[str]) -> Iterator[Step]:
    """The order that a scope's statements demand."""
    begun = {one.effect for one in merged.of("wasStartedBy")}
    for edge in scope.of("wasDerivedFrom"):
        if edge.effect in born and edge.cause in born:
            yield Step((False, edge.cause), (False, edge.effect), 42, edge)
    # Where a generation is not known to exist, its event only hands on what the transitive
    # closure of specialization (19) demands of the ones that are.
    for edge in specializations(scope):
        yield Step((False, edge.cause), (False, edge.effect), 45, edge)
    for edge in scope.of("wasAttributedTo"):
        if edge.effect in born and edge.cause in born:
            yield Step((False, edge.cause), (False, edge.effect), 48, edge)
        if edge.effect in born and edge.cause in begun:
            yield Step((True, edge.cause), (False, edge.effect), 48, edge)
    if begun:
        yield from _within(scope, merged, begun)


def _born(scope: Scope, merged: Merged) -> set[str]:
    """The entities of which there is a generation: stated, or by inference 7, 9, 10, 11, 13."""
    born = {ident for ident, bits in scope.types.items() if bits & ENTITY * STATED}
    born.update(one.effect for one in merged.of("wasGeneratedBy"))
    for relation in ("wasStartedBy", "wasEndedBy"):
        born.update(one.values[1] for one in merged.of(relation) if one.values[1] is not None)
    born.update(edge.effect for edge in scope.of("wasAttributedTo"))
    born.update(
        edge.effect
        for edge in scope.of("wasDerivedFrom")
        if edge.attributes and reference(edge, "prov:activity")
    )
    return born


def _within(scope: Scope, merged: Merged, begun: set[str]) -> Iterator[Step]:
    """Steps from and to the starts of activities.

    A start that no trigger precedes lies on no cycle, so only activities begun by a stated one
    matter.
    """
    for one in merged.of("wasGeneratedBy"):
        activity = one.values[1]
        if activity is not None and activity in begun:
            yield Step((True, activity), (False, one.effect), 34, one.edge)
    for edge in scope.of("wasDerivedFrom"):
        activity = reference(edge, "prov:activity") if edge.attributes else None
        if activity is not None and activity in begun:
            yield Step((True, activity), (False, edge.effect), 34, edge)
    for one in merged.of("wasStartedBy"):
        # A trigger that was left out was generated all the same, by the starter (inference 9).
        trigger = one.values[1] or one.edge.cause
        yield Step((False, trigger), (True, one.effect), 43, one.edge)
        starter = one.values[2]
        if starter is not None and starter in begun:
            yield Step((True, starter), (False, trigger), 34, one.edge)
    for one in merged.of("wasEndedBy"):
        _, ended_by, ender, _ = one.values
        if ended_by is not None and ender is not None and ender in begun:
            yield Step((True, ender), (False, ended_by), 34, one.edge)


def _shortest(graph: Graph, members: Component[Event]) -> list[Step]:
    """A shortest cycle through a strict step of a component, of those tried; empty for none."""
    best: list[Step] = []
    steps = (step for event in members for target, step in graph[event] if target in members)
    for step in islice((step for step in steps if step.strict), _TRIED):
        is_loop = step.after == step.before
        back = [] if is_loop else shortest_walk(graph, step.after, step.before, members)
        if not best or len(back) + 1 < len(best):
            best = [step, *back]
    return best


def _report(path: list[Step], born: set[str], findings: Findings) -> None:
    joined: list[list[Step]] = [[]]
    for step in path:
        joined[-1].append(step)
        is_start, thing = step.after
        if is_start or thing in born:
            joined.append([])
    names = findings.names
    where = path[0].before
    message = f"the {_event(where, names)} would have to precede itself"
    findings.error(42, where[1], message, [partial(_step, s, names) for s in joined[:-1]])


def _step(steps: list[Step], names: Names) -> str:
    """Steps over events that are not known to be, as the one step they come to."""
    how = "strictly precedes" if steps[-1].strict else "precedes"
    because = ", ".join(dict.fromkeys(names.statement(step.edge) for step in steps))
    before, after = _event(steps[0].before, names), _event(steps[-1].after, names)
    return f"{before} {how} {after}: {because} ({steps[-1].constraint})"


def _event(event: Event, names: Names) -> str:
    return f"{'start' if event[0] else 'generation'} of {names.short(event[1])}"

# SPDX-License-Identifier: Apache-2.0
"""Warns of times that contradict the order of events: PROV allows them, for its order knows no
clock.

Every finding is a warning that carries the constraint whose order the times contradict. Times
are compared where a statement joins two events; nothing is concluded over several.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, TypeAlias

from lineage.model.constraints import times
from lineage.model.constraints.findings import Findings
from lineage.model.constraints.scope import ACTIVITIES, Scope
from lineage.model.constraints.unique import Merged
from lineage.model.record import Edge, Node

#: What the times of two events say where the ``first`` of them should precede the ``second``.
_SENTENCES = {
    "30": "{x} ended at {second}, before it started at {first}",
    "33": "{x} used {y} at {second}, before it started at {first}",
    "33 end": "{x} used {y} at {first}, after it ended at {second}",
    "34": "{x} generated {y} at {second}, before it started at {first}",
    "34 end": "{x} generated {y} at {first}, after it ended at {second}",
    "36": "{x} was invalidated at {second}, before it was generated at {first}",
    "37": "{x} was used by {y} at {second}, before it was generated at {first}",
    "38": "{x} was used by {y} at {first}, after it was invalidated at {second}",
    "42": "{x} was generated at {second}, before {y}, which it was derived from, at {first}",
}


class Time(NamedTuple):
    """When an event was, by the statement that says so."""

    text: str
    instant: datetime
    record: Node | Edge


Clock: TypeAlias = dict[str, Time]


def inspect(scope: Scope, merged: Merged, findings: Findings) -> None:
    """Warn of events that happened, by their times, before what must precede them."""
    starts, ends = _activities(scope, merged)
    generations = _things(merged, "wasGeneratedBy")
    invalidations = _things(merged, "wasInvalidatedBy")
    compare = _Comparison(findings)
    for activity, start in starts.items():
        compare("30", activity, "", start, ends.get(activity))
    for entity, generation in generations.items():
        compare("36", entity, "", generation, invalidations.get(entity))
    for edge in scope.of("used"):
        for used in _times(edge, "prov:time") if edge.attributes else ():
            activity, entity = edge.effect, edge.cause
            compare("33", activity, entity, starts.get(activity), used)
            compare("33 end", activity, entity, used, ends.get(activity))
            compare("37", entity, activity, generations.get(entity), used)
            compare("38", entity, activity, used, invalidations.get(entity))
    for one in merged.of("wasGeneratedBy"):
        by, generated = one.values[1], generations.get(one.effect)
        if by is not None and generated is not None:
            compare("34", by, one.effect, starts.get(by), generated)
            compare("34 end", by, one.effect, generated, ends.get(by))
    for edge in scope.of("wasDerivedFrom") if generations else ():
        earlier, later = generations.get(edge.cause), generations.get(edge.effect)
        compare("42", edge.effect, edge.cause, earlier, later)


class _Comparison:
    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def __call__(self, rule: str, x: str, y: str, first: Time | None, second: Time | None) -> None:
        """Warn where the second of two events was surely before the first."""
        if first is None or second is None or not times.before(second.instant, first.instant):
            return
        short = self._findings.names.short
        message = _SENTENCES[rule].format(
            x=short(x), y=short(y), first=first.text, second=second.text
        )
        number = int(rule[:2])
        path = [first.record]
        if second.record is not first.record:
            path.append(second.record)
        self._findings.doubt(f"clock-{number}", number, x, message, path)


def _times(record: Node | Edge, key: str) -> Iterator[Time]:
    for text in times.texts(record.attributes.get(key)):
        instant = times.instant(text)
        if instant is not None:
            yield Time(text, instant, record)


def _activities(scope: Scope, merged: Merged) -> tuple[Clock, Clock]:
    """When activities started and ended, by what is said of them or of the events."""
    clocks: list[Clock] = []
    for key, relation in (("started", "wasStartedBy"), ("ended", "wasEndedBy")):
        clock: Clock = {}
        for node in scope.nodes:
            if node.kind in ACTIVITIES and key in node.attributes:
                for time in _times(node, key):
                    clock.setdefault(node.id, time)
        _events(clock, merged, relation)
        clocks.append(clock)
    return clocks[0], clocks[1]


def _things(merged: Merged, relation: str) -> Clock:
    clock: Clock = {}
    _events(clock, merged, relation)
    return clock


def _events(clock: Clock, merged: Merged, relation: str) -> None:
    """The times of events whose last value is their time."""
    for one in merged.of(relation):
        text = one.values[-1]
        if text is not None and one.effect not in clock:
            instant = times.instant(text)
            if instant is not None:
                place = len(one.values) - 1
                clock[one.effect] = Time(text, instant, one.origins.get(place, one.edge))

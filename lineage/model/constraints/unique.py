# SPDX-License-Identifier: Apache-2.0
"""Uniqueness (constraints 22 to 29): statements of one thing are merged, or contradict each other.

An argument that was left out is an existential variable. Each stands in one statement only, so
unification needs no terms: a variable takes the value of its place in the statement that its own
is merged with, and is ``None`` until then. Statements of events merge when they have one
identifier (23) or one key (24 to 27), and a merge may complete a key; every merge leaves one
statement less, so all of it is linear.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lineage.model import terms
from lineage.model.constraints import times
from lineage.model.constraints.findings import Findings
from lineage.model.constraints.scope import (
    ACTIVITIES,
    ACTIVITY,
    FAMILY_BIT,
    Scope,
    reference,
)
from lineage.model.record import Edge, Node

#: A placeholder that is a value, not a variable: an association without a plan has none, and a
#: derivation without an activity has no generation and no usage (PROV-CONSTRAINTS section 4.1).
ABSENT = "-"

#: Relations that have an identifier -> their arguments after effect and cause; a time is last.
SLOTS: dict[str, tuple[str, ...]] = {
    "wasGeneratedBy": ("prov:time",),
    "used": ("prov:time",),
    "wasInformedBy": (),
    "wasStartedBy": ("prov:starter", "prov:time"),
    "wasEndedBy": ("prov:ender", "prov:time"),
    "wasInvalidatedBy": ("prov:time",),
    "wasDerivedFrom": ("prov:activity", "prov:generation", "prov:usage"),
    "wasAttributedTo": (),
    "wasAssociatedWith": ("prov:plan",),
    "actedOnBehalfOf": ("prov:activity",),
    "wasInfluencedBy": (),
}
#: Relations that are unique by effect and one more argument -> its place, and the constraint.
_KEYS = {
    "wasGeneratedBy": (1, 24),
    "wasInvalidatedBy": (1, 25),
    "wasStartedBy": (2, 26),
    "wasEndedBy": (2, 27),
}
_EVERY_RELATION_IS = "wasInfluencedBy"


class MergedStatement:
    """Statements merged into one: ``values`` are effect, cause and what ``SLOTS`` lists."""

    __slots__ = ("edge", "ident", "merged", "origins", "relation", "values")

    def __init__(
        self, relation: str, ident: str | None, values: list[str | None], edge: Edge
    ) -> None:
        self.relation: str = relation
        self.ident: str | None = ident
        self.values: list[str | None] = values
        self.edge: Edge = edge
        #: Place -> the statement its value came from, where that is not ``edge``.
        self.origins: dict[int, Edge] = {}
        self.merged: bool = False

    @property
    def effect(self) -> str:
        """The identifier of the effect; never a variable."""
        effect = self.values[0]
        assert effect is not None
        return effect


@dataclass(slots=True)
class Merged:
    """The statements of a scope after merging."""

    #: Generations, invalidations, starts and ends, each once.
    events: dict[str, list[MergedStatement]] = field(default_factory=dict)
    #: Identifier -> relation -> its statement.
    named: dict[str, dict[str, MergedStatement]] = field(default_factory=dict)

    def of(self, relation: str) -> Iterator[MergedStatement]:
        """The statements of one kind of event."""
        return (one for one in self.events.get(relation, ()) if not one.merged)


def merge(scope: Scope, findings: Findings) -> Merged:
    """Merge the statements of a scope, and say which contradict each other."""
    merging = _Merging(scope, findings)
    # Influences and derivations first: what they say of an identifier, every other relation of
    # this identifier takes over (inference 15).
    for relation in (_EVERY_RELATION_IS, "wasDerivedFrom", *SLOTS):
        if relation not in merging.done:
            merging.relation(relation)
            merging.done.add(relation)
    merging.derivations()
    activity_times(scope, merging.merged, findings)
    return merging.merged


class _Merging:
    def __init__(self, scope: Scope, findings: Findings) -> None:
        self.scope = scope
        self.findings = findings
        self.merged = Merged()
        self.done: set[str] = set()
        self._keyed: dict[str, dict[tuple[str, str], MergedStatement]] = {
            name: {} for name in _KEYS
        }
        self._influences: dict[str, MergedStatement] = {}
        self._said: set[tuple[str, str, str]] = set()

    def relation(self, relation: str) -> None:
        """Merge all statements of one relation."""
        unique = relation in _KEYS
        for edge in self.scope.of(relation):
            if (unique or edge.id is not None) and edge.effect not in self.scope.unknown:
                self.place(MergedStatement(relation, edge.id, self._values(relation, edge), edge))

    def _values(self, relation: str, edge: Edge) -> list[str | None]:
        values = [edge.effect, self.scope.known(edge.cause)]
        attributes = edge.attributes
        for key in SLOTS[relation]:
            if not attributes:
                values.append(None)
            elif key == "prov:time":
                values.append(next(iter(times.texts(attributes.get(key))), None))
            else:
                values.append(reference(edge, key))
        if relation == "wasAssociatedWith":
            values[2] = values[2] or ABSENT
        elif relation == "wasDerivedFrom" and values[2] is None:
            values[2:] = [value or ABSENT for value in values[2:]]
        return values

    def derivations(self) -> None:
        """Inference 11: a derivation with its activity knows a generation and a usage."""
        for edge in self.scope.of("wasDerivedFrom"):
            if not edge.attributes or {edge.effect, edge.cause} & self.scope.unknown:
                continue
            activity = reference(edge, "prov:activity")
            generation = reference(edge, "prov:generation")
            usage = reference(edge, "prov:usage")
            if activity is None:
                continue
            if generation is not None:
                values = [edge.effect, activity, None]
                self.place(MergedStatement("wasGeneratedBy", generation, values, edge))
            if usage is not None:
                self.place(MergedStatement("used", usage, [activity, edge.cause, None], edge))

    def place(self, one: MergedStatement) -> None:
        """Bring a statement to those that it is one with; at the end it is where it belongs."""
        relation = one.relation
        if relation in _KEYS:
            self.merged.events.setdefault(relation, []).append(one)
        if one.ident is not None:
            one = self._by_identifier(one, one.ident)
        if relation not in _KEYS:
            return
        slot, constraint = _KEYS[relation]
        second = one.values[slot]
        if second is None:
            return
        keyed = self._keyed[relation]
        key = (one.effect, second)
        other = keyed.setdefault(key, one)
        if other is one:
            return
        if one.ident and other.ident and one.ident != other.ident:
            self._twice(constraint, other, one)
            return
        if one.ident and not other.ident:
            # The one with an identifier stays: it is what others of this identifier find.
            one, other = other, one
            keyed[key] = other
        self._absorb(other, one)

    def _by_identifier(self, one: MergedStatement, ident: str) -> MergedStatement:
        """The statement of an identifier, with what this one adds to it."""
        kinds = self.merged.named.setdefault(ident, {})
        other = kinds.get(one.relation)
        if other is None:
            kinds[one.relation] = one
        else:
            self._absorb(other, one)
            one = other
        self._as_influence(one, ident)
        return one

    def _as_influence(self, one: MergedStatement, ident: str) -> None:
        """Inference 15: every relation is an influence, of the same identifier, and so has its
        two ends (23); starters, plans and the like are no part of it.
        """
        if one.relation in (_EVERY_RELATION_IS, "wasDerivedFrom"):
            known = self._influences.setdefault(ident, one)
        else:
            found = self._influences.get(ident)
            if found is None:
                return
            known = found
        if known is one:
            return
        had = one.values[1]
        self._unify(known, one, places=2)
        if had is None and known.values[1] is not None:
            one.values[1] = cause = known.values[1]
            self.scope.types[cause] |= FAMILY_BIT[terms.RELATIONS[one.relation].cause]

    def _absorb(self, into: MergedStatement, other: MergedStatement) -> None:
        other.merged = True
        self._unify(into, other, places=len(into.values))

    def _unify(self, into: MergedStatement, other: MergedStatement, *, places: int) -> None:
        for place in range(places):
            mine, theirs = into.values[place], other.values[place]
            if theirs is None or mine == theirs:
                continue
            if mine is None:
                into.values[place] = theirs
                into.origins[place] = other.origins.get(place, other.edge)
            elif not (self._is_time(into, place) and times.same(mine, theirs)):
                self._contradiction(into, other, place)
                return

    def _is_time(self, one: MergedStatement, place: int) -> bool:
        return place >= 2 and SLOTS[one.relation][place - 2] == "prov:time"

    def _contradiction(self, one: MergedStatement, other: MergedStatement, place: int) -> None:
        row = terms.RELATIONS[one.relation]
        key = (row.effect_key, row.cause_key, *SLOTS[one.relation])[place]
        subject = one.ident or f"{one.effect} {one.values[1]} {one.values[2:]}"
        if (subject, one.relation, key) in self._said:
            return
        self._said.add((subject, one.relation, key))
        short = self.findings.names.short
        first, second = (
            value if self._is_time(one, place) else short(value)
            for value in (one.values[place], other.values[place])
        )
        name = short(one.ident) if one.ident else f"one {one.relation} of {short(one.effect)}"
        message = f"{name} has two values of {key.removeprefix('prov:')}: {first} and {second}"
        path = (one.origins.get(place, one.edge), other.origins.get(place, other.edge))
        self.findings.error(23, one.ident or one.effect, message, path)

    def _twice(self, constraint: int, one: MergedStatement, other: MergedStatement) -> None:
        short = self.findings.names.short
        slot = _KEYS[one.relation][0]
        message = (
            f"{short(one.effect)} and {short(one.values[slot])} have one {one.relation}, "
            f"and it is called both {short(one.ident)} and {short(other.ident)}"
        )
        self.findings.error(constraint, one.effect, message, (one.edge, other.edge))


def activity_times(scope: Scope, merged: Merged, findings: Findings) -> None:
    """Constraints 22, 28 and 29: an activity has one start time and one end time."""
    known: dict[tuple[str, str], tuple[str, Node | Edge]] = {}
    said: set[tuple[str, str]] = set()
    short = findings.names.short
    for node in scope.nodes:
        if node.kind not in ACTIVITIES:
            continue
        for key in ("started", "ended"):
            value = node.attributes.get(key)
            for text in () if value is None else times.texts(value):
                first, source = known.setdefault((node.id, key), (text, node))
                if times.same(first, text) or (node.id, key) in said:
                    continue
                said.add((node.id, key))
                message = f"activity {short(node.id)} {key} both at {first} and at {text}"
                findings.error(22, node.id, message, (source, node))
    for relation, key, constraint in (("wasStartedBy", "started", 28), ("wasEndedBy", "ended", 29)):
        for one in merged.of(relation):
            at = one.values[3]
            if at is None or not scope.stated(one.effect, ACTIVITY):
                continue
            edge = one.origins.get(3, one.edge)
            first, source = known.setdefault((one.effect, key), (at, edge))
            if not times.same(first, at):
                message = f"{short(one.effect)} {key} at {first}, and by {relation} at {at}"
                findings.error(constraint, one.effect, message, (source, edge))

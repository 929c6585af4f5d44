# SPDX-License-Identifier: Apache-2.0
"""Reads decisions: what their records say, what was done with them since, and what they are because of it.

What a file says and what the ledger says are both kept and both shown. What a decision *is* follows from them here,
in one place: the last of all that was said counts, and one whose place another took is superseded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lineage import ids
from lineage.graph.components import components
from lineage.model import terms
from lineage.model.record import Node
from lineage.model.value import Ref, each
from lineage.services.context import Context
from lineage.services.read.decisions.rows import Holder, VersionRow, people, utc, written_since
from lineage.sources.decision_records import statuses
from lineage.sources.decision_records.names import Called, Meant, Names
from lineage.sources.decision_records.statuses import Status
from lineage.store.base import NOW, Filter, Hop, View
from lineage.store.paging import find_all
from lineage.store.rows import NodeRow

#: The attributes of versions that name other decisions.
LINKS = ("supersedes", "superseded_by", "amends", "amended_by")
#: What each step makes of the status; others leave it as it is.
STATUS_BY_ACT: Mapping[str, Status] = {
    "proposed": "proposed",
    "accepted": "accepted",
    "rejected": "rejected",
    "deprecated": "deprecated",
    "reopened": "proposed",
}
_USES = Hop(relations=frozenset({"used"}))
_WHO = Hop(relations=frozenset({"wasAssociatedWith"}))
_REVISES = Hop(relations=frozenset({"wasRevisionOf"}))
_GENERAL = Hop(relations=frozenset({"specializationOf"}))
#: Statuses under which a record does not take the place of another yet, or never will.
_NOT_IN_FORCE = frozenset({"draft", "proposed", "rejected"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A step in the life of a decision: a deliberation or a review, who took it, when and why."""

    id: str
    act: str
    by: str | None
    at: str
    reason: str | None = None
    verdict: str | None = None
    version: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        told = {name: getattr(self, name) for name in ("id", "act", "by", "at")}
        also = {name: getattr(self, name) for name in ("reason", "verdict", "version")}
        return told | {name: value for name, value in also.items() if value is not None}


@dataclass
class DecisionState:
    """A decision as the store has it: its record now, its versions, oldest first, and the steps, oldest first."""

    row: NodeRow
    node: Node
    versions: list[VersionRow] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    #: The decisions that took its place, by identifier, and those whose place it took.
    superseded_by: list[str] = field(default_factory=list)
    supersedes: list[str] = field(default_factory=list)
    #: Of these, those that a record says so of.
    replaced: list[str] = field(default_factory=list)
    #: Names of decisions in it that mean none, or several, with what they may mean.
    unclear: list[tuple[str, str, Sequence[str]]] = field(default_factory=list)
    in_cycle: bool = False
    #: Whom its text names now, and who was named since.
    people: list[Holder] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Its identifier."""
        return self.row.id

    def text(self, name: str) -> str | None:
        """An attribute of its record, where it is text."""
        found = self.node.attributes.get(name)
        return found if isinstance(found, str) else None

    @property
    def key(self) -> str:
        """What it is known by in its namespace."""
        return self.text("key") or self.id

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return self.text("namespace") or ""

    @cached_property
    def current(self) -> VersionRow | None:
        """The version that its file has now."""
        held = self.node.attributes.get("version")
        wanted = held.iri if isinstance(held, Ref) else None
        found = next((one for one in self.versions if one.row.id == wanted), None)
        return found or (self.versions[-1] if self.versions else None)

    def named(self, role: str) -> Sequence[Holder]:
        """Who has a role now. The newer word counts: that of the text, or what was stated since it was written so."""
        stated = [one for one in self.people if one.role == role and one.stated is not None]
        written = [one for one in self.people if one.role == role and one.stated is None]
        since = written_since(self.versions, self.current, role) if stated and written else ""
        return stated if stated and max(one.stated or "" for one in stated) >= since else written

    @property
    def owner(self) -> str | None:
        """Who answers for it now."""
        held = self.named("owner")
        if any(one.stated is not None for one in held):
            return ", ".join(one.title for one in held)
        return self.text("owner")

    @property
    def said(self) -> Status | None:
        """What its file and the steps since say, whatever took its place."""
        return self.status_at(None)

    def status_at(self, moment: str | None) -> Status | None:
        """What its file and the steps said up to a moment (``None``: now), whatever took its place."""
        if not self.versions and not self.acts:
            # A document told of it, and of no record.
            return statuses.normal(self.text("status") or "")
        events: list[tuple[str, Status | None]] = []
        before: Status | None = None
        for number, version in enumerate(self.versions):
            # A text that was changed elsewhere says nothing new about the status.
            if not number or version.status != before:
                events.append((version.at, version.status))
            before = version.status
        events += [
            (act.at, STATUS_BY_ACT[act.act]) for act in self.acts if act.act in STATUS_BY_ACT
        ]
        # Of two at one moment the later one of the list counts: steps stand in the order in which they were taken.
        told = sorted(
            (event for event in events if moment is None or event[0] <= moment),
            key=lambda event: event[0],
        )
        return told[-1][1] if told else None

    @property
    def status(self) -> Status | None:
        """What it is now; ``None`` where nobody says so in a word that there is."""
        return "superseded" if self.superseded_by else self.said

    @property
    def takes_places(self) -> bool:
        """Whether it takes the place of what it supersedes: what is proposed does not yet, what is rejected never."""
        return self.said not in _NOT_IN_FORCE

    @property
    def stage(self) -> str | None:
        """The last step that was recorded."""
        return self.acts[-1].act if self.acts else None


class Decisions:
    """The decisions of a store, with what each is."""

    def __init__(self, ctx: Context, view: View = NOW) -> None:
        self._ctx = ctx
        self._view = view
        self.states: dict[str, DecisionState] = {
            row.id: DecisionState(row, row.node()) for row in rows(ctx, "Decision", view=view)
        }
        if self.states:
            self._read_versions()
            self._read_acts()
            people(ctx, self.states, view)
            self._supersede()

    def __iter__(self) -> Iterator[DecisionState]:
        return iter(self.states.values())

    def __len__(self) -> int:
        return len(self.states)

    @cached_property
    def names(self) -> Names:
        """What they are called."""
        return Names(map(_called, self.states.values()))

    def meant(self, text: str, of: DecisionState | None = None) -> Meant:
        """The decisions that a text names: in the namespace of one that names it, else, or if none there is called so,
        in all.
        """
        if of is None:
            return self.names.meant(text)
        near = (of.text("file") or "").rpartition("/")[0]
        found = self.names.meant(text, of.namespace, near)
        return found if found.idents else self.names.meant(text)

    def of_version(self, ident: str) -> DecisionState | None:
        """The decision that a version is of, or that an identifier is."""
        return self.states.get(ident) or self._by_version.get(ident)

    @cached_property
    def _by_version(self) -> Mapping[str, DecisionState]:
        return {one.row.id: state for state in self.states.values() for one in state.versions}

    def _read_versions(self) -> None:
        found = {row.id: row for row in rows(self._ctx, "DecisionVersion", view=self._view)}
        known = self._recorded(
            [i for i, row in found.items() if '"written":' not in row.attributes]
        )
        for edge in self._ctx.store.edges(list(found), _GENERAL, self._view):
            if edge.cause in self.states:
                row = found[edge.effect]
                node = row.node()
                written = [utc(str(moment)) for moment in each(node.attributes.get("written", ()))]
                at = min(written, default=known.get(row.id, ""))
                version = VersionRow(row=row, node=node, at=at)
                self.states[edge.cause].versions.append(version)
        for state in self.states.values():
            state.versions.sort(key=lambda one: (one.at, one.row.id))

    def _recorded(self, idents: Sequence[str]) -> Mapping[str, str]:
        """When things were first recorded that say of no time when they were made."""
        since = {i: held.since for i, held in self._ctx.store.held(idents, self._view).items()}
        entries = self._ctx.store.headers_at(set(since.values()), NOW) if since else {}
        return {ident: utc(entries[seq].recorded) for ident, seq in since.items()}

    def _read_acts(self) -> None:
        found = {row.id: row for row in rows(self._ctx, "Deliberation", "Review", view=self._view)}
        who: dict[str, str] = {}
        for edge in sorted(self._ctx.store.edges(list(found), _WHO, self._view)):
            who.setdefault(edge.effect, edge.cause)
        people = self._ctx.store.get(set(who.values()), self._view)
        for edge in sorted(self._ctx.store.edges(list(found), _USES, self._view)):
            state = self.of_version(edge.cause)
            if state is None:
                continue
            row = found[edge.effect]
            held = row.node().attributes
            by = people.get(who.get(row.id, ""))
            state.acts.append(
                Act(
                    id=row.id,
                    act="reviewed" if row.kind == "Review" else str(held.get("act")),
                    by=None if by is None else by.title,
                    at=utc(str(held.get("started") or "")),
                    reason=_text(held.get("reason")),
                    verdict=_text(held.get("verdict")),
                    version=edge.cause,
                )
            )
        for state in self.states.values():
            # Their identifiers sort by the time that they were made.
            state.acts.sort(key=lambda act: (act.at, act.id.rpartition("/")[2]))

    def _supersede(self) -> None:
        """Find which took the place of which: what a record says of another is said once, in either of them."""
        pairs: set[tuple[str, str]] = set()
        for state in self.states.values():
            for link, text in named(state):
                meant = self.meant(text, state)
                if meant.one is None or meant.one == state.id:
                    state.unclear.append((link, text, meant.idents))
                elif link == "supersedes":
                    pairs.add((state.id, meant.one))
                elif link == "superseded_by":
                    pairs.add((meant.one, state.id))
        for new, old in sorted(pairs):
            self.states[new].replaced.append(old)
        pairs |= self._stated()
        older: dict[str, list[str]] = {}
        for new, old in sorted(pairs):
            older.setdefault(new, []).append(old)
        for group in components(older, older):
            for ident in group if len(group) > 1 else ():
                self.states[ident].in_cycle = True
        for new, old in sorted(pairs):
            taker, left = self.states[new], self.states[old]
            taker.supersedes.append(old)
            # In a circle each would have taken the place of the other: none has.
            if taker.takes_places and not (taker.in_cycle and left.in_cycle):
                left.superseded_by.append(new)

    def _stated(self) -> set[tuple[str, str]]:
        """Which took the place of which, as people said beside the records."""
        versions = [one.row.id for state in self.states.values() for one in state.versions]
        edges = self._ctx.store.edges([*versions, *self.states], _REVISES, self._view)
        found = set()
        for row in edges:
            new, old = self.of_version(row.effect), self.states.get(row.cause)
            if new and old and row.edge().attributes.get(terms.METHOD) == terms.STATED:
                found.add((new.id, old.id))
        return found


def rows(ctx: Context, *kinds: str, view: View = NOW) -> Iterator[NodeRow]:
    """All things of some kinds, by identifier."""
    return find_all(ctx.store, Filter(kinds=frozenset(kinds)), view)


def named(state: DecisionState) -> Iterator[tuple[str, str]]:
    """The decisions that the record of one names now, and how."""
    if state.current is None:
        return
    for link in LINKS:
        for text in each(state.current.node.attributes.get(link, ())):
            yield link, str(text)


def _called(state: DecisionState) -> Called:
    now = state.text("number")
    return Called(
        ident=state.id,
        namespace=state.namespace,
        key=state.key,
        number=now,
        path=state.text("file") if state.text("removed") is None else None,
        older_numbers=[n for n in _held(state.versions, "number") if n != now],
        older_paths=_held(state.versions, "file"),
    )


def _held(versions: Iterable[VersionRow], name: str) -> list[str]:
    return [str(text) for one in versions for text in each(one.node.attributes.get(name, ()))]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def titles(states: Mapping[str, DecisionState], idents: Iterable[str]) -> list[str]:
    """What some decisions are called, for people."""
    return [states[i].row.title if i in states else ids.short(i) for i in idents]

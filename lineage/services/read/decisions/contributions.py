# SPDX-License-Identifier: Apache-2.0
"""Counts what people gave to decisions: records written, reviews, lessons, gaps closed; without those who object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from lineage.graph.components import components
from lineage.model import terms
from lineage.model.record import Node
from lineage.model.value import each
from lineage.services.context import Context
from lineage.services.read.decisions.state import Decisions, DecisionState, rows
from lineage.services.read.people import shown
from lineage.services.request import Request, Says
from lineage.store.base import NOW, Hop
from lineage.store.rows import NodeRow

#: The source of what people said of being counted.
OBJECTIONS = "steward:objections"
_APPROVE = "approve"
_ATTRIBUTED = Hop(relations=frozenset({"wasAttributedTo"}))
_WHO = Hop(relations=frozenset({"wasAssociatedWith"}))
_SAME = Hop(relations=frozenset({terms.SAME_PERSON}))
#: People that are listed unless another number is asked for, and at most.
_LISTED, _MOST = 100, 10_000

#: Somebody, and what is counted: decisions, reviews, lessons or gaps_closed.
_Count = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one person gave: decisions that they wrote, reviews, lessons that they gave, and gaps that a
    review found and that were closed in a text of theirs, which was then approved.
    """

    id: str
    name: str
    decisions: int = 0
    reviews: int = 0
    lessons: int = 0
    gaps_closed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributions:
    """What people gave, by their names; how many more there are, and how many are left out because they object."""

    people: tuple[Contribution, ...]
    left: int
    left_out: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        people = [one.to_dict() for one in self.people]
        return {"people": people, "left": self.left, "left_out": self.left_out}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionsRequest(
    Request[Contributions], graphql="contributions", weight=50, examples=("person contributions",)
):
    """What people gave to decisions: how many they wrote and reviewed, lessons that they gave, and gaps that they
    closed. Those who object are left out, and how many these are is said. In the order of names: it is no ranking.
    """

    first: Annotated[
        int,
        Says(text="How many people at most.", at_least=1, at_most=_MOST, sized=(_LISTED, _MOST)),
    ] = _LISTED

    def answer(self, ctx: Context) -> Contributions:
        """See ``Request.answer``."""
        counts = Counter(_counted(ctx))
        people = dict(ctx.store.get({ident for ident, _ in counts}, NOW))
        # Programs contribute nothing of their own.
        known = [ident for ident, row in people.items() if row.kind != "SoftwareAgent"]
        groups = _persons(ctx, known)
        objects = objecting(ctx)
        found = [
            _contribution(group, people, counts) for group in groups if objects.isdisjoint(group)
        ]
        found.sort(key=lambda one: (one.name.lower(), one.id))
        return Contributions(
            people=tuple(found[: self.first]),
            left=max(0, len(found) - self.first),
            left_out=len(groups) - len(found),
        )


def objecting(ctx: Context) -> set[str]:
    """Those who object to being counted."""
    return {one.id for one in ctx.store.asserted(OBJECTIONS, NOW) if isinstance(one, Node)}


def _persons(ctx: Context, idents: Sequence[str]) -> list[list[str]]:
    """People, each by all accounts, those that gave nothing included."""
    ties: dict[str, list[str]] = {ident: [] for ident in idents}
    todo = list(idents)
    while todo:
        edges = ctx.store.edges(todo, _SAME, NOW)
        todo = []
        for edge in edges:
            ties[edge.effect].append(edge.cause)
            if edge.cause not in ties:
                ties[edge.cause] = []
                todo.append(edge.cause)
    return list(components(ties, ties))


def _contribution(
    group: Sequence[str], people: Mapping[str, NodeRow], counts: Mapping[_Count, int]
) -> Contribution:
    """What one person gave; called as the account that is best known is."""
    mine = sorted(
        (people[i] for i in group if i in people), key=lambda row: (row.kind != "Person", row.id)
    )
    sums = {
        what: sum(counts.get((ident, what), 0) for ident in group)
        for what in ("decisions", "reviews", "lessons", "gaps_closed")
    }
    return Contribution(id=mine[0].id, name=shown(mine[0]), **sums)


def _counted(ctx: Context) -> Iterator[_Count]:
    """Each single thing that somebody gave."""
    decisions = Decisions(ctx)
    versions = [one.row.id for state in decisions for one in state.versions]
    roles: dict[str, dict[str, list[str]]] = {}
    for edge in sorted(ctx.store.edges(versions, _ATTRIBUTED, NOW)):
        role = str(edge.edge().attributes.get("prov:role"))
        roles.setdefault(edge.effect, {}).setdefault(role, []).append(edge.cause)
    # A record that no commit has was written by whom it names as its owner.
    writers = {ident: said.get("author") or said.get("owner", []) for ident, said in roles.items()}
    reviews = {row.id: row for row in rows(ctx, "Review")}
    for edge in ctx.store.edges(list(reviews), _WHO, NOW):
        yield edge.cause, "reviews"
    yield from _lessons(ctx)
    for state in decisions:
        for one in state.versions[:1]:
            yield from ((who, "decisions") for who in writers.get(one.row.id, ()))
        yield from _gaps(state, reviews, writers)


def _lessons(ctx: Context) -> Iterator[_Count]:
    """Each lesson is counted for whoever gave it."""
    told = [row.id for row in rows(ctx, "Lesson")]
    given = {(edge.effect, edge.cause) for edge in ctx.store.edges(told, _ATTRIBUTED, NOW)}
    yield from ((who, "lessons") for _, who in sorted(given))


def _gaps(
    state: DecisionState, reviews: Mapping[str, NodeRow], writers: Mapping[str, Sequence[str]]
) -> Iterator[_Count]:
    """Gaps that a review found are closed by whoever wrote the text that was approved afterwards, if it is another one."""
    found = 0
    open_in: str | None = None
    for act in state.acts:
        if act.act != "reviewed" or act.version is None:
            continue
        if act.verdict != _APPROVE:
            found += len([*each(reviews[act.id].node().attributes.get("gap", ()))])
            open_in = act.version
        elif found and act.version != open_in:
            for who in writers.get(act.version, ()):
                yield from ((who, "gaps_closed") for _ in range(found))
            found = 0

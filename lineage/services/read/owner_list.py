# SPDX-License-Identifier: Apache-2.0
"""Lists who answers for what: all that is said, or all that one person or team answers for now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from lineage import ids
from lineage.model import terms
from lineage.model.record import Node
from lineage.services.context import Context
from lineage.services.read.decisions.rows import Holder
from lineage.services.read.decisions.state import Decisions, DecisionState, rows
from lineage.services.read.owners import (
    DERIVED_SOURCE,
    OWNER,
    REVIEWER,
    STATED_SOURCE,
    Owner,
    role_of,
    said_of,
)
from lineage.services.read.people import names_of, shown, who
from lineage.services.request import Request, Says
from lineage.store.base import NOW, Hop
from lineage.store.rows import NodeRow

#: Things that are listed unless another number is asked for, and at most.
_LISTED, _MOST = 100, 10_000
_OWNS = Hop(relations=frozenset({"wasAttributedTo"}), toward="effects")
#: Statuses of decisions that wait for a review.
_OPEN = frozenset({None, "draft", "proposed"})
#: What things are counted as, by their kinds; others are files.
_SORTS = {
    "Dataset": "datasets",
    "Model": "models",
    "ModelVersion": "models",
    "Decision": "decisions",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedThing:
    """A thing with those who answer for it now (none: deliberately nobody), and what says so: a file and its line, or
    ``stated``. ``sort`` is what it is counted as: ``datasets``, ``models``, ``projects``, ``files``, ``decisions``, or
    ``reviews``, which are requests for a review that are open.
    """

    id: str
    title: str
    sort: str
    owners: tuple[str, ...]
    evidence: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "owners": list(self.owners)}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerList:
    """Some things with their owners, how many there are of each sort, and how many more than are listed."""

    things: tuple[OwnedThing, ...]
    counts: Mapping[str, int]
    left: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        things = [one.to_dict() for one in self.things]
        return {"things": things, "counts": dict(self.counts), "left": self.left}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnersRequest(
    Request[OwnerList],
    graphql="owners",
    weight=10,
    examples=("owner list", "owner list --of ana@example.org"),
):
    """Who answers for what: datasets, models, files and projects, by CODEOWNERS, by a catalog of Backstage, by what a tool
    recorded or by what somebody said; decisions, and requests for reviews of them that are open.
    """

    of: Annotated[
        str | None,
        Says(text="Only what this person or team answers for.", metavar="WHO", resolves=True),
    ] = None
    first: Annotated[
        int, Says(text="How many at most.", at_least=1, at_most=_MOST, sized=(_LISTED, _MOST))
    ] = _LISTED

    def answer(self, ctx: Context) -> OwnerList:
        """See ``Request.answer``. Raises ``NotFound`` and ``Ambiguous`` for the person."""
        found = everything(ctx) if self.of is None else held_by(ctx, who(ctx, self.of))
        return listed([one.thing for one in found], self.first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A thing, in which role it is held, and by whom, with identifiers."""

    row: NodeRow
    thing: OwnedThing
    role: str
    holders: tuple[str, ...]


def listed(things: Sequence[OwnedThing], first: int) -> OwnerList:
    """Some of all things, in order, with how many there are. Versions of one path are one file."""
    things = sorted(things, key=lambda one: (_ORDER.index(one.sort), one.title.lower(), one.id))
    once = {(one.sort, ids.versions_of(one.id) or one.id) for one in things}
    counted = Counter(sort for sort, _ in once)
    counts = {sort: counted[sort] for sort in _ORDER if counted[sort]}
    return OwnerList(things=tuple(things[:first]), counts=counts, left=max(0, len(things) - first))


_ORDER = ("datasets", "models", "projects", "files", "decisions", "reviews")


def sort_of(row: NodeRow) -> str:
    """What a thing is counted as."""
    return "projects" if row.id.startswith(ids.PROJECT) else _SORTS.get(row.kind, "files")


def everything(ctx: Context) -> list[Held]:
    """All things of which it is said who answers for them, or that nobody does."""
    idents = {row.id for row in rows(ctx, "Dataset", "Model", "ModelVersion")}
    for source in (DERIVED_SOURCE, STATED_SOURCE):
        for record in ctx.store.asserted(source, NOW):
            if isinstance(record, Node):
                idents.add(record.id)
            elif role_of(record.attributes) == OWNER:
                idents.add(record.effect)
    return [*_things(ctx, idents), *_of_decisions(ctx, None)]


def held_by(ctx: Context, people: Mapping[str, NodeRow]) -> list[Held]:
    """All that one person, by any account, answers for now, and the reviews that wait for them."""
    edges = ctx.store.edges(list(people), _OWNS, NOW)
    idents = {
        edge.effect
        for edge in edges
        if OWNER in edge.attributes.lower() and role_of(edge.edge().attributes) == OWNER
    }
    theirs = people.keys()
    found = [one for one in _things(ctx, idents) if not theirs.isdisjoint(one.holders)]
    return [*found, *_of_decisions(ctx, people)]


def _things(ctx: Context, idents: Collection[str]) -> Iterator[Held]:
    held = dict(ctx.store.get(idents, NOW))
    for ident, said in sorted(said_of(ctx, held, NOW, held).items()):
        row = held[ident]
        if row.kind in {"Decision", "DecisionVersion"}:
            continue
        owners = said.owners
        evidence = said.nobody or ", ".join(dict.fromkeys(one.evidence for one in owners))
        yield _held(row, sort_of(row), OWNER, owners, evidence)


def _held(
    row: NodeRow, sort: str, role: str, people: Sequence[Owner | Holder], evidence: str
) -> Held:
    names = tuple(one.name if isinstance(one, Owner) else one.title for one in people)
    thing = OwnedThing(id=row.id, title=row.title, sort=sort, owners=names, evidence=evidence)
    return Held(row=row, thing=thing, role=role, holders=tuple(one.id for one in people))


def _of_decisions(ctx: Context, people: Mapping[str, NodeRow] | None) -> Iterator[Held]:
    """Decisions with their owners, and open requests for reviews; of some people, or of all."""
    for state in Decisions(ctx):
        for role, sort in ((OWNER, "decisions"), (REVIEWER, "reviews")):
            named = state.named(role)
            asked = named if role == OWNER else [one for one in named if _waits(ctx, state, one)]
            if not asked or (people is not None and people.keys().isdisjoint(o.id for o in asked)):
                continue
            stated = any(one.stated is not None for one in asked)
            evidence = terms.STATED if stated else state.text("file") or "its record"
            yield _held(state.row, sort, role, asked, evidence)


def _waits(ctx: Context, state: DecisionState, reviewer: Holder) -> bool:
    """Whether the text that a decision has waits for the review of somebody."""
    if state.status not in _OPEN or state.stage == "closed":
        return False
    row = ctx.store.get([reviewer.id], NOW)[reviewer.id]
    names = {shown(row).lower(), *names_of(row)}
    current = None if state.current is None else state.current.row.id
    return not any(
        act.act == "reviewed" and act.version == current and (act.by or "").lower() in names
        for act in state.acts
    )

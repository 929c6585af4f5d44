# SPDX-License-Identifier: Apache-2.0
"""Lists decisions: what each is, who answers for it, and what is overdue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from lineage.access.tokens import Role
from lineage.errors import Usage
from lineage.services.context import Context
from lineage.services.read.decisions.state import Decisions, DecisionState
from lineage.services.request import Request, Says
from lineage.sources.decision_records.fields import KINDS
from lineage.sources.decision_records.statuses import STATUSES

#: Decisions that are listed unless another number is asked for, and at most.
_LISTED, _SERVED, _MOST = 100, 1_000, 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSummary:
    """A decision on one line: what it is now, what its file says of that, and what it waits for.

    ``status`` is ``None`` where nobody says so in a word that there is. ``superseded_by`` are identifiers;
    ``overdue`` says which of its dates has passed, and ``unresolved`` what it names that is not here.
    """

    id: str
    title: str
    key: str
    status: str | None
    status_written: str | None
    stage: str | None
    category: str | None
    owner: str | None
    file: str | None
    removed: str | None
    superseded_by: Sequence[str]
    overdue: Sequence[str]
    unresolved: Sequence[str]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name in self.__slots__
            for value in (getattr(self, name),)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionList:
    """Some decisions, and how many more there are."""

    decisions: tuple[DecisionSummary, ...]
    left: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"decisions": [one.to_dict() for one in self.decisions], "left": self.left}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionsRequest(
    Request[DecisionList],
    graphql="decisionLog",
    examples=("decision list --status proposed", "decision list --overdue"),
):
    """The decisions of the store: what each is now, who answers for it, and what is overdue. Decisions that a
    status is asked of are those of which somebody says it: one without a status is none of them.
    """

    status: Annotated[
        str | None, Says(text=f"Only those that are {', '.join(STATUSES)}, or unknown.")
    ] = None
    category: Annotated[
        str | None, Says(text=f"Only those about: {', '.join(KINDS)}.", flag="--kind")
    ] = None
    owner: Annotated[str | None, Says(text="Only those that this person answers for.")] = None
    overdue: Annotated[bool, Says(text="Only those of which a date has passed.")] = False
    first: Annotated[
        int, Says(text="How many at most.", at_least=1, at_most=_MOST, sized=(_LISTED, _SERVED))
    ] = _LISTED

    def answer(self, ctx: Context) -> DecisionList:
        """See ``Request.answer``. Raises ``Usage`` for a status that there is not."""
        if self.status is not None and self.status not in {*STATUSES, "unknown"}:
            raise Usage(
                f"{self.status!r} is no status", hint=f"There are: {', '.join(STATUSES)}, unknown."
            )
        today = ctx.recorded()[:10]
        found = [summary(one, today) for one in Decisions(ctx)]
        kept = [one for one in found if self._wants(one)]
        kept.sort(key=lambda one: (one.title.lower(), one.id))
        return DecisionList(
            decisions=tuple(kept[: self.first]), left=max(0, len(kept) - self.first)
        )

    def _wants(self, one: DecisionSummary) -> bool:
        return (
            (self.status is None or self.status == (one.status or "unknown"))
            and (self.category is None or self.category == one.category)
            and (self.owner is None or _is(self.owner, one.owner))
            and (not self.overdue or bool(one.overdue))
        )


def summary(state: DecisionState, today: str) -> DecisionSummary:
    """A decision on one line, on a day (2026-11-28)."""
    return DecisionSummary(
        id=state.id,
        title=state.row.title,
        key=state.key,
        status=state.status,
        status_written=state.text("status_written"),
        stage=state.stage,
        category=state.text("category"),
        owner=state.owner,
        file=state.text("file"),
        removed=state.text("removed"),
        superseded_by=tuple(state.superseded_by),
        overdue=tuple(_overdue(state, today)),
        unresolved=tuple(f"{link.replace('_', ' ')} {text}" for link, text, _ in state.unclear),
    )


def _overdue(state: DecisionState, today: str) -> list[str]:
    """The dates of a decision that have passed while what they are for was not done."""
    told = []
    closed = state.stage == "closed" or state.status in {"rejected", "superseded", "deprecated"}
    reviewed = any(act.act == "reviewed" for act in state.acts)
    due, revisit, deadline = (state.text(name) for name in ("due", "revisit", "pressure.deadline"))
    if due and due < today and not reviewed and not closed:
        told.append(f"review due {due}")
    if deadline and deadline < today and state.status in {None, "draft", "proposed"}:
        told.append(f"to be decided by {deadline}")
    looked = max((act.at[:10] for act in state.acts), default="")
    if revisit and revisit < today and looked < revisit and not closed:
        told.append(f"to be looked at again {revisit}")
    return told


def _is(asked: str, name: str | None) -> bool:
    return name is not None and asked.lower().lstrip("@") == name.lower().lstrip("@")


#: Who accepts, rejects and closes what others decide on.
DECIDES = Role.steward

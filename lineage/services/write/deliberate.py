# SPDX-License-Identifier: Apache-2.0
"""Records the steps in the life of a decision: proposed, reviewed, accepted, executed, evaluated, closed, superseded.

Each is an entry of the ledger, with who, when and why; no file is touched here. What the decision is because of it is
found anew (``lineage.services.write.decisions``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any, Literal

from lineage import ids
from lineage.access.mask import masked
from lineage.access.tokens import Role
from lineage.errors import Denied, NotFound, Usage
from lineage.model import kinds, terms
from lineage.model.record import Batch, Edge, Node, Record
from lineage.services.context import Context
from lineage.services.read.decisions.show import DECISION, DecisionShown, find, shown
from lineage.services.read.decisions.state import Decisions, DecisionState
from lineage.services.read.decisions.summaries import DECIDES, DecisionSummary, summary
from lineage.services.read.people import accounts, names_of
from lineage.services.request import Request, Says
from lineage.services.write import authority, evaluated
from lineage.services.write.decisions import SOURCE, settle
from lineage.services.write.ingest import ingest

Step = Literal[
    "proposed", "accepted", "rejected", "deprecated", "executed", "evaluated", "closed", "reopened"
]
#: Steps that decide: on a server they take the role of a steward.
_DECIDING = frozenset({"accepted", "rejected", "deprecated", "closed", "reopened"})
#: After which steps and statuses each may come; of those that are not named, after any.
_AFTER: dict[str, frozenset[str | None]] = {
    "proposed": frozenset({None, "draft"}),
    "accepted": frozenset({None, "draft", "proposed"}),
    "rejected": frozenset({None, "draft", "proposed"}),
    "executed": frozenset({"accepted"}),
    "evaluated": frozenset({"accepted"}),
    "reopened": frozenset({"accepted", "rejected", "deprecated"}),
}
_APPROVE, _CHANGE = "approve", "request changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliberated:
    """A decision as it is after a step, and the entries that hold the step."""

    decision: DecisionSummary
    entries: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"decision": self.decision.to_dict(), "entries": list(self.entries)}


@dataclass(frozen=True, slots=True)
class DeliberateRequest(
    Request[Deliberated],
    demands=Role.contributor,
    mutation="deliberate",
    examples=('decision accept decision:0012 --reason "the pilot held what it promised"',),
):
    """Record a step in the life of a decision, with who took it and why: an entry of the ledger, beside what its file
    says.
    """

    reference: Annotated[str, DECISION]
    step: Annotated[Step, Says(text="What was done with it.")]
    _: KW_ONLY
    reason: Annotated[str | None, Says(text="Why.")] = None

    def answer(self, ctx: Context) -> Deliberated:
        """See ``Request.answer``. Raises the errors of ``demanded``."""
        state = self.demanded(ctx)
        told = shown(ctx, Decisions(ctx), state) if self.step == "evaluated" else None
        return taken(ctx, state, [*act_of(ctx, state, self.step, self.reason, told)])

    def demanded(self, ctx: Context) -> DecisionState:
        """The decision, of which the step can be taken now. Raises ``Usage`` where the step does not follow from what
        the decision is, or approvals are missing, ``Denied``, and the errors of references.
        """
        state = decision(ctx, self.reference)
        if self.step in _DECIDING and ctx.role < DECIDES:
            raise Denied(
                f"that a decision is {self.step} is said by a {DECIDES.name}",
                hint=f"Ask somebody whose token has the role {DECIDES.name}.",
            )
        _demand_step(state, self.step)
        if self.step == "accepted":
            _demand_approvals(state)
        if self.step == "reopened" and not (self.reason or "").strip():
            raise Usage("a decision is reopened for a reason", hint="Say why.")
        return state


@dataclass(frozen=True, slots=True)
class ReviewRequest(
    Request[Deliberated],
    demands=Role.contributor,
    mutation="reviewDecision",
    examples=("decision review decision:0012 --approve",),
):
    """Record a review of a decision by somebody who does not answer for it: approved, or with what has to change and
    which gaps were found.
    """

    reference: Annotated[str, DECISION]
    _: KW_ONLY
    approve: Annotated[bool, Says(text="That it can be accepted as it is.")] = False
    gap: Annotated[Sequence[str], Says(text="Something that is missing in it, or unclear.")] = ()
    reason: Annotated[str | None, Says(text="Why.")] = None

    def answer(self, ctx: Context) -> Deliberated:
        """See ``Request.answer``. Raises ``Usage`` for a review that says nothing, or by who answers for the decision,
        and the errors of references.
        """
        state = decision(ctx, self.reference)
        gaps = [text.strip() for text in self.gap if text.strip()]
        reason = (self.reason or "").strip() or None
        if not self.approve and not gaps and reason is None:
            raise Usage(
                "a review that asks for changes says for which",
                hint="Name a gap or a reason, or approve it.",
            )
        if is_owner(ctx, state):
            raise Usage(
                f"{ctx.actor} answers for {state.row.title}, and cannot review it",
                hint="A review is by somebody else.",
            )
        return taken(ctx, state, _review(ctx, state, self.approve, gaps, reason))


@dataclass(frozen=True, slots=True)
class SupersedeRequest(
    Request[Deliberated],
    demands=DECIDES,
    mutation="supersede",
    examples=("decision supersede decision:0007 --by decision:0012",),
):
    """Say that another decision takes the place of one. Where the record of the new one says so itself, that is
    enough.
    """

    reference: Annotated[str, DECISION]
    _: KW_ONLY
    by: Annotated[
        str, Says(text="The decision that takes its place.", metavar="REF", resolves=True)
    ]
    reason: Annotated[str | None, Says(text="Why.")] = None

    def answer(self, ctx: Context) -> Deliberated:
        """See ``Request.answer``. Raises the errors of ``demanded``."""
        old, new = self.demanded(ctx), decision(ctx, self.by)
        version = new.id if new.current is None else new.current.row.id
        attributes = {terms.METHOD: terms.STATED}
        edge = Edge(relation="wasRevisionOf", effect=version, cause=old.id, attributes=attributes)
        return taken(ctx, old, [*act_of(ctx, old, "superseded", self.reason), edge])

    def demanded(self, ctx: Context) -> DecisionState:
        """The decision whose place can be taken. Raises ``Usage`` where that would be a circle, and the errors of
        references.
        """
        old, new = decision(ctx, self.reference), decision(ctx, self.by)
        if old.id == new.id:
            raise Usage(f"{old.row.title} cannot take its own place", hint="Name two decisions.")
        states = Decisions(ctx).states
        todo = [old.id]
        while todo:
            if (at := todo.pop()) == new.id:
                raise Usage(
                    f"{old.row.title} takes the place of {new.row.title} already",
                    hint="One of two takes the place of the other.",
                )
            todo += states[at].supersedes
        return old


def decision(ctx: Context, text: str) -> DecisionState:
    """The decision that a reference means. Raises ``NotFound``, ``Ambiguous``, ``Usage`` for what is no decision."""
    return find(ctx, Decisions(ctx), text)[0]


def is_owner(ctx: Context, state: DecisionState) -> bool:
    """Whether who is acting is one of those who answer for a decision, under any of the names that are tied to them."""
    known = accounts(ctx, {one.id for one in state.named("owner")})
    acting = ids.thing_id("agent", "lineage", ctx.actor)
    name = ctx.actor.lower()
    return acting in known or any(name in names_of(row) for row in known.values())


def _demand_step(state: DecisionState, step: Step) -> None:
    allowed = _AFTER.get(step)
    if state.stage == "closed" and step != "reopened":
        raise Usage(
            f"{state.row.title} is closed", hint="'lineage decision reopen' opens it again."
        )
    if state.superseded_by and step != "closed":
        raise Usage(
            f"{state.row.title} is superseded",
            hint="The one that took its place is what counts now.",
        )
    is_closed = state.stage == "closed" and step == "reopened"
    if allowed is not None and state.status not in allowed and not is_closed:
        was = state.status or "of no status that is known"
        raise Usage(
            f"{state.row.title} is {was}, and cannot be {step}",
            hint="'lineage decision show' says what was done with it.",
        )


def _demand_approvals(state: DecisionState) -> None:
    """Raise ``Usage`` where a decision has fewer approvals of its text than it asks for."""
    wanted = state.node.attributes.get("review.required")
    if not isinstance(wanted, int | float) or not wanted:
        return
    last: dict[str, str | None] = {}
    version = None if state.current is None else state.current.row.id
    for act in state.acts:
        if act.act == "reviewed" and act.by is not None:
            # What was approved is a text: another one is looked at again.
            last[act.by] = act.verdict if act.version == version else None
    approved = sum(verdict == _APPROVE for verdict in last.values())
    if approved < wanted:
        raise Usage(
            f"{state.row.title} asks for {wanted:g} approvals and has {approved} of the text that it has now",
            hint="'lineage decision review REF --approve' is for somebody who does not answer for it.",
        )


def act_of(
    ctx: Context,
    state: DecisionState,
    step: str,
    reason: str | None,
    told: DecisionShown | None = None,
) -> Iterator[Record]:
    """The records of a step that who is acting takes now, with what was found then, where it was evaluated."""
    said = (reason or "").strip() or None
    ident = ids.thing_id("deliberation", "lineage", ids.uuid7())
    node = kinds.Deliberation(
        id=ident,
        label=f"{state.row.title} {step}",
        act=step,
        reason=said,
        started=ctx.recorded(),
        more=evaluated.counts(told) if told is not None else {},
    ).node()
    yield node
    yield from _beside(ctx, state, ident)
    if told is not None:
        yield from evaluated.records(told, ident)


def _review(
    ctx: Context, state: DecisionState, approve: bool, gaps: Sequence[str], reason: str | None
) -> Sequence[Record]:
    ident = ids.thing_id("review", "lineage", ids.uuid7())
    node = kinds.Review(
        id=ident,
        label=f"Review of {state.row.title}",
        verdict=_APPROVE if approve else _CHANGE,
        reason=reason,
        started=ctx.recorded(),
        more={"gap": tuple(gaps)} if gaps else {},
    ).node()
    return [node, *_beside(ctx, state, ident)]


def _beside(ctx: Context, state: DecisionState, ident: str) -> Iterator[Record]:
    """What a step was about, and who took it."""
    about = state.id if state.current is None else state.current.row.id
    yield Edge(relation="used", effect=ident, cause=about, attributes={"prov:role": "decision"})
    who = ids.thing_id("agent", "lineage", ctx.actor)
    yield kinds.Agent(id=who, label=ctx.actor).node()
    yield Edge(relation="wasAssociatedWith", effect=ident, cause=who)


def taken(ctx: Context, state: DecisionState, records: Sequence[Record]) -> Deliberated:
    """Write a step, and what the decision is now because of it."""
    batch = Batch(
        nodes=tuple(record for record in records if isinstance(record, Node)),
        edges=tuple(record for record in records if isinstance(record, Edge)),
    )
    source = authority.source(ctx, "api", SOURCE)
    report = ingest(ctx, masked(batch), source=source, importer=SOURCE)
    return now(ctx, state.id, report.entries)


def now(ctx: Context, ident: str, entries: tuple[int, ...]) -> Deliberated:
    """What a decision is after something of it was written in some entries, with the entries of what follows from that."""
    settled = settle(ctx)
    state = Decisions(ctx).states.get(ident)
    if state is None:
        raise NotFound(f"{ident} is not here any more")
    also = settled.entries if settled is not None else ()
    return Deliberated(decision=summary(state, ctx.recorded()[:10]), entries=(*entries, *also))

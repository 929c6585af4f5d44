# SPDX-License-Identifier: Apache-2.0
"""Shows one decision in full: its record, its life, what followed it and how that went."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from lineage import ids
from lineage.errors import Ambiguous, Usage
from lineage.model.value import each
from lineage.services.context import Context
from lineage.services.read.decisions.baselines import Baseline, compared, runs_of
from lineage.services.read.decisions.followed import Deviation, followed, followers, record_of
from lineage.services.read.decisions.learnt import LessonShown, learnt
from lineage.services.read.decisions.lessons import Offers, for_decision
from lineage.services.read.decisions.matching import matching
from lineage.services.read.decisions.rows import VersionRow
from lineage.services.read.decisions.state import Act, Decisions, DecisionState, titles
from lineage.services.read.decisions.summaries import DecisionSummary, summary
from lineage.services.read.decisions.verdicts import Evaluation, evaluate
from lineage.services.read.resolve import resolve
from lineage.services.read.sides import Side
from lineage.services.request import Request, Says
from lineage.services.summary import counted
from lineage.sources.decision_records.criteria import criteria_of
from lineage.sources.decision_records.markdown import lead
from lineage.sources.decision_records.names import bare
from lineage.sources.decision_records.statuses import normal
from lineage.store.base import NOW, Hop

_WHO = Hop(relations=frozenset({"wasAttributedTo"}))
_MADE = Hop(toward="effects", relations=frozenset({"wasGeneratedBy"}))
DECISION = Says(
    text="The decision: its identifier, number, file or title.", graphql="ref", resolves=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody in a record, or a run that follows it: what they are to the decision, and what they are called."""

    id: str
    role: str
    label: str

    def to_dict(self) -> dict[str, str]:
        """As JSON."""
        return {"id": self.id, "role": self.role, "label": self.label}


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionShown:
    """A version of a decision: when it was written, by whom, and what its file said of the status."""

    id: str
    label: str
    written: str
    authors: Sequence[str]
    status_written: str | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        shown = {name: getattr(self, name) for name in self.__slots__}
        return {**shown, "authors": list(self.authors)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionShown:
    """One decision in full. ``front`` is what its front matter says now, every scalar as written; ``sections`` the text
    under each heading, ``text`` the whole of its file. ``runs`` are those that follow it, ``matching`` those that did
    what it plans and name no decision, ``baseline`` what they have otherwise than
    the runs that its criteria are compared with. ``learnt`` are its own lessons, ``lessons`` those of others that
    may matter to it, where that was asked. ``open`` are the items that wait for somebody; ``notes`` what to know of the answer itself.
    """

    decision: DecisionSummary
    front: Mapping[str, Any]
    sections: Mapping[str, str]
    text: str | None
    people: Sequence[Party]
    versions: Sequence[VersionShown]
    acts: Sequence[Act]
    supersedes: Sequence[str]
    runs: Sequence[Party]
    matching: Sequence[Party]
    deviations: Sequence[Deviation]
    baseline: Baseline
    criteria: Sequence[Evaluation]
    learnt: Sequence[LessonShown]
    open: Sequence[str]
    notes: Sequence[str]
    lessons: Offers = field(default_factory=Offers)

    @property
    def outcome(self) -> str | None:
        """What was decided, in the words of the first paragraph that its record has of it."""
        text = self.sections.get("Decision Outcome") or self.sections.get("Decision") or ""
        return lead(text) or None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "decision": self.decision.to_dict(),
            "front": dict(self.front),
            "sections": dict(self.sections),
            "text": self.text,
            "people": [one.to_dict() for one in self.people],
            "versions": [one.to_dict() for one in self.versions],
            "acts": [act.to_dict() for act in self.acts],
            "supersedes": list(self.supersedes),
            "runs": [one.to_dict() for one in self.runs],
            "matching": [one.to_dict() for one in self.matching],
            "deviations": [one.to_dict() for one in self.deviations],
            "baseline": self.baseline.to_dict(),
            "criteria": [one.to_dict() for one in self.criteria],
            "learnt": [one.to_dict() for one in self.learnt],
            "lessons": self.lessons.to_dict(),
            "open": list(self.open),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class DecisionRequest(
    Request[DecisionShown],
    graphql="decisionRecord",
    weight=50,
    examples=("decision show decision:0012", "decision show dec-01jd3k"),
):
    """One decision in full: what its record says, what was done with it, the runs that follow it with each deviation from
    its plan, and what became of its criteria.
    """

    reference: Annotated[str, DECISION]

    def answer(self, ctx: Context) -> DecisionShown:
        """See ``Request.answer``. Raises the errors of references, ``Usage`` for what is no decision."""
        decisions = Decisions(ctx)
        state, note = find(ctx, decisions, self.reference)
        told = shown(ctx, decisions, state, [note] if note else [])
        return replace(told, lessons=for_decision(ctx, state))


def find(ctx: Context, decisions: Decisions, text: str) -> tuple[DecisionState, str | None]:
    """The decision that a reference means: by identifier, number, file, title, or one of its versions; and what to know of
    how it was found. Raises ``NotFound``, ``Ambiguous``, ``Usage`` for what is no decision.
    """
    meant = decisions.meant(text)
    if meant.one is not None:
        state = decisions.states[meant.one]
        note = f"{bare(text)} is what it was called before" if meant.older else None
        return state, note
    if meant.idents:
        listed = "\n".join(
            f"  {decisions.states[ident].row.title}  {ident}" for ident in meant.idents
        )
        raise Ambiguous(f"{text!r} may be any of {len(meant.idents)} decisions:\n{listed}")
    row = resolve(ctx, text if ":" in text else f"decision:{text}")
    found = decisions.of_version(row.id)
    if found is None:
        raise Usage(f"{row.title} is a {row.kind}, no decision", hint="Name a decision.")
    return found, None


def shown(
    ctx: Context, decisions: Decisions, state: DecisionState, notes: Sequence[str] = ()
) -> DecisionShown:
    """A decision in full, as the store has it now."""
    record = None if state.current is None else record_of(state.current)
    of = followers(ctx, [state]).get(state.id, {})
    done = followed(ctx, state, of)
    criteria = [] if record is None else criteria_of(record.front)
    evaluations = evaluate(ctx, criteria, done.runs, decisions)
    compared_with = (text for one in criteria for text in one.baseline)
    baseline, _ = runs_of(ctx, compared_with, decisions)
    told = summary(state, ctx.recorded()[:10])
    open_ = [*_open(state, told, done.deviations)]
    open_ += [f"plan not compared: {what}: {why}" for what, why in done.unclear]
    unnamed, all_of_them = matching(ctx, state)
    open_ += _unnamed(unnamed, all_of_them, state)
    sections = {} if record is None else {s.title: s.text for s in record.outline.sections}
    return DecisionShown(
        decision=told,
        front={} if record is None else record.front,
        sections=sections,
        text=None if state.current is None else _text(state.current),
        people=_people(state),
        versions=tuple(_versions(ctx, state)),
        acts=tuple(state.acts),
        supersedes=tuple(titles(decisions.states, state.supersedes)),
        runs=tuple(_party("follows", side) for side in done.runs.values()),
        matching=tuple(_party("matches", side) for side in unnamed),
        deviations=tuple(done.deviations),
        baseline=compared(done.runs, baseline),
        criteria=tuple(evaluations),
        learnt=tuple(learnt(ctx, state.id)),
        open=tuple(open_),
        notes=(*notes, *_notes(decisions, state), *_since(ctx, state, evaluations)),
    )


def _party(role: str, side: Side) -> Party:
    return Party(id=side.run.id, role=role, label=side.run.title)


def _unnamed(runs: Sequence[Side], complete: bool, state: DecisionState) -> Iterator[str]:
    if runs:
        what = f"{counted(len(runs), 'run')} did what it plans and {'name' if len(runs) > 1 else 'names'} no decision"
        command = (
            f"lineage decision link {shlex.quote(runs[0].run.id)} --to {shlex.quote(state.key)}"
        )
        yield f"{what}: '{command}' says that it follows this one"
    if not complete:
        yield "not all runs that name no decision were compared with its plan"


def _text(version: VersionRow) -> str | None:
    held = version.node.attributes.get("text")
    return held if isinstance(held, str) else None


def _people(state: DecisionState) -> Sequence[Party]:
    """Who is named in it now, with their roles."""
    roles = dict.fromkeys(one.role for one in state.people)
    return tuple(
        Party(id=one.id, role=role, label=one.title) for role in roles for one in state.named(role)
    )


def _versions(ctx: Context, state: DecisionState) -> Sequence[VersionShown]:
    idents = [one.row.id for one in state.versions]
    authors: dict[str, list[str]] = {}
    for edge in sorted(ctx.store.edges(idents, _WHO, NOW)):
        if edge.edge().attributes.get("prov:role") == "author":
            authors.setdefault(edge.effect, []).append(edge.cause)
    rows = ctx.store.get({who for some in authors.values() for who in some}, NOW)
    return [
        VersionShown(
            id=one.row.id,
            label=one.row.title,
            written=one.at,
            authors=[rows[who].title for who in authors.get(one.row.id, ()) if who in rows],
            status_written=next(
                (str(x) for x in each(one.node.attributes.get("status_written", ()))), None
            ),
        )
        for one in state.versions
    ]


def _open(
    state: DecisionState, told: DecisionSummary, deviations: Sequence[Deviation]
) -> Iterator[str]:
    """What waits for somebody."""
    yield from told.overdue
    for text in told.unresolved:
        yield f"leads nowhere, or to several: {text}"
    for held in each(state.node.attributes.get("unresolved", ())):
        if str(held).partition(":")[0] not in told.unresolved:
            yield f"leads nowhere, or to several: {held}"
    unexplained = [one for one in deviations if one.reason is None]
    if unexplained:
        yield f"{counted(len(unexplained), 'deviation')} from the plan without a reason"
    gaps = [act for act in state.acts if act.act == "reviewed"]
    if gaps and gaps[-1].verdict != "approve":
        yield f"the last review, by {gaps[-1].by}, asks for changes"


def _since(ctx: Context, state: DecisionState, now: Sequence[Evaluation]) -> Iterator[str]:
    """Which criteria have another verdict than when they were evaluated last."""
    last = next((act for act in reversed(state.acts) if act.act == "evaluated"), None)
    made = [] if last is None else ctx.store.edges([last.id], _MADE, NOW)
    if last is None or not made:
        return
    nodes = [row.node() for row in ctx.store.get([edge.effect for edge in made], NOW).values()]
    then = {
        str(node.attributes.get("criterion")): str(node.attributes.get("verdict"))
        for node in nodes
        if node.kind == "Verdict"
    }
    for one in now:
        before = then.get(one.criterion)
        if before != one.holds:
            was = "was not among its criteria" if before is None else f"was {before}"
            who = last.by or "somebody"
            yield f"when {who} evaluated it on {last.at[:10]}, {one.criterion} {was}"


def _is_whole(version: VersionRow) -> bool:
    """Whether the text of a version is that of its file."""
    text = str(version.node.attributes.get("text") or "")
    return version.node.attributes.get("digest") in {None, f"sha256:{ids.sha256(text.encode())}"}


def _notes(decisions: Decisions, state: DecisionState) -> Iterator[str]:
    """What to know of how the status came about."""
    written = state.text("status_written")
    if state.superseded_by:
        by = ", ".join(titles(decisions.states, state.superseded_by))
        yield f"superseded by {by}"
    if written is not None and normal(written) != state.status:
        yield f"its file says {written}"
    if state.current is not None and not _is_whole(state.current):
        yield "secrets were taken out of its text when it was taken in"
    if state.in_cycle:
        yield "it and another take the place of each other: neither is superseded"
    if state.text("removed") is not None:
        yield f"its file was removed in commit {state.text('removed')}"

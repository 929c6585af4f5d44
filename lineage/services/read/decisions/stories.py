# SPDX-License-Identifier: Apache-2.0
"""Tells the decisions behind a thing in order of time, in sentences: what was believed, tried, learnt and decided.

The sentences are made from the records by templates; none says more than its record does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any

from lineage.model import kinds
from lineage.services.context import Context
from lineage.services.read.decisions.show import DecisionShown, shown
from lineage.services.read.decisions.state import Decisions, DecisionState
from lineage.services.read.decisions.summaries import DecisionSummary
from lineage.services.read.decisions.verdicts import Evaluation
from lineage.services.read.resolve import resolve
from lineage.services.read.versions import versions
from lineage.services.request import Request, Says, reference
from lineage.services.summary import counted
from lineage.store.base import NOW, Hop, Walk
from lineage.store.rows import NodeRow

#: Decisions that a story tells of unless another number is asked for, and at most.
_TOLD, _MOST = 50, 1_000
#: Deviations and lessons of one decision that are told, and characters of a text that stands in a sentence.
_FEW, _LONGEST = 3, 300
_ABOUT = Hop(toward="effects", relations=frozenset({"wasDerivedFrom", "wasInfluencedBy"}))
_WALKED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One decision of a story: on which day, and the sentences about it."""

    decision: DecisionSummary
    when: str
    sentences: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "decision": self.decision.to_dict(),
            "when": self.when,
            "sentences": list(self.sentences),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The decisions behind a thing, oldest first, and how many more there are. ``complete`` says whether all that is
    recorded of its causes was looked at.
    """

    about: str
    title: str
    chapters: tuple[Chapter, ...]
    left: int
    complete: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "about": self.about,
            "title": self.title,
            "chapters": [one.to_dict() for one in self.chapters],
            "left": self.left,
            "complete": self.complete,
        }


@dataclass(frozen=True, slots=True)
class StoryRequest(
    Request[Story],
    graphql="decisionStory",
    weight=100,
    examples=("decision story model:fraud@v3", "decision story decision:0012"),
):
    """The decisions behind a thing in order of time, in sentences: what was believed, tried, learnt and decided. Those that
    what made it followed, those that these rest on, and those that were taken about the thing itself.
    """

    reference: Annotated[str, reference("What is asked about")]
    _: KW_ONLY
    first: Annotated[
        int,
        Says(text="How many decisions at most.", at_least=1, at_most=_MOST, sized=(_TOLD, _MOST)),
    ] = _TOLD

    def answer(self, ctx: Context) -> Story:
        """See ``Request.answer``. Raises the errors of references."""
        row = resolve(ctx, self.reference)
        decisions = Decisions(ctx)
        behind, complete = _behind(ctx, decisions, row)
        ordered = sorted(behind, key=lambda state: (_when(state), state.row.title, state.id))
        chapters = [_chapter(ctx, decisions, state) for state in ordered[: self.first]]
        return Story(
            about=row.id,
            title=row.title,
            chapters=tuple(chapters),
            left=max(0, len(ordered) - self.first),
            complete=complete,
        )


def _behind(
    ctx: Context, decisions: Decisions, row: NodeRow
) -> tuple[Sequence[DecisionState], bool]:
    """The decisions behind a thing, and whether all of its causes were looked at."""
    start = {row.id, *(one.id for one in versions(ctx, row, NOW))}
    if state := decisions.of_version(row.id):
        start |= {state.id, *(one.row.id for one in state.versions)}
    walked = ctx.store.walk(Walk(start=frozenset(start), followed=True, limit=_WALKED), NOW)
    reached = {one.id for one in walked.node_rows}
    # What was decided about the thing, and about the runs that made it, rests on them.
    runs = {one.id for one in walked.node_rows if kinds.family(one.kind) == "Activity"}
    about = {edge.effect for edge in ctx.store.edges([*(start | runs)], _ABOUT, NOW)}
    found = {
        state.id: state
        for ident in sorted(reached | about)
        if (state := decisions.of_version(ident)) is not None
    }
    return list(found.values()), walked.cut is None


def _when(state: DecisionState) -> str:
    """The day of a decision: the one that its record has, else when it was first written."""
    return (state.text("decided") or (state.versions[0].at if state.versions else ""))[:10]


def _chapter(ctx: Context, decisions: Decisions, state: DecisionState) -> Chapter:
    told = shown(ctx, decisions, state)
    return Chapter(
        decision=told.decision, when=_when(state), sentences=tuple(_sentences(told, decisions))
    )


def _sentences(told: DecisionShown, decisions: Decisions) -> Iterator[str]:
    one = told.decision
    makers = [p.label for p in told.people if p.role in {"decision-maker", "owner", "author"}]
    who = _and(list(dict.fromkeys(makers)))
    status = one.status or "of no status that is known"
    yield f"{one.title} is {status}{f'; it is by {who}' if who else ''}."
    front = told.front
    if hypothesis := _text(front.get("hypothesis")):
        yield f"It was believed: {hypothesis}"
    if competing := _texts(front.get("competing")):
        yield f"What else would explain it: {'; '.join(competing[:_FEW])}."
    if intuition := _text(front.get("intuition")):
        yield f"The intuition was: {intuition}"
    # MADR's form of it has these words before the sentence.
    if text := _text((told.outcome or "").removeprefix("Chosen option: ")):
        yield f"It was decided: {text}"
    yield from _tried(told)
    yield from map(_measured, told.criteria)
    yield from _learnt(told)
    for act in told.acts:
        verdict = f" ({act.verdict})" if act.verdict else ""
        because = f": {_text(act.reason)}" if act.reason else "."
        yield f"On {act.at[:10]} it was {act.act}{verdict} by {act.by or 'somebody'}{because}"
    if told.supersedes:
        yield f"It took the place of {_and(list(told.supersedes))}."
    if one.superseded_by:
        newer = [decisions.states[i].row.title for i in one.superseded_by if i in decisions.states]
        yield f"{_and(newer)} took its place."


def _tried(told: DecisionShown) -> Iterator[str]:
    if not told.runs:
        yield "No run that is recorded followed it."
        return
    names = [run.label for run in told.runs[:_FEW]]
    names += [f"{len(told.runs) - _FEW} more"] if len(told.runs) > _FEW else []
    yield f"{counted(len(told.runs), 'run')} followed it: {_and(names)}."
    if told.deviations:
        open_ = sum(one.reason is None for one in told.deviations)
        without = f", {open_} of them without a reason" if open_ else ", each with a reason"
        yield f"{counted(len(told.deviations), 'deviation')} from the plan{without}."


def _measured(one: Evaluation) -> str:
    what = counted(one.n, "pair" if one.paired else "run")
    estimate = f", estimate {one.estimate:.6g}" if one.estimate is not None else ""
    return f"{one.criterion}: {one.holds}, {one.why} ({what}{estimate})."


def _learnt(told: DecisionShown) -> Iterator[str]:
    for lesson in told.learnt[:_FEW]:
        if text := _text(lesson.text):
            yield f"It was learnt: {text}"
    if text := _text(told.sections.get("Failures and lessons")):
        yield f"It was learnt: {text}"


def _text(value: Any) -> str | None:
    """A text on one line as the end of a sentence, cut where it is long; ``None`` for none, and for a placeholder."""
    if not isinstance(value, str):
        return None
    text = " ".join(value.split())
    if not text or text.startswith("{"):
        return None
    if len(text) > _LONGEST:
        return f"{text[:_LONGEST].rstrip()}…"
    return text if text[-1] in ".!?" else f"{text}."


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _and(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"

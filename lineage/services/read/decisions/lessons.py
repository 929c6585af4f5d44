# SPDX-License-Identifier: Apache-2.0
"""Offers lessons where what they are about comes back: to whom they may matter, and why.

How far a plan or a run resembles what a lesson is about is a sum, at most 1: of the data (``lineage.services.read.decisions.likeness``),
of the tags, and of the numeric parameters. Nothing is learnt from texts: whoever is offered a lesson sees each part of
the sum in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, Any

from lineage.errors import Ambiguous, BadReference, NotFound, Usage
from lineage.model import terms
from lineage.model.record import Node
from lineage.model.value import each
from lineage.services.context import Context
from lineage.services.read.decisions.learnt import is_subject, text_of
from lineage.services.read.decisions.likeness import Data, Relatives, data_of, near, numbers
from lineage.services.read.decisions.rows import KINDS
from lineage.services.read.decisions.state import Decisions, DecisionState
from lineage.services.read.resolve import meant, resolve
from lineage.services.read.sides import PARAM
from lineage.services.read.within import within
from lineage.services.request import Request, Says
from lineage.store.base import NOW, Filter, Hop, Page
from lineage.store.rows import NodeRow

#: Lessons that are looked at, in the order of their identifiers, and that are offered unless another number is asked for.
_LOOKED_AT, OFFERED, _MOST = 1_000, 3, 1_000
NOT_ALL = "not all lessons, or not all that their data was made from, were looked at"
#: The parts of the sum for the tags and for the parameters, and from where on a lesson is offered.
TAGS, PARAMETERS, FROM = 0.35, 0.2, 0.35
#: Parameters of one lesson that are told, and characters of its text in a line.
_TOLD, _LONGEST = 3, 160
#: Data of one plan that is looked for.
_INPUTS = 50
_CAUSES = Hop(relations=frozenset({"wasDerivedFrom", "wasInfluencedBy"}))
_USES = Hop(relations=frozenset({"used"}))
_LESSONS = Filter(kinds=frozenset({"Lesson"}))
#: Where a record names the data that it is about.
DATA = ("plan.inputs", "links.datasets")
_CONFIG = "plan.config."
SUBJECT = Says(
    text="A decision or a run: its identifier, or what it is called.",
    graphql="ref",
    resolves=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A lesson that may matter: ``of`` names the decision or the run that it was learnt from, ``why`` says in which
    parts what it is about is resembled, and ``score`` is their sum, at most 1.
    """

    id: str
    text: str
    of: str
    why: Sequence[str]
    score: float

    @property
    def line(self) -> str:
        """It on one line."""
        text = " ".join(self.text.split())
        shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"
        return f'lesson: "{shown}" ({self.of}): {", ".join(self.why)}'

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "text": self.text,
            "of": self.of,
            "why": list(self.why),
            "score": self.score,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """The lessons that may matter most, and how many more may. ``complete`` says that all lessons were looked at, with all
    that is recorded of how their data came about.
    """

    lessons: tuple[Offer, ...] = ()
    left: int = 0
    complete: bool = True

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "lessons": [one.to_dict() for one in self.lessons],
            "left": self.left,
            "complete": self.complete,
        }

    def lines(self) -> Iterator[str]:
        """Each on one line, then how many more there are, and whether there may be others."""
        yield from (one.line for one in self.lessons)
        if self.left:
            yield f"... and {self.left} more lessons"
        if not self.complete:
            yield NOT_ALL

    @property
    def line(self) -> str | None:
        """The first of them, and how many more there are, on one line; ``None`` where there is none."""
        left = self.left + len(self.lessons) - 1
        if not self.lessons:
            return None
        return self.lessons[0].line + (f" (and {left} more)" if left else "")


@dataclass(slots=True)
class Situation:
    """What somebody is about to do, or what a lesson is about: data, values of numeric parameters, and tags."""

    data: list[Data] = field(default_factory=list)
    numbers: dict[str, list[float]] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)

    def take(self, params: Mapping[str, Any]) -> None:
        """Take parameters in."""
        for name, values in numbers(params).items():
            self.numbers.setdefault(name, []).extend(values)


@dataclass(frozen=True, slots=True)
class LessonsRequest(
    Request[Offers],
    graphql="lessonsFor",
    weight=50,
    examples=("decision lessons dec-01jd3k", "decision lessons run:ab12"),
):
    """The lessons that may matter to a decision or a run: those about the same data or what that was made from or into, with
    the same tags, or with parameters near to its own. Each says why it is offered.
    """

    reference: Annotated[str, SUBJECT]
    _: KW_ONLY
    first: Annotated[
        int, Says(text="How many at most.", at_least=1, at_most=_MOST, sized=(20, _MOST))
    ] = 20

    def answer(self, ctx: Context) -> Offers:
        """See ``Request.answer``. Raises ``Usage`` for what is neither, and the errors of references."""
        row, state = subject(ctx, self.reference)
        if state is not None:
            return for_decision(ctx, state, self.first)
        return for_run(ctx, row, self.first)


def subject(ctx: Context, text: str) -> tuple[NodeRow, DecisionState | None]:
    """The decision or the run that a reference means. Raises ``Usage`` for what is neither, and the errors of references."""
    exact = ctx.store.get([text], NOW).get(text)
    if exact is not None and exact.kind == "Run":
        return exact, None
    decisions = Decisions(ctx)
    if (ident := decisions.meant(text).one) is not None:
        state = decisions.states[ident]
        return state.row, state
    row = resolve(ctx, text)
    found = decisions.of_version(row.id)
    if found is not None:
        return found.row, found
    if row.kind != "Run":
        raise Usage(
            f"{row.title} is a {row.kind}, neither a decision nor a run",
            hint="Name the decision or the run that it was learnt from; --about names what else it is about.",
        )
    return row, None


def any_lesson(ctx: Context) -> bool:
    """Whether there is any lesson: whoever asks for offers pays for no more than this where there is none."""
    return bool(ctx.store.find(_LESSONS, Page(limit=1), NOW).rows)


def for_decision(ctx: Context, state: DecisionState, most: int = OFFERED) -> Offers:
    """The lessons for a decision as its record has it now, but its own."""
    held = state.node.attributes
    named = [str(text) for key in DATA for text in each(held.get(key, ()))]
    config = {k.removeprefix(_CONFIG): v for k, v in held.items() if k.startswith(_CONFIG)}
    versions = {state.id, *(one.row.id for one in state.versions)}
    return for_plan(ctx, named, config, _tags(state.node), but=versions, most=most)


def for_plan(
    ctx: Context,
    data: Iterable[str],
    config: Mapping[str, Any],
    tags: Iterable[str] = (),
    *,
    but: Iterable[str] = (),
    most: int = OFFERED,
) -> Offers:
    """The lessons for a plan: the data that it names (references), its parameters and tags. Those learnt from ``but`` are
    left out.
    """
    if not any_lesson(ctx):
        return Offers()
    found: dict[str, Node] = {}
    for text in list(data)[:_INPUTS]:
        try:
            found |= {row.id: row.node() for row in meant(ctx, text)}
        except (NotFound, Ambiguous, BadReference):
            continue  # what is not here resembles nothing; 'decision check' tells it
    here = Situation(data=data_of(ctx, found.values()), tags={text.lower() for text in tags})
    here.take(config)
    return _offers(ctx, here, set(but), most)


def for_run(ctx: Context, row: NodeRow, most: int = OFFERED) -> Offers:
    """The lessons for a run, but its own. It has the tags of the decisions that it follows besides those of its tracker."""
    if not any_lesson(ctx):
        return Offers()
    here = Situation(data=data_of(ctx, _used(ctx, [row.id])[row.id]))
    node = row.node()
    here.take(_params(node))
    here.tags = {
        str(text).lower()
        for name, value in node.attributes.items()
        if name == "tags" or (name.startswith("tag.") and not name.startswith("tag.mlflow."))
        for text in each(value)
    }
    causes = {edge.cause for edge in ctx.store.edges([row.id], _CAUSES, NOW)}
    for other in ctx.store.get(causes, NOW).values() if causes else ():
        if other.kind in KINDS:
            here.tags |= _tags(other.node())
    return _offers(ctx, here, {row.id}, most)


def _params(node: Node) -> Mapping[str, Any]:
    return {k.removeprefix(PARAM): v for k, v in node.attributes.items() if k.startswith(PARAM)}


def _tags(node: Node) -> set[str]:
    return {str(text).lower() for text in each(node.attributes.get("tags", ()))}


def _used(ctx: Context, runs: Sequence[str]) -> Mapping[str, list[Node]]:
    """What each of some runs used; one that is part of a captured run, what that used besides."""
    around = within(ctx, runs, NOW)
    wanted = {*runs, *(one for of in around.values() for one in of)}
    edges = [row.edge() for row in ctx.store.edges(list(wanted), _USES, NOW)] if wanted else []
    kept = [e for e in edges if not terms.is_module(e.attributes) and not _is_source(e.attributes)]
    rows = ctx.store.get({edge.cause for edge in kept}, NOW) if kept else {}
    by_run: dict[str, list[Node]] = {}
    for edge in kept:
        if edge.cause in rows:
            by_run.setdefault(edge.effect, []).append(rows[edge.cause].node())
    return {
        run: [node for one in (run, *sorted(around.get(run, ()))) for node in by_run.get(one, ())]
        for run in runs
    }


def _is_source(used: Mapping[str, Any]) -> bool:
    return used.get("prov:role") == "source"


@dataclass(slots=True)
class _Lesson:
    """A lesson with what it is about. ``of`` is what it was learnt from."""

    node: Node
    of: str = ""
    subjects: set[str] = field(default_factory=set)
    about: Situation = field(default_factory=Situation)


def _offers(ctx: Context, here: Situation, but: set[str], most: int) -> Offers:
    page = ctx.store.find(_LESSONS, Page(limit=_LOOKED_AT), NOW)
    lessons = [one for one in _read(ctx, page.rows) if one.subjects.isdisjoint(but)]
    relatives = Relatives(ctx, here.data, [data for one in lessons for data in one.about.data])
    found = []
    for one in lessons:
        why, score = _resembled(here, one.about, relatives)
        if score >= FROM:
            told = Offer(
                id=one.node.id,
                text=text_of(one.node),
                of=one.of or one.node.id,
                why=tuple(why),
                score=score,
            )
            found.append(told)
    found.sort(key=lambda offer: (-offer.score, offer.id))
    return Offers(
        lessons=tuple(found[:most]),
        left=max(0, len(found) - most),
        complete=page.after is None and relatives.complete,
    )


def _read(ctx: Context, rows: Sequence[NodeRow]) -> Sequence[_Lesson]:
    """Lessons with what they are about: the data and the runs that are named, else the plan of their decisions."""
    found = {row.id: _Lesson(row.node()) for row in rows}
    edges = ctx.store.edges(list(found), _CAUSES, NOW) if found else ()
    causes = ctx.store.get({edge.cause for edge in edges}, NOW) if edges else {}
    used = _used(ctx, sorted(i for i, row in causes.items() if row.kind == "Run"))
    data: dict[str, list[Node]] = {ident: [] for ident in found}
    plans: dict[str, list[Node]] = {ident: [] for ident in found}
    for edge in sorted(edges):
        row, one = causes.get(edge.cause), found[edge.effect]
        if row is None:
            continue
        node = row.node()
        if is_subject(edge):
            one.subjects.add(row.id)
            one.of = one.of or _called(node)
        if row.kind == "Run":
            data[edge.effect] += used[row.id]
            one.about.take(_params(node))
        elif row.kind in KINDS:
            plans[edge.effect].append(node)
        else:
            data[edge.effect].append(node)
    known = {one.id: one for one in data_of(ctx, [n for some in data.values() for n in some])}
    for ident, one in found.items():
        one.about.data = [known[node.id] for node in data[ident] if node.id in known]
        one.about.tags = _tags(one.node) or set().union(*map(_tags, plans[ident]))
        for plan in plans[ident] if not one.about.numbers else ():
            held = plan.attributes
            one.about.take(
                {k.removeprefix(_CONFIG): v for k, v in held.items() if k.startswith(_CONFIG)}
            )
    return list(found.values())


def _called(node: Node) -> str:
    """What people type for a decision or a run."""
    if node.kind == "Run":
        return f"run:{node.id.rpartition('/')[2]}"
    return str(node.attributes.get("key") or node.title)


def _resembled(here: Situation, about: Situation, relatives: Relatives) -> tuple[list[str], float]:
    """In which parts a situation resembles what a lesson is about, in words, and the sum of them."""
    words: list[str] = []
    score = 0.0
    if (best := relatives.best(about.data)) is not None:
        words.append(best.why)
        score += best.score
    both = sorted(here.numbers.keys() & about.numbers.keys())
    alike = [w for name in both if (w := near(name, here.numbers[name], about.numbers[name]))]
    words += alike[:_TOLD]
    score += PARAMETERS * len(alike) / len(both) if both else 0
    if same := sorted(here.tags & about.tags):
        words.append(f"the tag{'s' if len(same) > 1 else ''} {', '.join(same)}")
        score += TAGS * len(same) / len(about.tags)
    return words, round(score, 2)

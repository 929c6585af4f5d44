# SPDX-License-Identifier: Apache-2.0
"""Lists the runs between two results in order of time, with what changed at each and the metric after it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any

from lineage.errors import Usage
from lineage.model.gaps import Gap
from lineage.model.numeric import meaning, number
from lineage.model.value import plain
from lineage.query import condition as c
from lineage.services import notebook
from lineage.services.answer import Certificate, certify
from lineage.services.as_of import at_one_moment
from lineage.services.context import Context
from lineage.services.read.differences import Difference, metric, sections
from lineage.services.read.gaps import of_runs, sources
from lineage.services.read.sides import METRIC, Side, run_of, sides
from lineage.services.request import Request, Says, When
from lineage.services.summary import counted
from lineage.store.base import Cut, Filter, Page, View
from lineage.store.rows import EdgeRow, NodeRow

#: What may have made a metric differ.
CHANGED = ("code", "data", "environment", "parameters")
#: What two results may share, so that the runs between them are those that share it, too.
_SHARED = ("experiment", "stage", "name")
#: Runs that are looked at, and that are told of at most.
_MOST, LISTED = 10_000, 1_000
COLUMNS = ("run", "at", "value", "delta", "better", "changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A run in its order: when it was, the metric, and what changed since the run before.

    ``change`` is that of the metric. ``sections`` are those of a comparison with the run before, and
    ``unknown`` names those of which it is not recorded whether they changed; the first step has none.
    """

    run: str
    label: str
    at: str
    value: float
    change: Difference | None
    sections: Mapping[str, tuple[Difference, ...]]
    unknown: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "run": self.run,
            "label": self.label,
            "at": self.at,
            "value": self.value,
            "change": None if self.change is None else self.change.to_dict(),
            **{name: [d.to_dict() for d in self.sections.get(name, ())] for name in CHANGED},
            "unknown": list(self.unknown),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bisection:
    """The runs between two results, both included, oldest first.

    ``among`` says which runs: those of one experiment, stage or name, or all that recorded the
    metric. ``largest`` is the run at which the metric moved most in the direction in which it moved
    on the whole; ``None`` where it did not move.
    """

    metric: str
    a: str
    b: str
    among: str
    steps: tuple[Step, ...]
    largest: str | None
    certificate: Certificate

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage bisect``."""
        return {
            "metric": self.metric,
            "a": self.a,
            "b": self.b,
            "among": self.among,
            "steps": [step.to_dict() for step in self.steps],
            "largest": self.largest,
            "certificate": self.certificate.to_dict(),
        }

    def to_pandas(self) -> Any:
        """The steps as a ``pandas.DataFrame``: run, at, value, delta, better, changed (the sections).
        Raises ``MissingExtra`` without pandas.
        """
        return notebook.frame(COLUMNS, self._rows())

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        for step in self.steps:
            change = step.change
            changed = ", ".join(name for name in CHANGED if step.sections.get(name))
            moved = (None, None) if change is None else (change.delta, change.better)
            yield step.label, step.at, step.value, *moved, changed

    def _repr_html_(self) -> str:
        largest = next((step.label for step in self.steps if step.run == self.largest), None)
        notes = [f"{self.metric} among {self.among}."]
        notes += [f"It changed most at {largest}."] if largest is not None else []
        notes += [f"But: {gap.message}" for gap in self.certificate.gaps]
        return notebook.listed(COLUMNS, self._rows(), notes)


@dataclass(frozen=True, slots=True)
class BisectRequest(
    Request[Bisection],
    graphql="bisect",
    weight=100,
    examples=("bisect accuracy --from model:fraud@v2 --to model:fraud@v5",),
):
    """The runs between two results in order of time: what changed at each, and the metric after it."""

    metric: Annotated[str, Says(text="The metric, by its name: accuracy.")]
    one: Annotated[
        str,
        Says(
            text="The one result: a run, or what it made.",
            flag="--from",
            metavar="REF",
            graphql="a",
            resolves=True,
        ),
    ]
    other: Annotated[
        str,
        Says(text="The other.", flag="--to", metavar="REF", graphql="b", resolves=True),
    ]
    _: KW_ONLY
    limit: Annotated[
        int,
        Says(
            text="How many runs at most, those nearest the later result.",
            at_least=2,
            at_most=LISTED,
        ),
    ] = 100
    at: When = None

    def answer(self, ctx: Context) -> Bisection:
        """See ``Request.answer``. Raises ``Usage`` for a result that has no such metric, or no time."""
        (found, gaps), stand = at_one_moment(ctx, self.at, lambda view: _read(ctx, self, view))
        steps = tuple(_steps(found))
        left = found.left
        cut = Cut(reason="limit", left=left) if left else None
        return Bisection(
            metric=found.metric,
            a=found.a,
            b=found.b,
            among=found.among,
            steps=steps,
            largest=_largest(steps),
            certificate=certify(stand, cut, gaps=gaps),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sequence:
    """Runs in order of time, each with when it was."""

    metric: str
    a: str
    b: str
    among: str
    runs: Sequence[tuple[str, Side]]
    left: int


def _read(ctx: Context, asked: BisectRequest, view: View) -> tuple[_Sequence, list[Gap]]:
    name = asked.metric.removeprefix(METRIC)
    one, other = run_of(ctx, asked.one, view), run_of(ctx, asked.other, view)
    ends, _ = sides(ctx, {one, other}, view)
    for about, ident in ((asked.one, one), (asked.other, other)):
        _demand(ends[ident], about, name)
    begin, end = sorted(_moment(_when(ends[ident])) for ident in (one, other))
    among, shared = _shared(ends[one], ends[other])
    page = ctx.store.find(
        Filter(kinds=frozenset({"Run"}), also=c.AllOf((c.Has(METRIC + name), *shared))),
        Page(limit=_MOST),
        view,
    )
    rows = {row.id: row for row in page.rows if _value(row, name) is not None}
    rows |= {ident: ends[ident].row for ident in (one, other)}
    times, unplaced = _times(ctx, rows, view)
    order = sorted(
        (ident for ident, at in times.items() if begin <= _moment(at) <= end),
        key=lambda ident: (_moment(times[ident]), ident),
    )
    chosen = [*order[:1], *order[1:][-(asked.limit - 1) :]]
    known, edges = sides(ctx, chosen, view)
    found = _Sequence(
        metric=name,
        a=one,
        b=other,
        among=among,
        runs=[(times[ident], known[ident]) for ident in chosen],
        left=len(order) - len(chosen),
    )
    return found, list(_gaps(ctx, found, edges, unplaced, view, more=page.after is not None))


def _demand(side: Side, about: str, name: str) -> None:
    """Raise ``Usage`` for a result that has no such metric, or of which no time is recorded."""
    held = side.named(METRIC)
    if name not in held or _value(side.row, name) is None:
        listed = ", ".join(sorted(held)[:10])
        hint = f"It recorded {listed}." if held else "It recorded no metric."
        raise Usage(f"the run of {about!r} recorded no number as {name!r}", hint=hint)
    if _when(side) is None:
        raise Usage(
            f"when the run of {about!r} was is not recorded",
            hint="Name a run that has a time, or a commit with one.",
        )


def _value(row: NodeRow, name: str) -> float | None:
    held = plain(row.node().attributes).get(METRIC + name)
    value = None if isinstance(held, list) else number(held)
    return value if value is not None and math.isfinite(value) else None


def _shared(one: Side, other: Side) -> tuple[str, tuple[c.Condition, ...]]:
    """Which runs are meant, in words and as a condition: those that share what both ends share."""
    for key in _SHARED:
        mine, theirs = (side.run.attributes.get(key) for side in (one, other))
        if isinstance(mine, str) and meaning(mine) == meaning(theirs):
            return f"the runs of the {key} {mine}", (c.Compares(key, "=", mine),)
    return "all runs that recorded it", ()


def _when(side: Side) -> str | None:
    """When a run was: when it began, else ended, else when the newest of its commits was made."""
    told = [side.run.attributes.get(key) for key in ("started", "ended")]
    commits = [node.attributes.get("committed") for node in side.commits]
    dated = [at for at in commits if isinstance(at, str) and c.instant(at)]
    last = max(dated, key=_moment, default=None)
    return next((at for at in (*told, last) if isinstance(at, str) and c.instant(at)), None)


def _moment(text: str | None) -> float:
    moment = c.instant(text) if text else None
    return moment.timestamp() if moment is not None else math.nan


def _times(
    ctx: Context, rows: Mapping[str, NodeRow], view: View
) -> tuple[dict[str, str], Sequence[NodeRow]]:
    """When each run was, and those of which that is not recorded. Commits are read where a run says
    nothing of itself.
    """
    times = {ident: _when(Side(run=row.node(), row=row)) for ident, row in rows.items()}
    silent = [ident for ident, at in times.items() if at is None]
    if silent:
        known, _ = sides(ctx, silent, view)
        times |= {ident: _when(side) for ident, side in known.items()}
    placed = {ident: at for ident, at in times.items() if at is not None}
    return placed, [rows[ident] for ident in silent if ident not in placed]


def _steps(found: _Sequence) -> Iterator[Step]:
    before: Side | None = None
    for at, side in found.runs:
        value = _value(side.row, found.metric)
        assert value is not None
        change: Difference | None = None
        differs: Mapping[str, tuple[Difference, ...]] = {}
        unknown: tuple[str, ...] = ()
        if before is not None:
            change = metric(found.metric, _value(before.row, found.metric), value)
            every, told = sections(before, side)
            differs = {name: every[name] for name in CHANGED}
            unknown = tuple(name for name in CHANGED if told[name] == "unknown")
        yield Step(
            run=side.run.id,
            label=side.run.title,
            at=at,
            value=value,
            change=change,
            sections=differs,
            unknown=unknown,
        )
        before = side


def _largest(steps: Sequence[Step]) -> str | None:
    moved = steps[-1].value - steps[0].value if steps else 0.0
    if not moved:
        return None
    sign = math.copysign(1.0, moved)
    last = max(steps[1:], key=lambda step: sign * ((step.change and step.change.delta) or 0.0))
    return last.run


def _gaps(
    ctx: Context,
    found: _Sequence,
    edges: Sequence[EdgeRow],
    unplaced: Sequence[NodeRow],
    view: View,
    *,
    more: bool,
) -> Iterator[Gap]:
    yield from of_runs(ctx, [side.row for _, side in found.runs], edges, view)
    if unplaced:
        count = len(unplaced)
        yield Gap(
            code="order-unknown",
            count=count,
            message=f"when {counted(count, 'run')} with this metric "
            f"{'was' if count == 1 else 'were'} is not recorded, so that their place is not known",
            example=unplaced[0].title,
            command=f"lineage show {shlex.quote(unplaced[0].id)}",
        )
    if more:
        yield Gap(
            code="order-unknown",
            count=1,
            message=f"more than {_MOST:,} runs recorded this metric: others may lie between",
        )
    yield from sources(ctx, view)

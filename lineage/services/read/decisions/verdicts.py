# SPDX-License-Identifier: Apache-2.0
"""Evaluates the criteria of a decision on the metrics of the runs that count: supported, refuted or inconclusive.

Every verdict carries how many runs it rests on, the estimate, its interval, the test and the release of the library
that computed it. A test that cannot reach the level with so many runs is not computed: a bootstrap of three pairs
calls noise a result in a quarter of all cases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import eq, ge, gt, le, lt
from typing import Any, Literal, TypeAlias

from lineage.errors import LineageError
from lineage.query import condition as c
from lineage.services.context import Context
from lineage.services.read.decisions.baselines import runs_of
from lineage.services.read.decisions.followed import seed_of
from lineage.services.read.decisions.significance import carried_out, holm
from lineage.services.read.decisions.state import Decisions
from lineage.services.read.sides import METRIC, DataMeant, Side, data_meant
from lineage.services.summary import counted
from lineage.sources.decision_records.criteria import Criterion, fewest
from lineage.store.base import NOW, View

Verdict: TypeAlias = Literal["supported", "refuted", "inconclusive"]

_COMPARES: Mapping[str, Callable[[float, float], bool]] = {
    ">=": ge,
    ">": gt,
    "<=": le,
    "<": lt,
    "==": eq,
}
#: Statuses of runs that count.
_FINISHED = frozenset({"finished", "FINISHED", "COMPLETE", None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What became of a criterion. ``n`` counts runs, or pairs of runs; ``spread`` is the standard deviation between them,
    ``None`` where it is not known, as of one run. ``adjusted_p`` is p after Holm's correction for the criteria that were
    tested together, and ``holds`` the verdict after it.
    """

    criterion: str
    verdict: Verdict
    holds: Verdict
    why: str
    n: int
    n_baseline: int
    paired: bool
    estimate: float | None
    spread: float | None
    interval: tuple[float, float] | None
    p: float | None
    adjusted_p: float | None
    level: float
    test: str
    software: str | None
    runs: Sequence[str]
    baseline: Sequence[str]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        shown = {name: getattr(self, name) for name in self.__slots__}
        lists = {
            name: list(value) for name, value in shown.items() if isinstance(value, tuple | list)
        }
        return {**shown, **lists}


def evaluate(
    ctx: Context,
    criteria: Sequence[Criterion],
    runs: Mapping[str, Side],
    decisions: Decisions,
    view: View = NOW,
) -> list[Evaluation]:
    """Evaluate the criteria of a decision on the runs that follow it."""
    done = [_one(ctx, criterion, runs, decisions, view) for criterion in criteria]
    tested = [number for number, one in enumerate(done) if one.p is not None]
    adjusted = holm([done[number].p or 0.0 for number in tested])
    for number, p in zip(tested, adjusted, strict=True):
        one = done[number]
        lost = one.verdict != "inconclusive" and p >= 1 - one.level
        why = (
            f"{one.why}; with {len(tested)} comparisons p is {p:.3g}, which decides nothing"
            if lost
            else one.why
        )
        holds: Verdict = "inconclusive" if lost else one.verdict
        done[number] = replace(one, adjusted_p=p, holds=holds, why=why)
    return done


def _one(
    ctx: Context,
    criterion: Criterion,
    runs: Mapping[str, Side],
    decisions: Decisions,
    view: View,
) -> Evaluation:
    mine, odd = _measured(ctx, criterion, runs.values(), view)
    baseline: Mapping[str, Side] = {}
    problems = list(criterion.problems)
    if criterion.baseline:
        baseline, missing = runs_of(ctx, criterion.baseline, decisions, view)
        problems += missing
    theirs, odd_there = _measured(ctx, criterion, baseline.values(), view)
    told = _Told(criterion, mine, theirs)
    for name in (*odd, *odd_there):
        problems.append(f"{criterion.metric} of {name} is no number")
    if not criterion.whole:
        return told.undecided("; ".join(problems))
    if not mine:
        none = f"no run that follows it has the metric {criterion.metric}"
        return told.undecided("; ".join(problems) or none)
    if criterion.baseline and not theirs:
        return told.undecided(
            "; ".join(problems) or f"no run of the baseline has the metric {criterion.metric}"
        )
    if problems:
        return told.undecided("; ".join(problems))
    return _decided(told)


def _measured(
    ctx: Context, criterion: Criterion, runs: Iterable[Side], view: View
) -> tuple[dict[str, tuple[Side, float]], list[str]]:
    """The runs that count with their metric, and those whose metric is no number."""
    wanted = _data(ctx, criterion, view)
    found: dict[str, tuple[Side, float]] = {}
    odd: list[str] = []
    for side in runs:
        if side.run.attributes.get("status") not in _FINISHED:
            continue
        if wanted is not None and not any(wanted.has(one.node.id) for one in side.data):
            continue
        value = side.run.attributes.get(f"{METRIC}{criterion.metric}")
        if value is None:
            continue
        number = c.number(value)
        if number is None or not math.isfinite(number):
            odd.append(side.run.title)
        else:
            found[side.run.id] = (side, number)
    return found, odd


def _data(ctx: Context, criterion: Criterion, view: View) -> DataMeant | None:
    """The data that a metric is measured on, none of it where that is not here; ``None`` where the criterion names none:
    a metric says nowhere on which data it was taken, so that only runs which read that data are known to count.
    """
    if criterion.data is None:
        return None
    try:
        return data_meant(ctx, criterion.data, view)
    except LineageError:
        return DataMeant(())


class _Told:
    """A criterion with the numbers that it is evaluated on."""

    def __init__(
        self,
        criterion: Criterion,
        mine: Mapping[str, tuple[Side, float]],
        theirs: Mapping[str, tuple[Side, float]],
    ) -> None:
        self.criterion = criterion
        self.mine = mine
        self.theirs = theirs
        self.pairs, self.unpaired = _pairs(mine, theirs) if criterion.paired else ([], [])

    @property
    def sample(self) -> list[float]:
        """The values that are tested: of runs, or the differences of pairs."""
        if self.criterion.paired:
            return [a - b for a, b in self.pairs]
        return [value for _, value in self.mine.values()]

    @property
    def other(self) -> list[float]:
        """The values of a baseline that is not compared pair by pair."""
        return [] if self.criterion.paired else [value for _, value in self.theirs.values()]

    @property
    def estimate(self) -> float | None:
        """The mean, or the difference of means."""
        if not self.sample:
            return None
        mean = math.fsum(self.sample) / len(self.sample)
        return mean - math.fsum(self.other) / len(self.other) if self.other else mean

    @property
    def spread(self) -> float | None:
        """The standard deviation of the sample; of one value it is not known."""
        sample = self.sample
        if len(sample) < 2:
            return None
        mean = math.fsum(sample) / len(sample)
        return math.sqrt(math.fsum((x - mean) ** 2 for x in sample) / (len(sample) - 1))

    def undecided(self, why: str) -> Evaluation:
        """An evaluation that decides nothing, and why."""
        return self.evaluation("inconclusive", why)

    def evaluation(
        self,
        verdict: Verdict,
        why: str,
        *,
        p: float | None = None,
        interval: tuple[float, float] | None = None,
        software: str | None = None,
    ) -> Evaluation:
        """The evaluation with all that it rests on."""
        return Evaluation(
            criterion=self.criterion.shown,
            verdict=verdict,
            holds=verdict,
            why=why,
            n=len(self.sample),
            n_baseline=len(self.pairs) if self.criterion.paired else len(self.theirs),
            paired=self.criterion.paired,
            estimate=self.estimate,
            spread=self.spread,
            interval=interval,
            p=p,
            adjusted_p=p,
            level=self.criterion.level,
            test=self.criterion.test,
            software=software,
            runs=tuple(sorted(self.mine)),
            baseline=tuple(sorted(self.theirs)),
        )


def _pairs(
    mine: Mapping[str, tuple[Side, float]], theirs: Mapping[str, tuple[Side, float]]
) -> tuple[list[tuple[float, float]], list[str]]:
    """Values of one seed on either side, and the seeds of the baseline that have no partner."""
    left, right = _by_seed(mine), _by_seed(theirs)
    both = sorted(left.keys() & right.keys())
    return [(left[s], right[s]) for s in both], sorted(right.keys() - left.keys())


def _by_seed(measured: Mapping[str, tuple[Side, float]]) -> dict[str, float]:
    """The value of each seed; a seed that several runs had is left out: which of them is meant is not known."""
    found: dict[str, list[float]] = {}
    for side, value in measured.values():
        if (seed := seed_of(side)) is not None:
            found.setdefault(seed, []).append(value)
    return {seed: values[0] for seed, values in found.items() if len(values) == 1}


def _decided(told: _Told) -> Evaluation:
    criterion = told.criterion
    n = len(told.sample)
    if criterion.paired and told.unpaired:
        seeds = ", ".join(told.unpaired)
        beside = f": run the seeds {seeds} to pair them with the baseline"
    elif criterion.paired and not n:
        beside = ": no seed of a run here is known, or is one of the baseline"
    else:
        beside = ""
    least = max(
        criterion.min_runs, fewest(criterion.test, criterion.level, one_sample=criterion.one_sample)
    )
    what = "pair" if criterion.paired else "run"
    short = [len(told.other)] if told.other else []
    if min([n, *short]) < least:
        side = f" against {len(told.other)}" if told.other else ""
        return told.undecided(f"{counted(n, what)}{side} of at least {least}{beside}")
    if criterion.test == "none":
        return _by_estimate(told)
    return _tested(told)


def _by_estimate(told: _Told) -> Evaluation:
    estimate, criterion = told.estimate, told.criterion
    assert estimate is not None and criterion.value is not None  # noqa: PT018
    met = _COMPARES[criterion.op or "=="](estimate, criterion.value)
    verdict: Verdict = "supported" if met else "refuted"
    return told.evaluation(verdict, f"by the estimate {estimate:.6g} alone, of {len(told.sample)}")


def _tested(told: _Told) -> Evaluation:
    try:
        import numpy as np
        import scipy
    except ModuleNotFoundError:
        return told.undecided("tests take scipy: pip install 'lineagedb[statistics]' brings it")
    criterion = told.criterion
    value, estimate = criterion.value or 0.0, told.estimate or 0.0
    sample = np.asarray(told.sample)
    other = np.asarray(told.other)
    software = f"scipy {scipy.__version__}"
    if not other.size and np.ptp(sample) == 0 and criterion.test in {"t", "paired-t"}:
        return told.undecided("all values are equal: a t test says nothing of their spread")
    p, interval = carried_out(criterion, sample, other, value)
    if p is None or math.isnan(p):
        return told.undecided("the test has no result on these values")
    alpha = 1 - criterion.level
    met = _COMPARES[criterion.op or "=="](estimate, value)
    if criterion.op == "==":
        verdict: Verdict = "refuted" if p < alpha else "inconclusive"
        why = "a test may refute that two values are equal, and never shows that they are"
    else:
        verdict = "inconclusive" if p >= alpha else "supported" if met else "refuted"
        why = f"p is {p:.3g}, and decides below {alpha:.3g}"
    return told.evaluation(verdict, why, p=p, interval=interval, software=software)

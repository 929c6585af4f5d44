# SPDX-License-Identifier: Apache-2.0
"""The criteria of a record: what is measured, what it is compared with, and what decides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import comb
from typing import Any, Literal, TypeAlias

from lineage.sources.decision_records.fields import OPERATORS, SAMPLES, TESTS

Test: TypeAlias = Literal["t", "paired-t", "wilcoxon", "permutation", "bootstrap", "none"]

#: Confidence where a record asks for none, and the fewest runs that decide anything with a test.
LEVEL, FEWEST = 0.95, 2
_LEVEL = re.compile(r"(\d{1,2}(?:\.\d+)?)\s*%")
_SPACES = re.compile(r"[\s_-]+")
#: Tests that compare runs pair by pair.
_PAIRED = frozenset({"paired-t", "wilcoxon", "bootstrap"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One criterion. ``problems`` say why it cannot be computed, where it cannot. ``paired`` says that runs are
    compared with those of the baseline seed by seed.
    """

    metric: str | None
    op: str | None
    value: float | None
    data: str | None
    baseline: Sequence[str]
    min_runs: int
    test: Test
    resamples: str
    level: float
    paired: bool
    definition: str | None
    problems: Sequence[str]

    @property
    def shown(self) -> str:
        """The criterion in one line."""
        beside = f" against {', '.join(self.baseline)}" if self.baseline else ""
        on = f" on {self.data}" if self.data else ""
        return (
            f"{self.metric} {self.op} {self.value:g}{on}{beside}"
            if self.whole
            else f"{self.metric}"
        )

    @property
    def whole(self) -> bool:
        """Whether it says what is compared with what."""
        return self.metric is not None and self.op is not None and self.value is not None

    @property
    def one_sample(self) -> bool:
        """Whether one row of numbers is tested: the differences of pairs, or runs without a baseline."""
        return self.paired or not self.baseline


def criteria_of(front: Mapping[str, Any]) -> list[Criterion]:
    """The criteria in front matter, in order.

    >>> [one] = criteria_of({"criteria": [{"metric": "f1", "op": ">=", "value": 0.01, "test": "paired bootstrap, 95%",
    ...     "baseline": ["run:a"], "min_runs": 3.0}]})
    >>> one.test, one.level, one.problems
    ('bootstrap', 0.95, ['3 runs cannot reach 95 % with this test: it takes at least 6 pairs'])
    """
    found = front.get("criteria")
    return (
        [_criterion(one) for one in found if isinstance(one, Mapping)]
        if isinstance(found, list)
        else []
    )


def _criterion(said: Mapping[str, Any]) -> Criterion:
    written = str(said.get("test") or "none")
    test, paired = _test(written)
    level = said.get("level")
    if not isinstance(level, float):
        percent = _LEVEL.search(written)
        level = float(percent[1]) / 100 if percent else LEVEL
    least = said.get("min_runs")
    baseline = list(said.get("baseline") or ())
    one = Criterion(
        metric=said.get("metric"),
        op=said.get("op"),
        value=said.get("value"),
        data=said.get("data"),
        baseline=baseline,
        min_runs=int(least) if isinstance(least, float) else FEWEST if test != "none" else 1,
        test=test or "none",
        resamples=str(said.get("resamples") or SAMPLES[0]),
        level=level,
        paired=paired and bool(baseline),
        definition=said.get("definition"),
        problems=(),
    )
    return replace(one, problems=[*_problems(one, written, known=test is not None)])


def _test(written: str) -> tuple[Test | None, bool]:
    """The test that is meant, and whether it goes pair by pair; ``None`` for one that is not known."""
    words = _SPACES.sub("-", written.partition(",")[0].strip().lower()).replace("-test", "")
    paired = words.startswith("paired-") or words in _PAIRED
    bare = words.removeprefix("paired-")
    if words in {"paired-t", "t"}:
        return ("paired-t" if paired else "t"), paired
    others: tuple[Test, ...] = ("wilcoxon", "permutation", "bootstrap", "none")
    return next((test for test in others if bare == test), None), paired


def _problems(one: Criterion, written: str, *, known: bool) -> Iterator[str]:
    for name in ("metric", "op", "value"):
        if getattr(one, name) is None:
            yield f"it has no {name}"
    if one.op is not None and one.op not in OPERATORS:
        yield f"{one.op!r} is no operator: there are {' '.join(OPERATORS)}"
    if not known:
        yield f"the test {written!r} is not known: there are {', '.join(TESTS)}"
    if not 0.5 <= one.level < 1:
        yield f"a level of {one.level:g} is none: it is at least 0.5 and below 1"
    if one.resamples not in SAMPLES:
        yield f"what it resamples is {one.resamples!r}, and has to be {' or '.join(SAMPLES)}"
    elif one.resamples != "runs" and one.test != "none":
        yield "items within a run are not in the store: metrics are of whole runs"
    elif (least := fewest(one.test, one.level, one_sample=one.one_sample)) > one.min_runs:
        what = "pairs" if one.paired else "runs on either side" if one.baseline else "runs"
        yield (
            f"{one.min_runs} runs cannot reach {one.level * 100:g} % with this test: "
            f"it takes at least {least} {what}"
        )


def fewest(test: Test, level: float, *, one_sample: bool) -> int:
    """How many runs a two-sided test takes at least so that its smallest p is below 1 - level: one sample is pairs, or
    runs that are compared with a number.

    >>> fewest("wilcoxon", 0.95, one_sample=True), fewest("t", 0.95, one_sample=False)
    (6, 2)
    >>> fewest("permutation", 0.95, one_sample=False), fewest("permutation", 0.95, one_sample=True)
    (4, 6)
    """
    if test == "none":
        return 1
    if test in {"t", "paired-t"}:
        return FEWEST
    # Of an exact test by signs (2 of 2^n ways) or by which of two groups is which (2 of C(2n, n)).
    by_signs = one_sample or test in {"wilcoxon", "bootstrap"}
    number = FEWEST
    while 2 / (2**number if by_signs else comb(2 * number, number)) >= 1 - level - 1e-12:
        number += 1
    return number

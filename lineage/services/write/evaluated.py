# SPDX-License-Identifier: Apache-2.0
"""Keeps what a decision was worth when somebody evaluated it: a verdict for each criterion, and each deviation from the plan.

They are made anew whenever somebody asks; what people concluded from is what was known at that moment, and that stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lineage import ids
from lineage.model import kinds
from lineage.model.record import Edge, Record
from lineage.model.value import clean
from lineage.services.read.decisions.followed import Deviation
from lineage.services.read.decisions.show import DecisionShown
from lineage.services.read.decisions.verdicts import Evaluation

#: Deviations of one evaluation that are kept; how many there were is kept always.
MOST = 500
_LONGEST = 120


def records(told: DecisionShown, evaluation: str) -> Iterator[Record]:
    """What was found of a decision when it was evaluated, by the identifier of that step."""
    for run in told.runs:
        yield Edge(relation="wasInformedBy", effect=evaluation, cause=run.id)
    key = evaluation.rpartition("/")[2]
    for number, one in enumerate(told.criteria, 1):
        yield from _verdict(ids.thing_id("verdict", "lineage", f"{key}.{number}"), evaluation, one)
    for number, deviation in enumerate(told.deviations[:MOST], 1):
        ident = ids.thing_id("deviation", "lineage", f"{key}.{number}")
        yield from _deviation(ident, evaluation, deviation)


def counts(told: DecisionShown) -> dict[str, int]:
    """How much there was to keep."""
    return {"verdicts": len(told.criteria), "deviations": len(told.deviations)}


def _verdict(ident: str, evaluation: str, one: Evaluation) -> Iterator[Record]:
    low, high = one.interval or (None, None)
    yield kinds.Verdict(
        id=ident,
        label=_short(f"{one.holds}: {one.criterion}"),
        verdict=one.holds,
        criterion=one.criterion,
        reason=one.why,
        n=one.n,
        estimate=one.estimate,
        low=low,
        high=high,
        p=one.adjusted_p,
        test=one.test,
        software=one.software,
        more=clean({"uncorrected": one.verdict, "uncorrected_p": one.p, "spread": one.spread}),
    ).node()
    yield Edge(relation="wasGeneratedBy", effect=ident, cause=evaluation)
    yield from _rests_on(ident, "wasInfluencedBy", one.runs)
    yield from _rests_on(ident, "hadBaseline", one.baseline)


def _rests_on(ident: str, relation: str, runs: Sequence[str]) -> Iterator[Edge]:
    for run in runs:
        yield Edge(relation=relation, effect=ident, cause=run)


def _deviation(ident: str, evaluation: str, one: Deviation) -> Iterator[Record]:
    yield kinds.Deviation(
        id=ident,
        label=_short(one.shown),
        key=one.key,
        planned=one.planned,
        happened=one.happened,
        reason=one.reason,
    ).node()
    yield Edge(relation="wasGeneratedBy", effect=ident, cause=evaluation)
    yield Edge(relation="wasDerivedFrom", effect=ident, cause=one.version)
    if one.run is not None:
        yield Edge(relation="wasInfluencedBy", effect=ident, cause=one.run)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3].rstrip()}..."

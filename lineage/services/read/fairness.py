# SPDX-License-Identifier: Apache-2.0
"""Judges whether the metrics of two runs may be compared: each rule is a finding with a code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lineage.model.findings import Finding
from lineage.model.record import Node

#: Roles of data that models are measured on, as people and tools write them.
_EVALUATION = re.compile(
    r"(^|[^a-z])(eval\w*|test\w*|valid\w*|holdout|hold-out|benchmark)", re.IGNORECASE
)
_ENDED_WELL = frozenset({"finished", "completed", "complete", "success", "succeeded"})


#: What a modeller can do about each finding.
_HINTS = {
    "not-finished": "Compare with a run that finished.",
    "no-metrics": "Record the same metrics in both runs.",
    "metric-names-differ": "Record the same metrics in both runs.",
    "evaluation-data-differs": "Measure both on the same data.",
    "evaluation-data-unknown": "Give the data that a run is measured on a role such as 'evaluation'.",
    "several-differences": "Compare runs that differ in one of them only.",
}


def _finding(code: str, subject: str, message: str, *, certain: bool = True) -> Finding:
    return Finding(
        code=code,
        severity="error" if certain else "warning",
        subject=subject,
        message=message,
        responsible="modeller",
        hint=_HINTS[code],
    )


def judge(
    runs: tuple[Node, Node],
    metrics: tuple[Mapping[str, Any], Mapping[str, Any]],
    data: tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]],
    changed: Sequence[str],
) -> tuple[bool | None, tuple[Finding, ...]]:
    """Judge whether the metrics of two runs may be compared (``None``: that is not known), and why
    not. An error makes the comparison unfair; with a warning it is not known.

    ``data`` is what each run read, as (role, bytes); ``changed`` names the sections that differ.
    What is under test is what differs: where more than one section does, a difference of metrics
    cannot be put down to any.
    """
    reasons = [*_ended(runs), *_metrics(runs, metrics), *_evaluation(data)]
    if len(changed) > 1:
        listed = ", ".join(changed[:-1]) + " and " + changed[-1]
        says = f"{listed} differ, so that a difference of metrics cannot be put down to one"
        reasons.append(_finding("several-differences", listed, says))
    if any(reason.fatal for reason in reasons):
        return False, tuple(reasons)
    return (None if reasons else True), tuple(reasons)


def _ended(runs: tuple[Node, Node]) -> list[Finding]:
    found = []
    for run in runs:
        status = run.attributes.get("status")
        if isinstance(status, str) and status.lower() not in _ENDED_WELL:
            says = f"{run.title} did not finish: its status is {status}"
            found.append(_finding("not-finished", run.id, says))
    return found


def _metrics(
    runs: tuple[Node, Node], metrics: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> list[Finding]:
    bare = [run for run, held in zip(runs, metrics, strict=True) if not held]
    if bare:
        return [_finding("no-metrics", run.id, f"{run.title} recorded no metric") for run in bare]
    alone = sorted(set(metrics[0]) ^ set(metrics[1]))
    if alone:
        named = ", ".join(alone[:5])
        return [_finding("metric-names-differ", named, f"only one of the runs recorded {named}")]
    return []


def _evaluation(
    data: tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]],
) -> list[Finding]:
    a, b = ({held for role, held in side if _EVALUATION.search(role)} for side in data)
    if a and b:
        if a == b:
            return []
        says = "the runs were measured on different evaluation data"
        return [_finding("evaluation-data-differs", "evaluation data", says)]
    if a or b:
        says = "only one of the runs names the data it was measured on"
        return [_finding("evaluation-data-unknown", "evaluation data", says, certain=False)]
    if data[0] and {held for _, held in data[0]} == {held for _, held in data[1]}:
        return []
    says = "neither run says which data it was measured on, and they did not read the same"
    return [_finding("evaluation-data-unknown", "evaluation data", says, certain=False)]

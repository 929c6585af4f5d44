# SPDX-License-Identifier: Apache-2.0
"""When the metrics of two runs may be compared: each rule a sentence with a code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage.model.record import Node

#: Roles of data that models are measured on, as people and tools write them.
_EVALUATION = re.compile(
    r"(^|[^a-z])(eval\w*|test\w*|valid\w*|holdout|hold-out|benchmark)", re.IGNORECASE
)
_ENDED_WELL = frozenset({"finished", "completed", "complete", "success", "succeeded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a comparison is not fair, or why that is not known (``certain`` is false)."""

    code: str
    says: str
    certain: bool = True

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"code": self.code, "says": self.says, "certain": self.certain}


def judge(
    runs: tuple[Node, Node],
    metrics: tuple[Mapping[str, Any], Mapping[str, Any]],
    data: tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]],
    changed: Sequence[str],
) -> tuple[bool | None, tuple[Reason, ...]]:
    """Whether the metrics of two runs compare, and why not.

    ``data`` is what each run read, as (role, bytes); ``changed`` names the sections that differ.
    What is under test is what differs: where more than one section does, a difference of metrics
    cannot be put down to any.
    """
    reasons = [*_ended(runs), *_metrics(runs, metrics), *_evaluation(data)]
    if len(changed) > 1:
        listed = ", ".join(changed[:-1]) + " and " + changed[-1]
        says = f"{listed} differ, so that a difference of metrics cannot be put down to one"
        reasons.append(Reason(code="several-differences", says=says))
    if any(reason.certain for reason in reasons):
        return False, tuple(reasons)
    return (None if reasons else True), tuple(reasons)


def _ended(runs: tuple[Node, Node]) -> list[Reason]:
    found = []
    for run in runs:
        status = run.attributes.get("status")
        if isinstance(status, str) and status.lower() not in _ENDED_WELL:
            says = f"{run.title} did not finish: its status is {status}"
            found.append(Reason(code="not-finished", says=says))
    return found


def _metrics(
    runs: tuple[Node, Node], metrics: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> list[Reason]:
    bare = [run.title for run, held in zip(runs, metrics, strict=True) if not held]
    if bare:
        says = f"{' and '.join(bare)} recorded no metric"
        return [Reason(code="no-metrics", says=says)]
    alone = sorted(set(metrics[0]) ^ set(metrics[1]))
    if alone:
        says = f"only one of the runs recorded {', '.join(alone[:5])}"
        return [Reason(code="metric-names-differ", says=says)]
    return []


def _evaluation(
    data: tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]],
) -> list[Reason]:
    a, b = ({held for role, held in side if _EVALUATION.search(role)} for side in data)
    if a and b:
        if a == b:
            return []
        says = "the runs were measured on different evaluation data"
        return [Reason(code="evaluation-data-differs", says=says)]
    if a or b:
        says = "only one of the runs names the data it was measured on"
        return [Reason(code="evaluation-data-unknown", says=says, certain=False)]
    if data[0] and {held for _, held in data[0]} == {held for _, held in data[1]}:
        return []
    says = "neither run says which data it was measured on, and they did not read the same"
    return [Reason(code="evaluation-data-unknown", says=says, certain=False)]

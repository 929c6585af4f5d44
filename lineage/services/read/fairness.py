# SPDX-License-Identifier: Apache-2.0
"""Judges whether the metrics of two runs may be compared: each rule is a finding with a code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from lineage.model.findings import Finding
from lineage.services.read.differences import State
from lineage.services.read.sides import METRIC, Side, Used
from lineage.services.summary import counted

#: Roles of data that models are measured on, as people and tools write them.
_EVALUATION = re.compile(
    r"(^|[^a-z])(eval\w*|test\w*|valid\w*|holdout|hold-out|benchmark)", re.IGNORECASE
)
_ENDED_WELL = frozenset({"finished", "completed", "complete", "success", "succeeded"})
#: Sections of which one at most may differ.
_TESTED = ("code", "data", "environment", "parameters")
_NAMED = 5


#: What a modeller can do about each finding.
_HINTS = {
    "not-finished": "Compare with a run that finished.",
    "no-metrics": "Record the same metrics in both runs.",
    "metric-names-differ": "Record the same metrics in both runs.",
    "evaluation-data-differs": "Measure both on the same data.",
    "evaluation-data-unknown": "Give the data that a run is measured on a role such as 'evaluation'.",
    "several-differences": "Compare runs that differ in one of them only.",
    "environment-unknown": "Import the lock file of the run: lineage import LOCKFILE --for RUN.",
    "commit-unknown": "Record the commit that a run ran.",
    "code-modified": "Commit before you run.",
    "data-unknown": "Record a digest of the data, or track it with DVC or git.",
}


def _finding(code: str, subject: str, message: str, *, certain: bool = False) -> Finding:
    return Finding(
        code=code,
        severity="error" if certain else "warning",
        subject=subject,
        message=message,
        responsible="modeller",
        hint=_HINTS[code],
    )


def judge(a: Side, b: Side, states: Mapping[str, State]) -> tuple[bool | None, tuple[Finding, ...]]:
    """Judge whether the metrics of two runs may be compared (``None``: that is not known), and why
    not. An error makes the comparison unfair; with a warning it is not known.

    What is under test is what differs: where more than one section does, a difference of metrics
    cannot be put down to any. What is not known may differ.
    """
    reasons = [*_ended((a, b)), *_metrics(a, b), *_evaluation(a, b)]
    changed = [name for name in _TESTED if states[name] == "differs"]
    if len(changed) > 1:
        listed = ", ".join(changed[:-1]) + " and " + changed[-1]
        says = f"{listed} differ, so that a difference of metrics cannot be put down to one"
        reasons.append(_finding("several-differences", listed, says, certain=True))
    reasons += _unknown((a, b))
    if states["data"] == "unknown" and not any(r.code == "data-unknown" for r in reasons):
        says = "it cannot be told whether both runs read the same data"
        reasons.append(_finding("data-unknown", "data", says))
    if any(reason.fatal for reason in reasons):
        return False, tuple(reasons)
    return (None if reasons else True), tuple(reasons)


def _ended(runs: Sequence[Side]) -> Iterator[Finding]:
    for side in runs:
        status = side.run.attributes.get("status")
        if isinstance(status, str) and status.lower() not in _ENDED_WELL:
            says = f"{side.run.title} did not finish: its status is {status}"
            yield _finding("not-finished", side.run.id, says, certain=True)


def _metrics(a: Side, b: Side) -> Iterator[Finding]:
    held = [(side, side.named(METRIC)) for side in (a, b)]
    bare = [side.run for side, metrics in held if not metrics]
    for run in bare:
        yield _finding("no-metrics", run.id, f"{run.title} recorded no metric", certain=True)
    alone = sorted({*held[0][1]} ^ {*held[1][1]})
    if alone and not bare:
        named = ", ".join(alone[:_NAMED])
        says = f"only one of the runs recorded {named}"
        yield _finding("metric-names-differ", named, says, certain=True)


def _evaluation(a: Side, b: Side) -> Iterator[Finding]:
    ours, theirs = ([used for used in s.data if _EVALUATION.search(used.role)] for s in (a, b))
    subject = "evaluation data"
    if not ours and not theirs:
        says = "neither run says which data it was measured on"
        yield _finding("evaluation-data-unknown", subject, says)
    elif not ours or not theirs:
        says = "only one of the runs names the data it was measured on"
        yield _finding("evaluation-data-unknown", subject, says)
    else:
        same = _all_same(ours, theirs)
        if same is None:
            says = "it cannot be told whether the runs were measured on the same bytes"
            yield _finding("evaluation-data-unknown", subject, says)
        elif not same:
            says = "the runs were measured on different evaluation data"
            yield _finding("evaluation-data-differs", subject, says, certain=True)


def _all_same(ours: Sequence[Used], theirs: Sequence[Used]) -> bool | None:
    """Whether each of some things has its like among others; ``None`` where that cannot be told."""
    found = [
        _any([one.same(other) for other in others])
        for some, others in ((ours, theirs), (theirs, ours))
        for one in some
    ]
    if False in found:
        return False
    return None if None in found else True


def _any(answers: Sequence[bool | None]) -> bool | None:
    if True in answers:
        return True
    return None if None in answers else False


def _unknown(runs: Sequence[Side]) -> Iterator[Finding]:
    """What is not known of the runs, and so may differ."""
    if bare := [side for side in runs if not side.commits]:
        says = f"the commit of {_whose(bare)} recorded"
        yield _finding("commit-unknown", "code", says)
    for side in runs:
        if side.modified:
            names = ", ".join(side.modified[:_NAMED])
            left = len(side.modified) - _NAMED
            more = f" and {left} more" if left > 0 else ""
            says = f"{side.run.title} ran code that its commit does not have: {names}{more}"
            yield _finding("code-modified", side.run.id, says)
    if bare := [side for side in runs if not side.environments]:
        says = f"the environment of {_whose(bare)} recorded"
        yield _finding("environment-unknown", "environment", says)
    for side in runs:
        if side.open:
            says = (
                f"the environment of {side.run.title} leaves "
                f"{counted(side.open, 'requirement')} open"
            )
            yield _finding("environment-unknown", side.run.id, says)
    yield from _unknown_data(runs)


def _unknown_data(runs: Sequence[Side]) -> Iterator[Finding]:
    for side in runs:
        bare = sorted({used.node.title for used in side.data if used.unknown})
        if bare:
            left = len(bare) - _NAMED
            more = f" and {left} more" if left > 0 else ""
            named = ", ".join(bare[:_NAMED]) + more
            says = f"the bytes of data that {side.run.title} read are not known: {named}"
            yield _finding("data-unknown", side.run.id, says)
    if without := [side for side in runs if not side.data]:
        says = f"the data of {_whose(without)} recorded"
        yield _finding("data-unknown", "data", says)


def _whose(bare: Sequence[Side]) -> str:
    return "neither run is" if len(bare) > 1 else f"{bare[0].run.title} is not"

# SPDX-License-Identifier: Apache-2.0
"""Audits what is recorded: which rules hold for how much of it, what fails, and a score (R40)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from lineage.errors import Usage
from lineage.ledger.log import split
from lineage.model.findings import Finding, Severity
from lineage.model.record import Node
from lineage.services.context import Context
from lineage.services.read.audit.rules import CODES, RULES, Judged, Outcome, Rule
from lineage.services.read.audit.subjects import Subjects
from lineage.services.read.trace import ReachRequest
from lineage.services.request import Request, Says
from lineage.store.paging import pages
from lineage.store.rows import NodeRow

#: Findings that are told unless another number is asked for, and at most.
_TOLD, _MOST = 20, 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """What became of a rule: for how many things it holds, does not, cannot be told, and does not apply. ``score`` is the
    share that passed of those that passed or failed; ``None`` where there are none, which is neither good nor bad.
    """

    code: str
    asks: str
    severity: Severity
    passed: int
    failed: int
    cannot_tell: int
    not_applicable: int
    score: float | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The rules with what became of each; the first of what failed, and how many findings more there are. ``score`` is that
    of all rules together, as that of one is counted. ``complete`` says that everything was looked at that was asked about.
    """

    rules: Sequence[RuleResult]
    score: float | None
    findings: Sequence[Finding]
    left: int
    complete: bool = True

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "rules": [one.to_dict() for one in self.rules],
            "score": self.score,
            "findings": [one.to_dict() for one in self.findings],
            "left": self.left,
            "complete": self.complete,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest(
    Request[Audit],
    graphql="audit",
    weight=500,
    examples=(
        "audit --first 5",
        "audit --ref model:fraud@v3",
        "audit --rule run-commit --fail-on error",
    ),
):
    """How well the work is recorded: rules for commits, runs, data and decisions, for how much each holds, what fails, and
    a score.
    """

    ref: Annotated[
        str | None,
        Says(text="Only this thing, and what it was made from.", metavar="REF", resolves=True),
    ] = None
    rule: Annotated[
        Sequence[str] | None,
        Says(text=f"Only this rule, again for another: {', '.join(CODES)}."),
    ] = None
    since: Annotated[
        int | None, Says(text="Only what entries behind this one speak of.", at_least=0)
    ] = None
    first: Annotated[
        int, Says(text="How many findings are told.", sized=(_TOLD, _MOST), at_least=0)
    ] = _TOLD

    def answer(self, ctx: Context) -> Audit:
        """See ``Request.answer``. It looks at everything of the kinds of its rules, some thousand at a time. Raises
        ``Usage`` for a rule that there is not, and the errors of references.
        """
        if odd := sorted(set(self.rule or ()) - set(CODES)):
            raise Usage(f"there is no rule {odd[0]!r}", hint=f"There are: {', '.join(CODES)}.")
        rules = [rule for rule in RULES if not self.rule or rule.code in self.rule]
        only, complete = self._only(ctx)
        outcomes: dict[str, Counter[Outcome]] = {rule.code: Counter() for rule in rules}
        found: list[Finding] = []
        failed = 0
        for rule, row, (outcome, message) in _judged(Subjects(ctx, only), rules):
            outcomes[rule.code][outcome] += 1
            if outcome == "failed":
                failed += 1
                if len(found) < self.first:
                    found.append(_finding(rule, row, message))
        return Audit(
            rules=tuple(_result(rule, outcomes[rule.code]) for rule in rules),
            score=_score(sum(outcomes.values(), Counter())),
            findings=tuple(found),
            left=failed - len(found),
            complete=complete,
        )

    def _only(self, ctx: Context) -> tuple[frozenset[str] | None, bool]:
        """The things that are asked about, ``None`` for everything; and whether these are all."""
        if self.ref is None and self.since is None:
            return None, True
        about: set[str] | None = None
        complete = True
        if self.ref is not None:
            reached = ReachRequest(self.ref, toward="causes").answer(ctx)
            about = {*(reached.ids or ()), *reached.start}
            complete = reached.certificate.cut is None
        if self.since is not None:
            changed = set(_changed(ctx, self.since))
            about = changed if about is None else about & changed
        return frozenset(about or ()), complete


def _changed(ctx: Context, since: int) -> Iterator[str]:
    """The things that entries behind one speak of: what they describe, and what they say an effect of."""
    for entry in pages(ctx.store, after=since):
        for records in split(entry):
            yield from (one.id if isinstance(one, Node) else one.effect for one in records)


def _judged(subjects: Subjects, rules: Iterable[Rule]) -> Iterator[tuple[Rule, NodeRow, Judged]]:
    by_kind: dict[str, list[Rule]] = {}
    for rule in rules:
        by_kind.setdefault(rule.kind, []).append(rule)
    for kind, asked in by_kind.items():
        for things in subjects.of(kind):
            for row, thing in things:
                yield from ((rule, row, rule.judge(thing)) for rule in asked)


def _finding(rule: Rule, row: NodeRow, message: str) -> Finding:
    return Finding(
        code=rule.code,
        severity=rule.severity,
        subject=row.id,
        message=f"{row.title}: {message}",
        responsible=rule.responsible,
        hint=rule.hint,
    )


def _result(rule: Rule, outcomes: Counter[Outcome]) -> RuleResult:
    return RuleResult(
        code=rule.code,
        asks=rule.asks,
        severity=rule.severity,
        passed=outcomes["passed"],
        failed=outcomes["failed"],
        cannot_tell=outcomes["cannot-tell"],
        not_applicable=outcomes["not-applicable"],
        score=_score(outcomes),
    )


def _score(outcomes: Counter[Outcome]) -> float | None:
    total = outcomes["passed"] + outcomes["failed"]
    return round(outcomes["passed"] / total, 4) if total else None

# SPDX-License-Identifier: Apache-2.0
"""Audits what is recorded: which rules hold for how much of it, what fails, and a score (R40)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any

from lineage.model.findings import Finding
from lineage.services.context import Context
from lineage.services.read.audit_rules import RULES, Outcome, Rule, judged
from lineage.services.request import Request, Says
from lineage.store.base import Filter
from lineage.store.paging import find_pages

#: Findings that are told unless another number is asked for, and at most.
_TOLD, _MOST = 20, 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """What became of a rule: for how many things it holds, does not, cannot be told, and does not apply. ``score`` is the
    share that passed of those that passed or failed; ``None`` where there are none, which is neither good nor bad.
    """

    code: str
    asks: str
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
    of all rules together, as that of one is counted.
    """

    rules: Sequence[RuleResult]
    score: float | None
    findings: Sequence[Finding]
    left: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "rules": [one.to_dict() for one in self.rules],
            "score": self.score,
            "findings": [one.to_dict() for one in self.findings],
            "left": self.left,
        }


@dataclass(frozen=True, slots=True)
class AuditRequest(Request[Audit], graphql="audit", weight=500, examples=("audit --first 5",)):
    """How well the work is recorded: rules for commits, data and environments, for how much each holds, and a score."""

    _: KW_ONLY
    first: Annotated[
        int, Says(text="How many findings are told.", sized=(_TOLD, _MOST), at_least=0)
    ] = _TOLD

    def answer(self, ctx: Context) -> Audit:
        """See ``Request.answer``. It looks at all commits and runs, some thousand at a time."""
        outcomes: dict[str, Counter[Outcome]] = {rule.code: Counter() for rule in RULES}
        found: list[Finding] = []
        failed = 0
        for rule, finding, outcome in _looked(ctx):
            outcomes[rule.code][outcome] += 1
            if finding is not None:
                failed += 1
                if len(found) < self.first:
                    found.append(finding)
        return Audit(
            rules=tuple(_result(rule, outcomes[rule.code]) for rule in RULES),
            score=_score(sum(outcomes.values(), Counter())),
            findings=tuple(found),
            left=failed - len(found),
        )


def _looked(ctx: Context) -> Iterator[tuple[Rule, Finding | None, Outcome]]:
    for kind in dict.fromkeys(rule.kind for rule in RULES):
        rules = [rule for rule in RULES if rule.kind == kind]
        for rows in find_pages(ctx.store, Filter(kinds=frozenset({kind}))):
            for rule, row, (outcome, message) in judged(ctx, kind, rows, rules):
                finding = None
                if outcome == "failed":
                    finding = Finding(
                        code=rule.code,
                        severity=rule.severity,
                        subject=row.id,
                        message=f"{row.title}: {message}",
                        responsible=rule.responsible,
                        hint=rule.hint,
                    )
                yield rule, finding, outcome


def _result(rule: Rule, outcomes: Counter[Outcome]) -> RuleResult:
    return RuleResult(
        code=rule.code,
        asks=rule.asks,
        passed=outcomes["passed"],
        failed=outcomes["failed"],
        cannot_tell=outcomes["cannot-tell"],
        not_applicable=outcomes["not-applicable"],
        score=_score(outcomes),
    )


def _score(outcomes: Counter[Outcome]) -> float | None:
    judged_ = outcomes["passed"] + outcomes["failed"]
    return round(outcomes["passed"] / judged_, 4) if judged_ else None

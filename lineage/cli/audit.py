# SPDX-License-Identifier: Apache-2.0
"""lineage audit: how well the work is recorded."""

from __future__ import annotations

from lineage.cli import terminal
from lineage.cli.findings import echo_findings
from lineage.cli.verb import verb
from lineage.services.read.audit import Audit, AuditRequest, RuleResult
from lineage.services.summary import counted


@verb("audit", AuditRequest)
def COMMAND(found: Audit) -> None:
    """Print a line for each rule and the score, then what fails."""
    for one in found.rules:
        terminal.echo(f"{_share(one.score):>5}  {one.code:<16}{_numbers(one)}")
    terminal.echo(f"{_share(found.score):>5}  together")
    if found.findings:
        terminal.echo("")
    echo_findings(found.findings)
    if found.left:
        terminal.echo(f"... and {counted(found.left, 'more finding')}: --first tells more of them")


def _share(score: float | None) -> str:
    # What does not hold for all is never shown as if it did.
    return "none" if score is None else f"{int(score * 100)} %"


def _numbers(one: RuleResult) -> str:
    told = f"{one.passed} of {one.passed + one.failed}"
    beside = [
        f"{number} {what}"
        for number, what in (
            (one.cannot_tell, "cannot be told"),
            (one.not_applicable, "do not apply"),
        )
        if number
    ]
    return told + (f" ({', '.join(beside)})" if beside else "")

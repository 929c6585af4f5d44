# SPDX-License-Identifier: Apache-2.0
"""lineage audit: how well the work is recorded."""

from __future__ import annotations

from typing import Any

import click

from lineage.cli import common, terminal
from lineage.cli.findings import echo_findings, fail_on
from lineage.cli.verb import command_of
from lineage.services.read.audit.report import Audit, AuditRequest, RuleResult
from lineage.services.summary import counted


@command_of("audit", AuditRequest)
@fail_on("never")
@click.pass_context
def COMMAND(ctx: click.Context, /, *, fails: frozenset[str], as_json: bool, **fields: Any) -> None:
    """Print a line for each rule and the score, then what fails."""
    with common.opened(ctx) as store:
        found: Audit = store.audit(**fields)
    if as_json:
        common.emit(found.to_dict())
    else:
        _tell(found)
    ctx.exit(4 if any(one.failed and one.severity in fails for one in found.rules) else 0)


def _tell(found: Audit) -> None:
    for one in found.rules:
        terminal.echo(f"{_share(one.score):>5}  {one.code:<16} {_numbers(one)}")
    terminal.echo(f"{_share(found.score):>5}  together")
    if found.findings:
        terminal.echo("")
    echo_findings(found.findings)
    if found.left:
        terminal.echo(f"... and {counted(found.left, 'more finding')}: --first tells more of them")
    if not found.complete:
        terminal.echo("There are more causes than were looked at: this may not be all.")


def _share(score: float | None) -> str:
    # What does not hold for all is never shown as if it did.
    return "none" if score is None else f"{int(score * 100)} %"


def _numbers(one: RuleResult) -> str:
    told = f"{one.passed} of {one.passed + one.failed}"
    beside = [
        f"{number} {what}"
        for number, what in (
            (one.cannot_tell, "cannot be told"),
            (one.not_applicable, "does not apply to"),
        )
        if number
    ]
    return told + (f" ({', '.join(beside)})" if beside else "")

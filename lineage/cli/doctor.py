# SPDX-License-Identifier: Apache-2.0
"""lineage doctor: check this machine and the store."""

from __future__ import annotations

import click

from lineage.cli import common, terminal
from lineage.cli.verb import command_of
from lineage.services.operate.doctor import DoctorRequest, examine

_MARKS = {"note": ("ok", "green"), "warning": ("warn", "yellow"), "error": ("FAIL", "red")}


@command_of("doctor", DoctorRequest, more="Exit code 4 where there is an error.")
@click.pass_context
def COMMAND(ctx: click.Context, *, as_json: bool) -> None:
    """Print one finding a line, also where the store cannot be opened."""
    findings = examine(lambda: common.opened(ctx))
    if as_json:
        common.emit({"findings": [finding.to_dict() for finding in findings]})
    else:
        for finding in findings:
            word, colour = _MARKS[finding.severity]
            mark = terminal.style(f"{word:>5}", fg=colour)
            terminal.echo(f"{mark}  {finding.subject}: {finding.message}")
            if finding.hint:
                terminal.echo(f"       {finding.hint}")
    ctx.exit(4 if any(finding.fatal for finding in findings) else 0)

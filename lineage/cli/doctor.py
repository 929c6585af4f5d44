# SPDX-License-Identifier: Apache-2.0
"""lineage doctor: check this machine and the store."""

from __future__ import annotations

import click

from lineage.cli import common

_MARKS = {"note": ("ok", "green"), "warning": ("warn", "yellow"), "error": ("FAIL", "red")}


@click.command("doctor")
@common.as_json
@click.pass_context
def COMMAND(ctx: click.Context, *, as_json: bool) -> None:
    """Check this machine and the store. Exit code 4 where there is a problem.

    \b
    Example:
      lineage doctor
    """
    from lineage.services.operate.doctor import examine

    findings = examine(lambda: common.opened(ctx))
    if as_json:
        common.emit({"findings": [finding.to_dict() for finding in findings]})
    else:
        for finding in findings:
            word, colour = _MARKS[finding.severity]
            mark = click.style(f"{word:>5}", fg=colour)
            click.echo(f"{mark}  {finding.subject}: {finding.message}")
            if finding.hint:
                click.echo(f"       {finding.hint}")
    ctx.exit(4 if any(finding.fatal for finding in findings) else 0)

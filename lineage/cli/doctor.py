# SPDX-License-Identifier: Apache-2.0
"""lineage doctor: check this machine and the store."""

from __future__ import annotations

import click

from lineage.cli import common

_MARKS = {"ok": ("ok", "green"), "warning": ("warn", "yellow"), "problem": ("FAIL", "red")}


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

    checks = examine(lambda: common.opened(ctx))
    if as_json:
        common.emit({"checks": [check.to_dict() for check in checks]})
    else:
        for check in checks:
            word, colour = _MARKS[check.state]
            click.echo(f"{click.style(f'{word:>5}', fg=colour)}  {check.what}: {check.found}")
            if check.advice:
                click.echo(f"       {check.advice}")
    ctx.exit(4 if any(check.state == "problem" for check in checks) else 0)

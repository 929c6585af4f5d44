# SPDX-License-Identifier: Apache-2.0
"""lineage rebuild: draw the graph anew from the ledger."""

from __future__ import annotations

import click

from lineage.cli import common, progress, terminal


@click.command("rebuild")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common.as_json
@click.pass_context
def COMMAND(ctx: click.Context, *, yes: bool, as_json: bool) -> None:
    """Empty the graph and draw it anew from the ledger, which stays as it is.

    \b
    Example:
      lineage rebuild --yes
    """
    if not yes and not as_json:
        click.confirm("Draw the graph anew from the ledger?", abort=True, err=True)
    with common.opened(ctx) as store, progress.shown("rebuild") as told:
        moved = store.rebuild(told)
    if as_json:
        common.emit(moved.to_dict())
        return
    terminal.echo(f"{moved.entries} entries drawn, root {moved.root}")

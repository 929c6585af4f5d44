# SPDX-License-Identifier: Apache-2.0
"""lineage backup: the whole store in one file."""

from __future__ import annotations

import click

from lineage.cli import common, progress, terminal


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False))
@common.as_json
@click.pass_context
def COMMAND(ctx: click.Context, file: str, *, as_json: bool) -> None:
    """Write the whole store to a new file, while others read and write it. The file is a store of its own,
    with the keys and tokens of this one; 'lineage restore' makes a store out of it again.

    \b
    Example:
      lineage backup /backups/lineage-2026-05-01.db
    """
    with common.opened(ctx) as store, progress.shown("backup") as told:
        made = store.backup(file, told)
    if as_json:
        common.emit(made.to_dict())
        return
    terminal.echo(f"{made.entries} entries in {file}")
    terminal.echo(f"root {made.root}")

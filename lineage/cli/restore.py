# SPDX-License-Identifier: Apache-2.0
"""lineage restore: a store out of a backup."""

from __future__ import annotations

from pathlib import Path

import click

from lineage.cli import common, progress, terminal


@click.command("restore")
@click.argument("file", type=click.Path(dir_okay=False))
@click.argument("target", required=False)
@common.as_json
@click.pass_context
def COMMAND(ctx: click.Context, file: str, target: str | None, *, as_json: bool) -> None:
    """Make a store out of a backup: at TARGET, else where --store says, else .lineage/store.db in this
    folder. There must be none yet; a database must be empty.

    \b
    Example:
      lineage restore /backups/lineage-2026-05-01.db neo4j://localhost:7687
    """
    from lineage import config
    from lineage.app import project_store
    from lineage.services.operate.backup import restore

    url = target or ctx.obj["store"] or config.value("store").value
    url = url or str(project_store(Path.cwd()))
    with progress.shown("restore") as told:
        made = restore(Path(file), url, told)
    if as_json:
        common.emit({**made.to_dict(), "store": url})
        return
    terminal.echo(f"{made.total} entries in {url}")
    terminal.echo(f"root {made.root}")

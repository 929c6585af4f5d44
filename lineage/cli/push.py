# SPDX-License-Identifier: Apache-2.0
"""lineage push: deliver recorded runs."""

from __future__ import annotations

from pathlib import Path

import click

from lineage.cli import common, terminal
from lineage.services.summary import counted


@click.command("push")
@click.argument(
    "folders", nargs=-1, type=click.Path(file_okay=False, exists=True), metavar="[FOLDER...]"
)
@common.as_json
@click.pass_context
def COMMAND(ctx: click.Context, folders: tuple[str, ...], *, as_json: bool) -> None:
    """Deliver the recorded runs that wait in the spool of this project, or in these folders, to the store. A run
    is delivered once, however often this is done; one that is still running is told as such.

    \b
    Example:
      lineage push
      lineage push /scratch/job-17/.lineage/spool
    """
    from lineage.app import Lineage
    from lineage.capture import spool
    from lineage.services.write.join import after_import
    from lineage.services.write.push import push

    places = [Path(folder) for folder in folders] or spool.folders(Path.cwd())
    with common.opened(ctx, create=False) as store:
        done = push(store.take_run, places)
        if isinstance(store, Lineage):
            after_import(store.context, done.reports)
    if as_json:
        common.emit(done.to_dict())
        return
    told = f"{counted(done.delivered, 'run')} delivered"
    told += f", {done.running} still running" if done.running else ""
    if done.rewrites:
        told += f", {counted(done.rewrites, 'rewrite')} of commits"
    terminal.echo(told)
    for path, reason in done.problems.items():
        terminal.echo(f"  stays: {path}: {reason}")

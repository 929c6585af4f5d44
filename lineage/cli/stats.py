# SPDX-License-Identifier: Apache-2.0
"""lineage stats: how much is in the store."""

from __future__ import annotations

import click

from lineage.cli import face


@click.command("stats")
@face.as_json
@click.pass_context
def COMMAND(ctx: click.Context, *, as_json: bool) -> None:
    """How much is in the store: nodes by kind, edges, entries, the ledger's root.

    \b
    Example:
      lineage stats --json
    """
    with face.opened(ctx) as store:
        stats = store.stats()
    if as_json:
        face.emit(stats.to_dict())
        return
    click.echo(f"{stats.nodes} nodes, {stats.edges} edges, {stats.entries} entries")
    for kind, number in sorted(stats.kinds.items(), key=lambda item: (-item[1], item[0])):
        click.echo(f"{number:>10}  {kind}")
    click.echo(f"root {stats.root}")

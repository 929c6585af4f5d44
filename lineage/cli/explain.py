# SPDX-License-Identifier: Apache-2.0
"""lineage explain: how a selection is understood and carried out."""

from __future__ import annotations

import click

from lineage.cli import face


@click.command("explain")
@click.argument("query")
@face.at
@face.as_json
@click.pass_context
def COMMAND(ctx: click.Context, query: str, *, at: str | None, as_json: bool) -> None:
    """The plan of a selection: what it means, and what the engine does.

    \b
    Example:
      lineage explain '+model:"fraud@v3" and kind:dataset and not license:"*"'
    """
    with face.opened(ctx) as store:
        told = store.explain(query, at=at)
    if as_json:
        face.emit(told)
        return
    click.echo(told["query"])
    for title, key in (("means", "meaning"), ("is done as", "plan")):
        click.secho(f"\n{title}", bold=True)
        for line in told[key]:
            click.echo(f"  {line}")
    click.echo(f"\nby {told['engine']}")

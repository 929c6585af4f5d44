# SPDX-License-Identifier: Apache-2.0
"""lineage find: search labels and identifiers."""

from __future__ import annotations

import click

from lineage.cli import face


@click.command("find")
@click.argument("text", required=False)
@click.option("--kind", "kinds", multiple=True, help="Only this kind; may be given several times.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, help="Most rows.")
@click.option("--after", metavar="CURSOR", help="Go on behind the cursor of the page before.")
@face.at
@face.as_json
@click.pass_context
def COMMAND(
    ctx: click.Context,
    *,
    text: str | None,
    kinds: tuple[str, ...],
    limit: int,
    after: str | None,
    at: str | None,
    as_json: bool,
) -> None:
    """Things whose label or identifier holds a text.

    \b
    Example:
      lineage find fraud --kind ModelVersion
    """
    with face.opened(ctx) as store:
        answer = store.find(text, kinds=kinds, limit=limit, after=after, at=at)
    if as_json:
        face.emit(answer.to_dict())
        return
    from lineage.cli import render

    console = render.console()
    for node in answer.nodes:
        line = render.node_line(node)
        console.print(line.append(f"  {node.id}", style="dim"))
    if not answer.nodes:
        console.print("nothing found", style="dim")
    if answer.certificate.cursor:
        console.print(f"more: --after '{answer.certificate.cursor}'", style="dim")

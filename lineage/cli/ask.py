# SPDX-License-Identifier: Apache-2.0
"""lineage ask: select by the language of docs/selection.md."""

from __future__ import annotations

from typing import Any

import click

from lineage.cli import face


@click.command("ask")
@click.argument("query")
@click.option("--limit", type=click.IntRange(1), default=1_000, help="Most nodes of one page.")
@click.option("--after", "cursor", metavar="CURSOR", help="Go on where the page before ended.")
@click.option("--ids", is_flag=True, help="Identifiers only, one a line.")
@face.at
@face.as_json
@click.pass_context
def COMMAND(ctx: click.Context, /, query: str, *, ids: bool, as_json: bool, **options: Any) -> None:
    """What a selection selects: attributes, walks, sets of both.

    \b
    Example:
      lineage ask '+model:"fraud@v3" and kind:dataset'
      lineage ask 'kind:run and metric.auc >= 0.9 and started >= "2026-01-01"'
      lineage ask 'kind:run and commit:"v1.0..v1.2"'
      lineage ask 'between(dataset:"raw", model:"fraud@v3") via used, wasGeneratedBy'
    """
    with face.opened(ctx) as store:
        answer = store.ask(query, **options)
    if as_json:
        face.emit(answer.to_dict())
    elif ids:
        for row in answer.found.ordered_nodes:
            click.echo(row.id)
    else:
        _told(answer)


def _told(answer: Any) -> None:
    from lineage.cli import render

    console = render.console()
    for node in answer.nodes:
        console.print(render.node_line(node).append(f"  {node.id}", style="dim"))
    if answer.nodes:
        console.print()
    console.print(render.certificate(answer))
    if answer.certificate.cursor:
        console.print(f"more: --after {answer.certificate.cursor}", style="dim")

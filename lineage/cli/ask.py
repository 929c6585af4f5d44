# SPDX-License-Identifier: Apache-2.0
"""lineage ask: select by the language of docs/reference/selection.md."""

from __future__ import annotations

import click

from lineage.cli import terminal
from lineage.cli.verb import verb
from lineage.services.read.ask import AskAnswer, AskRequest


@verb("ask", AskRequest)
@click.option("--ids", is_flag=True, help="Identifiers only, one a line.")
def COMMAND(answer: AskAnswer, *, ids: bool) -> None:
    """Print one thing a line."""
    if ids:
        for row in answer.found.ordered_nodes:
            terminal.echo(row.id)
        return
    from lineage.cli import render

    console = render.console()
    for node in answer.nodes:
        console.print(render.node_line(node).append(f"  {node.id}", style="dim"))
    if answer.nodes:
        console.print()
    for text in render.certificate(answer):
        console.print(text)
    if answer.certificate.cursor:
        console.print(f"more: --after {answer.certificate.cursor}", style="dim")

# SPDX-License-Identifier: Apache-2.0
"""lineage find: search labels and identifiers."""

from __future__ import annotations

from lineage.cli.verb import verb
from lineage.services.answer import Answer
from lineage.services.read.show import FindRequest


@verb("find", FindRequest)
def COMMAND(answer: Answer) -> None:
    """Print one thing a line."""
    from lineage.cli import render

    console = render.console()
    for node in answer.nodes:
        line = render.node_line(node)
        console.print(line.append(f"  {node.id}", style="dim"))
    if not answer.nodes:
        console.print("nothing found", style="dim")
    if answer.certificate.cursor:
        console.print(f"more: --after '{answer.certificate.cursor}'", style="dim")

# SPDX-License-Identifier: Apache-2.0
"""lineage why: how two things are connected."""

from __future__ import annotations

from lineage.cli.verb import verb
from lineage.services.read.why import WhyAnswer, WhyRequest


@verb("why", WhyRequest)
def COMMAND(answer: WhyAnswer) -> None:
    """Print the connections, link by link."""
    from lineage.cli import render

    console = render.console()
    nodes = {node.id: node for node in answer.nodes}
    if not answer.paths:
        one, other = (nodes[ident].title for ident in answer.start)
        console.print(
            f"nothing connects {one} and {other} by the relations looked at, as of entry "
            f"{answer.certificate.as_of}"
        )
        console.print("--via names other relations, such as parent", style="dim")
    for number, path in enumerate(answer.paths, 1):
        if len(answer.paths) > 1:
            console.print(f"connection {number}, {len(path)} links", style="bold")
        console.print(render.node_line(nodes[path[0]["effect"]]))
        for step in path:
            line = render.node_line(nodes[step["cause"]])
            console.print(f"  {render.words(step['type'])}  ", end="", style="dim")
            console.print(line)

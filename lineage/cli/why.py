# SPDX-License-Identifier: Apache-2.0
"""lineage why: how two things are connected."""

from __future__ import annotations

import click

from lineage.cli import face


@click.command("why")
@click.argument("one")
@click.argument("other")
@click.option("-k", "count", type=click.IntRange(1, 50), default=1, help="How many connections.")
@face.via
@face.at
@face.as_json
@click.pass_context
def COMMAND(
    ctx: click.Context,
    *,
    one: str,
    other: str,
    count: int,
    via: str | None,
    at: str | None,
    as_json: bool,
) -> None:
    """The shortest connections between two things, whichever of them came first.

    \b
    Example:
      lineage why model:fraud@v3 dataset:data/raw.csv -k 3
    """
    with face.opened(ctx) as store:
        answer = store.why(one, other, k=count, via=face.split(via), at=at)
    if as_json:
        face.emit(answer.to_dict())
        return
    from lineage.cli import render

    console = render.console()
    nodes = {node.id: node for node in answer.nodes}
    for number, path in enumerate(answer.extra["paths"], 1):
        if len(answer.extra["paths"]) > 1:
            console.print(f"connection {number}, {len(path)} links", style="bold")
        console.print(render.node_line(nodes[path[0]["effect"]]))
        for step in path:
            line = render.node_line(nodes[step["cause"]])
            console.print(f"  {render.words(step['type'])}  ", end="", style="dim")
            console.print(line)

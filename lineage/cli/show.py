# SPDX-License-Identifier: Apache-2.0
"""lineage show: one thing in full, and who says so."""

from __future__ import annotations

from lineage.cli.verb import verb
from lineage.services.read.show import ShowAnswer, ShowRequest

#: Neighbours listed on each side.
LISTED = 20


@verb("show", ShowRequest)
def COMMAND(answer: ShowAnswer) -> None:
    """Print the attributes, the neighbours on both sides, and the entries that say so."""
    from lineage.cli import render

    console = render.console()
    start = answer.start[0]
    nodes = {node.id: node for node in answer.nodes}
    console.print(render.node_line(nodes[start]))
    console.print(f"  {start}", style="dim")
    if answer.deployment is not None:
        console.print(f"  {answer.deployment.told}", style="bold")
    for text in render.attributes(nodes[start].attributes):
        console.print(text)
    for title, near in (("depends on", "effect"), ("on it depend", "cause")):
        edges = [edge for edge in answer.edges if getattr(edge, near) == start]
        if edges:
            console.print(f"\n{title} ({len(edges)})", style="bold")
        for edge in edges[:LISTED]:
            far = nodes[edge.cause if near == "effect" else edge.effect]
            phrase = render.words(edge.relation, back=near == "cause")
            console.print(f"  {phrase}  ", end="", style="dim")
            console.print(render.node_line(far))
        if len(edges) > LISTED:
            console.print(f"  ... and {len(edges) - LISTED} more (--json has all)", style="dim")
    said = {(e.entry, e.source, e.actor, e.recorded) for e in answer.evidence}
    console.print("\nwho says so", style="bold")
    for entry, source, actor, recorded in sorted(said):
        console.print(f"  entry {entry}: {source}, recorded by {actor} at {recorded}")
    if not answer.certificate.complete:
        for text in render.certificate(answer):
            console.print(text)

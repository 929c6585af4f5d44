# SPDX-License-Identifier: Apache-2.0
"""lineage stats: how much is in the store."""

from __future__ import annotations

from lineage.cli import terminal
from lineage.cli.verb import verb
from lineage.services.read.stats import StatsRequest
from lineage.services.summary import counted
from lineage.store.base import Stats


@verb("stats", StatsRequest)
def COMMAND(answer: Stats) -> None:
    """Print the counts, then the kinds, the most frequent first."""
    size = f"{counted(answer.nodes, 'thing')}, {counted(answer.edges, 'link')}"
    terminal.echo(f"{size}, {answer.entries} entries")
    for kind, number in sorted(answer.kinds.items(), key=lambda item: (-item[1], item[0])):
        terminal.echo(f"{number:>10}  {kind}")
    terminal.echo(f"root {answer.root}")

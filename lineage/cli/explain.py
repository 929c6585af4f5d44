# SPDX-License-Identifier: Apache-2.0
"""lineage explain: how a selection is understood and carried out."""

from __future__ import annotations

import click

from lineage.cli import terminal
from lineage.cli.verb import verb
from lineage.services.read.ask import ExplainRequest, Explanation


@verb("explain", ExplainRequest)
def COMMAND(answer: Explanation) -> None:
    """Print what the selection means and how it is carried out, as trees."""
    terminal.echo(answer.query, several_lines=True)
    for title, lines in (("means", answer.meaning), ("is done as", answer.plan)):
        click.secho(f"\n{title}", bold=True)
        for line in lines:
            terminal.echo(f"  {line}")
    terminal.echo(f"\nby {answer.engine}")

# SPDX-License-Identifier: Apache-2.0
"""lineage explain: how a selection is understood and carried out."""

from __future__ import annotations

import click

from lineage.cli.verb import verb
from lineage.services.read.ask import ExplainRequest, Explanation


@verb("explain", ExplainRequest)
def COMMAND(answer: Explanation) -> None:
    """Print what the selection means and how it is carried out, as trees."""
    click.echo(answer.query)
    for title, lines in (("means", answer.meaning), ("is done as", answer.plan)):
        click.secho(f"\n{title}", bold=True)
        for line in lines:
            click.echo(f"  {line}")
    click.echo(f"\nby {answer.engine}")

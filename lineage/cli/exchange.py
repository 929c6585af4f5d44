# SPDX-License-Identifier: Apache-2.0
"""lineage exchange: what a steward says about things of two institutions."""

from __future__ import annotations

import click

from lineage.cli.import_ import tell
from lineage.cli.verb import verb
from lineage.services.exchange.tie import TieRequest
from lineage.services.write.ingest import Report


@click.group("exchange")
def COMMAND() -> None:
    """What a steward says about things of two institutions.

    \b
    Example:
      lineage exchange tie dataset:data/train.csv https://b.example/train --reason "same release"
    """


@verb("tie", TieRequest)
def _tie(report: Report) -> None:
    """Print what was written."""
    tell(report)


COMMAND.add_command(_tie)

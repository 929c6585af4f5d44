# SPDX-License-Identifier: Apache-2.0
"""lineage deploy: say that something was deployed somewhere, or that it failed there."""

from __future__ import annotations

from lineage.cli import terminal
from lineage.cli.verb import verb
from lineage.services.write.deploy import Deployed, DeployRequest


@verb("deploy", DeployRequest)
def COMMAND(answer: Deployed) -> None:
    """Print what became of the deployment, its identifier, and what it rolls back."""
    terminal.echo(answer.deployment.told)
    terminal.echo(f"  {answer.deployment.id}")
    if answer.rolls_back is not None:
        terminal.echo(f"  rolls back {answer.rolls_back}")

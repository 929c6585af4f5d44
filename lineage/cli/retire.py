# SPDX-License-Identifier: Apache-2.0
"""lineage retire: say that something deployed was taken out of use."""

from __future__ import annotations

from lineage.cli import terminal
from lineage.cli.verb import verb
from lineage.services.write.deploy import Deployed, RetireRequest


@verb("retire", RetireRequest)
def COMMAND(answer: Deployed) -> None:
    """Print what became of the deployment, and its identifier."""
    terminal.echo(answer.deployment.told)
    terminal.echo(f"  {answer.deployment.id}")

# SPDX-License-Identifier: Apache-2.0
"""lineage untie: reject a claim that two things belong together."""

from __future__ import annotations

from lineage.cli import terminal
from lineage.cli.verb import verb
from lineage.services.write.ingest import Report
from lineage.services.write.untie import UntieRequest


@verb("untie", UntieRequest)
def COMMAND(answer: Report) -> None:
    """Print how much was taken back."""
    entries = ", ".join(str(entry) for entry in answer.entries)
    terminal.echo(f"{answer.retracted} claims taken back, in entry {entries}")

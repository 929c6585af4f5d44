# SPDX-License-Identifier: Apache-2.0
"""lineage impact: what depends on this."""

from __future__ import annotations

from lineage.cli import trace
from lineage.cli.verb import verb
from lineage.services.read.trace import ImpactRequest, WalkAnswer


@verb("impact", ImpactRequest)
@trace.full
def COMMAND(answer: WalkAnswer, *, full: bool) -> None:
    """Print a tree and the groups of what is downstream."""
    trace.tell(answer, "effects", full=full)

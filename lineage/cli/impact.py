# SPDX-License-Identifier: Apache-2.0
"""lineage impact: what depends on this."""

from __future__ import annotations

from lineage.cli import trace
from lineage.cli.verb import verb
from lineage.services.read.trace import ImpactRequest, Reached, WalkAnswer


@verb("impact", ImpactRequest, instead=trace.form_of("effects"))
@trace.forms
def COMMAND(answer: WalkAnswer | Reached, *, full: bool) -> None:
    """Print a tree and the groups of what is downstream."""
    trace.tell(answer, "effects", full=full)

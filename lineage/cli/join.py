# SPDX-License-Identifier: Apache-2.0
"""lineage join: join what several tools recorded."""

from __future__ import annotations

from lineage.cli.verb import verb
from lineage.services.write.ingest import Report
from lineage.services.write.join import JoinRequest


@verb("join", JoinRequest)
def COMMAND(answer: Report) -> None:
    """Print what was joined, and what was not."""
    from lineage.cli.import_ import tell

    tell(answer)

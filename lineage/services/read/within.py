# SPDX-License-Identifier: Apache-2.0
"""Finds the captured runs that other runs are part of: what those used was there for these too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lineage import ids
from lineage.model import terms
from lineage.services.context import Context
from lineage.store.base import Hop, View

_INFORMED = Hop(relations=frozenset({"wasInformedBy"}))


def within(ctx: Context, runs: Iterable[str], view: View) -> Mapping[str, set[str]]:
    """The captured runs of those that are steps of one, or that MLflow made in one; nothing of others."""
    found: dict[str, set[str]] = {}
    logged = []
    for run in runs:
        captured = ids.captured_run_of(run)
        if captured is not None and captured != run:
            found[run] = {captured}
        elif run.startswith(ids.MLFLOW_RUN):
            logged.append(run)
    for row in ctx.store.edges(logged, _INFORMED, view) if logged else ():
        captured = ids.captured_run_of(row.cause)
        # One that was joined with the run may have gone on with it elsewhere.
        if captured is not None and f'"{terms.METHOD}":' not in row.attributes:
            found.setdefault(row.effect, set()).add(captured)
    return found

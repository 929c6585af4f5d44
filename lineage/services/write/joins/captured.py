# SPDX-License-Identifier: Apache-2.0
"""Joins captured runs with what other tools recorded of the same work, where those tools do not say so themselves:
a run of MLflow that was continued.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lineage import ids
from lineage.model import terms
from lineage.model.record import Edge, Record
from lineage.model.value import Value
from lineage.services.write.joins.runs import RunRecord
from lineage.store.rows import NodeRow

#: The variable by which MLflow goes on with a run: a program that does not log there may have it too.
_CONTINUED = "MLFLOW_RUN_ID"
_SURE = 0.9


class CapturedRuns:
    """The captured runs of a store by what runs of other tools are found by, noted while runs are read."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], list[NodeRow]] = {}
        #: Those of which the environment, or the commit, is known.
        self.equipped: set[str] = set()
        self.coded: set[str] = set()

    def note(self, runs: Iterable[RunRecord]) -> None:
        """Note the captured ones among some runs."""
        for run in runs:
            if _is_captured(run):
                for sign in _signs(run):
                    self._found.setdefault(sign, []).append(run.row)
                if run.environments:
                    self.equipped.add(run.row.id)
                if run.commits:
                    self.coded.add(run.row.id)

    def of_runs(self, runs: Sequence[RunRecord]) -> Iterator[Record]:
        """What is claimed of some runs."""
        for run in runs if self._found else ():
            if _is_captured(run):
                continue
            for sign in _signs(run):
                for captured in self._found.get(sign, ()):
                    yield _informed(run.row, captured, sign)


def _is_captured(run: RunRecord) -> bool:
    return run.row.id.startswith(ids.CAPTURED)


def _signs(run: RunRecord) -> Iterator[tuple[str, str]]:
    """Method and text by which a captured run and a run of another tool are found to belong together."""
    if _is_captured(run):
        continued = run.attributes.get(f"env.{_CONTINUED}")
        if isinstance(continued, str):
            yield terms.BY_RUN_ID, continued
    elif run.row.id.startswith(ids.MLFLOW_RUN):
        yield terms.BY_RUN_ID, run.row.id.rpartition("/")[2]


def _informed(run: NodeRow, captured: NodeRow, sign: tuple[str, str]) -> Edge:
    method, _ = sign
    attributes: dict[str, Value] = {
        terms.METHOD: method,
        terms.EVIDENCE: f"{_CONTINUED} of {captured.title}",
        terms.CONFIDENCE: _SURE,
    }
    return Edge(relation="wasInformedBy", effect=run.id, cause=captured.id, attributes=attributes)

# SPDX-License-Identifier: Apache-2.0
"""Joins captured runs with what other tools recorded of the same work, where those tools do not say so themselves:
a run of MLflow that was continued, the stages that DVC locked, versions of small files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lineage import ids
from lineage.model import terms
from lineage.model.identity import tie
from lineage.model.record import Edge, Record
from lineage.model.value import Value, each
from lineage.services.context import Context
from lineage.services.write.joins.runs import RunRecord
from lineage.store.base import NOW
from lineage.store.rows import NodeRow

#: The variable by which MLflow goes on with a run: a program that does not log there may have it too.
_CONTINUED = "MLFLOW_RUN_ID"
#: What DVC's stages and the runs that locked them have in common (``lineage.sources.dvc_lock.entry``).
_LOCKED = "locked"
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

    def of_runs(self, ctx: Context, runs: Sequence[RunRecord]) -> Iterator[Record]:
        """What is claimed of some runs."""
        for run in runs if self._found else ():
            if _is_captured(run):
                continue
            for sign in _signs(run):
                for captured in self._found.get(sign, ()):
                    yield _informed(run.row, captured, sign)
        yield from _same_files(ctx, filter(_is_captured, runs))


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
    for entry in each(run.attributes.get(_LOCKED, ())):
        yield terms.BY_LOCK_ENTRY, str(entry)


def _informed(run: NodeRow, captured: NodeRow, sign: tuple[str, str]) -> Edge:
    method, text = sign
    if method == terms.BY_RUN_ID:
        shows = f"{_CONTINUED} of {captured.title}"
    else:
        shows = f"{captured.title} changed dvc.lock: {text.partition('/')[2]}"
    attributes: dict[str, Value] = {
        terms.METHOD: method,
        terms.EVIDENCE: shows,
        terms.CONFIDENCE: _SURE,
    }
    return Edge(relation="wasInformedBy", effect=run.id, cause=captured.id, attributes=attributes)


def _same_files(ctx: Context, runs: Iterable[RunRecord]) -> Iterator[Record]:
    """Ties versions of files that are too small to meet others by their bytes alone: DVC has them under the same
    path, by their md5.
    """
    theirs: dict[str, str] = {}
    for run in runs:
        for row in (*run.made, *(row for _, row in run.used)):
            held = row.node().attributes
            size, md5 = held.get("size"), held.get("md5")
            path = ids.versions_of(row.id)
            if isinstance(size, int) and size < ids.SMALLEST_CONTENT and md5 and path:
                theirs[f"{path}md5:{md5}"] = row.id
    for ident in sorted(ctx.store.get(theirs.keys(), NOW)) if theirs else ():
        yield from tie(theirs[ident], ident)

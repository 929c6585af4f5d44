# SPDX-License-Identifier: Apache-2.0
"""Reads from the store the runs that may be joined: their commits, what they used and made."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineage import ids
from lineage.model import terms
from lineage.services.context import Context
from lineage.store.base import NOW, Filter, Hop
from lineage.store.paging import find_pages
from lineage.store.rows import NodeRow, edge_order

_USED = Hop(relations=frozenset({"used", "wasInformedBy"}))
_MADE = Hop(toward="effects", relations=frozenset({"wasGeneratedBy"}))
_MEMBERS = Hop(relations=frozenset({"hadMember"}))
_RUNS = Filter(kinds=frozenset({"Run"}))


@dataclass(slots=True)
class RunRecord:
    """A run with what is directly beside it: things used come with their role."""

    row: NodeRow
    attributes: Mapping[str, Any]
    commits: list[str] = field(default_factory=list)
    environments: list[str] = field(default_factory=list)
    #: Environments of its models: what a tracker saw that a model needs, seldom all that was there.
    logged: list[str] = field(default_factory=list)
    used: list[tuple[str | None, NodeRow]] = field(default_factory=list)
    made: list[NodeRow] = field(default_factory=list)
    #: The captured runs that it is part of, as it says itself: what they used was there for it too.
    within: set[str] = field(default_factory=set)

    @property
    def program(self) -> str | None:
        """The address of its program, as MLflow wrote it down."""
        return self._text("tag.mlflow.source.name")

    @property
    def source(self) -> str | None:
        """The path of its code in the repository, a file or a folder, as OpenLineage has it
        (SourceCodeLocationJobFacet).
        """
        return self._text("source.path")

    def _text(self, name: str) -> str | None:
        found = self.attributes.get(name)
        return found if isinstance(found, str) and found else None

    @property
    def stage_folder(self) -> str | None:
        """The folder of the dvc.yaml of its stage, from the root of the repository."""
        stage = self.attributes.get("stage")
        if not isinstance(stage, str):
            return None
        return posixpath.dirname(stage.partition(":")[0])


def runs(ctx: Context, where: Filter = _RUNS) -> Iterator[Sequence[RunRecord]]:
    """The runs of a store, page by page, as their sources tell them: without what was joined."""
    for rows in find_pages(ctx.store, where):
        yield list(_beside(ctx, rows))


def _beside(ctx: Context, rows: Sequence[NodeRow]) -> Iterator[RunRecord]:
    found = {row.id: RunRecord(row, row.node().attributes) for row in rows}
    # In one order on every engine: what is found first is named as evidence.
    said = [r.edge() for r in sorted(ctx.store.edges(list(found), _USED, NOW), key=edge_order)]
    for edge in said:
        if edge.relation != "used" and terms.METHOD not in edge.attributes:
            _within(found[edge.effect], edge.cause)
    used = [edge for edge in said if edge.relation == "used"]
    made = sorted(ctx.store.edges(list(found), _MADE, NOW), key=edge_order)
    near = ctx.store.get({e.cause for e in used} | {e.effect for e in made}, NOW)
    for edge in used:
        if edge.cause not in near or edge.attributes.get(terms.METHOD) in terms.JOINED:
            continue
        run, thing = found[edge.effect], near[edge.cause]
        if edge.cause.startswith(ids.REVISION):
            if terms.ran(edge.attributes):
                run.commits.append(edge.cause.removeprefix(ids.REVISION))
        elif thing.kind == "Environment":
            logged = edge.attributes.get(terms.METHOD) == terms.BY_LOGGED
            (run.logged if logged else run.environments).append(edge.cause)
        else:
            role = edge.attributes.get("prov:role")
            run.used.append((role if isinstance(role, str) else None, thing))
    for row in made:
        if row.effect in near:
            found[row.cause].made.append(near[row.effect])
    yield from found.values()


def _within(run: RunRecord, informant: str) -> None:
    around = ids.captured_run_of(informant)
    is_part = run.row.id.startswith(ids.MLFLOW_RUN) or ids.captured_run_of(run.row.id) == around
    if around is not None and is_part:
        run.within.add(around)


def members(ctx: Context, folder: str) -> Mapping[str, str]:
    """Name -> identifier of the members of a folder that are known."""
    inside = {edge.cause for edge in ctx.store.edges([folder], _MEMBERS, NOW)}
    rows = ctx.store.get(inside, NOW)
    return {
        name: ident
        for ident, row in sorted(rows.items())
        if isinstance(name := row.node().attributes.get("name"), str)
    }

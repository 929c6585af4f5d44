# SPDX-License-Identifier: Apache-2.0
"""Reads what the rules of the audit judge: things of one kind, with what is recorded around them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lineage import ids
from lineage.model.record import Node
from lineage.model.value import each
from lineage.services.context import Context
from lineage.services.read.decisions.followed import following
from lineage.services.read.decisions.rows import utc
from lineage.services.read.decisions.state import Decisions
from lineage.services.read.decisions.summaries import summary
from lineage.services.read.owners import Answering, said_of
from lineage.services.read.sides import Side, copies, sides
from lineage.store.base import NOW, Filter, Hop
from lineage.store.paging import find_pages
from lineage.store.rows import NodeRow

_WHO = Hop(relations=frozenset({"wasAssociatedWith"}))
_INVALIDATED = Hop(relations=frozenset({"wasInvalidatedBy"}))
#: Things that are read together.
_PAGE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedRun:
    """A run: what it used, how many people or programs are responsible for it, whether it follows a decision, and whether
    decisions are written down here at all; and what of its data was invalidated, with the moments (``None``: not known).
    """

    side: Side
    agents: int
    follows: bool
    decisions_here: bool
    invalidated: Sequence[tuple[str, Sequence[str | None]]]

    @property
    def ran(self) -> bool:
        """Whether something ran: what several attempts are attempts at did not, and what is scheduled has not yet."""
        held = self.side.run.attributes
        if "started" in held or self.side.data or self.side.commits:
            return True
        return held.get("status") not in {None, "scheduled"}

    @property
    def node(self) -> Node:
        """Its record."""
        return self.side.run


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedDataset:
    """A dataset, and who answers for it; ``None`` where nothing says so."""

    node: Node
    answering: Answering | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedDecision:
    """A decision: which of its dates have passed, and what its record names that is not here, or may be several."""

    overdue: Sequence[str]
    unresolved: Sequence[str]


class Subjects:
    """What an audit looks at in a store: everything, or only some things."""

    def __init__(self, ctx: Context, only: frozenset[str] | None = None) -> None:
        self._ctx = ctx
        self._only = only
        self._read: Mapping[str, Callable[[Sequence[NodeRow]], Mapping[str, Any]]] = {
            "Run": self._runs,
            "Dataset": self._datasets,
            "Decision": self._decisions,
        }

    def of(self, kind: str) -> Iterator[list[tuple[NodeRow, Any]]]:
        """The things of a kind with what a rule judges of each, some thousand at a time."""
        read = self._read.get(kind, _nodes)
        for rows in self._pages(kind):
            found = read(rows)
            yield [(row, found[row.id]) for row in rows if row.id in found]

    def _pages(self, kind: str) -> Iterator[Sequence[NodeRow]]:
        if self._only is None:
            yield from find_pages(self._ctx.store, Filter(kinds=frozenset({kind})), size=_PAGE)
            return
        wanted = sorted(self._only)
        for at in range(0, len(wanted), _PAGE):
            rows = self._ctx.store.get(wanted[at : at + _PAGE], NOW)
            if found := [row for _, row in sorted(rows.items()) if row.kind == kind]:
                yield found

    @cached_property
    def _all_decisions(self) -> Mapping[str, AuditedDecision]:
        today = self._ctx.recorded()[:10]
        return {
            state.id: AuditedDecision(
                overdue=summary(state, today).overdue,
                unresolved=[str(x) for x in each(state.node.attributes.get("unresolved", ()))],
            )
            for state in Decisions(self._ctx)
        }

    def _runs(self, rows: Sequence[NodeRow]) -> Mapping[str, AuditedRun]:
        idents = [row.id for row in rows]
        found, _ = sides(self._ctx, idents, NOW)
        agents: dict[str, set[str]] = {}
        for edge in self._ctx.store.edges(idents, _WHO, NOW):
            agents.setdefault(edge.effect, set()).add(edge.cause)
        follows = following(self._ctx, idents) if self._all_decisions else set()
        gone = self._invalidated({one.node.id for side in found.values() for one in side.data})
        return {
            ident: AuditedRun(
                side=side,
                agents=len(agents.get(ident, ())),
                follows=ident in follows,
                decisions_here=bool(self._all_decisions),
                # Two things may have one title.
                invalidated=[
                    (one.node.title, gone[one.node.id]) for one in side.data if one.node.id in gone
                ],
            )
            for ident, side in found.items()
        }

    def _invalidated(self, data: Collection[str]) -> Mapping[str, Sequence[str | None]]:
        """When things were invalidated, or others of the same bytes; ``None`` where nothing says the time."""
        same = copies(self._ctx, data, NOW)
        said: dict[str, list[str | None]] = {}
        every = sorted(set[str]().union(*same.values()))
        for row in sorted(self._ctx.store.edges(every, _INVALIDATED, NOW)) if every else ():
            moment = row.edge().attributes.get("prov:time")
            said.setdefault(row.effect, []).append(None if moment is None else utc(str(moment)))
        found = {
            ident: [at for one in sorted(of) for at in said.get(one, ())]
            for ident, of in same.items()
        }
        return {ident: moments for ident, moments in found.items() if moments}

    def _datasets(self, rows: Sequence[NodeRow]) -> Mapping[str, AuditedDataset]:
        by_id = {row.id: row for row in rows}
        said = said_of(self._ctx, list(by_id), NOW, by_id)
        return {
            ident: AuditedDataset(node=row.node(), answering=said.get(ident))
            for ident, row in by_id.items()
            # What only somebody's question or statement mentions is no dataset of anybody here.
            if ids.versions_of(ident) is not None
        }

    def _decisions(self, rows: Sequence[NodeRow]) -> Mapping[str, AuditedDecision]:
        known = self._all_decisions
        return {row.id: known[row.id] for row in rows if row.id in known}


def _nodes(rows: Sequence[NodeRow]) -> Mapping[str, Node]:
    return {row.id: row.node() for row in rows}

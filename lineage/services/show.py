# SPDX-License-Identifier: Apache-2.0
"""One thing in full: what it is, its nearest causes and effects, and who says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any, NamedTuple

from lineage.errors import Usage
from lineage.ledger.log import Header
from lineage.model.kinds import KINDS
from lineage.model.terms import TABLE
from lineage.services.answer import Answer, answered
from lineage.services.context import Context
from lineage.services.resolve import nearest, resolve
from lineage.services.when import at_one_moment
from lineage.store.base import Cut, Filter, Hop, Page, Subgraph, View
from lineage.store.claims import Claim
from lineage.store.rows import edge_order

#: Neighbours and claims shown of one thing.
MOST = 1_000


def show(ctx: Context, reference: str, at: str | int | None = None) -> Answer:
    """A node with the edges on both sides and the evidence for each statement."""

    def read(view: View) -> tuple[Subgraph, str, list[Evidence]]:
        ident = resolve(ctx, reference, view).id
        return _near(ctx, ident, view), ident, evidence(ctx, [ident], view)[ident]

    (graph, ident, found), stand = at_one_moment(ctx, at, read)
    return answered(graph, stand, (ident,), evidence=[item.to_dict() for item in found])


def near(ctx: Context, reference: str, at: str | int | None = None) -> Answer:
    """A node with the edges on both sides, without the evidence."""

    def read(view: View) -> tuple[Subgraph, str]:
        ident = resolve(ctx, reference, view).id
        return _near(ctx, ident, view), ident

    (graph, ident), stand = at_one_moment(ctx, at, read)
    return answered(graph, stand, (ident,))


def _near(ctx: Context, ident: str, view: View) -> Subgraph:
    every = frozenset(r.name for r in TABLE if r.implied_by is None)
    found = {
        row
        for toward in ("causes", "effects")
        for row in ctx.store.edges([ident], Hop(toward=toward, relations=every), view)
    }
    kept = sorted(found, key=edge_order)[:MOST]
    names = {ident, *(row.effect for row in kept), *(row.cause for row in kept)}
    rows = ctx.store.get(names, view)
    left = len(found) - len(kept)
    cut = Cut(reason="limit", left=left) if left else None
    return Subgraph(node_rows=list(rows.values()), edge_rows=kept, cut=cut)


class Evidence(NamedTuple):
    """A claim, and the entry that made it."""

    claim: Claim
    entry: Header

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of docs/answers.md."""
        return {
            "says": self.claim.record.to_dict(),
            "source": self.claim.source,
            "entry": self.claim.since,
            "actor": self.entry.actor,
            "recorded": self.entry.recorded,
        }


def evidence(ctx: Context, idents: Collection[str], view: View) -> dict[str, list[Evidence]]:
    """Who says so: of each node, the claims about it and its causes that stand in a view, ``MOST``
    at most, each with the entry that made it. Two reads, however many there are.
    """
    held = ctx.store.held(idents, view)
    claims = {
        ident: list(islice(held[ident].said(view.as_of), MOST)) if ident in held else []
        for ident in idents
    }
    seqs = {claim.since for found in claims.values() for claim in found}
    entries = ctx.store.headers_at(seqs, view)
    return {
        ident: [Evidence(claim, entries[claim.since]) for claim in found]
        for ident, found in claims.items()
    }


def find(
    ctx: Context,
    text: str | None,
    *,
    kinds: Iterable[str] | None = None,
    limit: int = 50,
    after: str | None = None,
    at: str | int | None = None,
) -> Answer:
    """Nodes whose identifier or label holds a text, by identifier, a page at a time.

    ``kinds`` are names of kinds in any case. Raises ``Usage`` for one there is not.
    """
    where = Filter(kinds=kind_names(kinds), text=text or None)
    wanted = Page(limit=limit, after=after)
    page, stand = at_one_moment(ctx, at, lambda view: ctx.store.find(where, wanted, view))
    cut = Cut(reason="limit") if page.after else None
    graph = Subgraph(node_rows=list(page.rows), edge_rows=[], cut=cut)
    return answered(graph, stand, (), cursor=page.after)


def kind_names(given: Iterable[str] | None) -> frozenset[str] | None:
    """Kinds by names in any case. Raises ``Usage`` with the nearest names for one there is not."""
    by_lower = {name.lower(): name for name in KINDS}
    named = list(given or ())
    for name in named:
        if name.lower() not in by_lower:
            near = ", ".join(nearest(name, KINDS)) or ", ".join(KINDS)
            raise Usage(f"there is no kind {name!r}", hint=f"Did you mean {near}?")
    return frozenset(by_lower[name.lower()] for name in named) or None

# SPDX-License-Identifier: Apache-2.0
"""One thing in full: what it is, its nearest causes and effects, and who says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lineage.errors import Usage
from lineage.model.kinds import KINDS
from lineage.model.terms import TABLE
from lineage.services.answer import Answer, answered
from lineage.services.context import Context
from lineage.services.resolve import nearest, resolve
from lineage.services.when import view_at
from lineage.store.base import Cut, Filter, Hop, Page, Subgraph, View, standing
from lineage.store.claims import Claim
from lineage.store.rows import edge_order

#: Neighbours and claims shown of one thing.
MOST = 1_000


def show(ctx: Context, reference: str, at: str | int | None = None) -> Answer:
    """A node with the edges on both sides and the evidence for each statement."""
    view = view_at(ctx, at)
    ident = resolve(ctx, reference, view).id
    graph = _near(ctx, ident, view)
    held = ctx.store.held([ident]).get(ident)
    claims = [c for c in (held.claims if held else ()) if standing(c.since, c.until, view)]
    return answered(ctx, graph, view, (ident,), evidence=_evidence(ctx, claims[:MOST]))


def near(ctx: Context, reference: str, at: str | int | None = None) -> Answer:
    """A node with the edges on both sides, without the evidence."""
    view = view_at(ctx, at)
    ident = resolve(ctx, reference, view).id
    return answered(ctx, _near(ctx, ident, view), view, (ident,))


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


def _evidence(ctx: Context, claims: list[Claim]) -> list[dict[str, Any]]:
    """Who says so: each claim with the entry that made it."""
    seqs = sorted({claim.since for claim in claims})
    entries = {seq: ctx.store.entries(seq - 1, 1)[0] for seq in seqs}
    return [
        {
            "says": claim.record.to_dict(),
            "source": claim.source,
            "entry": claim.since,
            "actor": entries[claim.since].actor,
            "recorded": entries[claim.since].recorded,
        }
        for claim in claims
        if not claim.implied
    ]


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
    view = view_at(ctx, at)
    where = Filter(kinds=kind_names(kinds), text=text or None)
    page = ctx.store.find(where, Page(limit=limit, after=after), view)
    cut = Cut(reason="limit") if page.after else None
    graph = Subgraph(node_rows=list(page.rows), edge_rows=[], cut=cut)
    return answered(ctx, graph, view, (), cursor=page.after)


def kind_names(given: Iterable[str] | None) -> frozenset[str] | None:
    """Kinds by names in any case. Raises ``Usage`` with the nearest names for one there is not."""
    by_lower = {name.lower(): name for name in KINDS}
    named = list(given or ())
    for name in named:
        if name.lower() not in by_lower:
            near = ", ".join(nearest(name, KINDS)) or ", ".join(KINDS)
            raise Usage(f"there is no kind {name!r}", hint=f"Did you mean {near}?")
    return frozenset(by_lower[name.lower()] for name in named) or None

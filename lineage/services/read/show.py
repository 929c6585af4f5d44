# SPDX-License-Identifier: Apache-2.0
"""Shows one thing in full: what it is, its nearest causes and effects, and who says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from itertools import islice
from typing import Annotated, Any, NamedTuple

from lineage.errors import Usage
from lineage.ledger.log import Header
from lineage.model.kinds import KINDS
from lineage.services.answer import Answer, certify
from lineage.services.as_of import at_one_moment
from lineage.services.context import Context
from lineage.services.read import deployments
from lineage.services.read.deployments import DeploymentStatus
from lineage.services.read.resolve import nearest, resolve
from lineage.services.request import Request, Says, When, reference
from lineage.store.base import Cut, Filter, Page, Subgraph, View
from lineage.store.claims import Around, Claim

#: Neighbours and claims shown of one thing.
MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One statement about a thing (``says``, as JSON), and the entry of the ledger that made it."""

    says: Mapping[str, Any]
    source: str
    entry: int
    actor: str
    recorded: str

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of docs/reference/answers.md."""
        return asdict(self)


class Claimed(NamedTuple):
    """A claim, and the entry that made it."""

    claim: Claim
    entry: Header

    @property
    def evidence(self) -> Evidence:
        """As answers show it."""
        return Evidence(
            says=self.claim.record.to_dict(),
            source=self.claim.source,
            entry=self.claim.since,
            actor=self.entry.actor,
            recorded=self.entry.recorded,
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ShowAnswer(Answer):
    """One thing with its neighbours; ``evidence`` is who says so, ``deployment`` what became of it where
    it is one.
    """

    evidence: Sequence[Evidence]
    deployment: DeploymentStatus | None = None


@dataclass(frozen=True, slots=True)
class ShowRequest(
    Request[ShowAnswer], graphql="show", weight=20, rows=1_000, examples=("show run:0f3a",)
):
    """One thing in full: attributes, nearest causes and effects, and who says so."""

    reference: Annotated[str, reference("What to show")]
    _: KW_ONLY
    at: When = None

    def answer(self, ctx: Context) -> ShowAnswer:
        """See ``Request.answer``."""

        def read(view: View) -> tuple[Subgraph, str, list[Claimed], DeploymentStatus | None]:
            row = resolve(ctx, self.reference, view)
            around = ctx.store.around(row.id, MOST, view)
            graph = _graph(ctx, row.id, around, view)
            became = deployments.of(ctx, row, view)
            return graph, row.id, _claimed(ctx, around.claims, view), became

        (graph, ident, found, became), stand = at_one_moment(ctx, self.at, read)
        return ShowAnswer(
            found=graph,
            certificate=certify(stand, graph.cut),
            start=(ident,),
            evidence=tuple(item.evidence for item in found),
            deployment=became,
        )


def near(ctx: Context, about: str, at: str | int | None = None) -> Answer:
    """Read a node with the edges on both sides, without the evidence."""

    def read(view: View) -> tuple[Subgraph, str]:
        ident = resolve(ctx, about, view).id
        around = ctx.store.around(ident, MOST, view)._replace(more_claims=0)
        return _graph(ctx, ident, around, view), ident

    (graph, ident), stand = at_one_moment(ctx, at, read)
    return Answer(found=graph, certificate=certify(stand, graph.cut), start=(ident,))


def _graph(ctx: Context, ident: str, around: Around, view: View) -> Subgraph:
    """A node with what is next to it. It is cut where links are left, or else claims."""
    names = {ident, *(row.effect for row in around.edges), *(row.cause for row in around.edges)}
    rows = ctx.store.get(names, view)
    left = around.more_edges or around.more_claims
    cut = Cut(reason="limit", left=left) if left else None
    return Subgraph(node_rows=list(rows.values()), edge_rows=around.edges, cut=cut)


def _claimed(ctx: Context, claims: Sequence[Claim], view: View) -> list[Claimed]:
    entries = ctx.store.headers_at({claim.since for claim in claims}, view)
    return [Claimed(claim, entries[claim.since]) for claim in claims]


def evidence(ctx: Context, idents: Collection[str], view: View) -> dict[str, list[Claimed]]:
    """Read who says so: for each node, the claims about it and its causes that stand in a view,
    ``MOST`` at most, each with the entry that made it. Two reads, however many there are.
    """
    held = ctx.store.held(idents, view)
    claims = {
        ident: list(islice(held[ident].said(view.as_of), MOST)) if ident in held else []
        for ident in idents
    }
    seqs = {claim.since for found in claims.values() for claim in found}
    entries = ctx.store.headers_at(seqs, view)
    return {
        ident: [Claimed(claim, entries[claim.since]) for claim in found]
        for ident, found in claims.items()
    }


@dataclass(frozen=True, slots=True)
class FindRequest(
    Request[Answer], graphql="find", weight=20, examples=("find fraud --kind ModelVersion",)
):
    """Things whose identifier or label holds a text, by identifier, a page at a time."""

    text: Annotated[str | None, Says(text="What identifiers or labels hold, in either case.")] = (
        None
    )
    _: KW_ONLY
    kinds: Annotated[
        Iterable[str] | None,
        Says(text="Only these kinds, in any case.", flag="--kind", enum="Kind"),
    ] = None
    limit: Annotated[
        int,
        Says(text="How many things.", at_least=1, at_most=10_000, graphql="first", sized=(50, 200)),
    ] = 50
    after: Annotated[
        str | None, Says(text="Go on behind the cursor of the page before.", metavar="CURSOR")
    ] = None
    at: When = None

    def answer(self, ctx: Context) -> Answer:
        """See ``Request.answer``. Raises ``Usage`` for a kind there is not."""
        where = Filter(kinds=kind_names(self.kinds), text=self.text or None)
        wanted = Page(limit=self.limit, after=self.after)
        page, stand = at_one_moment(ctx, self.at, lambda view: ctx.store.find(where, wanted, view))
        cut = Cut(reason="limit") if page.after else None
        graph = Subgraph(node_rows=list(page.rows), edge_rows=[], cut=cut)
        return Answer(found=graph, certificate=certify(stand, cut, page.after))


def kind_names(given: Iterable[str] | None) -> frozenset[str] | None:
    """Find kinds by names in any case. Raises ``Usage`` with the nearest names for one there is
    not.
    """
    by_lower = {name.lower(): name for name in KINDS}
    named = list(given or ())
    for name in named:
        if name.lower() not in by_lower:
            near = ", ".join(nearest(name, KINDS)) or ", ".join(KINDS)
            raise Usage(f"there is no kind {name!r}", hint=f"Did you mean {near}?")
    return frozenset(by_lower[name.lower()] for name in named) or None

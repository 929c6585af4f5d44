# SPDX-License-Identifier: Apache-2.0
"""What a caller of a server may write: under sources of its own name, and of its own things.

Whoever works on the store itself may everything. Over a server nothing is taken back or renamed: the
first source that named a thing names it (``lineage.model.merge``). What is left to ask for is the
invalidation of a thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from lineage import ids
from lineage.access.tokens import Role
from lineage.errors import Denied
from lineage.model.record import Batch, Loss
from lineage.services.context import Context
from lineage.store.base import NOW, Hop
from lineage.store.claims import Claim, Statement

#: The role that invalidates the things of others.
INVALIDATES = Role.steward
_INVALIDATION = "wasInvalidatedBy"
_MENTIONS = Hop(toward="effects")
_REASON = f"others state the thing, and invalidating it needs the role {INVALIDATES.name}"


def source(ctx: Context, importer: str, part: str = "") -> str:
    """The name of the source under which a caller writes, or a part of it."""
    own = f"{importer}:{ids.segment(ctx.actor).replace('/', '%2F')}"
    return f"{own}/{part}" if part else own


def demand(ctx: Context, batch: Batch) -> None:
    """Raise ``Denied`` where a batch invalidates what others state, and the caller is no steward."""
    if others := sorted(_not_own(ctx, batch)):
        raise Denied(
            f"{others[0]} is not yours: {_REASON}",
            hint=f"Ask somebody whose token has the role {INVALIDATES.name}.",
            where=others[0],
        )


def permitted(ctx: Context, batch: Batch) -> Batch:
    """A batch without the invalidations that its caller may not state; they are counted as losses."""
    others = _not_own(ctx, batch)
    if not others:
        return batch
    kept = tuple(e for e in batch.edges if e.relation != _INVALIDATION or e.effect not in others)
    loss = Loss("invalidations", len(batch.edges) - len(kept), f"{_REASON}: {min(others)}")
    return replace(batch, edges=kept, losses=(*batch.losses, loss))


def _not_own(ctx: Context, batch: Batch) -> set[str]:
    """The things that a batch invalidates and that its caller may not."""
    if ctx.role >= INVALIDATES:
        return set()
    idents = {edge.effect for edge in batch.edges if edge.relation == _INVALIDATION}
    return {i for i, sources in _sources(ctx, idents).items() if not _are_own(ctx, sources)}


def _sources(ctx: Context, idents: Iterable[str]) -> dict[str, set[str]]:
    """The sources that state things which are here, or that mention those which nobody states."""
    found: dict[str, set[str]] = {}
    for ident, history in ctx.store.held(list(idents), NOW).items():
        claims = list(history.said(None))
        stated = {claim.source for claim in claims if isinstance(claim.what, Statement)}
        if not stated:
            stated = {claim.source for claim in (*claims, *_mentions(ctx, ident))}
        found[ident] = stated
    return found


def _mentions(ctx: Context, ident: str) -> Iterator[Claim]:
    """The claims of which a thing is the cause."""
    effects = {row.effect for row in ctx.store.edges([ident], _MENTIONS, NOW)}
    for history in ctx.store.held(effects, NOW).values():
        for claim in history.said(None):
            if not isinstance(claim.what, Statement) and claim.what.cause == ident:
                yield claim


def _are_own(ctx: Context, sources: Iterable[str]) -> bool:
    return all(
        name == own or name.startswith((f"{own}/", f"{own}#"))
        for name in sources
        for own in (source(ctx, name.partition(":")[0]),)
    )

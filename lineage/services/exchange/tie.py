# SPDX-License-Identifier: Apache-2.0
"""A steward's word that two things are the same: the only way to join what no digest joins."""

from __future__ import annotations

from lineage.errors import Usage
from lineage.model import kinds, terms
from lineage.model.record import Batch, Edge
from lineage.services.context import Context
from lineage.services.ingest import Report, ingest
from lineage.services.resolve import resolve


def tie(ctx: Context, one: str, other: str, *, reason: str, confidence: float = 1.0) -> Report:
    """Claim that two things are alternates of each other, with a reason and a confidence from 0 to
    1. Walks show it and do not follow it by default; the two stay two.

    Raises ``Usage``, and the errors of references.
    """
    if not reason.strip():
        raise Usage("a tie needs a reason", hint="Say what shows that the two are the same.")
    if not 0 < confidence <= 1:
        raise Usage(f"the confidence {confidence:g} is not above 0 and at most 1")
    first, second = resolve(ctx, one), resolve(ctx, other)
    if first.id == second.id:
        raise Usage(f"{one!r} and {other!r} are one thing: {first.id}")
    for row in (first, second):
        if kinds.family(row.kind) != "Entity":
            raise Usage(f"{row.id} is a {row.kind}: only entities have alternates in PROV")
    edge = Edge(
        relation=terms.SAMENESS,
        effect=first.id,
        cause=second.id,
        attributes={
            terms.METHOD: "steward",
            "confidence": float(confidence),
            "reason": reason.strip(),
        },
    )
    return ingest(ctx, Batch(edges=(edge,)), source=f"steward:{ctx.actor}", importer="steward")

# SPDX-License-Identifier: Apache-2.0
"""Records a steward's claim that two things are the same: the only way to join what no digest
joins.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Annotated

from lineage.access.tokens import Role
from lineage.errors import Usage
from lineage.model import kinds, terms
from lineage.model.record import Batch, Edge
from lineage.services.context import Context
from lineage.services.read.resolve import resolve
from lineage.services.request import Request, Says, reference
from lineage.services.write.ingest import Report, ingest


@dataclass(frozen=True, slots=True)
class TieRequest(
    Request[Report],
    demands=Role.steward,
    examples=(
        'exchange tie dataset:data/train.csv https://b.example/train --reason "same release"',
    ),
):
    """Claim that two things are alternates of each other, where no digest says so. Walks show the
    claim, and follow it only where alternateOf is named; the two stay two.
    """

    one: Annotated[str, reference("The first", "a")]
    other: Annotated[str, reference("The second", "b")]
    _: KW_ONLY
    reason: Annotated[str, Says(text="What shows that they are the same.")]
    confidence: Annotated[float, Says(text="Above 0 and at most 1.")] = 1.0

    def answer(self, ctx: Context) -> Report:
        """See ``Request.answer``. Raises ``Usage``, and the errors of references."""
        reason, confidence = self.reason.strip(), self.confidence
        if not reason:
            raise Usage("a tie needs a reason", hint="Say what shows that the two are the same.")
        if not 0 < confidence <= 1:
            raise Usage(f"the confidence {confidence:g} is not above 0 and at most 1")
        first, second = resolve(ctx, self.one), resolve(ctx, self.other)
        if first.id == second.id:
            raise Usage(f"{self.one!r} and {self.other!r} are one thing: {first.id}")
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
                "reason": reason,
            },
        )
        return ingest(ctx, Batch(edges=(edge,)), source=f"steward:{ctx.actor}", importer="steward")

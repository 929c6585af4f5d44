# SPDX-License-Identifier: Apache-2.0
"""Rejects claims that two things belong together, whoever or whatever found them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Annotated

import orjson

from lineage.access.tokens import Role
from lineage.errors import NotFound, Usage
from lineage.ledger.log import Draft
from lineage.model import terms
from lineage.model.record import Batch, Edge
from lineage.services.context import Context
from lineage.services.read.resolve import resolve
from lineage.services.read.versions import versions
from lineage.services.request import Request, Says, reference
from lineage.services.write.ingest import Report
from lineage.store.base import NOW

#: The value kept of pairs that were rejected: joining does not claim them again.
REJECTED = "join/rejected"


@dataclass(frozen=True, slots=True)
class UntieRequest(
    Request[Report],
    demands=Role.steward,
    examples=('untie run:spring data/admissions.csv@b73b3051 --reason "it read a sample"',),
):
    """Reject what was found of two things, by joining or by a steward: the claim is taken back, the
    reason stays in the ledger, and joining does not claim it again.
    """

    one: Annotated[str, reference("The first", "a")]
    other: Annotated[str, reference("The second", "b")]
    _: KW_ONLY
    reason: Annotated[str, Says(text="Why they do not belong together.")]

    def answer(self, ctx: Context) -> Report:
        """See ``Request.answer``. Raises ``NotFound`` where no such claim stands, ``Usage``, and the
        errors of references.
        """
        reason = self.reason.strip()
        if not reason:
            raise Usage("it needs a reason", hint="Say why the two do not belong together.")
        some, others = _meant(ctx, self.one), _meant(ctx, self.other)
        found = [each for a in some for b in others for each in _found(ctx, a, b)]
        if not found:
            raise NotFound(
                f"nobody claims that {self.one} and {self.other} belong together",
                hint="What a source itself says is corrected there, and imported again.",
            )
        a, b = some[0], others[0]
        pairs = rejected(ctx) | {pair(edge.effect, edge.cause) for _, edge in found} | {pair(a, b)}
        ctx.store.keep({REJECTED: orjson.dumps(sorted(pairs))})
        entries = []
        for source in sorted({source for source, _ in found}):
            gone = [edge for said_by, edge in found if said_by == source]
            draft = Draft(
                source=source,
                importer="steward",
                actor=ctx.actor,
                recorded=ctx.recorded(),
                note={"rejected": [a, b], "reason": reason},
            )
            entries.append(ctx.store.write(draft, Batch(), gone))
        return Report(
            source="steward",
            importer="steward",
            added=0,
            unchanged=0,
            retracted=sum(receipt.retracted for receipt in entries),
            entries=tuple(receipt.seq for receipt in entries if receipt.seq is not None),
            seen={},
            losses=(),
        )


def _meant(ctx: Context, reference: str) -> list[str]:
    """What a reference means; of a decision also its versions, which runs follow and which rest on others."""
    row = resolve(ctx, reference)
    return [row.id, *(one.id for one in versions(ctx, row, NOW) if row.kind == "Decision")]


def pair(one: str, other: str) -> tuple[str, str]:
    """Two identifiers, in order."""
    return (one, other) if one <= other else (other, one)


def rejected(ctx: Context) -> set[tuple[str, str]]:
    """The pairs that were rejected."""
    value = ctx.store.values([REJECTED]).get(REJECTED)
    return set() if value is None else {(a, b) for a, b in orjson.loads(value)}


def _found(ctx: Context, a: str, b: str) -> Iterator[tuple[str, Edge]]:
    """(source, edge) of the standing claims between two things that say how they were found."""
    for history in ctx.store.held([a, b], NOW).values():
        for claim in history.said(None):
            edge = claim.record
            if isinstance(edge, Edge) and terms.METHOD in edge.attributes:
                by_bytes = edge.attributes[terms.METHOD] == terms.BY_DIGEST
                if not by_bytes and pair(edge.effect, edge.cause) == pair(a, b):
                    yield claim.source, edge

# SPDX-License-Identifier: Apache-2.0
"""Imports a partner's package: all checks in their order, then quarantine or commit; or nothing at
all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lineage.errors import LimitExceeded, WrongSequence
from lineage.ledger.checkpoint import Checkpoint
from lineage.ledger.log import Draft
from lineage.ledger.statement import demand_current, demand_next
from lineage.model import check
from lineage.services.context import Context
from lineage.services.exchange import namespaces, package_layout, state, verify
from lineage.services.exchange.namespaces import SOURCE, Classified
from lineage.services.exchange.trust import Partner, Trust
from lineage.services.exchange.verify import OpenedPackage
from lineage.services.read import known_gaps
from lineage.services.write.ingest import Report

State = Literal["committed", "quarantined", "already"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """What became of a package. ``report`` is ``None`` unless it was committed; ``incomplete``:
    its sender says that paths were cut; ``gap``: packages before it were not taken.
    """

    partner: str
    sequence: int
    digest: str
    state: State
    echoes: int = 0
    claims: int = 0
    joined: int = 0
    incomplete: bool = False
    gap: bool = False
    report: Report | None = None

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage import``: what all imports tell, and what packages do."""
        report = self.report or _report(self.partner)
        return {
            **report.to_dict(),
            "partner": self.partner,
            "sequence": self.sequence,
            "digest": self.digest,
            "state": self.state,
            "echoes": self.echoes,
            "claims": self.claims,
            "joined": self.joined,
            "incomplete": self.incomplete,
            "gap": self.gap,
        }


def admit(
    ctx: Context, data: bytes, trust: Trust, *, accept_gap: bool = False, where: str = "package"
) -> Admitted:
    """Import a partner's package: into quarantine, or at once where the trust file says auto or it
    adds nothing. The very same package again is ``already`` there.

    Checked in this order, nothing being written before the last: size and shape, signature,
    audience and origin, time, sequence (``accept_gap``: packages may be missing before it), digests,
    the log, PROV-CONSTRAINTS, namespaces. Raises the errors under ``Untrusted``, ``BadInput``,
    ``LimitExceeded`` and ``Rejected``.
    """
    package = verify.opened(data, trust, where=where)
    partner, statement = package.partner, package.statement
    taken = state.numbered(ctx.store, state.TAKEN, partner.name)
    again = taken.get(statement.sequence, {}).get("digest") == statement.digest
    gap = False
    if not again:
        demand_current(statement, ctx.clock())
        gap = _demand_sequence(package, taken, accept_gap=accept_gap)
    verify.demand_whole(package)
    decided = state.numbered(ctx.store, state.DECIDED, partner.name)
    if again and (not partner.auto or statement.sequence in decided):
        return _told(package, "already")
    checkpoint = verify.proven(package, _kept_before(package, taken), gap=gap)
    found = sorted_out(ctx, package, trust)
    auto = partner.auto or not len(found.batch)
    _take(ctx, package, checkpoint, None if auto else data, again=again)
    if not auto:
        return _told(package, "quarantined", found, gap=gap)
    report = commit(ctx, package, found, by=ctx.actor if partner.auto else None)
    decide(ctx, partner.name, statement.sequence, "accepted", "it passed every check")
    return _told(package, "committed", found, gap=gap, report=report)


def _demand_sequence(
    package: OpenedPackage, taken: Mapping[int, Mapping[str, Any]], *, accept_gap: bool
) -> bool:
    """Whether packages are missing before this one, which the caller accepts."""
    last = max(taken, default=0)
    number = package.statement.sequence
    if number > last + 1 and accept_gap:
        return True
    try:
        demand_next(package.statement, last, taken[last]["digest"] if taken else None)
    except WrongSequence as error:
        if number > last + 1:
            error.hint = "Import the missing ones first; --accept-gap goes on without them."
        raise
    return False


def _kept_before(
    package: OpenedPackage, taken: Mapping[int, Mapping[str, Any]]
) -> Checkpoint | None:
    before = [number for number in taken if number < package.statement.sequence]
    if not before:
        return None
    last = taken[max(before)]
    return Checkpoint(package.partner.origin, last["size"], bytes.fromhex(last["root"]))


def sorted_out(ctx: Context, package: OpenedPackage, trust: Trust) -> Classified:
    """Classify the statements of a package as they would be committed. Raises what ``admit`` raises
    for documents.
    """
    partner = package.partner
    batch = package_layout.document(package.file(package_layout.BUNDLE))
    if len(batch) > partner.max_records:
        message = f"{len(batch)} records, more than the {partner.max_records} of {partner.name}"
        raise LimitExceeded(message, where=package_layout.BUNDLE)
    package_layout.demand_sound(batch)
    mark = package.statement.digest[:16]
    found = namespaces.classify(ctx.store, trust, partner, batch, mark)
    check.demand(found.batch)
    return found


def _take(
    ctx: Context, package: OpenedPackage, checkpoint: Checkpoint, data: bytes | None, *, again: bool
) -> None:
    """Remember that the package came; of one that waits for a steward, also its bytes."""
    if again:
        return
    value = {
        "digest": package.statement.digest,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "bytes": None if data is None else state.keep_bytes(ctx.store, data),
    }
    number = package.statement.sequence
    state.keep(ctx.store, state.TAKEN, package.partner.name, number, value)


def commit(ctx: Context, package: OpenedPackage, found: Classified, *, by: str | None) -> Report:
    """Write one entry with what the partner says, in its name; ``by`` is who accepted it. Doing it
    twice adds nothing.
    """
    partner, statement = package.partner, package.statement
    note: dict[str, Any] = {
        "sequence": statement.sequence,
        "statement": statement.digest,
        "origin": statement.origin,
        "incomplete": verify.incomplete(package),
    }
    if by is not None:
        note["accepted"] = by
    source = SOURCE + partner.name
    draft = Draft(
        source=source,
        importer=package_layout.ADMITTER,
        actor=partner.name,
        recorded=ctx.recorded(),
        note=note,
    )
    known_gaps.note(ctx.store, found.batch.edges)
    receipt = ctx.store.write(draft, found.batch)
    return _report(
        partner.name,
        things=receipt.things,
        added=receipt.added,
        unchanged=receipt.unchanged + found.echoes,
        entries=() if receipt.seq is None else (receipt.seq,),
        seen={"nodes": len(found.batch.nodes), "edges": len(found.batch.edges)},
    )


def _report(
    partner: str,
    *,
    things: int = 0,
    added: int = 0,
    unchanged: int = 0,
    entries: tuple[int, ...] = (),
    seen: Mapping[str, int] | None = None,
) -> Report:
    return Report(
        source=SOURCE + partner,
        importer=package_layout.ADMITTER,
        things=things,
        added=added,
        unchanged=unchanged,
        retracted=0,
        entries=entries,
        seen=dict(seen or {}),
        losses=(),
    )


def decide(ctx: Context, partner: str, number: int, verdict: str, reason: str) -> None:
    """Record what became of a package, who decided it and why. Raises ``StoreBusy``."""
    value = {"verdict": verdict, "actor": ctx.actor, "recorded": ctx.recorded(), "reason": reason}
    state.keep(ctx.store, state.DECIDED, partner, number, value)


def _told(
    package: OpenedPackage,
    state: State,
    found: Classified | None = None,
    *,
    gap: bool = False,
    report: Report | None = None,
) -> Admitted:
    partner: Partner = package.partner
    return Admitted(
        partner=partner.name,
        sequence=package.statement.sequence,
        digest=package.statement.digest,
        state=state,
        echoes=0 if found is None else found.echoes,
        claims=0 if found is None else found.claims,
        joined=0 if found is None else found.joined,
        incomplete=verify.incomplete(package),
        gap=gap,
        report=report,
    )

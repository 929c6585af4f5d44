# SPDX-License-Identifier: Apache-2.0
"""Keeps packages that wait for a steward: shows what each would add, accepts and rejects them.

A package waits as the bytes that came, in values that the store keeps (``kept``): no read sees it,
every engine holds it alike, ``lineage copy`` takes it along, and what is let in is verified anew,
under the trust file of that day. What was turned away stays there too, as what a partner once signed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any, Literal

from lineage.access.tokens import Role
from lineage.errors import NotFound, Usage
from lineage.model import constraints
from lineage.model.findings import Finding
from lineage.model.record import Batch, line
from lineage.services.context import Context
from lineage.services.exchange import admit, files, state, verify
from lineage.services.exchange.namespaces import SOURCE, Classified
from lineage.services.exchange.trust import Trust
from lineage.services.exchange.verify import OpenedPackage
from lineage.services.request import Request, Says
from lineage.services.write.ingest import Report
from lineage.store.base import NOW

Decision = Literal["waiting", "accepted", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedPackage:
    """A package that came, and what was decided about it: by whom, when and why."""

    partner: str
    sequence: int
    digest: str
    state: Decision
    actor: str | None = None
    recorded: str | None = None
    reason: str | None = None

    @property
    def name(self) -> str:
        """The name by which commands know it: partner and sequence number."""
        return f"{self.partner}/{self.sequence}"

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage quarantine list``."""
        return {
            "name": self.name,
            "digest": self.digest,
            "state": self.state,
            "actor": self.actor,
            "recorded": self.recorded,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a package would add: statements new here by kind and relation, those that are echoes of
    ours, the things it makes claims about, and what validation found.
    """

    package: QuarantinedPackage
    kinds: dict[str, int]
    relations: dict[str, int]
    echoes: int
    claims: int
    joined: int
    incomplete: bool
    findings: tuple[Finding, ...]
    batch: Batch

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage quarantine show``."""
        return {
            **self.package.to_dict(),
            "kinds": self.kinds,
            "relations": self.relations,
            "echoes": self.echoes,
            "claims": self.claims,
            "joined": self.joined,
            "incomplete": self.incomplete,
            "findings": [finding.to_dict() for finding in self.findings],
            "nodes": [node.to_dict() for node in self.batch.nodes],
            "edges": [edge.to_dict() for edge in self.batch.edges],
        }


def listed(ctx: Context) -> Sequence[QuarantinedPackage]:
    """List every package that came into quarantine, by partner and sequence number."""
    known = state.partners(ctx.store, state.TAKEN)
    return [waiting for partner in known for waiting in _of(ctx, partner)]


def _of(ctx: Context, partner: str) -> Sequence[QuarantinedPackage]:
    decided = state.numbered(ctx.store, state.DECIDED, partner)
    found = []
    for number, package in sorted(state.numbered(ctx.store, state.TAKEN, partner).items()):
        if package["bytes"] is None:
            continue
        verdict = decided.get(number, {})
        found.append(
            QuarantinedPackage(
                partner=partner,
                sequence=number,
                digest=package["digest"],
                state=verdict.get("verdict", "waiting"),
                actor=verdict.get("actor"),
                recorded=verdict.get("recorded"),
                reason=verdict.get("reason"),
            )
        )
    return found


def show(ctx: Context, name: str, trust: Trust) -> Preview:
    """Work out what a package would add now. Raises ``NotFound``, and as ``accept``."""
    waiting = _named(ctx, name)
    package, found = _verified(ctx, waiting, trust)
    held = set(map(line, ctx.store.asserted(SOURCE + waiting.partner, NOW)))
    nodes = tuple(node for node in found.batch.nodes if line(node) not in held)
    edges = tuple(edge for edge in found.batch.edges if line(edge) not in held)
    return Preview(
        package=waiting,
        kinds=dict(sorted(Counter(node.kind for node in nodes).items())),
        relations=dict(sorted(Counter(edge.relation for edge in edges).items())),
        echoes=found.echoes,
        claims=found.claims,
        joined=found.joined,
        incomplete=verify.incomplete(package),
        findings=constraints.inspect(found.batch).findings,
        batch=Batch(nodes=nodes, edges=edges),
    )


def accept(ctx: Context, name: str, trust: Trust) -> Report:
    """Accept a package. Its signature, log and namespaces are looked at again: keys may have been
    withdrawn while it waited; its time is not, for it came in time.

    Accepting twice adds nothing. Raises ``NotFound``, ``Usage`` for one that was rejected, and the
    errors of ``admit``.
    """
    waiting = _named(ctx, name)
    if waiting.state == "rejected":
        message = f"{name} was rejected by {waiting.actor}"
        raise Usage(message, hint="Ask the partner to export again, under another number.")
    package, found = _verified(ctx, waiting, trust)
    # The decision comes first: of two stewards at once, one is told to look again.
    if waiting.state == "waiting":
        admit.decide(ctx, waiting.partner, waiting.sequence, "accepted", "")
    return admit.commit(ctx, package, found, by=waiting.actor or ctx.actor)


def reject(ctx: Context, name: str, reason: str) -> QuarantinedPackage:
    """Reject a package. Raises ``NotFound``, and ``Usage`` for one that was decided about."""
    waiting = _named(ctx, name)
    if not reason.strip():
        raise Usage("a rejection needs a reason", hint="Say why: others will ask.")
    if waiting.state != "waiting":
        raise Usage(f"{name} was {waiting.state} by {waiting.actor}", hint="That stays so.")
    admit.decide(ctx, waiting.partner, waiting.sequence, "rejected", reason.strip())
    return _named(ctx, name)


def _named(ctx: Context, name: str) -> QuarantinedPackage:
    partner, _, _ = name.partition("/")
    for waiting in _of(ctx, partner) if partner else ():
        if waiting.name == name:
            return waiting
    hint = "'lineage quarantine list' shows their names."
    raise NotFound(f"no package {name!r} is in quarantine", hint=hint)


def _verified(
    ctx: Context, waiting: QuarantinedPackage, trust: Trust
) -> tuple[OpenedPackage, Classified]:
    taken = state.numbered(ctx.store, state.TAKEN, waiting.partner)[waiting.sequence]
    data = state.bytes_of(ctx.store, taken["bytes"])
    package = verify.opened(data, trust, where=waiting.name)
    verify.demand_whole(package)
    verify.proven(package, None)
    return package, admit.sorted_out(ctx, package, trust)


# --- requests ---

_Name = Annotated[str, Says(text="Partner and sequence, as in b-institute/3.", metavar="PACKAGE")]
_Trust = Annotated[
    str | None, Says(text="The trust file; default: trust.yaml beside the store.", metavar="FILE")
]


@dataclass(frozen=True, slots=True)
class QuarantineRequest(
    Request[tuple[QuarantinedPackage, ...]], demands=Role.steward, examples=("quarantine list",)
):
    """The packages of partners that wait for a steward."""

    _: KW_ONLY
    everything: Annotated[bool, Says(text="Also those decided about.", flag="--all")] = False

    def answer(self, ctx: Context) -> tuple[QuarantinedPackage, ...]:
        """See ``Request.answer``."""
        return tuple(w for w in listed(ctx) if self.everything or w.state == "waiting")


@dataclass(frozen=True, slots=True)
class PreviewRequest(
    Request[Preview], demands=Role.steward, examples=("quarantine show b-institute/3",)
):
    """What a package would add: how much of what, and every thing in it."""

    name: _Name
    _: KW_ONLY
    trust: _Trust = None

    def answer(self, ctx: Context) -> Preview:
        """See ``Request.answer``."""
        return show(ctx, self.name, files.trust(ctx.home, self.trust))


@dataclass(frozen=True, slots=True)
class AcceptRequest(
    Request[Report], demands=Role.steward, examples=("quarantine accept b-institute/3",)
):
    """Accept a package. It is verified anew; what it says stays what the partner says."""

    name: _Name
    _: KW_ONLY
    trust: _Trust = None

    def answer(self, ctx: Context) -> Report:
        """See ``Request.answer``."""
        return accept(ctx, self.name, files.trust(ctx.home, self.trust))


@dataclass(frozen=True, slots=True)
class RejectRequest(
    Request[QuarantinedPackage],
    demands=Role.steward,
    examples=('quarantine reject b-institute/3 --reason "not the runs we agreed on"',),
):
    """Reject a package for good."""

    name: _Name
    _: KW_ONLY
    reason: Annotated[str, Says(text="Why; it is kept.")]

    def answer(self, ctx: Context) -> QuarantinedPackage:
        """See ``Request.answer``."""
        return reject(ctx, self.name, self.reason)

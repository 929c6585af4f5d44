# SPDX-License-Identifier: Apache-2.0
"""Classifies a partner's statements by namespace: its own, a claim, an echo, or refused.

What a partner defines keeps its name. What is ours nobody else describes: a statement about it that
we made ourselves is an echo and adds nothing, any other is refused; but what is theirs may depend on
it. Names that are the same everywhere (purls, SWHIDs, ORCIDs, DOIs) stay what they are, and what is
said of a thing of that name is taken as it is where nobody here describes it. Everything else becomes
a claim of that partner, under a name that no other source uses, so that nothing ever changes what is
shown of a node of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from lineage import ids
from lineage.access.subjects import ARGUMENTS, mentioned
from lineage.errors import BadNamespace, Rejected
from lineage.model import kinds, merge, terms
from lineage.model.identity import tie
from lineage.model.record import Batch, Edge, Node, Record
from lineage.model.value import refs
from lineage.services.exchange import identifiers, package_layout
from lineage.services.exchange.issued import Issued, Said
from lineage.services.exchange.trust import Partner, Trust
from lineage.store.base import NOW, Store

Owner = Literal["ours", "theirs", "nobody's"]

#: How the sources of what partners said begin.
SOURCE = merge.OF_PARTNERS
_TOGETHER = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """A package after classification. ``echoes`` are statements of ours that came back, ``claims``
    the things that it speaks of under names of ours, ``joined`` those tied by digest to bytes that
    we hold.
    """

    batch: Batch
    echoes: int
    claims: int
    joined: int


def classify(
    store: Store, trust: Trust, partner: Partner, batch: Batch, package: str
) -> Classified:
    """Classify the statements of a partner's package as they would be committed; ``package`` tells
    the blank nodes of packages apart.

    Raises ``BadNamespace`` for what only we may say, and ``Rejected`` where a thing is of another
    family here.
    """
    return _Sorting(store, trust, partner, batch, package).result()


class _Sorting:
    def __init__(
        self, store: Store, trust: Trust, partner: Partner, batch: Batch, package: str
    ) -> None:
        self._trust = trust
        self._partner = partner
        self._package = package
        self._batch = batch
        self._issued = Issued.to(store, partner.name, batch)
        self._claims: dict[str, str] = {}
        self._local = Said()
        self._described: dict[str, set[str]] = {}
        self._before: dict[str, set[str]] = {}
        self._bytes: set[str] = set()
        self._standing: dict[str, str] = {}
        self._look(store)

    def _look(self, store: Store) -> None:
        """What is held of everything that the batch speaks of."""
        spoken = {self._ours(ident) for record in self._batch.records for ident in _things(record)}
        found = iter(sorted(spoken))
        while chunk := list(islice(found, _TOGETHER)):
            self._standing.update({i: row.kind for i, row in store.get(chunk, NOW).items()})
            for ident, held in store.held(chunk, NOW).items():
                for claim in held.said(None):
                    self._hold(ident, claim.source, claim.record)

    def _hold(self, ident: str, source: str, record: Record) -> None:
        own = source == SOURCE + self._partner.name
        if isinstance(record, Node):
            families = self._before if own else self._described
            families.setdefault(ident, set()).add(kinds.family(record.kind))
            if record.kind == "Content" and not source.startswith(SOURCE):
                self._bytes.add(ident)
        if not own:
            self._local.add((record,))

    def result(self) -> Classified:
        kept: list[Record] = []
        back: list[Node] = []
        echoes = 0
        for record in self._batch.records:
            if self._echoes(record):
                echoes += 1
                if isinstance(record, Node) and self._owner(record.id) != "ours":
                    back.append(record)
                continue
            self._demand_allowed(record)
            kept.append(record)
        named = [self._renamed(record) for record in kept]
        # A claim that something new depends on is said to be what it is, though we know it.
        named += [self._renamed(node) for node in back if node.id in self._claims]
        ties = [
            edge
            for ident, claim in sorted(self._claims.items())
            if ident in self._bytes and ident.startswith(ids.CONTENT)
            for edge in tie(claim, ident)
        ]
        return Classified(
            batch=Batch(
                nodes=tuple(record for record in named if isinstance(record, Node)),
                edges=(*(record for record in named if isinstance(record, Edge)), *ties),
            ),
            echoes=echoes,
            claims=len(self._claims),
            joined=len(ties) // 2,
        )

    # --- whose -------------------------------------------------------------------------------------

    def _owner(self, ident: str) -> Owner:
        if self._issued.gave(ident) or ident.startswith(self._trust.namespaces):
            return "ours"
        # What we described first stays as we describe it, whoever may define it.
        first = ident in self._described and ident not in self._before
        if self._partner.owns(ident) and not first:
            return "theirs"
        return "nobody's"

    def _ours(self, ident: str) -> str:
        """Our own name for what we gave the partner another one."""
        return self._issued.names.get(ident) or ident

    def _echoes(self, record: Record) -> bool:
        """Whether a statement, not of the partner's own things, is one that we sent or hold."""
        if self._owner(identifiers.subject(record)) == "theirs":
            return False
        if self._issued.said.covers(record):
            return True
        return self._local.covers(identifiers.renamed(record, self._ours))

    # --- what may be said --------------------------------------------------------------------------

    def _demand_allowed(self, record: Record) -> None:
        about = identifiers.subject(record)
        if isinstance(record, Node):
            self._demand_family(record)
            if self._owner(about) == "ours":
                raise self._refused(f"describes {about[:200]!r}")
        else:
            shown = f"{record.relation}({record.effect[:200]}, {record.cause[:200]})"
            if self._owner(about) == "ours":
                raise self._refused(f"says {shown}")
            self._demand_families(record)
            if record.relation == terms.SAMENESS and self._owner(record.cause) == "ours":
                raise self._refused(f"says {shown}, a claim of sameness with ours")
        for ident in (record.bundle, None if isinstance(record, Node) else record.id):
            if ident is not None and self._owner(ident) == "ours":
                raise self._refused(f"makes a statement under {ident[:200]!r}")
        for ident in _things(record):
            if self._issued.gave(ident) and ident not in self._issued.names:
                raise self._refused(f"speaks of {ident[:200]!r}, a name that we never gave it")

    def _refused(self, what: str) -> BadNamespace:
        message = f"{self._partner.name} {what}, which is ours and not as we said it"
        hint = "The partner may say of our things only what we told it: ask what it meant."
        return BadNamespace(message, where=package_layout.BUNDLE, hint=hint)

    def _demand_families(self, edge: Edge) -> None:
        """An edge says of what families its ends are: of what keeps its name it may say nothing new."""
        if terms.RELATIONS[edge.relation].any_ends:
            return
        for ident, family in mentioned(edge):
            ours = self._ours(ident) if self._owner(ident) == "ours" else self._shared(ident)
            if ours not in self._standing:
                continue
            known = {kinds.family(self._standing[ours]), *self._described.get(ours, ())}
            if family not in known:
                was = " and ".join(sorted(known))
                message = f"{ident[:200]!r} is of family {family} in the package and {was} here"
                raise Rejected(message, where=package_layout.BUNDLE)

    def _demand_family(self, node: Node) -> None:
        family = kinds.family(node.kind)
        known: set[str] = {family}
        if self._partner.owns(node.id):
            known = self._described.get(node.id) or self._before.get(node.id) or known
        elif self._shared(node.id) and node.id in self._standing:
            known = self._described.get(node.id) or {kinds.family(self._standing[node.id])}
        if family not in known:
            was = " and ".join(sorted(known))
            message = (
                f"{node.id[:200]!r} is of kind {node.kind} in the package, of family {was} here"
            )
            raise Rejected(message, where=package_layout.BUNDLE)

    # --- under what name ---------------------------------------------------------------------------

    def _renamed(self, record: Record) -> Record:
        if isinstance(record, Edge) and record.relation == "wasInvalidatedBy":
            # What has a name that everybody uses is not theirs to invalidate, described here or not.
            return identifiers.renamed(record, self._own_or_claim, self._cause)
        return identifiers.renamed(record, self._name, self._cause)

    def _shared(self, ident: str) -> str:
        """The identifier where it is nobody's and means the same everywhere, else an empty one."""
        return ident if identifiers.is_global(ident) and self._owner(ident) == "nobody's" else ""

    def _cause(self, ident: str) -> str:
        """The name of what the subject of a relation depends on; a thing is not described by that."""
        return self._shared(ident) or self._name(ident)

    def _name(self, ident: str) -> str:
        known = self._shared(ident) and ident not in self._described
        return ident if known else self._own_or_claim(ident)

    def _own_or_claim(self, ident: str) -> str:
        owner = self._owner(ident)
        if owner == "theirs":
            return ident
        if ids.is_unknown(ident):
            return ids.unknown_id([self._partner.name, ident])
        if owner == "ours":
            found = self._ours(ident)
            lost = self._issued.gave(ident) and self._issued.names.get(ident) is None
            if found in self._standing and not lost:
                return found
        if ident not in self._claims:
            package = self._package if ident.startswith(ids.BLANK) else None
            self._claims[ident] = identifiers.claim(self._partner.name, ident, package)
        return self._claims[ident]


def _things(record: Record) -> Iterator[str]:
    """What a record speaks of: its subject, and what the subject depends on."""
    yield identifiers.subject(record)
    if isinstance(record, Edge):
        yield record.cause
        for key in ARGUMENTS.keys() & record.attributes.keys():
            yield from refs(record.attributes[key])

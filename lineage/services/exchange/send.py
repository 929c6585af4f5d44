# SPDX-License-Identifier: Apache-2.0
"""Exports to a partner what a policy lets leave: signed, numbered, and recorded as an entry of our
ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import orjson

from lineage import formats, ids
from lineage.access.disclosure import Disclosure, disclosure_of
from lineage.access.policy import Policy
from lineage.access.pseudonym import PREFIX, PartnerKey
from lineage.access.redact import Redacted, redact
from lineage.access.subjects import unused_rules
from lineage.access.tokens import Role
from lineage.errors import LineageError, MissingExtra, StoreDamaged
from lineage.formats import zip_writer
from lineage.ledger import merkle, seal
from lineage.ledger.checkpoint import Checkpoint, ConsistencyProof, InclusionProof
from lineage.ledger.keys import SigningKey
from lineage.ledger.log import Draft, Header
from lineage.ledger.statement import Statement
from lineage.model import kinds
from lineage.model.record import Batch, Edge, Node, Record, line
from lineage.services.context import Context
from lineage.services.exchange import files, identifiers, keyring, package_layout, state
from lineage.services.read.export import gather
from lineage.services.request import Request, Says, When
from lineage.store.base import NOW

#: Days after which a package may not be imported any more, and the most there may be.
DAYS, MOST_DAYS = 90, 3_650
#: Leaf hashes read at once.
_LEAVES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package, and what its sender should know about it. ``counts`` says for nodes, edges and
    attributes how many met which verb; ``entry`` is the one in our ledger; ``pseudonyms`` is how
    names begin that only this partner is given.
    """

    data: bytes = field(repr=False)
    statement: Statement
    counts: Mapping[str, Mapping[str, int]]
    nodes: int
    edges: int
    incomplete: bool
    entry: int
    pseudonyms: str

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage export --for --json``."""
        said = self.statement
        return {
            "partner": said.audience,
            "origin": said.origin,
            "sequence": said.sequence,
            "digest": said.digest,
            "expires": said.expires.isoformat(),
            "files": dict(said.files),
            "bytes": len(self.data),
            "nodes": self.nodes,
            "edges": self.edges,
            "counts": {part: dict(found) for part, found in self.counts.items()},
            "incomplete": self.incomplete,
            "entry": self.entry,
            "pseudonyms": self.pseudonyms,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageCheck:
    """What a package would hold. ``around`` are the strings beside the document's own, ``unused_rules``
    the rules of the policy that decide nothing here, as pointers into it.
    """

    partner: str
    sequence: int
    check: Disclosure
    counts: Mapping[str, Mapping[str, int]]
    incomplete: bool
    around: tuple[str, ...]
    unused_rules: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage export --for --check --json``."""
        return {
            "partner": self.partner,
            "sequence": self.sequence,
            "counts": {part: dict(found) for part, found in self.counts.items()},
            "incomplete": self.incomplete,
            "around": list(self.around),
            "unused_rules": list(self.unused_rules),
            **self.check.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class _Prepared:
    policy: Policy
    key: bytes
    outgoing: Batch
    redacted: Redacted
    document: bytes
    read: Batch
    cut: bool

    @property
    def incomplete(self) -> bool:
        return self.cut or self.redacted.incomplete


def check(
    ctx: Context, selection: str | None, policy: Policy, *, origin: str, at: str | int | None = None
) -> PackageCheck:
    """Work out what would leave, without writing anything. Raises as ``package`` does.

    Before the first export the partner has no key: the pseudonyms are others each time.
    """
    found = _prepared(ctx, selection, policy, at, write=False)
    number = max(state.numbered(ctx.store, state.SENT, policy.partner), default=0) + 1
    document = ids.sha256(found.document)
    return PackageCheck(
        partner=policy.partner,
        sequence=number,
        check=disclosure_of(found.read, k=policy.k, most=None),
        counts=found.redacted.counts,
        incomplete=found.incomplete,
        around=(origin, policy.partner, policy.digest, document, _source(policy.partner)),
        unused_rules=tuple(unused_rules(found.outgoing, policy)),
    )


def package(
    ctx: Context,
    selection: str | None,
    policy: Policy,
    key: SigningKey,
    *,
    days: int = DAYS,
    rocrate: bool = False,
    at: str | int | None = None,
) -> Package:
    """Make a signed package for the policy's partner, of what is selected (everything, where
    nothing is) as far as the policy lets it leave. The name of the key is that of our log (C2SP
    asks for one name); ``days`` bounds how long the package may be imported.

    The export becomes an entry of the ledger, and the package proves it. Same store, clock and
    arguments: same bytes. Raises ``Usage``, ``Rejected`` and ``BadNamespace`` for what no partner
    would take, ``StoreBusy`` where another export to the partner was faster, and the errors of
    ``ask``.
    """
    found = _prepared(ctx, selection, policy, at, write=True)
    parts = _readable(found, rocrate=rocrate)
    origin, created = key.name, ctx.clock().astimezone(UTC).replace(microsecond=0)
    sent = state.numbered(ctx.store, state.SENT, policy.partner)
    number = max(sent, default=0) + 1
    entry = _entered(ctx, found, number, origin, created)
    leaves = _leaves(ctx)
    note = Checkpoint(origin, len(leaves), merkle.root(leaves)).sign(key)
    proof = InclusionProof.make(leaves, entry.seq - 1, note, extra=entry.preimage())
    parts[package_layout.PROOF] = proof.to_text().encode()
    last = sent.get(number - 1)
    if last is not None:
        parts[package_layout.GROWTH] = (
            ConsistencyProof.make(leaves, last["size"], note).to_text().encode()
        )
    statement = Statement(
        origin=origin,
        audience=policy.partner,
        sequence=number,
        previous=None if last is None else last["digest"],
        created=created,
        expires=created + timedelta(days=days),
        policy=policy.digest,
        checkpoint=note,
        files={name: ids.sha256(content) for name, content in parts.items()},
    )
    issued = state.keep_bytes(ctx.store, _issued(found))
    made = {"digest": statement.digest, "size": len(leaves), "issued": issued}
    state.keep(ctx.store, state.SENT, policy.partner, number, made)
    parts[package_layout.ENVELOPE] = seal.sign(statement.to_bytes(), seal.IN_TOTO, key)
    return Package(
        data=zip_writer.write(dict(sorted(parts.items())), compress=True),
        statement=statement,
        counts=found.redacted.counts,
        nodes=found.read.things,
        edges=found.read.relations,
        incomplete=found.incomplete,
        entry=entry.seq,
        pseudonyms=f"{PREFIX}{policy.partner}:{PartnerKey(policy.partner, found.key).id}:",
    )


@dataclass(frozen=True, slots=True)
class PackageRequest(
    Request[Package],
    demands=Role.steward,
    examples=("""export '+model:"fraud@v3"' --for b-institute --check""",),
):
    """Make a signed package for a partner, of what is selected as far as the partner's policy lets it
    leave. The export becomes an entry of the ledger, and the package proves it.
    """

    selection: Annotated[
        str | None, Says(text="A selection; without it, everything (docs/reference/selection.md).")
    ]
    policy: Annotated[
        bytes,
        Says(
            text="The partner's policy, which is YAML (docs/reference/exchange.md).",
            flag="--policy",
        ),
    ]
    key: Annotated[
        SigningKey | str | None,
        Says(
            text="The key that signs, by its name, which is that of our log; without it, the only "
            "one there is.",
            flag="--key",
            metavar="NAME",
        ),
    ] = None
    _: KW_ONLY
    days: Annotated[
        int, Says(text="How many days it may be imported.", at_least=1, at_most=MOST_DAYS)
    ] = DAYS
    rocrate: Annotated[bool, Says(text="Put an RO-Crate of it into the package too.")] = False
    at: When = None

    def answer(self, ctx: Context) -> Package:
        """See ``Request.answer``. Raises as ``package`` does, and the errors of keys."""
        key = self.key
        if not isinstance(key, SigningKey):
            key = keyring.named(files.keys(ctx.home), key)
        policy = files.policy_of(self.policy)
        return package(
            ctx, self.selection, policy, key, days=self.days, rocrate=self.rocrate, at=self.at
        )


def _prepared(
    ctx: Context, selection: str | None, policy: Policy, at: str | int | None, *, write: bool
) -> _Prepared:
    found = gather(ctx, selection, at=at)
    key = state.partner_key(ctx.store, policy.partner, write=write)
    outgoing = _outgoing(found.batch, policy.partner)
    redacted = redact(outgoing, policy, key)
    data = formats.named("json").dumps(redacted.batch)
    # What the partner will read is what is looked at, not what we meant to write.
    read = package_layout.document(data)
    try:
        package_layout.demand_sound(read)
    except LineageError as error:
        error.hint = "No partner would take it: mend it, or let the policy rename or cut it."
        raise
    return _Prepared(policy, key, outgoing, redacted, data, read, not found.certificate.complete)


def _outgoing(batch: Batch, partner: str) -> Batch:
    """A batch without our own exports, and with what this partner said under its own names."""

    def name(ident: str) -> str:
        return identifiers.claimed(partner, ident)

    records: dict[bytes, Record] = {}
    for record in batch.records:
        if identifiers.subject(record).startswith(package_layout.EXPORTS):
            continue
        own = identifiers.renamed(record, name)
        # A claim about bytes is tied to the bytes: both have one name out there.
        if isinstance(own, Edge) and own.effect == own.cause and own != record:
            continue
        records[line(own)] = own
    found = records.values()
    return replace(
        batch,
        nodes=tuple(record for record in found if isinstance(record, Node)),
        edges=tuple(record for record in found if isinstance(record, Edge)),
        bundles={name(bundle): own for bundle, own in batch.bundles.items()},
    )


def _source(partner: str) -> str:
    return f"export:{partner}"


def _entered(ctx: Context, found: _Prepared, number: int, origin: str, created: datetime) -> Header:
    """The entry of this export: made now, or by a call that was interrupted before it was signed.

    It is shown to the partner, so it names nobody here and nothing that was held back.
    """
    partner, digest = found.policy.partner, ids.sha256(found.document)
    access = kinds.Access(
        id=f"{package_layout.EXPORTS}{partner}/{number}-{digest[:32]}",
        label=f"export {number} to {partner}",
        permission=f"policy sha256:{found.policy.digest}",
        started=f"{created:%Y-%m-%dT%H:%M:%SZ}",
    ).node()
    note = {
        "sequence": number,
        "bundle": digest,
        "policy": found.policy.digest,
        "nodes": len(found.read.nodes),
        "edges": len(found.read.edges),
        "incomplete": found.incomplete,
    }
    draft = Draft(
        source=_source(partner),
        importer=package_layout.EXPORTER,
        actor=origin,
        recorded=ctx.recorded(),
        note=note,
    )
    seq = ctx.store.write(draft, Batch(nodes=(access,))).seq
    if seq is None:
        held = ctx.store.held([access.id], NOW)[access.id]
        seq = min(claim.since for claim in held.claims)
    return ctx.store.headers_at([seq], NOW)[seq]


def _leaves(ctx: Context) -> list[bytes]:
    """The leaf hashes of the whole log. Raises ``StoreDamaged`` where they are not the log's."""
    frontier = merkle.Frontier()
    leaves: list[bytes] = []
    while found := ctx.store.leaves(len(leaves), _LEAVES):
        leaves += found
        for leaf in found:
            frontier = frontier.append(leaf)
    head = ctx.store.head()
    if head.size == len(leaves) and head.root != frontier.root:
        raise StoreDamaged("the ledger is not what its head says: nothing was signed")
    return leaves


def _readable(found: _Prepared, *, rocrate: bool) -> dict[str, bytes]:
    """The document, and what people and other tools read in its place."""
    parts = {
        package_layout.BUNDLE: found.document,
        package_layout.README: package_layout.ABOUT.encode(),
    }
    with suppress(MissingExtra):
        parts[package_layout.TRIG] = formats.named("trig").dumps(found.read)
    if rocrate:
        parts[package_layout.CRATE] = formats.named("rocrate").dumps(found.read)
    return parts


def _issued(found: _Prepared) -> bytes:
    """What was sent, and which of our names stand behind those we gave: to know it again."""
    olds: dict[str, set[str]] = {}
    for old, new in found.redacted.names.items():
        if new is not None and new != old and not ids.is_unknown(new):
            olds.setdefault(new, set()).add(old)
    # One name for several things leads back to none of them.
    given = {new: min(old) if len(old) == 1 else None for new, old in olds.items()}
    return orjson.dumps(
        {"names": given, "document": found.document.decode()}, option=orjson.OPT_SORT_KEYS
    )

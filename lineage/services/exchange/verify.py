# SPDX-License-Identifier: Apache-2.0
"""Verifies that a package is what a partner signed for us, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from lineage import ids
from lineage.errors import BadInput, BadSignature, DigestMismatch, ForkedLog, LimitExceeded
from lineage.ledger import merkle, seal
from lineage.ledger.checkpoint import Checkpoint, ConsistencyProof, InclusionProof
from lineage.ledger.statement import Statement, demand_audience, demand_files
from lineage.services.exchange import package_layout
from lineage.services.exchange.trust import Partner, Trust
from lineage.sources import zip_reader


@dataclass(frozen=True, slots=True)
class OpenedPackage:
    """A package whose signature holds: whose it is, what it says of itself, its files."""

    partner: Partner
    statement: Statement
    files: Mapping[str, bytes]

    def file(self, name: str) -> bytes:
        """A file that every package has. Raises ``DigestMismatch``."""
        if name not in self.files:
            raise DigestMismatch(f"the package has no {name}", where=name)
        return self.files[name]


def opened(data: bytes, trust: Trust, *, where: str) -> OpenedPackage:
    """Open a package: check its size and shape, then the signature over the statement, then whom it
    is from and for. Nothing else of it has been read.

    Raises ``LimitExceeded``, ``BadInput``, ``BadSignature`` and ``WrongAudience``.
    """
    if not trust.partners:
        raise BadSignature("the trust file names no partner, so that nobody can have signed this")
    most = trust.max_bytes
    if len(data) > most:
        raise LimitExceeded(f"the package has {len(data)} bytes, more than {most}", where=where)
    files = zip_reader.read(
        data, most_bytes=most, most_files=package_layout.MOST_FILES, where=where
    )
    envelope = files.pop(package_layout.ENVELOPE, None)
    if envelope is None:
        raise BadSignature(
            f"the package is not signed: it has no {package_layout.ENVELOPE}", where=where
        )
    pinned = trust.keys
    signed = seal.verify(envelope, pinned)
    partner = pinned[signed.key]
    size = sum(map(len, files.values()))
    if size > partner.max_bytes:
        message = f"{size} bytes, more than the {partner.max_bytes} of {partner.name}"
        raise LimitExceeded(message, where=where)
    statement = Statement.of(signed.payload)
    demand_audience(statement, trust.us)
    if statement.origin != partner.origin:
        message = f"a key of {partner.name} signed for the log {statement.origin[:80]!r}"
        raise BadSignature(f"{message}, which is not {partner.origin!r}", where=where)
    return OpenedPackage(partner, statement, files)


def demand_whole(package: OpenedPackage) -> None:
    """Raise ``DigestMismatch`` unless the files are those signed for, each and no other."""
    digests = {name: ids.sha256(content) for name, content in package.files.items()}
    demand_files(package.statement, digests)


def proven(package: OpenedPackage, kept: Checkpoint | None, *, gap: bool = False) -> Checkpoint:
    """Check that this export is an entry in the partner's log, which only grew since ``kept``, and
    return that log's checkpoint.

    Behind a ``gap`` the package may not show how it grew from there; then the log must at least be
    longer. Raises ``DigestMismatch``, ``ForkedLog``, ``BadSignature`` and ``BadInput``.
    """
    partner, statement = package.partner, package.statement
    proof = InclusionProof.of(
        package_layout.text(package.file(package_layout.PROOF), package_layout.PROOF)
    )
    if proof.checkpoint != statement.checkpoint:
        raise DigestMismatch("the proof is of another checkpoint than the statement")
    leaf = merkle.leaf_hash(proof.extra)
    checkpoint = proof.demand(leaf, partner.keys, origin=partner.origin)
    _demand_entry(proof, package)
    if kept is not None:
        _demand_growth(package, checkpoint, kept, gap=gap)
    return checkpoint


def _demand_growth(
    package: OpenedPackage, checkpoint: Checkpoint, kept: Checkpoint, *, gap: bool
) -> None:
    growth = None
    if package_layout.GROWTH in package.files:
        growth = ConsistencyProof.of(
            package_layout.text(package.files[package_layout.GROWTH], package_layout.GROWTH)
        )
    if gap and (growth is None or growth.old != kept.size):
        if checkpoint.size <= kept.size:
            message = f"the log {kept.origin} has {checkpoint.size} entries and had {kept.size}"
            raise ForkedLog(message)
        return
    if growth is None:
        raise ForkedLog(f"the package does not show that the log {kept.origin} only grew")
    if growth.demand(kept, package.partner.keys) != checkpoint:
        raise ForkedLog("the package shows the growth of the log to another checkpoint")


def _demand_entry(proof: InclusionProof, package: OpenedPackage) -> None:
    """The entry that is proved must be that of this very export."""
    statement = package.statement
    entry = _json(proof.extra)
    note = _json(entry.get("note"))
    expected = {
        "source": (entry.get("source"), f"export:{statement.audience}"),
        "actor": (entry.get("actor"), statement.origin),
        "seq": (entry.get("seq"), proof.index + 1),
        "sequence": (note.get("sequence"), statement.sequence),
        "bundle": (note.get("bundle"), statement.files.get(package_layout.BUNDLE)),
        "policy": (note.get("policy"), statement.policy),
    }
    for name, (found, wanted) in expected.items():
        if type(found) is not type(wanted) or found != wanted:
            message = (
                f"the entry in the log is of another export: its {name} is {str(found)[:80]!r}"
            )
            raise DigestMismatch(message, where=package_layout.PROOF)


def incomplete(package: OpenedPackage) -> bool:
    """Whether the sender says that paths were cut."""
    proof = InclusionProof.of(
        package_layout.text(package.file(package_layout.PROOF), package_layout.PROOF)
    )
    return _json(_json(proof.extra).get("note")).get("incomplete") is True


def _json(value: Any) -> dict[str, Any]:
    try:
        found = orjson.loads(value) if isinstance(value, bytes | str) else None
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise BadInput("the proof holds no entry of a ledger", where=package_layout.PROOF)
    return found

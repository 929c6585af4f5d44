# SPDX-License-Identifier: Apache-2.0
"""Acts on tokens: each is an entry of the ledger without records, by which kept tokens are verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from lineage import ids
from lineage.errors import LineageError
from lineage.ledger.log import Draft, Header
from lineage.model.findings import Finding
from lineage.services.context import Context
from lineage.services.operate.verify_findings import finding, unreadable
from lineage.store.base import NOW, Store
from lineage.store.migration import BEFORE
from lineage.store.paging import values_under

#: How the names begin under which tokens and their revocations are kept, both for good.
TOKEN, REVOKED = "token/", "revoked/"
#: The source and importer of entries that tell of an act.
SOURCE, IMPORTER = "tokens", "token"
_PAGE = 500


def draft(
    ctx: Context,
    what: Literal["added", "revoked", "rotated"],
    ident: str,
    value: bytes,
    told: Mapping[str, Any],
) -> Draft:
    """The entry of an act on a token; ``value`` is what is kept because of it, and ``told`` what readers
    of the ledger see of it.
    """
    note = {"act": f"token-{what}", "token": ident, "sha256": ids.sha256(value), **told}
    if before := dict(values_under(ctx.store, BEFORE)):
        note["before"] = _digest_of(before)
    return Draft(
        source=SOURCE, importer=IMPORTER, actor=ctx.actor, recorded=ctx.recorded(), note=note
    )


@dataclass(slots=True)
class TokenActs:
    """What a ledger says of tokens: the digest of what is kept of each, and the entry that says so.

    ``before`` is the digest of what is kept of tokens of an older layout, as the first act has it;
    ``None`` where there was no act yet.
    """

    added: dict[str, tuple[str, int]] = field(default_factory=dict)
    revoked: dict[str, tuple[str, int]] = field(default_factory=dict)
    before: str | None = None
    seen: int = 0

    def take(self, entry: Header) -> None:
        """Take in the next entry."""
        self.seen = entry.seq
        if (entry.importer, entry.source) != (IMPORTER, SOURCE):
            return
        try:
            note = orjson.loads(entry.note)
            said = (note["sha256"], entry.seq)
            if note["act"] == "token-revoked":
                # The last one holds: what was to end later may be ended at once.
                self.revoked[note["token"]] = said
            elif note["act"] in ("token-added", "token-rotated"):
                self.added.setdefault(note["token"], said)
            if note["act"] == "token-rotated":
                self.revoked[note["replaces"]["token"]] = (note["replaces"]["sha256"], entry.seq)
            if self.before is None:
                self.before = note.get("before", "")
        except (ValueError, KeyError, TypeError):
            return  # the digest of the entry is not the one it was made with, which is told


def token_findings(store: Store, acts: TokenActs) -> Iterator[Finding]:
    """Compare the tokens that are kept, and their revocations, with what the ledger says of them;
    others may add and revoke meanwhile. What the ledger speaks of and is not kept is a copy's, which
    has no tokens.
    """
    try:
        while True:
            found = list(_compared(store, acts))
            if not found or not (later := store.headers(acts.seen, _PAGE, NOW)):
                break
            for entry in later:
                acts.take(entry)
        yield from found
    except LineageError as error:
        yield unreadable(error, "tokens")


def _compared(store: Store, acts: TokenActs) -> Iterator[Finding]:
    kept, revoked = _digests(store, TOKEN), _digests(store, REVOKED)
    added, ended = _said(store, acts, TOKEN), _said(store, acts, REVOKED)
    for ident, digest in kept.items():
        if ident not in added:
            yield _differs(ident, "it is kept, and no entry says that it was added")
        elif digest != added[ident][0]:
            message = "its name, role, time or secret is not the one that was kept"
            yield _differs(ident, message, added[ident][1])
        if ident in ended and ident not in revoked:
            message = "it was revoked, and that is not kept any more"
            yield _differs(ident, message, ended[ident][1])
    for ident, digest in revoked.items():
        if ident not in ended:
            yield _differs(ident, "it is kept as revoked, and no entry says so")
        elif digest != ended[ident][0]:
            message = "the time of its revocation is not the one that was kept"
            yield _differs(ident, message, ended[ident][1])


def _said(store: Store, acts: TokenActs, prefix: str) -> dict[str, tuple[str, int | None]]:
    """What was said of tokens, by entries or before acts on them were entries, as far as the first act
    confirms that.
    """
    found: dict[str, tuple[str, int | None]] = {}
    before = dict(values_under(store, BEFORE))
    if acts.before in (None, _digest_of(before)):
        for name, value in before.items():
            if (rest := name.removeprefix(BEFORE)).startswith(prefix):
                found[rest.removeprefix(prefix)] = (value.decode("ascii", "replace"), None)
    return {**found, **(acts.added if prefix == TOKEN else acts.revoked)}


def _digest_of(before: Mapping[str, bytes]) -> str:
    """One digest of what is kept of the tokens of an older layout."""
    shown = {name: value.decode("ascii", "replace") for name, value in before.items()}
    return ids.sha256(ids.canonical(shown)) if shown else ""


def _differs(ident: str, message: str, entry: int | None = None) -> Finding:
    return finding("token-differs", f"token {ident}", message, entry=entry)


def _digests(store: Store, prefix: str) -> dict[str, str]:
    found = values_under(store, prefix)
    return {name.removeprefix(prefix): ids.sha256(value) for name, value in found}

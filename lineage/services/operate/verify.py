# SPDX-License-Identifier: Apache-2.0
"""Verifies that everything is as it was written: the ledger by its digests, the graph by drawing it
anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from itertools import chain
from typing import Annotated, Any, Literal

from lineage.access.tokens import Role
from lineage.errors import LineageError, StoreUnfinished, Usage
from lineage.gc_pause import gc_disabled
from lineage.ledger import log
from lineage.ledger.log import Entry
from lineage.ledger.merkle import Frontier
from lineage.model.findings import MOST, Finding
from lineage.model.record import Sign
from lineage.model.vocabulary import KEPT, Vocabulary, too_new
from lineage.services.context import Context
from lineage.services.operate.token_acts import TokenActs, token_findings
from lineage.services.operate.verify_findings import finding, unreadable
from lineage.services.operate.verify_graph import graph_findings
from lineage.services.request import Request, Says
from lineage.store.base import Store
from lineage.store.paging import pages, values_under

_ROOT = re.compile(r"[0-9a-fA-F]{64}")
_NOTED = "9f2c" * 16
#: With a finding of these the graph cannot be drawn to its end.
_ENDS = frozenset({"entry-missing", "entry-unreadable"})


State = Literal["intact", "tampered", "too-new", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of a verification: ``intact``, ``tampered``, ``too-new`` (the ledger is as it was
    written, but only a newer version can compare the graph with it) or ``unknown`` (the store could
    not be opened), and why. ``since_root`` is the root that the ledger had at the entry ``since``, where
    that was asked about and the ledger is whole up to there.
    """

    state: State
    entries: int
    root: str
    since: int | None = None
    since_root: str | None = None
    findings: tuple[Finding, ...] = ()
    more: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage verify``."""
        return {
            "state": self.state,
            "entries": self.entries,
            "root": self.root,
            "since": self.since,
            "since_root": self.since_root,
            "findings": [finding.to_dict() for finding in self.findings],
            "more": self.more,
        }


@dataclass(frozen=True, slots=True)
class VerifyRequest(
    Request[Verdict], demands=Role.admin, examples=("verify", f"verify --since 11 --root {_NOTED}")
):
    """Recompute the ledger's digests and compare the graph with one drawn anew from it, and the tokens
    with what the ledger says of them; with an entry and the root that was noted at it, prove that
    nothing up to there was changed since. What else is kept beside the ledger is not covered: the key
    of people, the secrets and states of exchange with partners, where sources lie.
    """

    _: KW_ONLY
    since: Annotated[
        int | None,
        Says(
            text="Also say the root that the ledger had at this entry.", at_least=1, metavar="ENTRY"
        ),
    ] = None
    root: Annotated[
        str | None, Says(text="The root that was noted at the entry of --since.", metavar="HEX")
    ] = None

    def __post_init__(self) -> None:
        Request.__post_init__(self)
        if self.root is not None and self.since is None:
            hint = "lineage verify --since ENTRY --root HEX; 'lineage verify' prints both."
            raise Usage("a root is compared with the one at an entry", hint=hint)
        if self.root is not None and not _ROOT.fullmatch(self.root):
            raise Usage(f"{self.root!r} is no root", hint="A root is 64 hexadecimal digits.")

    def answer(self, ctx: Context) -> Verdict:
        """See ``Request.answer``."""
        if ctx.scratch is None:
            raise Usage("this store has nowhere to draw its graph anew")
        with ctx.scratch() as other:
            return verify(ctx, lambda: other, _Noted(self.since, (self.root or "").lower()))


@dataclass(slots=True)
class _Noted:
    """An entry, the root that somebody noted at it, and the one that the ledger had there."""

    entry: int | None = None
    root: str = ""
    found: str | None = None


def verify(ctx: Context, scratch: Callable[[], Store], noted: _Noted | None = None) -> Verdict:
    """Recompute every digest of the ledger up to the entry at which this begins, and compare the graph
    with one drawn anew from it, and the tokens with the acts in it; others may write meanwhile.

    ``scratch`` opens an empty store to draw in. What this cannot show is that a statement is
    true, or that somebody did not replace ledger and graph together: for that, a root that was
    noted elsewhere is compared (``VerifyRequest``: the older log is a beginning of this one, which
    RFC 6962 section 2.1.2 calls consistent). Raises ``StoreUnfinished``.
    """
    verdict = None
    try:
        with ctx.store.moment(), gc_disabled():
            verdict = _verified(ctx, scratch, noted or _Noted())
    except StoreUnfinished:
        raise
    except LineageError as error:
        if verdict is None:
            fault = unreadable(error, "ledger")
            verdict = Verdict(state="tampered", entries=0, root="", findings=(fault,))
    return verdict


def _verified(ctx: Context, scratch: Callable[[], Store], noted: _Noted) -> Verdict:
    head = ctx.store.head()
    unknown = Vocabulary.of_values(dict(values_under(ctx.store, KEPT))).unknown
    found: list[Finding] = []
    more = 0
    other = None if unknown else scratch()
    try:
        acts = TokenActs()
        faults = chain(
            _faults(ctx.store, other, head, unknown, noted, acts), token_findings(ctx.store, acts)
        )
        for fault in faults:
            if len(found) < MOST:
                found.append(fault)
            else:
                more += 1
    finally:
        if other is not None:
            other.close()
    state: State = "tampered" if found else "intact"
    if unknown and not found:
        state = "too-new"
        newer = too_new(unknown)
        message = f"the ledger is as it was written; the graph was not compared: {newer}"
        found.append(finding(newer.code, "vocabulary", message, hint=newer.hint))
    return Verdict(
        state=state,
        entries=head.size,
        root=head.root.hex(),
        since=noted.entry,
        since_root=noted.found,
        findings=tuple(found),
        more=more,
    )


def _faults(
    store: Store,
    other: Store | None,
    head: Frontier,
    unknown: Collection[str],
    noted: _Noted,
    acts: TokenActs,
) -> Iterator[Finding]:
    try:
        for fault in store.integrity_faults():
            yield finding("storage-damaged", "storage", fault)
    except LineageError as error:
        yield unreadable(error, "storage")
    drawn = True
    try:
        for found in _ledger(store, other, head, unknown, noted, acts):
            drawn = drawn and found.code not in _ENDS
            yield found
    except LineageError as error:
        drawn = False
        yield unreadable(error, "ledger")
    if drawn and other is not None:
        try:
            yield from graph_findings(store, other)
        except LineageError as error:
            yield unreadable(error, "graph")


def _ledger(
    store: Store,
    other: Store | None,
    head: Frontier,
    unknown: Collection[str],
    noted: _Noted,
    acts: TokenActs,
) -> Iterator[Finding]:
    """Entries one by one; each that is whole is drawn in the other store, where there is one."""
    grown, expected = Frontier(), 1
    if noted.entry is not None and noted.entry > head.size:
        message = f"the ledger ends at entry {head.size}, and entry {noted.entry} was noted"
        yield finding("history-cut", "ledger", message)
    for entry in pages(store):
        if entry.seq > head.size:
            if store.head().size <= head.size:  # else somebody writes meanwhile
                yield finding("head-differs", "ledger head", f"entry {entry.seq} is not in the log")
            break
        if entry.seq != expected:
            message = f"entry {expected} is missing"
            yield finding("entry-missing", "sequence", message, entry=expected)
            return
        faults, read = _entry(entry, unknown)
        yield from faults
        acts.take(entry)
        grown, expected = grown.append(bytes.fromhex(_hex(entry.leaf))), expected + 1
        if entry.seq == noted.entry:
            noted.found = grown.root.hex()
            if noted.root and noted.root != noted.found:
                message = (
                    f"at entry {entry.seq} the root is {noted.found}, and {noted.root} was noted"
                )
                yield finding("history-differs", "ledger", message, entry=entry.seq)
        try:
            if other is not None:
                other.replay(read)
        except (ValueError, LineageError) as error:
            message = f"cannot be drawn: {error}"
            yield finding("entry-unreadable", "sequence", message, entry=entry.seq)
            return
    if (grown.size, grown.peaks) != (head.size, head.peaks):
        message = f"the head says {head.size} entries with root {head.root.hex()[:16]}, the entries give {grown.size} with {grown.root.hex()[:16]}"
        yield finding("head-differs", "ledger head", message)


def _hex(text: Any) -> str:
    """A leaf hash that may have been damaged, as hex that can be read."""
    try:
        return text if len(bytes.fromhex(text)) == 32 else "00" * 32
    except (TypeError, ValueError):
        return "00" * 32


def _entry(entry: Entry, unknown: Collection[str]) -> tuple[Sequence[Finding], Entry]:
    """What is wrong with an entry by itself, and the entry with its lines as they were parsed for that."""
    found = []
    read = entry

    def changed(subject: str, message: str) -> None:
        found.append(finding("entry-changed", subject, message, entry=entry.seq))

    try:
        lines = entry.lines()
        parsed = [_parsed(text, unknown) for text in lines]
    except ValueError as error:
        changed("body", str(error))
        return found, read
    if not unknown:
        shown = {f.name: getattr(entry, f.name) for f in fields(Entry)}
        read = log.ReadEntry(**shown, parsed=parsed)
    if log.digest(lines) != entry.records:
        changed("body", "its records are not those it was made with")
    signs = [sign for sign, _ in parsed]
    counts = (signs.count("+"), signs.count("-"))
    if counts != (entry.added, entry.retracted):
        changed("counts", f"it says {entry.added} and {entry.retracted}, it holds {counts}")
    try:
        leaf = entry.leaf_hash().hex()
    except (ValueError, TypeError) as error:
        changed("header", f"cannot be read: {error}")
        return found, read
    if leaf != entry.leaf:
        changed("header", "who, when, what for, or its digest was changed")
    return found, read


def _parsed(text: bytes, unknown: Collection[str]) -> tuple[Sign, Any]:
    """The sign of a line, and its record, if this version can read it. Raises ``ValueError`` where it cannot be read, but not because
    of a term that only a newer version knows.
    """
    try:
        return log.parse(text)
    except log.UnknownTerm as error:
        if error.term not in unknown:
            raise
        return ("+" if text[:1] == b"+" else "-"), None

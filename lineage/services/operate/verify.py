# SPDX-License-Identifier: Apache-2.0
"""Verifies that everything is as it was written: the ledger by its digests, the graph by drawing it
anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from typing import Any, Literal

from lineage.access.tokens import Role
from lineage.errors import LineageError, Usage
from lineage.ledger import log
from lineage.ledger.log import Entry
from lineage.ledger.merkle import Frontier
from lineage.model.findings import MOST, Finding
from lineage.model.vocabulary import KEPT, Vocabulary, too_new
from lineage.services.context import Context
from lineage.services.request import Request
from lineage.store.base import NOW, Store
from lineage.store.claims import Arc, Claim, NodeHistory
from lineage.store.paging import pages, values_under

_PAGE = 2_000
_DRAW = "Where the ledger is whole, 'lineage rebuild' draws the graph anew from it."
_WHOLE = "Take a backup whose ledger is whole, and compare its root with one kept elsewhere."
#: How each finding is mended, by its code.
_HINTS = {
    "storage-damaged": _DRAW,
    "graph-differs": _DRAW,
    "entry-missing": _WHOLE,
    "entry-changed": _WHOLE,
    "entry-unreadable": _WHOLE,
    "head-differs": _WHOLE,
}
#: With a finding of these the graph cannot be drawn to its end.
_ENDS = frozenset({"entry-missing", "entry-unreadable"})


def finding(
    code: str, subject: str, message: str, *, entry: int | None = None, hint: str | None = None
) -> Finding:
    """Make the finding of something that is not as it was written."""
    return Finding(
        code=code,
        severity="error",
        subject=subject,
        message=message,
        responsible="operator",
        hint=_HINTS[code] if hint is None else hint,
        entry=entry,
    )


def unreadable(error: LineageError, subject: str) -> Finding:
    """Make the finding of what could not be read, under the code of its error."""
    return finding(error.code, subject, str(error), hint=error.hint)


State = Literal["intact", "tampered", "too-new", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of a verification: ``intact``, ``tampered``, ``too-new`` (the ledger is as it was
    written, but only a newer version can compare the graph with it) or ``unknown`` (the store could
    not be opened), and why.
    """

    state: State
    entries: int
    root: str
    findings: tuple[Finding, ...] = ()
    more: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage verify``."""
        return {
            "state": self.state,
            "entries": self.entries,
            "root": self.root,
            "findings": [finding.to_dict() for finding in self.findings],
            "more": self.more,
        }


@dataclass(frozen=True, slots=True)
class VerifyRequest(Request[Verdict], demands=Role.admin, examples=("verify",)):
    """Recompute the ledger's digests and compare the graph with one drawn anew from it."""

    def answer(self, ctx: Context) -> Verdict:
        """See ``Request.answer``."""
        if ctx.scratch is None:
            raise Usage("this store has nowhere to draw its graph anew")
        with ctx.scratch() as other:
            return verify(ctx, lambda: other)


def verify(ctx: Context, scratch: Callable[[], Store]) -> Verdict:
    """Recompute every digest of the ledger and compare the graph with one drawn anew from it.

    ``scratch`` opens an empty store to draw in. What this cannot show is that a statement is
    true, or that somebody did not replace ledger and graph together: for that, compare the root
    with one kept elsewhere.
    """
    try:
        head = ctx.store.head()
    except LineageError as error:
        fault = unreadable(error, "ledger")
        return Verdict(state="tampered", entries=0, root="", findings=(fault,))
    unknown = Vocabulary.of_values(dict(values_under(ctx.store, KEPT))).unknown
    found: list[Finding] = []
    more = 0
    other = None if unknown else scratch()
    try:
        for fault in _faults(ctx.store, other, head, unknown):
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
        findings=tuple(found),
        more=more,
    )


def _faults(
    store: Store, other: Store | None, head: Frontier, unknown: Collection[str]
) -> Iterator[Finding]:
    try:
        for fault in store.integrity_faults():
            yield finding("storage-damaged", "storage", fault)
    except LineageError as error:
        yield unreadable(error, "storage")
    drawn = True
    try:
        for found in _ledger(store, other, head, unknown):
            drawn = drawn and found.code not in _ENDS
            yield found
    except LineageError as error:
        drawn = False
        yield unreadable(error, "ledger")
    if drawn and other is not None:
        try:
            yield from _graph(store, other)
        except LineageError as error:
            yield unreadable(error, "graph")


def _ledger(
    store: Store, other: Store | None, head: Frontier, unknown: Collection[str]
) -> Iterator[Finding]:
    """Entries one by one; each that is whole is drawn in the other store, where there is one."""
    grown, expected = Frontier(), 1
    for entry in pages(store):
        if entry.seq != expected:
            message = f"entry {expected} is missing"
            yield finding("entry-missing", "sequence", message, entry=expected)
            return
        faults = list(_entry(entry, unknown))
        yield from faults
        grown, expected = grown.append(bytes.fromhex(_hex(entry.leaf))), expected + 1
        try:
            if other is not None:
                other.replay(entry)
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


def _entry(entry: Entry, unknown: Collection[str]) -> Iterator[Finding]:
    def changed(subject: str, message: str) -> Finding:
        return finding("entry-changed", subject, message, entry=entry.seq)

    try:
        lines = entry.lines()
        signs = [_sign(text, unknown) for text in lines]
    except ValueError as error:
        yield changed("body", str(error))
        return
    if log.digest(lines) != entry.records:
        yield changed("body", "its records are not those it was made with")
    counts = (signs.count("+"), signs.count("-"))
    if counts != (entry.added, entry.retracted):
        yield changed("counts", f"it says {entry.added} and {entry.retracted}, it holds {counts}")
    try:
        leaf = entry.leaf_hash().hex()
    except (ValueError, TypeError) as error:
        yield changed("header", f"cannot be read: {error}")
        return
    if leaf != entry.leaf:
        yield changed("header", "who, when, what for, or its digest was changed")


def _sign(text: bytes, unknown: Collection[str]) -> str:
    """The sign of a line. Raises ``ValueError`` where it cannot be read, but not because of a term
    that only a newer version knows.
    """
    try:
        return log.parse(text)[0]
    except log.UnknownTerm as error:
        if error.term not in unknown:
            raise
        return text[:1].decode()


def _graph(store: Store, other: Store) -> Iterator[Finding]:
    """Node by node: what the store holds against what its ledger says it should."""
    both = merge(_named(store), _named(other))
    while chunk := _take(both):
        ours, theirs = store.held(chunk, NOW), other.held(chunk, NOW)
        for ident in chunk:
            held, drawn = ours.get(ident), theirs.get(ident)
            if held is None or drawn is None or _key(held) != _key(drawn):
                yield from _difference(ident, held, drawn)


def _named(store: Store) -> Iterator[str]:
    after: str | None = None
    while page := store.identifiers(after, _PAGE, NOW):
        yield from page
        if after is not None and page[-1] <= after:
            return
        after = page[-1]


def _take(both: Iterator[str]) -> list[str]:
    chunk = []
    for ident, _ in groupby(both):
        chunk.append(ident)
        if len(chunk) == _PAGE:
            break
    return chunk


def _key(held: NodeHistory) -> tuple[Any, ...]:
    return (held.row, held.since, held.until, sorted(map(repr, held.claims)))


def _difference(
    ident: str, held: NodeHistory | None, drawn: NodeHistory | None
) -> Iterator[Finding]:
    """What differs about a node, with the entry that says how it should be."""
    if drawn is None:
        yield finding("graph-differs", ident, "no entry speaks of it")
        return
    if held is None:
        yield finding("graph-differs", ident, "is missing from the graph", entry=drawn.since)
        return
    ours, theirs = set(held.claims), set(drawn.claims)
    written, found = sorted(theirs - ours, key=repr), sorted(ours - theirs, key=repr)
    for claim in written:
        other = next((c for c in found if _subject(ident, c) == _subject(ident, claim)), None)
        if other is not None:
            found.remove(other)
        message = "is missing from the graph" if other is None else _changed(other, claim)
        yield finding("graph-differs", _subject(ident, claim), message, entry=claim.since)
    for claim in found:
        message = "stands in the graph, and no entry says so"
        yield finding("graph-differs", _subject(ident, claim), message, entry=claim.since)
    if ours != theirs:
        return
    shown, said = (*held.row, held.since, held.until), (*drawn.row, drawn.since, drawn.until)
    if shown != said:
        message = "is shown with " + _differing(_SHOWN, shown, said)
    else:
        message = "a claim stands twice"
    yield finding("graph-differs", ident, message, entry=drawn.since)


_SHOWN = ("id", "kind", "label", "attributes", "since", "until")


def _subject(ident: str, claim: Claim) -> str:
    what = claim.what
    return f"{ident} -{what.relation}-> {what.cause}" if isinstance(what, Arc) else ident


def _changed(found: Claim, written: Claim) -> str:
    names = (*type(written.what)._fields, "source", "since", "until")
    return "the graph has " + _differing(names, _flat(found), _flat(written))


def _flat(claim: Claim) -> tuple[Any, ...]:
    return (*claim.what, claim.source, claim.since, claim.until)


def _differing(names: Sequence[str], found: Sequence[Any], written: Sequence[Any]) -> str:
    """The fields that differ, each as it is found and as it was written."""
    pairs = [
        f"{name} {_around(a, b)}, the ledger {_around(b, a)}"
        for name, a, b in zip(names, found, written, strict=False)
        if a != b
    ]
    return "; ".join(pairs) or "another one"


def _around(value: Any, other: Any) -> str:
    """A value, or the part of a long text in which it differs from another."""
    if not isinstance(value, str) or not isinstance(other, str) or len(value) < 60:
        return repr(value)
    at = next((n for n, (a, b) in enumerate(zip(value, other, strict=False)) if a != b), 0)
    return repr(f"...{value[max(0, at - 20) : at + 20]}...")

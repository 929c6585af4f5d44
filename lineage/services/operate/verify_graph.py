# SPDX-License-Identifier: Apache-2.0
"""Compares the graph of a store with one drawn anew from its ledger, while others may write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby
from typing import Any

from lineage.model.findings import Finding
from lineage.services.operate.verify_findings import finding
from lineage.store.base import NOW, Store
from lineage.store.claims import Arc, Claim, NodeHistory
from lineage.store.paging import pages

_PAGE = 2_000


def graph_findings(store: Store, other: Store) -> Iterator[Finding]:
    """Node by node: what the store holds against what its ledger says it should."""
    both = merge(_named(store), _named(other))
    while chunk := _take(both):
        while chunk:
            ours, theirs = store.held(chunk, NOW), other.held(chunk, NOW)
            chunk = [i for i in chunk if _differ(ours.get(i), theirs.get(i))]
            if not chunk or not _caught_up(store, other):
                break
        for ident in chunk:
            yield from _difference(ident, ours.get(ident), theirs.get(ident))


def _differ(held: NodeHistory | None, drawn: NodeHistory | None) -> bool:
    if held is None or drawn is None or held[:3] != drawn[:3]:
        return True
    return held.claims != drawn.claims and Counter(held.claims) != Counter(drawn.claims)


def _caught_up(store: Store, other: Store) -> bool:
    """Draw what was written meanwhile; whether there was anything."""
    begun = other.head().size
    for entry in pages(store, after=begun):
        other.replay(entry)
    return other.head().size > begun


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

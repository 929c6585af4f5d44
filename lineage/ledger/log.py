# SPDX-License-Identifier: Apache-2.0
"""Entries of the ledger, each with a digest that does not depend on order or engine."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from lineage import ids
from lineage.ledger import merkle
from lineage.model import kinds, terms
from lineage.model.record import Node, Record, Sign, from_wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The part of an entry that the writer does not compute: who asserts it, from where and when.

    ``source`` is the importer and address whose own statements later entries may retract;
    ``recorded`` the wall clock in RFC 3339 (a note: order comes from the sequence); ``note`` what
    the reader of the source had to say (counts seen, losses), as JSON values.
    """

    source: str
    importer: str
    actor: str
    recorded: str
    note: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One line of the ledger without its records: who asserted how much, from where, when, and the
    digest of what. ``leaf`` is its hash in the log, in hex, as it was when the entry was made.
    """

    seq: int
    source: str
    importer: str
    actor: str
    recorded: str
    note: str
    added: int
    retracted: int
    records: str
    leaf: str = ""

    def preimage(self) -> bytes:
        """The bytes that the leaf hash is taken over: all of the entry, with the digest of its
        records.
        """
        shown = {
            "actor": self.actor,
            "added": self.added,
            "importer": self.importer,
            "note": self.note,
            "recorded": self.recorded,
            "records": self.records,
            "retracted": self.retracted,
            "seq": self.seq,
            "source": self.source,
        }
        return ids.canonical(shown)

    def leaf_hash(self) -> bytes:
        """Compute the leaf hash anew."""
        return merkle.leaf_hash(self.preimage())

    def to_dict(self) -> dict[str, Any]:
        """The entry as the JSON of answers."""
        return {
            "seq": self.seq,
            "source": self.source,
            "importer": self.importer,
            "actor": self.actor,
            "recorded": self.recorded,
            "added": self.added,
            "retracted": self.retracted,
            "records": self.records,
            "leaf": self.leaf,
            "note": orjson.loads(self.note) if self.note else {},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Header):
    """One line of the ledger with its records. ``body`` holds their signed lines, as text that can
    be read without us; it is empty for an act that its note alone tells of.
    """

    body: bytes = field(repr=False)

    def lines(self) -> list[bytes]:
        """The signed canonical lines of the entry. Raises ``ValueError`` where the body is damaged."""
        if self.body == b"":
            return []
        if not isinstance(self.body, bytes) or not self.body.endswith(b"\n"):
            raise ValueError("the body does not end where a line does")
        return self.body.split(b"\n")[:-1]

    def changes(self) -> Iterator[tuple[Sign, Record]]:
        """The records that the entry adds (+) and retracts (-). Raises ``UnknownTerm`` where only a
        newer version can read it, and ``ValueError`` where it is damaged.
        """
        for text in self.lines():
            yield parse(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEntry(Entry):
    """An entry whose lines somebody has parsed already."""

    parsed: Sequence[tuple[Sign, Record]] = field(repr=False)

    def changes(self) -> Iterator[tuple[Sign, Record]]:
        """See ``Entry.changes``."""
        return iter(self.parsed)


class UnknownTerm(ValueError):
    """A line is of a kind or relation that this version does not know; ``term`` names it."""

    def __init__(self, term: str) -> None:
        super().__init__(f"{term!r} is no kind or relation of this version of lineagedb")
        self.term = term


def parse(text: bytes) -> tuple[Sign, Record]:
    """Parse one signed line. Raises ``UnknownTerm``, and ``ValueError`` where it is none."""
    sign = text[:1].decode("ascii", "replace")
    if sign not in ("+", "-"):
        raise ValueError(f"the line {text[:80]!r} begins with {sign!r}")
    try:
        record = from_wire(orjson.loads(text[1:]))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the line {text[:80]!r} is no record: {error}") from error
    term = record.kind if isinstance(record, Node) else record.relation
    if term not in (kinds.KINDS if isinstance(record, Node) else terms.RELATIONS):
        raise UnknownTerm(str(term))
    return sign, record  # type: ignore[return-value]


def split(entry: Entry) -> tuple[list[Record], list[Record]]:
    """Split an entry into what it adds and what it retracts. Raises as ``Entry.changes``."""
    changes = list(entry.changes())
    return [r for sign, r in changes if sign == "+"], [r for sign, r in changes if sign == "-"]


def signed(added: Iterable[bytes], retracted: Iterable[bytes]) -> list[bytes]:
    """Put signs before the lines of an entry, and sort them: the order is the same for everybody."""
    return sorted([*(b"+" + text for text in added), *(b"-" + text for text in retracted)])


def digest(lines: Sequence[bytes]) -> str:
    """Compute the digest of an entry's records: the Merkle root over their sorted lines."""
    return merkle.root([sha256(b"\x00" + text).digest() for text in lines]).hex()


def _is_earlier(one: str, other: str) -> bool:
    try:
        return datetime.fromisoformat(one) < datetime.fromisoformat(other)
    except (ValueError, TypeError):
        # What a test, or a writer before this version, called a time.
        return False


def seal(seq: int, draft: Draft, lines: Sequence[bytes], last: str | None = None) -> Entry:
    """Make the entry of these lines at this place in the sequence. ``last`` is when the entry before it
    was recorded: times only grow, and where the clock says an earlier one, the note says what it said.
    """
    recorded, note = draft.recorded, draft.note
    if last is not None and _is_earlier(recorded, last):
        recorded, note = last, {**note, "clock": recorded}
    # Lines are sorted, and "+" stands before "-".
    retracted = len(lines) - bisect_left(lines, b"-")
    entry = Entry(
        seq=seq,
        source=draft.source,
        importer=draft.importer,
        actor=draft.actor,
        recorded=recorded,
        note=ids.canonical(note).decode() if note else "",
        added=len(lines) - retracted,
        retracted=retracted,
        records=digest(lines),
        body=b"".join(line + b"\n" for line in lines),
    )
    return replace(entry, leaf=entry.leaf_hash().hex())

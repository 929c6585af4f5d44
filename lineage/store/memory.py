# SPDX-License-Identifier: Apache-2.0
"""The engine in memory: for tests, notebooks and scratch work; it forgets when it is closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import nsmallest
from pathlib import Path
from threading import Lock

from lineage.errors import StoreDamaged
from lineage.ledger import log
from lineage.ledger.log import Draft, Entry, Header
from lineage.ledger.merkle import Frontier
from lineage.model import terms
from lineage.model.merge import mention
from lineage.model.record import Batch, Node, Record
from lineage.query.plan import PlanRequest
from lineage.store import prepare, reference
from lineage.store.address import Address
from lineage.store.base import (
    NOW,
    Caps,
    Filter,
    Hop,
    Moment,
    Page,
    Reach,
    Slice,
    Stats,
    Subgraph,
    View,
    Walk,
    standing,
)
from lineage.store.claims import Arc, Around, Claim, NodeHistory, Statement
from lineage.store.engines import Options
from lineage.store.rows import EdgeRow, NodeRow
from lineage.store.writes import Receipt, Write, ignored


@dataclass(slots=True)
class _Assertion:
    """A statement or an arc, who claims it, and from when to when."""

    what: Statement | Arc
    source: str
    since: int
    until: int | None = None


@dataclass(slots=True)
class _NodeState:
    """Everything held about one identifier."""

    statements: list[_Assertion] = field(default_factory=list)
    causes: list[_Assertion] = field(default_factory=list)
    effects: list[_Assertion] = field(default_factory=list)
    row: NodeRow | None = None
    since: int = 0
    until: int | None = None


class MemoryStore:
    """A store of dictionaries; its walk is the reference walk."""

    caps: Caps = Caps(name="memory", persistent=False, native_walk=False)

    def __init__(self) -> None:
        self._spots: dict[str, _NodeState] = {}
        self._entries: list[Entry] = []
        self._log = Frontier()
        self._values: dict[str, bytes] = {}
        self._lock = Lock()
        self._drawing = False

    def write(self, draft: Draft, batch: Batch, retract: Sequence[Record] = ()) -> Receipt:
        """See ``Store.write``."""
        [receipt] = self.write_all([Write(draft, batch, retract)])
        return receipt

    def write_all(
        self, writes: Sequence[Write], progress: Callable[[int], None] = ignored
    ) -> Sequence[Receipt]:
        """See ``Store.write_all``: here whoever reads meanwhile may see a part."""
        begun, receipts = self._log, []
        try:
            for number, write in enumerate(writes):
                progress(number)
                receipts.append(self._write(write.draft, write.batch, write.retract))
        except BaseException:
            self._log = begun
            del self._entries[begun.size :]
            self.rebuild_graph(lambda _seq, _size: None)
            raise
        return receipts

    def _write(self, draft: Draft, batch: Batch, retract: Sequence[Record]) -> Receipt:
        lines = prepare.lines(batch.records)
        fresh = {t: r for t, r in lines.items() if not self._claimed(r, draft.source)}
        gone = {t: r for t, r in prepare.lines(retract).items() if self._claimed(r, draft.source)}
        unchanged = len(lines) - len(fresh)
        if not fresh and not gone:
            return Receipt(seq=None, unchanged=unchanged)
        entry = self._next(draft, log.signed(fresh, gone))
        things = sum(not self._stands(ident) for ident in prepare.ends(fresh.values()))
        self._append(entry, list(fresh.values()), list(gone.values()))
        return Receipt(
            seq=entry.seq,
            things=things,
            added=len(fresh),
            retracted=len(gone),
            unchanged=unchanged,
        )

    def _next(self, draft: Draft, lines: Sequence[bytes]) -> Entry:
        last = self._entries[-1].recorded if self._entries else None
        return log.seal(self._log.size + 1, draft, lines, last)

    def _stands(self, ident: str) -> bool:
        spot = self._spots.get(ident)
        return spot is not None and spot.until is None

    def replay(self, entry: Entry) -> None:
        """See ``Store.replay``."""
        if entry.leaf in {held.leaf for held in self._entries[entry.seq - 1 : entry.seq]}:
            return
        self._append(entry, *log.split(entry))

    def _append(self, entry: Entry, added: list[Record], gone: list[Record]) -> None:
        if entry.seq != self._log.size + 1:
            raise StoreDamaged(f"entry {entry.seq} does not follow entry {self._log.size}")
        # Drawn before it is in the log: whoever reads as of the head finds all of it.
        self._drawing = True
        try:
            self._draw(entry, added, gone)
            self._entries.append(entry)
            self._log = self._log.append(entry.leaf_hash())
        finally:
            self._drawing = False

    def _draw(self, entry: Entry, added: list[Record], gone: list[Record]) -> None:
        for record in gone:
            for held in self._claims_of(record, entry.source):
                held.until = entry.seq
        for record in added:
            self._hold(record, entry.source, entry.seq)
        for ident in prepare.ends([*added, *gone]):
            self._settle(ident, entry.seq)

    def _hold(self, record: Record, source: str, seq: int) -> None:
        if isinstance(record, Node):
            spot = self._spots.setdefault(record.id, _NodeState(since=seq))
            spot.statements.append(_Assertion(prepare.statement(record), source, seq))
            return
        for arc in prepare.edge_arcs(record):
            held = _Assertion(arc, source, seq)
            self._spots.setdefault(arc.effect, _NodeState(since=seq)).causes.append(held)
            self._spots.setdefault(arc.cause, _NodeState(since=seq)).effects.append(held)

    def _claims_of(self, record: Record, source: str) -> Iterator[_Assertion]:
        if isinstance(record, Node):
            spot = self._spots.get(record.id)
            wanted: set[object] = {prepare.statement(record)}
            held = spot.statements if spot else []
        else:
            spot = self._spots.get(record.effect)
            wanted = set(prepare.edge_arcs(record))
            held = spot.causes if spot else []
        for item in held:
            if item.source == source and item.until is None and item.what in wanted:
                yield item

    def _claimed(self, record: Record, source: str) -> bool:
        return next(self._claims_of(record, source), None) is not None

    def _settle(self, ident: str, seq: int) -> None:
        spot = self._spots.get(ident)
        if spot is None:  # an entry that was tampered with retracts what was never said
            return
        row = self._row(ident, NOW)
        spot.row = row or spot.row
        spot.until = None if row else (spot.until or seq)

    def _row(self, ident: str, view: View) -> NodeRow | None:
        spot = self._spots.get(ident)
        if spot is None:
            return None
        said = [h for h in spot.statements if standing(h.since, h.until, view)]
        families = {
            mention(h.what.relation)[end]
            for end, side in enumerate((spot.causes, spot.effects))
            for h in side
            if isinstance(h.what, Arc) and standing(h.since, h.until, view)
        }
        if not said and not families:
            return None
        before = spot.statements if prepare.contested(said) else ()
        return prepare.shown(ident, said, families, before)

    def headers(self, after: int, limit: int, view: View) -> Sequence[Header]:
        """See ``Store.headers``."""
        last = len(self._entries) if view.as_of is None else view.as_of
        return self._entries[after : min(after + limit, last)]

    def headers_at(self, seqs: Collection[int], view: View) -> Mapping[int, Header]:
        """See ``Store.headers_at``."""
        last = len(self._entries) if view.as_of is None else view.as_of
        return {seq: self._entries[seq - 1] for seq in seqs if 0 < seq <= last}

    def bodies(self, seqs: Collection[int]) -> Mapping[int, bytes]:
        """See ``Store.bodies``."""
        last = len(self._entries)
        return {seq: self._entries[seq - 1].body for seq in seqs if 0 < seq <= last}

    def leaves(self, after: int, limit: int) -> Sequence[bytes]:
        """See ``Store.leaves``."""
        return [bytes.fromhex(entry.leaf) for entry in self._entries[after : after + limit]]

    @contextmanager
    def moment(self) -> Iterator[Moment]:
        """See ``Store.moment``."""
        rested, begun = not self._drawing, self._log
        read = Moment()
        yield read
        rested = rested and not self._drawing and self._log.size == begun.size
        read.head = begun if rested else None

    def head(self) -> Frontier:
        """See ``Store.head``."""
        return self._log

    def get(self, ids: Collection[str], view: View) -> Mapping[str, NodeRow]:
        """See ``Store.get``."""
        rows = ((ident, self._row(ident, view)) for ident in ids)
        return {ident: row for ident, row in rows if row is not None}

    def find(self, where: Filter, page: Page, view: View) -> Slice:
        """See ``Store.find``."""
        return reference.scan(self, where, page, view)

    def edges(self, ids: Collection[str], hop: Hop, view: View) -> Sequence[EdgeRow]:
        """See ``Store.edges``."""
        rows: dict[EdgeRow, None] = {}
        for ident in ids:
            spot = self._spots.get(ident)
            held = () if spot is None else (spot.causes if hop.toward == "causes" else spot.effects)
            for item in held:
                arc = item.what
                if (
                    isinstance(arc, Arc)
                    and standing(item.since, item.until, view)
                    and _takes(hop, arc.relation, arc.follow)
                ):
                    rows[arc.row()] = None
        return list(rows)

    def around(self, ident: str, most: int, view: View) -> Around:
        """See ``Store.around``."""
        return reference.around(self, ident, most, view)

    def walk(self, walk: Walk, view: View) -> Subgraph:
        """See ``Store.walk``."""
        return reference.walk(self, walk, view)

    def reach(self, walk: Walk, view: View, *, counts: bool = False) -> Reach:
        """See ``Store.reach``."""
        return reference.reach(self, walk, view, counts=counts)

    def run(self, request: PlanRequest, view: View) -> Subgraph:
        """See ``Store.run``."""
        return reference.run(self, request, view)

    def identifiers(self, after: str | None, limit: int, view: View) -> Sequence[str]:
        """See ``Store.identifiers``."""
        # Taken at once: another thread may write while this one looks.
        known = list(self._spots.items())
        last = self._log.size if view.as_of is None else view.as_of
        named = (i for i, spot in known if spot.since <= last and (after is None or i > after))
        return nsmallest(limit, named)

    def held(self, ids: Collection[str], view: View) -> Mapping[str, NodeHistory]:
        """See ``Store.held``."""
        spots = ((ident, self._spots[ident]) for ident in ids if ident in self._spots)
        return {
            ident: NodeHistory(spot.row, spot.since, spot.until, tuple(self._claims(spot))).up_to(
                view.as_of
            )
            for ident, spot in spots
            if spot.row is not None
        }

    @staticmethod
    def _claims(spot: _NodeState) -> Iterator[Claim]:
        for held in (*spot.statements, *spot.causes):
            yield Claim(held.what, held.source, held.since, held.until)

    def asserted(self, source: str, view: View) -> Iterator[Record]:
        """See ``Store.asserted``."""
        for spot in list(self._spots.values()):
            for claim in self._claims(spot):
                stands = standing(claim.since, claim.until, view)
                if stands and claim.source == source and not claim.implied:
                    yield claim.record

    def integrity_faults(self) -> Iterable[str]:
        """See ``Store.integrity_faults``."""
        return ()

    def values(self, names: Collection[str]) -> Mapping[str, bytes]:
        """See ``Store.values``."""
        return {name: self._values[name] for name in names if name in self._values}

    def values_under(
        self, prefix: str, after: str | None = None, limit: int = 1_000
    ) -> Sequence[tuple[str, bytes]]:
        """See ``Store.values_under``."""
        kept = list(self._values.items())
        return nsmallest(
            limit,
            ((n, v) for n, v in kept if n.startswith(prefix) and (after is None or n > after)),
        )

    def keep(
        self,
        changes: Mapping[str, bytes | None],
        expecting: Mapping[str, bytes | None] | None = None,
        act: Draft | None = None,
    ) -> bool:
        """See ``Store.keep``."""
        with self._lock:
            if any(self._values.get(name) != value for name, value in (expecting or {}).items()):
                return False
            if act is not None:
                self._append(self._next(act, []), [], [])
            for name, value in changes.items():
                if value is None:
                    self._values.pop(name, None)
                else:
                    self._values[name] = value
            return True

    def rebuild_graph(self, progress: Callable[[int, int], None]) -> Frontier:
        """See ``Store.rebuild_graph``: the former graph is seen until the new one is whole."""
        drawn = MemoryStore()
        for entry in self._entries:
            drawn._draw(entry, *log.split(entry))
            progress(entry.seq, self._log.size)
        self._spots = drawn._spots
        return self._log

    def stats(self, view: View) -> Stats:
        """See ``Store.stats``."""
        if view.as_of is not None:
            return reference.stats(self, view)
        alive = [s.row for s in list(self._spots.values()) if s.row is not None and s.until is None]
        edges = {
            h.what.row()
            for spot in list(self._spots.values())
            for h in spot.causes
            if isinstance(h.what, Arc) and h.until is None and not h.what.implied
        }
        return Stats.of(Counter(row.kind for row in alive), len(edges), self._log)

    def snapshot(self, path: Path) -> bool:
        """See ``Store.snapshot``."""
        del path
        return False

    def close(self) -> None:
        """See ``Store.close``."""


def opened(address: Address, options: Options) -> MemoryStore:
    """Open an empty store: see ``engines.Opening``."""
    del address, options
    return MemoryStore()


def _takes(hop: Hop, relation: str, follow: bool) -> bool:
    """Whether a hop takes an edge."""
    if hop.relations is None:
        return follow
    strict = hop.followed or (hop.tied and relation == terms.SAMENESS)
    return relation in hop.relations and (follow or not strict)

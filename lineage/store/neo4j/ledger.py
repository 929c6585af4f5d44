# SPDX-License-Identifier: Apache-2.0
"""The ledger in Neo4j: its lock, its entries with and without their bodies, its leaf hashes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import neo4j

from lineage.errors import StoreBusy, StoreDamaged
from lineage.ledger import log
from lineage.ledger.log import Draft, Entry, Header
from lineage.ledger.merkle import Frontier
from lineage.store.base import View
from lineage.store.neo4j.client import Client
from lineage.store.neo4j.migrations import LAYOUT
from lineage.store.neo4j.rows import drawing_of, head_text, header_of

#: Taking the head's lock first makes writers take turns: the server's default is read-committed.
LOCK_HEAD = """
MERGE (l:Ledger {one: 1})
ON CREATE SET l.size = 0, l.peaks = '', l.layout = $layout, l.terms = 0, l.otherwise = []
SET l.locked = true RETURN l.size, l.peaks, coalesce(l.terms, 0)"""
#: The attributes that some node ever had otherwise than as the text that an index has (``properties``). A store
#: that an earlier version began does not say, until it is rebuilt.
KEEP_OTHERWISE = """
MATCH (l:Ledger {one: 1}) SET l.otherwise = l.otherwise + [k IN $keys WHERE NOT k IN l.otherwise]"""
_ALL_AS_TEXTS = "MATCH (l:Ledger {one: 1}) SET l.otherwise = []"
MOVE_HEAD = "MATCH (l:Ledger {one: 1}) SET l.size = $size, l.peaks = $peaks"
_RECORDED = """
MATCH ()-[e:LEDGER_ENTRY]->() USING INDEX SEEK e:LEDGER_ENTRY(seq) WHERE e.seq = $seq
RETURN collect(e.recorded)"""
#: An entry is a relationship of the one node ``Ledger`` to itself: who looks at the nodes of the graph
#: does not meet it.
_NEW_ENTRY = "MATCH (l:Ledger {one: 1}) CREATE (l)-[e:LEDGER_ENTRY]->(l) SET e = $entry"
_BETWEEN = "MATCH ()-[e:LEDGER_ENTRY]->() WHERE e.seq > $after AND e.seq <= $last"
_THESE = """
MATCH ()-[e:LEDGER_ENTRY]->() USING INDEX SEEK e:LEDGER_ENTRY(seq) WHERE e.seq IN $seqs"""
_HEADERS = f"""
{_BETWEEN} WITH e ORDER BY e.seq LIMIT $limit RETURN collect(e {{.*, body: null}}) AS found"""
_HEADERS_AT = f"{_THESE} AND e.seq <= $last RETURN collect(e {{.*, body: null}}) AS found"
_BODIES = f"{_THESE} RETURN collect([e.seq, e.body]) AS found"
_LEAVES = f"{_BETWEEN} WITH e ORDER BY e.seq LIMIT $limit RETURN collect(e.leaf) AS found"

#: More entries than there are.
_LAST = 2**62


def last(view: View) -> int:
    """The last sequence number that a view sees."""
    return _LAST if view.as_of is None else view.as_of


def lock(client: Client, tx: neo4j.ManagedTransaction) -> tuple[Frontier, int]:
    """The log as it stands until the transaction ends, and how many terms the store keeps."""
    size, peaks, terms = tx.run(LOCK_HEAD, layout=LAYOUT).single(strict=True)
    client.demand_drawn(peaks)
    return client.frontier(size, peaks), terms


def mark(client: Client, tx: neo4j.ManagedTransaction, drawing: str) -> Frontier:
    """Mark that the graph is being drawn anew, by ``drawing``, whoever drew it before: from here on
    everybody else is refused. Return the log that is to be drawn.
    """
    size, peaks, _ = tx.run(LOCK_HEAD, layout=LAYOUT).single(strict=True)
    head = client.frontier(size, peaks)
    tx.run(MOVE_HEAD, size=head.size, peaks=head_text(head, f"{drawing}/0")).consume()
    tx.run(_ALL_AS_TEXTS).consume()
    return head


def drawn(client: Client, tx: neo4j.ManagedTransaction, drawing: str, seq: int | None) -> bool:
    """Note that an entry is drawn (``None``: that all are, which takes the mark away); whether it was
    not noted before. Raises ``StoreBusy`` where somebody else has begun to draw meanwhile.
    """
    size, peaks, _ = tx.run(LOCK_HEAD, layout=LAYOUT).single(strict=True)
    by, _, last = drawing_of(peaks).partition("/")
    if by != drawing:
        if not by and seq is None:
            return False  # a try whose outcome was never heard of has done it
        message = "another process has begun to draw the graph anew"
        raise StoreBusy(message, where=client.where, hint="Let it end.")
    head = client.frontier(size, peaks)
    now = "" if seq is None else f"{drawing}/{seq}"
    tx.run(MOVE_HEAD, size=head.size, peaks=head_text(head, now)).consume()
    return seq is None or seq > int(last)


def recorded(tx: neo4j.ManagedTransaction, seq: int) -> str | None:
    """When an entry was recorded; ``None`` where there is none."""
    found = tx.run(_RECORDED, seq=seq).single(strict=True)[0] if seq else []
    return found[0] if found else None


def has(tx: neo4j.ManagedTransaction, entry: Entry) -> bool:
    """Whether the very entry is there."""
    rows = tx.run(_HEADERS_AT, seqs=[entry.seq], last=entry.seq).single(strict=True)[0]
    return bool(rows) and rows[0].get("leaf") == entry.leaf


def append(tx: neo4j.ManagedTransaction, head: Frontier, entry: Entry) -> Frontier:
    """Add an entry at the end: the log with it. Raises ``StoreDamaged`` where it is not the next one."""
    grown = head.append(entry.leaf_hash())
    if grown.size != entry.seq:
        raise StoreDamaged(f"entry {entry.seq} does not follow entry {head.size}")
    row = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
    tx.run(_NEW_ENTRY, entry=row).consume()
    tx.run(MOVE_HEAD, size=grown.size, peaks=head_text(grown)).consume()
    return grown


def note(tx: neo4j.ManagedTransaction, head: Frontier, act: Draft) -> None:
    """Add an entry without records."""
    append(tx, head, log.seal(head.size + 1, act, [], recorded(tx, head.size)))


def headers(client: Client, after: int, limit: int, view: View) -> Sequence[Header]:
    """See ``Store.headers``."""
    rows = client.list(_HEADERS, after=after, last=last(view), limit=limit)
    return [header_of(row, client.where) for row in rows]


def headers_at(client: Client, seqs: Collection[int], view: View) -> Mapping[int, Header]:
    """See ``Store.headers_at``."""
    rows = client.list(_HEADERS_AT, seqs=sorted(seqs), last=last(view))
    return {row["seq"]: header_of(row, client.where) for row in rows}


def bodies(client: Client, seqs: Collection[int]) -> Mapping[int, bytes]:
    """See ``Store.bodies``."""
    return dict(client.list(_BODIES, seqs=sorted(seqs)))


def leaves(client: Client, after: int, limit: int) -> Sequence[bytes]:
    """See ``Store.leaves``. Raises ``StoreDamaged`` for what is no hash."""
    rows = client.list(_LEAVES, after=after, last=_LAST, limit=limit)
    try:
        return [bytes.fromhex(row) for row in rows]
    except (TypeError, ValueError) as error:
        message = f"a leaf of the ledger is no hash: {error}"
        raise StoreDamaged(message, where=client.where) from error

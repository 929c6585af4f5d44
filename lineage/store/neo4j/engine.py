# SPDX-License-Identifier: Apache-2.0
"""The Neo4j engine: managed transactions around reading and writing, on a driver of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import neo4j

from lineage import config
from lineage.errors import TimedOut
from lineage.ledger import log
from lineage.ledger.log import Draft, Entry, Header
from lineage.ledger.merkle import Frontier
from lineage.model.record import Batch, Record
from lineage.model.vocabulary import Translation
from lineage.query.plan import PlanRequest
from lineage.store import execute, prepare, reference
from lineage.store.address import Address
from lineage.store.base import (
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
)
from lineage.store.claims import Around, NodeHistory
from lineage.store.engines import Options
from lineage.store.neo4j import audit, history, kept, layout, ledger, past
from lineage.store.neo4j import compile as cypher
from lineage.store.neo4j.around import around
from lineage.store.neo4j.client import PATIENCE, Client
from lineage.store.neo4j.rows import edge_rows, edges_among, node_rows
from lineage.store.neo4j.sets import NameSets, matching, within_reach
from lineage.store.neo4j.stats import stats
from lineage.store.neo4j.write import Change, chunks
from lineage.store.paging import pages
from lineage.store.reference import Clock
from lineage.store.rows import EdgeRow, NodeRow
from lineage.store.writes import Receipt, Write, ignored

#: Records of one transaction: the server keeps some 6 KB of each, and lets all transactions together have
#: 70 % of its heap (dbms.memory.transaction.total.max), which may be no more than half a gigabyte.
_TOGETHER = 40_000
#: Seconds that a transaction may take longer for each entry that it writes.
_OF_WRITE = 10.0
#: Nodes deleted in one transaction where there may be millions.
_SLICE = 20_000


class Neo4jStore:
    """A store in a Neo4j database, one store a database."""

    caps: Caps = Caps(
        name="neo4j", persistent=True, native_walk=True, threads=8, records=_TOGETHER, resolves=True
    )

    def __init__(self, url: str, *, user: str, password: str, secret: str = "") -> None:
        self._client = Client(url, user=user, password=password, secret=secret)
        try:
            layout.prepare(self._client, self._redraw)
            self._vocabulary = kept.vocabulary(self._client)
        except BaseException:
            self._client.close()
            raise

    @property
    def _translation(self) -> Translation:
        return Translation(self._vocabulary.unknown)

    @property
    def driver(self) -> neo4j.Driver:
        """The driver, for the object mapper (``lineage.store.neo4j.labels``)."""
        return self._client.driver

    @property
    def database(self) -> str:
        """The name of the database."""
        return self._client.database

    # --- writing ---

    def write(self, draft: Draft, batch: Batch, retract: Sequence[Record] = ()) -> Receipt:
        """See ``Store.write``."""
        [receipt] = self.write_all([Write(draft, batch, retract)])
        return receipt

    def write_all(
        self, writes: Sequence[Write], progress: Callable[[int], None] = ignored
    ) -> Sequence[Receipt]:
        """See ``Store.write_all``."""

        def work(tx: neo4j.ManagedTransaction) -> list[Receipt]:
            head, terms = ledger.lock(self._client, tx)
            vocabulary, receipts = self._vocabulary, []
            last = ledger.recorded(tx, head.size)
            for number, write in enumerate(writes):
                progress(number)
                records = prepare.lines(write.batch.records)
                vocabulary = kept.growing(
                    tx, vocabulary, terms, records.values(), self._client.where
                )
                terms = len(vocabulary.terms)
                receipt, head, last = self._write(tx, (head, last), write, records)
                receipts.append(receipt)
            self._vocabulary = vocabulary
            return receipts

        return self._client.write(
            work,
            patience=PATIENCE + _OF_WRITE * len(writes),
            changes=lambda receipts: any(receipt.seq for receipt in receipts),
        )

    def _write(
        self,
        tx: neo4j.ManagedTransaction,
        log_so_far: tuple[Frontier, str | None],
        write: Write,
        lines: Mapping[bytes, Record],
    ) -> tuple[Receipt, Frontier, str | None]:
        head, last = log_so_far
        leaving = prepare.lines(write.retract)
        change = Change(tx, write.draft.source)
        change.look_up([*lines.values(), *leaving.values()])
        fresh = {t: r for t, r in lines.items() if not change.claimed(r)}
        gone = {t: r for t, r in leaving.items() if change.claimed(r)}
        unchanged = len(lines) - len(fresh)
        if not fresh and not gone:
            return Receipt(seq=None, unchanged=unchanged), head, last
        entry = log.seal(head.size + 1, write.draft, log.signed(fresh, gone), last)
        grown = ledger.append(tx, head, entry)
        receipt = Receipt(
            seq=entry.seq,
            things=change.apply(entry, list(fresh.values()), list(gone.values())),
            added=len(fresh),
            retracted=len(gone),
            unchanged=unchanged,
        )
        return receipt, grown, entry.recorded

    def replay(self, entry: Entry) -> None:
        """See ``Store.replay``."""
        added, gone = log.split(entry)

        def work(tx: neo4j.ManagedTransaction) -> bool:
            head, terms = ledger.lock(self._client, tx)
            if head.size >= entry.seq and ledger.has(tx, entry):
                return False
            kept.growing(tx, self._vocabulary, terms, added, self._client.where)
            ledger.append(tx, head, entry)
            self._draw(tx, entry, added, gone)
            return True

        self._client.write(work, changes=bool)

    def _draw(
        self,
        tx: neo4j.ManagedTransaction,
        entry: Entry,
        added: Sequence[Record],
        gone: Sequence[Record],
    ) -> None:
        change = Change(tx, entry.source)
        change.look_up([*added, *gone])
        change.apply(entry, added, gone)

    def rebuild_graph(self, progress: Callable[[int, int], None]) -> Frontier:
        """See ``Store.rebuild_graph``: here it is a transaction an entry, for the server's memory."""
        kept.vocabulary(self._client).demand_known(self._client.where)
        return self._redraw(progress)

    def _redraw(self, progress: Callable[[int, int], None] = lambda _seq, _size: None) -> Frontier:
        client, drawing = self._client, secrets.token_hex(8)
        head = client.write(partial(ledger.mark, client, drawing=drawing))
        for text in (cypher.DELETE_EDGES, cypher.DELETE_NODES, past.FORGET):
            while client.write(partial(self._empty, text=text, drawing=drawing)):
                pass
        for entry in pages(self):
            client.write(partial(self._draw_again, entry=entry, drawing=drawing))
            progress(entry.seq, head.size)
        client.write(partial(ledger.drawn, client, drawing=drawing, seq=None))
        return head

    def _draw_again(self, tx: neo4j.ManagedTransaction, entry: Entry, drawing: str) -> None:
        if ledger.drawn(self._client, tx, drawing, entry.seq):
            self._draw(tx, entry, *log.split(entry))

    def _empty(self, tx: neo4j.ManagedTransaction, text: str, drawing: str) -> int:
        ledger.drawn(self._client, tx, drawing, 0)
        return int(tx.run(text, limit=_SLICE).single(strict=True)[0])

    # --- reading ---

    def head(self) -> Frontier:
        """See ``Store.head``."""
        return self._client.moments.head()

    def headers(self, after: int, limit: int, view: View) -> Sequence[Header]:
        """See ``Store.headers``."""
        return ledger.headers(self._client, after, limit, view)

    def headers_at(self, seqs: Collection[int], view: View) -> Mapping[int, Header]:
        """See ``Store.headers_at``."""
        return ledger.headers_at(self._client, seqs, view)

    def bodies(self, seqs: Collection[int]) -> Mapping[int, bytes]:
        """See ``Store.bodies``."""
        return ledger.bodies(self._client, seqs)

    def leaves(self, after: int, limit: int) -> Sequence[bytes]:
        """See ``Store.leaves``."""
        return ledger.leaves(self._client, after, limit)

    def moment(self) -> AbstractContextManager[Moment]:
        """See ``Store.moment``."""
        return self._client.moments.moment()

    def values(self, names: Collection[str]) -> Mapping[str, bytes]:
        """See ``Store.values``."""
        return kept.values(self._client, names)

    def values_under(
        self, prefix: str, after: str | None = None, limit: int = 1_000
    ) -> Sequence[tuple[str, bytes]]:
        """See ``Store.values_under``."""
        return kept.values_under(self._client, prefix, after, limit)

    def keep(
        self,
        changes: Mapping[str, bytes | None],
        expecting: Mapping[str, bytes | None] | None = None,
        act: Draft | None = None,
    ) -> bool:
        """See ``Store.keep``."""

        def work(tx: neo4j.ManagedTransaction) -> bool:
            head, _ = ledger.lock(self._client, tx)
            noted = None if act is None else partial(ledger.note, tx, head, act)
            return kept.keep(tx, self._client.seal, changes, expecting or {}, noted)

        return self._client.write(work, changes=bool)

    def get(self, ids: Collection[str], view: View) -> Mapping[str, NodeRow]:
        """See ``Store.get``."""
        text = cypher.GET if view.as_of is None else past.GET
        rows = [
            row
            for chunk in chunks(list(ids))
            for row in self._client.one(text, ids=chunk, as_of=view.as_of)[0]
        ]
        found = (
            node_rows(rows)
            if view.as_of is None
            else history.node_rows(self._client, rows, view, self._translation)
        )
        return {row.id: row for row in found}

    def find(self, where: Filter, page: Page, view: View) -> Slice:
        """See ``Store.find``."""
        if view.as_of is not None:
            return reference.scan(self, where, page, view)
        found = matching(self, where.condition, page, Clock(None))
        rows = tuple(found[: page.limit])
        return Slice(rows, rows[-1].id if len(found) > page.limit else None)

    def rows(self, text: str, clock: Clock, /, **parameters: Any) -> list[NodeRow]:
        """The nodes that a read lists, within the time that is left."""
        return node_rows(self.column(text, clock, **parameters))

    def gathered(self, text: str, clock: Clock, /, **parameters: Any) -> Subgraph:
        """The nodes and edges that a read lists."""
        nodes, edges = self.columns(text, clock, **parameters)
        return Subgraph(node_rows=node_rows(nodes), edge_rows=edge_rows(edges))

    def columns(self, text: str, clock: Clock, /, **parameters: Any) -> list[Any]:
        """The columns of a read."""
        clock.check()
        return self._client.one(text, clock.left, **parameters)

    def column(self, text: str, clock: Clock, /, **parameters: Any) -> list[str]:
        """The texts that a read lists."""
        return list(self.columns(text, clock, **parameters)[0])

    def run(self, request: PlanRequest, view: View) -> Subgraph:
        """See ``Store.run``."""
        sets = NameSets(self, view, Clock(request.seconds))
        whole = sets.gathered(request)
        return whole or execute.run(self, sets, request, view)

    def edges(self, ids: Collection[str], hop: Hop, view: View) -> Sequence[EdgeRow]:
        """See ``Store.edges``."""
        text = cypher.hop(hop) if view.as_of is None else past.hop(hop)
        found = (
            self._client.one(text, ids=some, as_of=view.as_of)[0] for some in chunks(list(ids))
        )
        return edge_rows([row for rows in found for row in rows])

    def reach(self, walk: Walk, view: View, *, counts: bool = False) -> Reach:
        """See ``Store.reach``."""
        return within_reach(self, walk, view, counts=counts)

    def around(self, ident: str, most: int, view: View) -> Around:
        """See ``Store.around``."""
        if view.as_of is not None:
            return reference.around(self, ident, most, view)
        return around(self._client, ident, most)

    def walk(self, walk: Walk, view: View) -> Subgraph:
        """See ``Store.walk``: one statement; level by level where a depth or too large an answer asks for
        it, and where it took too long, to say how far one comes in the time.
        """
        if walk.depth is None and (walk.seconds is None or walk.seconds > 0):
            with suppress(TimedOut):
                if (found := self._whole(walk, view)) is not None:
                    return found
        return reference.walk(self, walk, view)

    def _whole(self, walk: Walk, view: View) -> Subgraph | None:
        most = walk.limit + 1
        if view.as_of is None:
            start, text = sorted(walk.start), cypher.walk(walk.hop)
            nodes, keys, edges = self._client.one(text, walk.seconds, start=start, most=most)
            if nodes is None:
                return None
            rows = node_rows(nodes)
            return Subgraph(node_rows=rows, edge_rows=edges_among(edges, keys, rows))
        clock = Clock(walk.seconds)
        reached = past.reach(self._client, walk.start, walk.hop, view.as_of, most, clock)
        if reached is None:
            return None
        if reached.nodes is None:
            rows = list(self.get(reached.uids, view).values())
        else:
            rows = history.node_rows(self._client, reached.nodes, view, self._translation)
        return Subgraph(node_rows=rows, edge_rows=edge_rows(reached.edges))

    def identifiers(self, after: str | None, limit: int, view: View) -> Sequence[str]:
        """See ``Store.identifiers``."""
        return history.identifiers(self._client, after, limit, view)

    def held(self, ids: Collection[str], view: View) -> Mapping[str, NodeHistory]:
        """See ``Store.held``."""
        return history.held(self._client, ids, view)

    def asserted(self, source: str, view: View) -> Iterator[Record]:
        """See ``Store.asserted``."""
        return history.asserted(self._client, source, view)

    def integrity_faults(self) -> Iterable[str]:
        """See ``Store.integrity_faults``: what one statement reads may be half of what somebody commits
        meanwhile, so that only what is found twice is a fault.
        """
        faults = set(self._faults())
        return [fault for fault in self._faults() if fault in faults] if faults else []

    def _faults(self) -> Iterator[str]:
        yield from audit.integrity_faults(
            history.slices(self._client, cypher.DERIVED), self._translation
        )
        yield from audit.foreign_faults(self._client.one(cypher.FOREIGN)[0])
        yield from audit.past_faults(history.slices(self._client, past.DERIVED))

    def stats(self, view: View) -> Stats:
        """See ``Store.stats``."""
        if view.as_of is not None:
            return reference.stats(self, view)
        return stats(self._client, all_known=not self._vocabulary.unknown)

    def snapshot(self, path: Path) -> bool:
        """See ``Store.snapshot``."""
        del path
        return False

    def close(self) -> None:
        """See ``Store.close``."""
        self._client.close()


def opened(address: Address, options: Options) -> Neo4jStore:
    """The store in a database, by the account that is configured: see ``engines.Opening``."""
    del options
    return Neo4jStore(
        address.url,
        user=config.value("neo4j_user").value or "",
        password=config.value("neo4j_password").value or "",
        secret=config.value("neo4j_secret").value or "",
    )

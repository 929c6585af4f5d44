# SPDX-License-Identifier: Apache-2.0
"""The SQLite engine: transactions around reading and writing, one connection, one lock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from lineage.errors import StoreDamaged
from lineage.ledger import log
from lineage.ledger.log import Draft, Entry, Header
from lineage.ledger.merkle import Frontier
from lineage.model.record import Batch, Record
from lineage.query.plan import PlanRequest
from lineage.store import execute, prepare, reference
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
)
from lineage.store.claims import Around, NodeHistory
from lineage.store.engines import Options
from lineage.store.paging import pages
from lineage.store.reference import Clock
from lineage.store.rows import EdgeRow, NodeRow
from lineage.store.sqlite import audit, history, kept, ledger, names, read, tally, turns
from lineage.store.sqlite.around import around
from lineage.store.sqlite.connect import (
    PATIENCE,
    Connection,
    connect,
    translated,
)
from lineage.store.sqlite.sets import KeySets, interrupted
from lineage.store.sqlite.snapshot import write_snapshot
from lineage.store.sqlite.write import Change
from lineage.store.writes import Receipt, Write, ignored

if TYPE_CHECKING:
    from lineage.store.sqlite.adjacency import Adjacency


class SqliteStore:
    """A store in one file. Reads of one process take turns: two threads on the standard driver
    are slower than one.
    """

    caps: Caps = Caps(name="sqlite", persistent=True, native_walk=True, readers=4)

    def __init__(
        self,
        path: Path,
        *,
        create: bool = False,
        durability: str = "full",
        busy_timeout: int = PATIENCE,
        served: bool = False,
    ) -> None:
        self.path = path
        self._patience = busy_timeout
        self._lock = RLock()
        self._connection: Connection | None = connect(
            path, create=create, durability=durability, busy_timeout=busy_timeout
        )
        with translated(path):
            self._connection.learn(kept.vocabulary(self._connection))
        self._adjacency = shared(path) if served else None

    @property
    def _open(self) -> Connection:
        if self._connection is None:
            raise StoreDamaged("the store is closed", where=str(self.path), hint="Open it again.")
        return self._connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """One snapshot for everything read inside."""
        with self._lock, translated(self.path):
            connection = self._open
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def moment(self) -> Iterator[Moment]:
        """See ``Store.moment``: here everything inside is one transaction."""
        read = Moment()
        with self._reading() as connection:
            yield read
            read.head = ledger.head(connection, self.path)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """All of it or nothing; other writers wait from the first line on."""
        with self._lock, translated(self.path):
            connection = self._open
            if connection.journal != "wal":
                [connection.journal] = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            turns.begin(connection, self._patience)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    # --- writing ---

    def write(self, draft: Draft, batch: Batch, retract: Sequence[Record] = ()) -> Receipt:
        """See ``Store.write``."""
        [receipt] = self.write_all([Write(draft, batch, retract)])
        return receipt

    def write_all(
        self, writes: Sequence[Write], progress: Callable[[int], None] = ignored
    ) -> Sequence[Receipt]:
        """See ``Store.write_all``."""
        receipts = []
        with self._writing() as connection:
            vocabulary = connection.vocabulary
            for number, write in enumerate(writes):
                progress(number)
                lines = prepare.lines(write.batch.records)
                vocabulary = kept.growing(connection, self.path, lines.values())
                receipts.append(self._write(connection, write, lines))
            names.add_names(connection)
        if vocabulary is not connection.vocabulary:
            connection.learn(vocabulary)
        return receipts

    def _write(
        self, connection: Connection, write: Write, lines: Mapping[bytes, Record]
    ) -> Receipt:
        leaving = prepare.lines(write.retract)
        change = Change(connection, self._source(connection, write.draft.source))
        change.look_up([*lines.values(), *leaving.values()])
        had, leave = change.claimed(lines), change.claimed(leaving)
        fresh = {t: r for t, r in lines.items() if t not in had} if had else lines
        gone = {t: leaving[t] for t in leave}
        unchanged = len(lines) - len(fresh)
        if not fresh and not gone:
            return Receipt(seq=None, unchanged=unchanged)
        entry = self._append(connection, write.draft, log.signed(fresh, gone))
        things = change.apply(entry, list(fresh.values()), list(gone.values()))
        return Receipt(
            seq=entry.seq,
            things=things,
            added=len(fresh),
            retracted=len(gone),
            unchanged=unchanged,
        )

    def _append(self, connection: Connection, draft: Draft, lines: Sequence[bytes]) -> Entry:
        seq = ledger.head(connection, self.path).size + 1
        entry = log.seal(seq, draft, lines, ledger.recorded(connection, seq - 1))
        ledger.append(connection, self.path, entry)
        return entry

    def replay(self, entry: Entry) -> None:
        """See ``Store.replay``."""
        added, gone = log.split(entry)
        with self._writing() as connection:
            if ledger.has(connection, entry):
                return
            vocabulary = kept.growing(connection, self.path, added)
            ledger.append(connection, self.path, entry)
            self._draw(connection, entry, added, gone)
            names.add_names(connection)
        if vocabulary is not connection.vocabulary:
            connection.learn(vocabulary)

    def _draw(
        self, connection: Connection, entry: Entry, added: list[Record], gone: list[Record]
    ) -> None:
        change = Change(connection, self._source(connection, entry.source))
        change.look_up([*added, *gone])
        change.apply(entry, added, gone)

    def rebuild_graph(self, progress: Callable[[int, int], None]) -> Frontier:
        """See ``Store.rebuild_graph``: here it is one transaction."""
        with self._writing() as connection:
            connection.execute("UPDATE named SET drawn = drawn + 1")
            for table in ("edge", "statement", "node", "source", "tally"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            names.forget_names(connection)
            kept.vocabulary(connection).demand_known(str(self.path))
            head = ledger.head(connection, self.path)
            for entry in pages(self):
                self._draw(connection, entry, *log.split(entry))
                progress(entry.seq, head.size)
            names.add_names(connection)
        return head

    def _source(self, connection: Connection, name: str) -> int:
        connection.execute("INSERT OR IGNORE INTO source (name) VALUES (?)", (name,))
        row = connection.execute("SELECT key FROM source WHERE name = ?", (name,)).fetchone()
        return int(row[0])

    # --- reading ---

    def head(self) -> Frontier:
        """See ``Store.head``."""
        with self._reading() as connection:
            return ledger.head(connection, self.path)

    def headers(self, after: int, limit: int, view: View) -> Sequence[Header]:
        """See ``Store.headers``."""
        with self._reading() as connection:
            return ledger.headers(connection, after, limit, view)

    def headers_at(self, seqs: Collection[int], view: View) -> Mapping[int, Header]:
        """See ``Store.headers_at``."""
        with self._reading() as connection:
            return ledger.headers_at(connection, seqs, view)

    def bodies(self, seqs: Collection[int]) -> Mapping[int, bytes]:
        """See ``Store.bodies``."""
        with self._reading() as connection:
            return ledger.bodies(connection, seqs)

    def leaves(self, after: int, limit: int) -> Sequence[bytes]:
        """See ``Store.leaves``."""
        with self._reading() as connection:
            return ledger.leaves(connection, after, limit)

    def get(self, ids: Collection[str], view: View) -> Mapping[str, NodeRow]:
        """See ``Store.get``."""
        with self._reading() as connection:
            return read.get(connection, ids, view)

    def find(self, where: Filter, page: Page, view: View) -> Slice:
        """See ``Store.find``."""
        if view.as_of is not None:
            return reference.scan(self, where, page, view)
        with self._reading() as connection:
            rows = [row for _, row in read.find(connection, where.condition, page)]
        return Slice(
            tuple(rows[: page.limit]), rows[page.limit - 1].id if len(rows) > page.limit else None
        )

    def run(self, request: PlanRequest, view: View) -> Subgraph:
        """See ``Store.run``."""
        clock = Clock(request.seconds)
        with self._reading() as connection, interrupted(connection, clock):
            return execute.run(self, KeySets(self, connection, view, clock), request, view)

    def edges(self, ids: Collection[str], hop: Hop, view: View) -> Sequence[EdgeRow]:
        """See ``Store.edges``."""
        with self._reading() as connection:
            return read.edges(connection, ids, hop, view)

    def around(self, ident: str, most: int, view: View) -> Around:
        """See ``Store.around``."""
        with self._reading() as connection:
            return around(connection, ident, most, view)

    def walk(self, walk: Walk, view: View) -> Subgraph:
        """See ``Store.walk``."""
        with self._reading() as connection:
            return read.walk(connection, walk, view)

    def reach(self, walk: Walk, view: View, *, counts: bool = False) -> Reach:
        """See ``Store.reach``."""
        with self._reading() as connection:
            if self._adjacency is not None and view == NOW and walk.toward == "effects":
                found = self._adjacency.reach(connection, partial(pages, self), walk, counts=counts)
                if found is not None:
                    return found
            return read.reach(connection, walk, view, counts=counts)

    def identifiers(self, after: str | None, limit: int, view: View) -> Sequence[str]:
        """See ``Store.identifiers``."""
        with self._reading() as connection:
            return history.identifiers(connection, after, limit, view)

    def held(self, ids: Collection[str], view: View) -> Mapping[str, NodeHistory]:
        """See ``Store.held``."""
        with self._reading() as connection:
            return history.held(connection, ids, view)

    def asserted(self, source: str, view: View) -> Iterator[Record]:
        """See ``Store.asserted``."""
        with self._reading() as connection:
            found = history.asserted(connection, source, view)
        yield from found

    def integrity_faults(self) -> Iterable[str]:
        """See ``Store.integrity_faults``."""
        with self._reading() as connection:
            return audit.integrity_faults(connection)

    def values(self, names: Collection[str]) -> Mapping[str, bytes]:
        """See ``Store.values``."""
        with self._reading() as connection:
            return kept.values(connection, names)

    def values_under(
        self, prefix: str, after: str | None = None, limit: int = 1_000
    ) -> Sequence[tuple[str, bytes]]:
        """See ``Store.values_under``."""
        with self._reading() as connection:
            return kept.values_under(connection, prefix, after, limit)

    def keep(
        self,
        changes: Mapping[str, bytes | None],
        expecting: Mapping[str, bytes | None] | None = None,
        act: Draft | None = None,
    ) -> bool:
        """See ``Store.keep``."""
        with self._writing() as connection:
            done = kept.keep(connection, changes, expecting or {})
            if done and act is not None:
                self._append(connection, act, [])
            return done

    def stats(self, view: View) -> Stats:
        """See ``Store.stats``."""
        if view.as_of is not None:
            with self._reading():
                return reference.stats(self, view)
        with self._reading() as connection:
            kinds, edges = tally.tally(connection)
            head = ledger.head(connection, self.path)
        return Stats.of(kinds, edges, head)

    def snapshot(self, path: Path) -> bool:
        """See ``Store.snapshot``."""
        with self._lock, translated(path):
            write_snapshot(self._open, path)
        return True

    def close(self) -> None:
        """See ``Store.close``."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
                if self._adjacency is not None:
                    self._adjacency.release()


def shared(path: Path) -> Adjacency | None:
    """The graph of a file in memory; none without numpy, which servers have."""
    if find_spec("numpy") is None:
        return None
    from lineage.store.sqlite.adjacency import Adjacency

    return Adjacency.shared(path)


def opened(address: Address, options: Options) -> SqliteStore:
    """Open the store in a file: see ``engines.Opening``."""
    return SqliteStore(
        address.path,
        create=options.create,
        durability=options.durability,
        busy_timeout=PATIENCE if options.busy_timeout is None else options.busy_timeout,
        served=options.served,
    )

# SPDX-License-Identifier: Apache-2.0
"""What depends on what, of a whole file in memory, for servers: of a hub the identifiers of everything
downstream are known in a tenth of the time.

Made in the background when it is first asked for, by whoever reads the file last kept up with its
ledger: it answers what is asked in a transaction that sees the same entries, and nothing else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from heapq import nsmallest
from pathlib import Path
from threading import Event, Lock, Thread
from typing import ClassVar, Final, Protocol

import numpy as np
from numpy.typing import ArrayLike

from lineage.errors import LineageError
from lineage.graph.csr import Arcs, Bounds, Csr, Flags, Numbers
from lineage.ledger import log
from lineage.ledger.log import Entry
from lineage.model import terms
from lineage.model.record import Edge, Record
from lineage.store import prepare
from lineage.store.base import NOW, Cut, Hop, Reach, Walk
from lineage.store.reference import Clock
from lineage.store.sqlite import ledger, read
from lineage.store.sqlite.connect import PATIENCE, Connection, connect
from lineage.store.sqlite.read import to_json

#: Records that are taken over one by one; behind more it is made anew.
_FEW: Final = 20_000
#: Inner keys, and rows, that are read at once.
_KEYS, _ROWS = 20_000, 50_000
_ARCS = """
SELECT group_concat(cause || ',' || effect || ',' || (relation * 2 + follow)) FROM edge
WHERE cause > ? AND cause <= ? AND until IS NULL"""
_ARCS_OF = "SELECT effect, relation * 2 + follow FROM edge WHERE cause = ? AND until IS NULL"
_NODES = "SELECT key, id, kind FROM node ORDER BY key"
_NODES_OF = "SELECT key, id, kind FROM node WHERE id IN (SELECT value FROM json_each(?))"
_IN_ORDER = "SELECT key FROM node ORDER BY id"
_DRAWN = "SELECT drawn FROM named"


class Entries(Protocol):
    """Yields the entries of the ledger behind a sequence number."""

    def __call__(self, *, after: int) -> Iterator[Entry]:
        """See above."""
        ...


class _Stopped(Exception):
    """The file was closed while it was read."""


class _Graph:
    """The graph as of an entry: ``size`` entries, inner keys as they were drawn."""

    def __init__(self, connection: Connection, path: Path, stopped: Event) -> None:
        self.size: int = ledger.head(connection, path).size
        [[self.drawn]] = connection.execute(_DRAWN)
        self._codes: dict[str, int] = {}
        last = connection.execute("SELECT max(key) FROM node").fetchone()[0] or 0
        self._ids: list[str] = [""] * (last + 1)
        self._kinds: Numbers = np.zeros(last + 1, dtype=np.int32)
        nodes = connection.execute(_NODES)
        while rows := nodes.fetchmany(_ROWS):
            _demand_open(stopped)
            self._learn(rows)
        parts = [np.zeros((0, 3), dtype=np.int64)]
        for begin in range(0, last + 1, _KEYS):
            _demand_open(stopped)
            [[text]] = connection.execute(_ARCS, (begin, begin + _KEYS))
            if text:
                parts.append(np.fromstring(text, dtype=np.int64, sep=",").reshape(-1, 3))
        self._effects = Csr(_arcs(np.concatenate(parts)), last + 1)
        _demand_open(stopped)
        #: Places in the order of identifiers; what came later stands behind them.
        self._ranks: Numbers = np.full(last + 1, last + 1, dtype=np.int32)
        keys = np.fromiter((row[0] for row in connection.execute(_IN_ORDER)), dtype=np.int32)
        self._ranks[keys] = np.arange(len(keys), dtype=np.int32)

    def _learn(self, rows: Sequence[tuple[int, str, str]]) -> None:
        for key, ident, kind in rows:
            self._ids[key] = ident
            self._kinds[key] = self._codes.setdefault(kind, len(self._codes))

    @property
    def is_old(self) -> bool:
        """Whether so much came later that it should be made anew."""
        return self._effects.added > max(_FEW, len(self._effects) // 10)

    def catch_up(self, connection: Connection, entries: Iterator[Entry]) -> None:
        """Take over entries, which the connection sees. Raises ``log.UnknownTerm``."""
        for entry in entries:
            added, gone = log.split(entry)
            self._take_over(connection, added, gone)
            self.size = entry.seq

    def _take_over(
        self, connection: Connection, added: Collection[Record], gone: Collection[Record]
    ) -> None:
        idents = prepare.ends([*added, *gone])
        rows = connection.execute(_NODES_OF, (to_json(idents),)).fetchall()
        self._grow(max((row[0] for row in rows), default=0) + 1)
        self._learn(rows)
        keys = {ident: key for key, ident, _ in rows}
        new = [
            (keys[arc.cause], keys[arc.effect], connection.codes[arc.relation] * 2 + arc.follow)
            for record in added
            if isinstance(record, Edge)
            for arc in prepare.edge_arcs(record)
        ]
        self._effects.add(_arcs(new))
        # What one source takes back another may still say.
        for near in {
            keys[arc.cause]
            for record in gone
            if isinstance(record, Edge)
            for arc in prepare.edge_arcs(record)
        }:
            held = connection.execute(_ARCS_OF, (near,)).fetchall()
            self._effects.replace(near, _arcs([(near, *row) for row in held]))

    def _grow(self, nodes: int) -> None:
        more = nodes - len(self._ids)
        if more > 0:
            self._ids += [""] * more
            self._kinds = np.append(self._kinds, np.zeros(more, dtype=np.int32))
            self._ranks = np.append(self._ranks, np.full(more, len(self._ids), dtype=np.int32))
            self._effects.grow(nodes)

    def _first(self, keys: Numbers, count: int) -> Numbers:
        """The first of some nodes by identifier."""
        first = nsmallest(count, keys.tolist(), key=self._ids.__getitem__)
        return np.array(first, dtype=np.int32)

    def reach(
        self, starts: Collection[int], wanted: Walk, taken: Flags, *, counts: bool
    ) -> Reach | None:
        """Walk; ``None`` where the walk would be cut by its time."""
        clock = Clock(wanted.seconds)
        begin = np.fromiter(starts, dtype=np.int32)
        bounds = Bounds(wanted.depth, wanted.limit, self._first, lambda: not clock.out)
        found = self._effects.walk(begin, taken, bounds)
        if found is None:
            return None
        cut = None if found.cut is None else Cut(reason=found.cut, left=found.left)
        names = list(self._codes)
        kinds = self._kinds[found.seen]
        numbers = np.bincount(kinds, minlength=len(names)).tolist()
        held = {name: number for name, number in zip(names, numbers, strict=True) if number}
        if counts:
            return Reach(kinds=held, cut=cut)
        ordered = found.seen[np.argsort(self._ranks[found.seen], kind="stable")]
        kinds, ids = self._kinds[ordered], self._ids
        named = {
            name: [ids[key] for key in ordered[kinds == self._codes[name]].tolist()]
            for name in held
        }
        return Reach(kinds=held, ids=named, cut=cut)


def _arcs(rows: ArrayLike) -> Arcs:
    """Arcs out of rows: from, to, mark."""
    near, far, marks = np.asarray(rows, dtype=np.int64).reshape(-1, 3).T
    return Arcs(near.astype(np.int32), far.astype(np.int32), marks.astype(np.uint16))


def _taken(connection: Connection, hop: Hop) -> Flags:
    """Of each mark of an edge (its relation's code, and whether walks follow it), whether a hop takes it, as
    ``read.taken`` has it.
    """
    codes = connection.codes
    flags = np.zeros(2 * max(codes.values()) + 2, dtype=np.bool_)
    if hop.relations is None:
        flags[1::2] = True
        return flags
    for name in hop.relations:
        followed_only = hop.followed or (hop.tied and name == terms.SAMENESS)
        flags[2 * codes[name] + 1] = True
        flags[2 * codes[name]] = not followed_only
    return flags


def _demand_open(stopped: Event) -> None:
    if stopped.is_set():
        raise _Stopped


class Adjacency:
    """The graph of one file, shared by those who read it: see ``shared``."""

    _of: ClassVar[dict[Path, Adjacency]] = {}
    _all: ClassVar[Lock] = Lock()

    def __init__(self, path: Path) -> None:
        #: How many have the file open.
        self.users: int = 0
        self._path = path
        self._lock = Lock()
        self._graph: _Graph | None = None
        self._building: Thread | None = None
        self._stopped = Event()

    def reach(
        self, connection: Connection, entries: Entries, wanted: Walk, *, counts: bool
    ) -> Reach | None:
        """Say what is downstream in the transaction of a connection, which reads the ``entries`` behind one; ``None`` where this does not know yet, or
        where time would cut the walk: then the file is asked.
        """
        with self._lock:
            graph = self._current(connection, entries)
            if graph is None:
                return None
            starts = read.starts(connection, wanted.start, NOW)
            return graph.reach(starts, wanted, _taken(connection, wanted.hop), counts=counts)

    def _current(self, connection: Connection, entries: Entries) -> _Graph | None:
        """The graph as the connection sees it."""
        head = ledger.head(connection, self._path).size
        [[drawn]] = connection.execute(_DRAWN)
        graph = self._graph
        if (
            graph is None
            or graph.drawn != drawn
            or (graph.size < head and self._is_far(connection, graph))
        ):
            self._build()
            return None
        if graph.size < head:
            self._graph = None  # What is taken over in part is nothing.
            try:
                graph.catch_up(connection, entries(after=graph.size))
            except log.UnknownTerm:
                return None
            self._graph = graph
        if graph.is_old:
            self._build()
        return graph if graph.size == head else None

    def _is_far(self, connection: Connection, graph: _Graph) -> bool:
        later = ledger.headers(connection, graph.size, _FEW, NOW)
        return sum(header.added + header.retracted for header in later) > _FEW

    def _build(self) -> None:
        if self._building is None or not self._building.is_alive():
            self._building = Thread(target=self._read, name="lineage-adjacency", daemon=True)
            self._building.start()

    def _read(self) -> None:
        try:
            with closing(
                connect(self._path, create=False, durability="full", busy_timeout=PATIENCE)
            ) as own:
                own.execute("BEGIN")
                graph = _Graph(own, self._path, self._stopped)
        except (_Stopped, LineageError, sqlite3.Error):
            # Whoever asks next begins anew; until then the file is asked.
            return
        with self._lock:
            self._graph = graph

    def wait(self) -> None:
        """Wait until what is being made is there."""
        if self._building is not None:
            self._building.join()

    def release(self) -> None:
        """Stand back from it; the last one stops what is being made."""
        with self._all:
            self.users -= 1
            if self.users:
                return
            self._of.pop(self._path, None)
        self._stopped.set()
        self.wait()

    @classmethod
    def shared(cls, path: Path) -> Adjacency:
        """The graph of a file, to be released."""
        where = path.resolve()
        with cls._all:
            found = cls._of.setdefault(where, cls(where))
            found.users += 1
            return found

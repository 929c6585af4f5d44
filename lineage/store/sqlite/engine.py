# SPDX-License-Identifier: Apache-2.0
"""The SQLite engine: transactions around reading and writing, one connection, one lock."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

import orjson

from lineage.errors import StoreDamaged
from lineage.ledger import log
from lineage.ledger.log import Draft, Entry
from lineage.ledger.merkle import Frontier
from lineage.model import terms
from lineage.model.record import Batch, Record
from lineage.query.plan import Question
from lineage.store import base, execute, prepare, reference
from lineage.store.base import Caps, Filter, Hop, Page, Receipt, Slice, Stats, Subgraph, View, Walk
from lineage.store.claims import Arc, Claim, Held, Statement
from lineage.store.reference import Clock
from lineage.store.rows import EdgeRow, NodeRow
from lineage.store.sqlite import read
from lineage.store.sqlite.connect import PATIENCE, connect, translated
from lineage.store.sqlite.sets import KeySets, interrupted
from lineage.store.sqlite.write import Change

T = TypeVar("T")

_ENTRY = "seq, source, importer, actor, recorded, note, added, retracted, records, body, leaf"
_NODE_PAGE = "SELECT id FROM node WHERE id > ? ORDER BY id LIMIT ?"
_HELD_NODES = """
SELECT key, id, kind, label, attributes, since, until FROM node
WHERE id IN (SELECT value FROM json_each(?))"""
_HELD_STATEMENTS = """
SELECT s.node, x.name, s.since, s.until, s.kind, s.label, s.attributes, s.bundle
FROM statement s JOIN source x ON x.key = s.source
WHERE s.node IN (SELECT value FROM json_each(?))"""
_HELD_EDGES = """
SELECT e.effect, x.name, e.since, e.until, e.relation, n.id, e.variant, e.follow, e.attributes,
e.id, e.bundle FROM edge e JOIN source x ON x.key = e.source JOIN node n ON n.key = e.cause
WHERE e.effect IN (SELECT value FROM json_each(?))"""
_ASSERTED_STATEMENTS = """
SELECT n.id, s.kind, s.label, s.attributes, s.bundle
FROM statement s JOIN node n ON n.key = s.node WHERE s.source = ? AND s.until IS NULL"""
_ASSERTED_EDGES = """
SELECT n.id, e.relation, m.id, e.variant, e.follow, e.attributes, e.id, e.bundle
FROM edge e JOIN node n ON n.key = e.effect JOIN node m ON m.key = e.cause
WHERE e.source = ? AND e.until IS NULL
AND e.relation NOT IN (SELECT value FROM json_each(?))"""
_COUNT_EDGES = """
SELECT count(*) FROM (SELECT DISTINCT effect, relation, cause, variant FROM edge
WHERE until IS NULL AND relation NOT IN (SELECT value FROM json_each(?)))"""
_IMPLIED = [relation.code for relation in terms.TABLE if relation.implied_by]


class SqliteStore:
    """A store in one file. Reads of one process take turns: two threads on the standard driver
    are slower than one.
    """

    caps = Caps(name="sqlite", persistent=True, native_walk=True)

    def __init__(
        self,
        path: Path,
        *,
        create: bool = False,
        durability: str = "full",
        patience: int = PATIENCE,
    ) -> None:
        self.path = path
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = connect(
            path, create=create, durability=durability, patience=patience
        )

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreDamaged("the store is closed", where=str(self.path), hint="Open it again.")
        return self._connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
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
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing; other writers wait from the first line on."""
        with self._lock, translated(self.path):
            connection = self._open
            connection.execute("BEGIN IMMEDIATE")
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
        lines, leaving = prepare.lines(batch.records), prepare.lines(retract)
        with self._writing() as connection:
            change = Change(connection, self._source(connection, draft.source))
            change.look_up([*lines.values(), *leaving.values()])
            had, leave = change.claimed(lines), change.claimed(leaving)
            fresh = {t: r for t, r in lines.items() if t not in had} if had else lines
            gone = {t: leaving[t] for t in leave}
            unchanged = len(lines) - len(fresh)
            if not fresh and not gone:
                return Receipt(seq=None, unchanged=unchanged)
            entry = log.seal(self._head(connection).size + 1, draft, log.signed(fresh, gone))
            self._append(connection, entry)
            change.apply(entry, list(fresh.values()), list(gone.values()))
        return Receipt(seq=entry.seq, added=len(fresh), retracted=len(gone), unchanged=unchanged)

    def replay(self, entry: Entry) -> None:
        """See ``Store.replay``."""
        with self._writing() as connection:
            self._append(connection, entry)
            self._draw(connection, entry)

    def _draw(self, connection: sqlite3.Connection, entry: Entry) -> None:
        added, gone = log.split(entry)
        change = Change(connection, self._source(connection, entry.source))
        change.look_up([*added, *gone])
        change.apply(entry, added, gone)

    def redraw(self, progress: Callable[[int], None]) -> None:
        """See ``Store.redraw``: here it is one transaction."""
        with self._writing() as connection:
            for table in ("edge", "statement", "node", "source"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            for entry in base.pages(self):
                self._draw(connection, entry)
                progress(entry.seq)

    def _source(self, connection: sqlite3.Connection, name: str) -> int:
        connection.execute("INSERT OR IGNORE INTO source (name) VALUES (?)", (name,))
        row = connection.execute("SELECT key FROM source WHERE name = ?", (name,)).fetchone()
        return int(row[0])

    def _append(self, connection: sqlite3.Connection, entry: Entry) -> None:
        head = self._head(connection).append(entry.leaf_hash())
        if head.size != entry.seq:
            raise StoreDamaged(f"entry {entry.seq} does not follow entry {head.size - 1}")
        row = tuple(getattr(entry, name) for name in _ENTRY.split(", "))
        connection.execute(f"INSERT INTO entry VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
        connection.execute("UPDATE head SET size = ?, peaks = ?", (head.size, head.to_bytes()))

    # --- reading ---

    def _head(self, connection: sqlite3.Connection) -> Frontier:
        row = connection.execute("SELECT size, peaks FROM head").fetchone()
        try:
            return Frontier.from_bytes(*row)
        except (TypeError, ValueError) as error:
            raise StoreDamaged(
                f"the ledger's head is damaged: {error}", where=str(self.path)
            ) from error

    def head(self) -> Frontier:
        """See ``Store.head``."""
        with self._reading() as connection:
            return self._head(connection)

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """See ``Store.entries``."""
        query = f"SELECT {_ENTRY} FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608
        with self._reading() as connection:
            rows = connection.execute(query, (after, limit)).fetchall()
        return [Entry(**dict(zip(_ENTRY.split(", "), row, strict=True))) for row in rows]

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

    def run(self, question: Question, view: View) -> Subgraph:
        """See ``Store.run``."""
        clock = Clock(question.seconds)
        with self._reading() as connection, interrupted(connection, clock):
            found = execute.run(self, KeySets(self, connection, view, clock), question, view)
            return replace(found, head=self._head(connection))

    def _all(self, query: Callable[[sqlite3.Connection], Iterable[T]]) -> list[T]:
        with self._reading() as connection:
            return list(query(connection))

    def edges(self, ids: Collection[str], hop: Hop, view: View) -> Sequence[EdgeRow]:
        """See ``Store.edges``."""
        with self._reading() as connection:
            return read.edges(connection, ids, hop, view)

    def walk(self, walk: Walk, view: View) -> Subgraph:
        """See ``Store.walk``."""
        with self._reading() as connection:
            return replace(read.walk(connection, walk, view), head=self._head(connection))

    def identifiers(self, after: str | None, limit: int) -> Sequence[str]:
        """See ``Store.identifiers``."""
        rows = self._all(lambda c: c.execute(_NODE_PAGE, (after or "", limit)))
        return [str(row[0]) for row in rows]

    def held(self, ids: Collection[str]) -> Mapping[str, Held]:
        """See ``Store.held``."""
        with self._reading() as connection:
            nodes = connection.execute(_HELD_NODES, (_json(ids),)).fetchall()
            keys = (_json(row[0] for row in nodes),)
            names = {row[0]: row[1] for row in nodes}
            claims: dict[int, list[Claim]] = {key: [] for key in names}
            for key, source, since, until, *rest in connection.execute(_HELD_STATEMENTS, keys):
                claims[key].append(Claim(Statement(names[key], *rest), source, since, until))
            for key, source, since, until, code, *rest in connection.execute(_HELD_EDGES, keys):
                arc = _arc(code, names[key], rest)
                claims[key].append(Claim(arc, source, since, until))
        return {
            row[1]: Held(NodeRow(*row[1:5]), row[5], row[6], tuple(claims[row[0]])) for row in nodes
        }

    def asserted(self, source: str) -> Iterator[Record]:
        """See ``Store.asserted``."""
        with self._reading() as connection:
            key = connection.execute("SELECT key FROM source WHERE name = ?", (source,)).fetchone()
            if key is None:
                return
            statements = connection.execute(_ASSERTED_STATEMENTS, key).fetchall()
            edges = connection.execute(_ASSERTED_EDGES, (*key, _json(_IMPLIED))).fetchall()
        for row in statements:
            yield Statement(*row).node()
        for effect, code, *rest in edges:
            yield _arc(code, effect, rest).row().edge()

    def faults(self) -> Iterable[str]:
        """See ``Store.faults``."""
        rows: list[tuple[Any, ...]] = self._all(lambda c: c.execute("PRAGMA integrity_check(100)"))
        return [str(row[0]) for row in rows if row[0] != "ok"]

    def setting(self, name: str, default: str | None = None) -> str | None:
        """See ``Store.setting``."""
        query = "SELECT value FROM setting WHERE name = ?"
        rows = self._all(lambda c: c.execute(query, (name,)))
        if rows or default is None:
            return str(rows[0][0]) if rows else None
        with self._writing() as connection:
            connection.execute("INSERT OR IGNORE INTO setting VALUES (?, ?)", (name, default))
            return str(connection.execute(query, (name,)).fetchone()[0])

    def settings(self, prefix: str) -> Mapping[str, str]:
        """See ``Store.settings``."""
        query = "SELECT name, value FROM setting WHERE substr(name, 1, ?) = ? ORDER BY name"
        return dict(self._all(lambda c: c.execute(query, (len(prefix), prefix))))

    def stats(self) -> Stats:
        """See ``Store.stats``."""
        with self._reading() as connection:
            query = "SELECT kind, count(*) FROM node WHERE until IS NULL GROUP BY kind"
            kinds = dict(connection.execute(query))
            edges = connection.execute(_COUNT_EDGES, (_json(_IMPLIED),)).fetchone()[0]
            head = self._head(connection)
        return Stats(
            nodes=sum(kinds.values()),
            edges=edges,
            entries=head.size,
            root=head.root.hex(),
            kinds=kinds,
        )

    def close(self) -> None:
        """See ``Store.close``."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _json(values: Iterable[Any]) -> str:
    return orjson.dumps(list(values)).decode()


def _arc(code: int, effect: str, rest: Sequence[Any]) -> Arc:
    relation = terms.BY_CODE.get(code)
    cause, variant, follow, *tail = rest
    name = relation.name if relation else f"relation {code}"
    return Arc(name, effect, cause, variant, bool(follow), *tail)

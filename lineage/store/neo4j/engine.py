# SPDX-License-Identifier: Apache-2.0
"""The Neo4j engine: managed transactions around reading and writing, on a driver of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import neo4j
import orjson
from neo4j import exceptions as driver_errors

from lineage.errors import StoreDamaged, StoreTooNew, TimedOut
from lineage.ledger import log
from lineage.ledger.log import Draft, Entry
from lineage.ledger.merkle import Frontier
from lineage.model.record import Batch, Record
from lineage.query.plan import Question
from lineage.store import base, execute, prepare, reference
from lineage.store.base import (
    LAYOUT,
    Caps,
    Filter,
    Hop,
    Page,
    Receipt,
    Slice,
    Stats,
    Subgraph,
    View,
    Walk,
    standing,
)
from lineage.store.claims import Arc, Claim, Held
from lineage.store.neo4j import audit
from lineage.store.neo4j import compile as cypher
from lineage.store.neo4j.connect import connect, translated
from lineage.store.neo4j.rows import edge_rows, entry_of, head_of, head_text, node_rows
from lineage.store.neo4j.sets import NameSets, matching
from lineage.store.neo4j.write import Change, Said, chunks, families_of
from lineage.store.reference import Clock
from lineage.store.rows import EdgeRow, NodeRow

T = TypeVar("T")

#: Seconds that one transaction may take, whatever the server allows.
PATIENCE = 600.0
#: Nodes deleted, or claims read, in one transaction where there may be millions.
_SLICE = 20_000


class Neo4jStore:
    """A store in a Neo4j database, one store a database."""

    caps = Caps(name="neo4j", persistent=True, native_walk=True, threads=8)

    def __init__(self, url: str, *, user: str, password: str) -> None:
        self._driver, self.database, self.where = connect(url, user, password)
        try:
            self._prepare()
        except BaseException:
            self._driver.close()
            raise

    @property
    def driver(self) -> neo4j.Driver:
        """The driver, for the object mapper (``lineage.store.neo4j.labels``)."""
        return self._driver

    def _prepare(self) -> None:
        record = self._one(cypher.READ_HEAD)
        if record[2] is not None and record[2] > LAYOUT:
            message = f"the store has layout {record[2]}, this version knows {LAYOUT}"
            raise StoreTooNew(message, where=self.where)
        if record[2] is None:
            if self._one(cypher.HOLDS_ANYTHING)[0]:
                message = "the database holds a graph that is no lineage store"
                hint = "Name an empty database (neo4j://host/name); this one was not changed."
                raise StoreDamaged(message, where=self.where, hint=hint)
            with translated(self.where), self._session() as session:
                left = session.run(cypher.ORPHANS, names=cypher.CONSTRAINTS).single(strict=True)
                for name in left[0]:
                    session.run(cypher.drop_index(name)).consume()
                for text in cypher.SCHEMA:
                    session.run(text).consume()
                session.run("CALL db.awaitIndexes(300)").consume()
                session.run(cypher.LOCK_HEAD, layout=LAYOUT).consume()

    def _session(self) -> neo4j.Session:
        return self._driver.session(database=self.database, default_access_mode="WRITE")

    def _one(self, text: str, seconds: float | None = None, /, **parameters: Any) -> Any:
        """The one row of a read, within so many seconds."""
        query = neo4j.Query(text, timeout=PATIENCE if seconds is None else max(seconds, 0.001))
        with translated(self.where):
            return self._driver.execute_query(
                query,
                parameters,
                database_=self.database,
                routing_="r",
                result_transformer_=_values,
            )

    def _list(self, text: str, /, **parameters: Any) -> list[Any]:
        """The one list of a read."""
        return list(self._one(text, **parameters)[0])

    def _write(self, work: Callable[[neo4j.ManagedTransaction], T]) -> T:
        """Run work that may be tried again: it is a no-op where it was done before.

        A connection lost while committing leaves the outcome open; trying once more finds out.
        """
        managed = neo4j.unit_of_work(timeout=PATIENCE)(work)
        with translated(self.where), self._session() as session:
            try:
                return session.execute_write(managed)
            except driver_errors.IncompleteCommit:
                return session.execute_write(managed)

    # --- writing ---

    def write(self, draft: Draft, batch: Batch, retract: Sequence[Record] = ()) -> Receipt:
        """See ``Store.write``."""
        lines, leaving = prepare.lines(batch.records), prepare.lines(retract)

        def work(tx: neo4j.ManagedTransaction) -> Receipt:
            head = self._lock(tx)
            change = Change(tx, draft.source)
            change.look_up([*lines.values(), *leaving.values()])
            fresh = {t: r for t, r in lines.items() if not change.claimed(r)}
            gone = {t: r for t, r in leaving.items() if change.claimed(r)}
            unchanged = len(lines) - len(fresh)
            if not fresh and not gone:
                return Receipt(seq=None, unchanged=unchanged)
            entry = log.seal(head.size + 1, draft, log.signed(fresh, gone))
            self._append(tx, head, entry)
            change.apply(entry, list(fresh.values()), list(gone.values()))
            return Receipt(
                seq=entry.seq, added=len(fresh), retracted=len(gone), unchanged=unchanged
            )

        return self._write(work)

    def replay(self, entry: Entry) -> None:
        """See ``Store.replay``."""

        def work(tx: neo4j.ManagedTransaction) -> None:
            head = self._lock(tx)
            if head.size >= entry.seq and self._has(tx, entry):
                return
            self._append(tx, head, entry)
            self._draw(tx, entry)

        self._write(work)

    def _has(self, tx: neo4j.ManagedTransaction, entry: Entry) -> bool:
        found = tx.run(cypher.ENTRIES, after=entry.seq - 1, limit=1).single(strict=True)[0]
        return bool(found) and found[0].get("leaf") == entry.leaf

    def _draw(self, tx: neo4j.ManagedTransaction, entry: Entry) -> None:
        added, gone = log.split(entry)
        change = Change(tx, entry.source)
        change.look_up([*added, *gone])
        change.apply(entry, added, gone)

    def _lock(self, tx: neo4j.ManagedTransaction) -> Frontier:
        record = tx.run(cypher.LOCK_HEAD, layout=LAYOUT).single(strict=True)
        return self._frontier(*record)

    def _frontier(self, size: Any, peaks: Any) -> Frontier:
        try:
            return head_of(size, peaks)
        except (TypeError, ValueError, AttributeError) as error:
            raise StoreDamaged(
                f"the ledger's head is damaged: {error}", where=self.where
            ) from error

    def _append(self, tx: neo4j.ManagedTransaction, head: Frontier, entry: Entry) -> None:
        grown = head.append(entry.leaf_hash())
        if grown.size != entry.seq:
            raise StoreDamaged(f"entry {entry.seq} does not follow entry {head.size}")
        row = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
        tx.run(cypher.NEW_ENTRY, entry=row).consume()
        tx.run(cypher.MOVE_HEAD, size=grown.size, peaks=head_text(grown)).consume()

    def redraw(self, progress: Callable[[int], None]) -> None:
        """See ``Store.redraw``: here it is a transaction an entry, for the server's memory."""
        for text in (cypher.DELETE_EDGES, cypher.DELETE_NODES):
            while self._write(partial(_count, text)):
                pass
        for entry in base.pages(self):
            self._write(partial(self._draw, entry=entry))
            progress(entry.seq)

    # --- reading ---

    def head(self) -> Frontier:
        """See ``Store.head``."""
        for pause in (0.01, 0.1):
            size, peaks, _ = self._one(cypher.READ_HEAD)
            # Somebody may write between the reading of the two: then they soon agree again.
            with suppress(StoreDamaged):
                return Frontier() if size is None else self._frontier(size, peaks)
            time.sleep(pause)
        return self._frontier(*self._one(cypher.READ_HEAD)[:2])

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """See ``Store.entries``."""
        rows = self._list(cypher.ENTRIES, after=after, limit=limit)
        return [entry_of(row, self.where) for row in rows]

    def get(self, ids: Collection[str], view: View) -> Mapping[str, NodeRow]:
        """See ``Store.get``."""
        rows = [
            row for chunk in chunks(list(ids)) for row in self._list(cypher.get(view), ids=chunk)
        ]
        return {row.id: row for row in self._rows(rows, view)}

    def _rows(self, rows: Sequence[Any], view: View) -> list[NodeRow]:
        """Nodes as a view shows them: as they are now, or worked out from their claims."""
        if view.as_of is None:
            return node_rows(rows)
        said = {
            uid: [
                s.what
                for s in (Said.of(uid, t) for t in claims)
                if standing(s.since, s.until, view)
            ]
            for uid, claims in rows
        }
        silent = [uid for uid, items in said.items() if not items]
        spoken: dict[str, set[str]] = {}
        for chunk in chunks(silent):
            text = cypher.spoken_of(view)
            for uid, *sides in self._list(text, ids=chunk, as_of=view.as_of):
                spoken[uid] = families_of(sides)
        return [
            prepare.shown(uid, items, spoken.get(uid, ()))
            for uid, items in said.items()
            if items or spoken.get(uid)
        ]

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
        clock.check()
        nodes, edges, *heads = self._one(text, clock.left, **parameters)
        return Subgraph(
            node_rows=node_rows(nodes), edge_rows=edge_rows(edges), head=self._steady(*heads)
        )

    def column(self, text: str, clock: Clock, /, **parameters: Any) -> list[str]:
        """The texts that a read lists."""
        clock.check()
        return list(self._one(text, clock.left, **parameters)[0])

    def run(self, question: Question, view: View) -> Subgraph:
        """See ``Store.run``."""
        sets = NameSets(self, view, Clock(question.seconds))
        whole = sets.gathered(question)
        if whole is not None or execute.walk_of(question) is not None:
            return whole or execute.run(self, sets, question, view)
        return reference.steady(self, lambda: execute.run(self, sets, question, view))

    def edges(self, ids: Collection[str], hop: Hop, view: View) -> Sequence[EdgeRow]:
        """See ``Store.edges``."""
        text = cypher.hop(hop, view)
        rows = [
            row
            for chunk in chunks(list(ids))
            for row in self._list(text, ids=chunk, as_of=view.as_of)
        ]
        return edge_rows(rows)

    def walk(self, walk: Walk, view: View) -> Subgraph:
        """See ``Store.walk``: one statement, one row; level by level where a depth or too large
        an answer asks for it, and where it took too long, to say how far one comes in the time.
        """
        if walk.depth is None and (walk.seconds is None or walk.seconds > 0):
            start, most = sorted(walk.start), walk.limit + 1
            parameters = {"start": start, "as_of": view.as_of, "most": most}
            try:
                text = cypher.walk(walk.hop, view)
                nodes, edges, *heads = self._one(text, walk.seconds, **parameters)
            except TimedOut:
                nodes = None
            if nodes is not None:
                rows = self._rows(nodes, view)
                return Subgraph(
                    node_rows=rows, edge_rows=edge_rows(edges), head=self._steady(*heads)
                )
        return reference.steady(self, lambda: reference.walk(self, walk, view))

    def _steady(self, begun: int | None, size: int | None, peaks: str | None) -> Frontier | None:
        """The head, where it is the same at both ends of a statement."""
        with suppress(TypeError, ValueError, AttributeError):
            return head_of(size, peaks) if begun == size and size is not None else None
        return None

    def identifiers(self, after: str | None, limit: int) -> Sequence[str]:
        """See ``Store.identifiers``."""
        return self._list(cypher.IDENTIFIERS, after=after or "", limit=limit)

    def held(self, ids: Collection[str]) -> Mapping[str, Held]:
        """See ``Store.held``."""
        found: dict[str, tuple[NodeRow, Any, Any]] = {}
        claims: dict[str, list[Claim]] = {}
        for chunk in chunks(list(ids)):
            for uid, kind, label, attributes, since, until, texts in self._list(
                cypher.HELD_NODES, ids=chunk
            ):
                found[uid] = (NodeRow(uid, kind, label, attributes), since, until)
                said = (Said.of(uid, text) for text in texts or ())
                claims[uid] = [Claim(s.what, s.source, s.since, s.until) for s in said]
            for row in self._list(cypher.HELD_EDGES, ids=chunk):
                effect, type_, cause, variant, follow, attributes, named, *when = row
                ident, _, bundle = str(named or "").partition(cypher.SEPARATOR)
                ends = cypher.TYPES.get(type_, type_), effect, cause
                names = ident or None, bundle or None
                arc = Arc(*ends, variant, follow, attributes, *names)
                claims[effect].append(Claim(arc, *when))
        return {uid: Held(*shown, tuple(claims[uid])) for uid, shown in found.items()}

    def asserted(self, source: str) -> Iterator[Record]:
        """See ``Store.asserted``."""
        stem = "[" + orjson.dumps(source).decode() + ","
        for uid, texts in self._slices(cypher.ASSERTED_NODES, stem=stem):
            for text in texts:
                said = Said.of(uid, text)
                if said.source == source and said.until is None:
                    yield said.what.node()
        for _, rows in self._slices(cypher.ASSERTED_EDGES, source=source):
            for row in edge_rows(rows):
                yield row.edge()

    def _slices(self, text: str, /, **parameters: Any) -> Iterator[Any]:
        after = ""
        while rows := self._list(text, after=after, limit=_SLICE, **parameters):
            yield from rows
            after = rows[-1][0]

    def faults(self) -> Iterable[str]:
        """See ``Store.faults``."""
        return audit.faults(self._slices(cypher.DERIVED))

    def setting(self, name: str, default: str | None = None) -> str | None:
        """See ``Store.setting``."""
        found = self._one(cypher.READ_SETTING, name=name)[0]
        if found is not None or default is None:
            return found  # type: ignore[no-any-return]
        parameters = {"name": name, "default": default}
        value = self._write(lambda tx: tx.run(cypher.SETTING, parameters).single(strict=True)[0])
        return str(value)

    def settings(self, prefix: str) -> Mapping[str, str]:
        """See ``Store.settings``."""
        return dict(self._list(cypher.SETTINGS, prefix=prefix))

    def stats(self) -> Stats:
        """See ``Store.stats``."""
        kinds = dict(self._list(cypher.COUNT_NODES))
        edges = self._one(cypher.COUNT_EDGES)[0]
        head = self.head()
        return Stats(
            nodes=sum(kinds.values()),
            edges=edges,
            entries=head.size,
            root=head.root.hex(),
            kinds=kinds,
        )

    def close(self) -> None:
        """See ``Store.close``."""
        self._driver.close()


def _values(result: neo4j.Result) -> list[Any]:
    return result.single(strict=True).values()


def _count(text: str, tx: neo4j.ManagedTransaction) -> int:
    return int(tx.run(text, limit=_SLICE).single(strict=True)[0])

# SPDX-License-Identifier: Apache-2.0
"""Carries out plans in SQLite: sets of inner keys, one statement a step, one a level of a walk."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from lineage.gc_pause import gc_disabled
from lineage.query.condition import Condition, accepts
from lineage.query.plan import PlanRequest
from lineage.store import execute, reference
from lineage.store.base import NOW, Cut, Filter, Hop, Page, Store, Subgraph, View
from lineage.store.reference import Clock
from lineage.store.rows import EdgeRow, NodeRow
from lineage.store.sqlite import read
from lineage.store.sqlite.connect import Connection
from lineage.store.sqlite.read import hop_text, standing, to_json
from lineage.store.sqlite.select import compiled

#: Steps of SQLite's machine between two looks at the clock: about a millisecond.
_STEPS = 50_000

_EVERY = "SELECT key FROM node WHERE until IS NULL"
_WHERE = "SELECT key FROM node WHERE until IS NULL AND {condition}"
_KEEP = """
SELECT key FROM node NOT INDEXED
WHERE key IN (SELECT value FROM json_each(:keys)) AND {condition}"""
#: Not the column itself, which an index has in order: it would be scanned for that.
_FAR = """
SELECT DISTINCT +e.{far} FROM edge e
WHERE e.{near} IN (SELECT value FROM json_each(:keys)) AND {rest}"""
_ARCS = _FAR.replace("DISTINCT", "e.{near},")
#: One statement for a set without its edges, of which the levels need not be known. Two bounds, not
#: an equality: that would be turned into a bloom filter over all edges (docs/reference/engines.md).
_REACH = """
WITH RECURSIVE reach (key) AS (SELECT value FROM json_each(:keys) UNION
  SELECT e.{far} FROM reach CROSS JOIN edge e
  WHERE e.{near} >= reach.key AND e.{near} <= reach.key AND {rest})
SELECT reach.key FROM reach"""
_KEPT = """ CROSS JOIN node NOT INDEXED
WHERE node.key >= reach.key AND node.key <= reach.key AND {condition}"""
_WITHIN = " AND +e.{far} IN (SELECT value FROM json_each(:within))"
_PAGE = """
SELECT key, id, kind, label, attributes FROM node
WHERE key IN (SELECT value FROM json_each(:keys)) AND id > :after ORDER BY id LIMIT :limit"""
_LEFT = """
SELECT count(*) FROM node WHERE key IN (SELECT value FROM json_each(:keys)) AND id > :after"""
_AMONG = " AND +e.cause IN (SELECT value FROM json_each(:members))"
_AMONG_MATCHING = (
    " AND +e.cause IN (SELECT m.key FROM node m WHERE m.key = e.cause AND {condition})"
)


@contextmanager
def interrupted(connection: sqlite3.Connection, clock: Clock) -> Iterator[None]:
    """Interrupt the statements inside when the time is over."""
    if not clock.limited:
        yield
        return
    connection.set_progress_handler(lambda: clock.out, _STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


class KeySets:
    """Sets of inner keys in one view; see ``execute.Sets``."""

    def __init__(self, store: Store, connection: Connection, view: View, clock: Clock) -> None:
        self._store, self._connection, self._view, self._clock = store, connection, view, clock

    def _column(self, statement: str, **parameters: Any) -> set[int]:
        self._clock.check()
        return {row[0] for row in self._connection.execute(statement, parameters)}

    def named(self, ids: Collection[str]) -> set[int]:
        """The nodes of these identifiers that stand."""
        return set(read.starts(self._connection, ids, self._view))

    def every(self) -> set[int]:
        """All nodes that stand."""
        if self._view == NOW:
            return self._column(_EVERY)
        return set(read.as_of(self._connection, self._names(None), self._view))

    def where(self, condition: Condition) -> set[int]:
        """The nodes that meet a condition."""
        if self._view == NOW:
            text, parameters = compiled(condition)
            return self._column(_WHERE.format(condition=text), **parameters)
        where = Filter(also=condition)
        rows = reference.scan(self._store, where, Page(limit=reference.ALL), self._view).rows
        return set(read.keys_of(self._connection, [row.id for row in rows]))

    def keep(self, keys: set[int], condition: Condition) -> set[int]:
        """Those of some nodes that meet a condition."""
        if self._view == NOW:
            text, parameters = compiled(condition)
            return self._column(_KEEP.format(condition=text), keys=to_json(keys), **parameters)
        rows = read.as_of(self._connection, self._names(keys), self._view)
        return {key for key, row in rows.items() if accepts(condition, row)}

    def _names(self, keys: Collection[int] | None) -> dict[int, str]:
        if keys is None:
            return dict(self._connection.execute("SELECT key, id FROM node"))
        return read.names_of(self._connection, keys)

    def _step(self, statement: str, hop: Hop, more: str = "") -> str:
        """A statement over the edges that a hop takes in this view."""
        near, far = ("effect", "cause") if hop.toward == "causes" else ("cause", "effect")
        rest = f"{standing(self._view, 'e.')} AND {read.taken(self._connection, hop)}{more.format(far=far)}"
        return statement.format(near=near, far=far, rest=rest)

    def reach(
        self, keys: set[int], hop: Hop, depth: int | None = None, within: set[int] | None = None
    ) -> set[int]:
        """Some nodes, and what is within so many hops of them."""
        parameters: dict[str, Any] = {"as_of": self._view.as_of}
        more = ""
        if within is not None:
            more = _WITHIN
            parameters["within"] = to_json(within)
        text = self._step(_REACH if depth is None else _FAR, hop, more)
        if depth is None:
            return self._column(text, **parameters, keys=to_json(keys))
        seen = level = keys
        for _ in range(depth):
            level = self._column(text, **parameters, keys=to_json(level)) - seen
            if not level:
                break
            seen = seen | level
        return seen

    def reach_and_keep(self, keys: set[int], hop: Hop, condition: Condition) -> set[int]:
        """Of some nodes and all within reach of them, those that meet a condition."""
        if self._view != NOW:
            return self.keep(self.reach(keys, hop), condition)
        test, parameters = compiled(condition)
        text = self._step(_REACH, hop) + _KEPT.format(condition=test)
        return self._column(text, **parameters, keys=to_json(keys))

    def arcs(self, keys: set[int], hop: Hop) -> Iterable[tuple[int, int]]:
        """The edges within reach of some nodes, from near to far."""
        parameters = {"as_of": self._view.as_of, "keys": to_json(self.reach(keys, hop))}
        return self._connection.execute(self._step(_ARCS, hop), parameters).fetchall()

    @gc_disabled()
    def shown(self, members: set[int] | Condition, request: PlanRequest) -> Subgraph:
        """A page of a set, with the edges from it into the set."""
        if self._view != NOW:
            return self._shown_then(members, request)
        if isinstance(members, set):
            return self._shown_set(members, request)
        page = Page(limit=request.limit, after=request.after)
        found = read.find(self._connection, members, page)
        rows = dict(found[: request.limit])
        cut = Cut(reason="limit") if len(found) > request.limit else None
        if cut is None and request.after is None:
            edges = self._links(rows, request, _AMONG, {"members": to_json(rows)})
        else:
            text, parameters = compiled(members, "m")
            edges = self._links(rows, request, _AMONG_MATCHING.format(condition=text), parameters)
        return Subgraph(node_rows=list(rows.values()), edge_rows=edges, cut=cut)

    def _shown_set(self, members: set[int], request: PlanRequest) -> Subgraph:
        keys = to_json(members)
        parameters = {"keys": keys, "after": request.after or "", "limit": request.limit + 1}
        found = self._connection.execute(_PAGE, parameters).fetchall()
        cut = None
        if len(found) > request.limit:
            last = found[request.limit - 1][1]
            count = self._connection.execute(_LEFT, {"keys": keys, "after": last}).fetchone()[0]
            cut = Cut(reason="limit", left=count)
        rows = {row[0]: read.node_row(row[1:]) for row in found[: request.limit]}
        edges = self._links(rows, request, _AMONG, {"members": keys})
        return Subgraph(node_rows=list(rows.values()), edge_rows=edges, cut=cut)

    def _links(
        self, page: dict[int, NodeRow], request: PlanRequest, among: str, members: dict[str, Any]
    ) -> list[EdgeRow]:
        """The edges from the nodes of a page to members of the whole."""
        hop = execute.hop(request.follow, "causes")
        parameters = {"keys": to_json(page), "as_of": self._view.as_of, **members}
        rows = self._connection.execute(
            hop_text(self._connection, hop, self._view) + among, parameters
        ).fetchall()
        names = {key: row.id for key, row in page.items()}
        names |= read.names_of(self._connection, {row[1] for row in rows} - names.keys())
        return read.edge_rows(self._connection, rows, names)

    def _shown_then(self, members: set[int] | Condition, request: PlanRequest) -> Subgraph:
        """As of an entry the reference does it: rows are worked out from what was said."""
        if isinstance(members, set):
            chosen = set(self._names(members).values())
        else:
            chosen = set(self._names(self.where(members)).values())
        sets = reference.Sets(self._store, self._view, self._clock)
        return sets.shown(chosen, request)

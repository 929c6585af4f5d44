# SPDX-License-Identifier: Apache-2.0
"""Writing: which records are new, their rows, and what readers then see of the nodes touched."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from lineage.ledger.log import Entry
from lineage.model import kinds, terms
from lineage.model.merge import mention
from lineage.model.record import Edge, Node, Record, variant
from lineage.store import prepare
from lineage.store.base import Statement

_KEYS = """
SELECT id, key, described, kind, until IS NULL FROM node
WHERE id IN (SELECT value FROM json_each(?))"""
_STANDING_STATEMENTS = """
SELECT s.node, n.id, s.kind, s.label, s.attributes, s.bundle, s.source
FROM statement s JOIN node n ON n.key = s.node
WHERE s.node IN (SELECT value FROM json_each(?)) AND s.until IS NULL"""
_NEW_NODE = "INSERT INTO node VALUES (?, ?, ?, ?, ?, ?, NULL, ?)"
_SHOW_NODE = """
UPDATE node SET kind = ?, label = ?, attributes = ?, until = NULL, described = ? WHERE key = ?"""
_END_NODE = "UPDATE node SET until = ? WHERE key = ? AND until IS NULL"
_NEW_STATEMENT = "INSERT INTO statement VALUES (?, ?, ?, ?, NULL, ?, ?, ?, ?)"
_NEW_EDGE = "INSERT INTO edge VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?)"
_HAS_EDGE = """
SELECT 1 FROM edge WHERE effect = ? AND relation = ? AND cause = ? AND variant = ? AND source = ?
AND until IS NULL"""
_END_EDGE = """
UPDATE edge SET until = ? WHERE effect = ? AND relation = ? AND cause = ? AND variant = ?
AND source = ? AND until IS NULL"""
_END_STATEMENT = """
UPDATE statement SET until = ? WHERE node = ? AND source = ? AND kind = ? AND label IS ?
AND attributes = ? AND bundle IS ? AND until IS NULL"""
_HAS_STATEMENT = """
SELECT 1 FROM statement WHERE node = ? AND source = ? AND kind = ? AND label IS ?
AND attributes = ? AND bundle IS ? AND until IS NULL"""
_SPOKEN_OF = """
SELECT DISTINCT relation, 0 FROM edge WHERE effect = :key AND until IS NULL
UNION ALL SELECT DISTINCT relation, 1 FROM edge WHERE cause = :key AND until IS NULL"""


@dataclass(slots=True)
class _Known:
    """A node that the file holds already."""

    key: int
    described: bool
    kind: str
    stands: bool


@dataclass(slots=True)
class Change:
    """One write in the making: everything is worked out before the first row is written."""

    connection: sqlite3.Connection
    source: int
    known: dict[str, _Known] = field(default_factory=dict)

    def look_up(self, idents: Collection[str]) -> None:
        """Learn which identifiers the file holds."""
        rows = self.connection.execute(_KEYS, (orjson.dumps(list(idents)).decode(),))
        self.known = {row[0]: _Known(row[1], bool(row[2]), row[3], bool(row[4])) for row in rows}

    def claimed(self, record: Record) -> bool:
        """Whether the source asserts the record now."""
        parameters = self._where(record)
        if parameters is None:
            return False
        query = _HAS_STATEMENT if isinstance(record, Node) else _HAS_EDGE
        return self.connection.execute(query, parameters).fetchone() is not None

    def _where(self, record: Record) -> tuple[object, ...] | None:
        """What finds a record's row; ``None`` where one of its ends is not even known."""
        if isinstance(record, Node):
            spot = self.known.get(record.id)
            said = prepare.statement(record)
            return None if spot is None else (spot.key, self.source, *said[1:])
        effect, cause = self.known.get(record.effect), self.known.get(record.cause)
        if effect is None or cause is None:
            return None
        code = terms.RELATIONS[record.relation].code
        return (effect.key, code, cause.key, variant(record), self.source)

    def apply(self, entry: Entry, added: Sequence[Record], gone: Sequence[Record]) -> None:
        """Write the rows of an entry, then what readers see of the nodes it touches."""
        for record in gone:
            self._end(record, entry.seq)
        families = prepare.ends(added)
        fresh = [ident for ident in families if ident not in self.known]
        keys = self._new_keys(fresh)
        statements = self._state(added, keys, entry.seq)
        self._draw(added, keys, entry.seq)
        self._show_fresh(fresh, keys, statements, families, entry.seq)
        touched = {i for i in families if i not in keys} | set(prepare.ends(gone))
        self._settle(touched, statements, families, {*prepare.ends(gone)}, entry.seq)

    def _new_keys(self, fresh: Iterable[str]) -> dict[str, int]:
        last = self.connection.execute("SELECT max(key) FROM node").fetchone()[0] or 0
        return {ident: last + number for number, ident in enumerate(fresh, 1)}

    def _key(self, ident: str, keys: dict[str, int]) -> int:
        return keys[ident] if ident in keys else self.known[ident].key

    def _state(
        self, added: Iterable[Record], keys: dict[str, int], seq: int
    ) -> dict[str, list[Statement]]:
        found: dict[str, list[Statement]] = {}
        rows = []
        for record in added:
            if isinstance(record, Node):
                said = prepare.statement(record)
                same = found.setdefault(record.id, [])
                rows.append((self._key(record.id, keys), self.source, seq, len(same), *said[1:]))
                same.append(said)
        rows.sort(key=_first)
        self.connection.executemany(_NEW_STATEMENT, rows)
        return found

    def _draw(self, added: Iterable[Record], keys: dict[str, int], seq: int) -> None:
        known, source = self.known, self.source
        rows = []
        for record in added:
            if isinstance(record, Edge):
                for arc in prepare.edge_arcs(record):
                    effect = keys.get(arc.effect) or known[arc.effect].key
                    cause = keys.get(arc.cause) or known[arc.cause].key
                    code = terms.RELATIONS[arc.relation].code
                    rows.append(
                        (effect, code, cause, arc.variant, source, seq, arc.follow, *arc[5:])
                    )
        rows.sort(key=_first_three)
        self.connection.executemany(_NEW_EDGE, rows)

    def _show_fresh(
        self,
        fresh: Iterable[str],
        keys: dict[str, int],
        statements: dict[str, list[Statement]],
        families: dict[str, set[str]],
        seq: int,
    ) -> None:
        rows = []
        for ident in fresh:
            said = statements.get(ident, [])
            shown = prepare.shown(ident, said, families[ident])
            rows.append((keys[ident], *shown, seq, bool(said)))
        self.connection.executemany(_NEW_NODE, rows)

    def _settle(
        self,
        touched: Collection[str],
        stated: Collection[str],
        families: dict[str, set[str]],
        gone: Collection[str],
        seq: int,
    ) -> None:
        """What readers now see of nodes that were there before."""
        changed = [i for i in touched if i in stated or i in gone or self._retyped(i, families)]
        if not changed:
            return
        keys = [self.known[ident].key for ident in changed]
        said: dict[str, list[Statement]] = {}
        query = (orjson.dumps(keys).decode(),)
        for row in self.connection.execute(_STANDING_STATEMENTS, query):
            said.setdefault(row[1], []).append(Statement(*row[1:6]))
        for ident in changed:
            spot = self.known[ident]
            spoken = set() if ident in said else self._spoken(ident, families, ident in gone)
            if ident in said or spoken:
                shown = prepare.shown(ident, said.get(ident, []), spoken)
                self.connection.execute(_SHOW_NODE, (*shown[1:], ident in said, spot.key))
            else:
                self.connection.execute(_END_NODE, (seq, spot.key))

    def _retyped(self, ident: str, families: dict[str, set[str]]) -> bool:
        """Whether new edges alone change what is shown of a node nobody describes."""
        spot = self.known[ident]
        if not spot.stands:
            return True
        told = (
            kinds.most_telling({spot.kind, *families.get(ident, ())}) if not spot.described else ""
        )
        return not spot.described and told != spot.kind

    def _spoken(self, ident: str, families: dict[str, set[str]], ended: bool) -> set[str]:
        """The families that edges give a node; asked of the file only where some have ended."""
        spot = self.known[ident]
        if not ended and not spot.described and spot.stands:
            return {spot.kind, *families.get(ident, ())}
        rows = self.connection.execute(_SPOKEN_OF, {"key": spot.key})
        return {mention(terms.BY_CODE[code].name)[end] for code, end in rows}

    def _end(self, record: Record, seq: int) -> None:
        if isinstance(record, Node):
            self.connection.execute(_END_STATEMENT, (seq, *(self._where(record) or ())))
            return
        for arc in prepare.edge_arcs(record):
            ends = (self.known[arc.effect].key, self.known[arc.cause].key)
            code = terms.RELATIONS[arc.relation].code
            row = (seq, ends[0], code, ends[1], arc.variant, self.source)
            self.connection.execute(_END_EDGE, row)


def _first(row: tuple[Any, ...]) -> Any:
    return row[0]


def _first_three(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[:3]

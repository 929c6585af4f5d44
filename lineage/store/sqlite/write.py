# SPDX-License-Identifier: Apache-2.0
"""Writes entries: which records are new, their rows, and what readers then see of the nodes
touched.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from lineage.ledger.log import Entry
from lineage.model import terms
from lineage.model.merge import mention
from lineage.model.record import Edge, Node, Record
from lineage.store import prepare
from lineage.store.claims import Stated, Statement
from lineage.store.sqlite import names, read, tally

_NOTHING: list[Stated] = []
_FOLLOWED = {name: terms.follows(name, {}) for name in terms.RELATIONS}
_CODES = {name: relation.code for name, relation in terms.RELATIONS.items()}
_KEYS = """
SELECT id, key, described, kind, until IS NULL FROM node
WHERE id IN (SELECT value FROM json_each(?))"""
_STANDING_STATEMENTS = """
SELECT (SELECT o.name FROM source o WHERE o.key = s.source), s.since, n.id, s.kind, s.label,
coalesce(nullif(s.attributes, ''), n.attributes), s.bundle
FROM statement s JOIN node n ON n.key = s.node
WHERE s.node IN (SELECT value FROM json_each(?)) AND s.until IS NULL"""
_NEW_NODE = "INSERT INTO node VALUES (?, ?, ?, ?, ?, ?, NULL, ?)"
_SHOW_NODE = """
UPDATE node SET kind = ?, label = ?, attributes = ?, until = NULL, described = ? WHERE key = ?"""
_END_NODE = "UPDATE node SET until = ? WHERE key = ? AND until IS NULL"
_NEW_STATEMENT = "INSERT INTO statement VALUES (?, ?, ?, ?, NULL, ?, ?, ?, ?)"
_NEW_EDGE = "INSERT INTO edge VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?)"
_SAID_BY = """
SELECT source FROM edge WHERE effect = ? AND relation = ? AND cause = ? AND variant = ? AND until IS NULL"""
_END_EDGE = """
UPDATE edge SET until = ? WHERE effect = ? AND relation = ? AND cause = ? AND variant = ?
AND source = ? AND until IS NULL"""
_END_STATEMENT = """
UPDATE statement SET until = ? WHERE node = ? AND source = ? AND kind = ? AND label IS ?
AND attributes = ? AND bundle IS ? AND until IS NULL"""
_HAS_STATEMENT = """
SELECT 1 FROM statement AS s WHERE node = ? AND source = ? AND kind = ? AND label IS ?
AND coalesce(nullif(attributes, ''), (SELECT n.attributes FROM node AS n WHERE n.key = s.node)) = ?
AND bundle IS ? AND until IS NULL"""
#: Attributes that the node's row showed alone are written out before that shows anything else.
_WRITE_OUT = """
UPDATE statement AS s SET attributes = (SELECT n.attributes FROM node AS n WHERE n.key = s.node)
WHERE s.node IN (SELECT value FROM json_each(?)) AND s.attributes = ''"""
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
    families: Mapping[str, Collection[str]] = field(default_factory=dict)
    wanted: int = 0
    counted: Counter[str] = field(default_factory=Counter)
    #: The sources that assert an edge: effect, relation, cause, variant.
    said: dict[tuple[int, ...], set[int]] = field(default_factory=dict)

    def look_up(self, records: Sequence[Record]) -> None:
        """Learn which of the nodes that records speak of the file holds."""
        self.wanted, self.families = len(records), prepare.ends(records)
        rows = self.connection.execute(_KEYS, (orjson.dumps(list(self.families)).decode(),))
        self.known = {row[0]: _Known(row[1], bool(row[2]), row[3], bool(row[4])) for row in rows}

        ask = self.connection.execute
        for record in records:
            if (
                isinstance(record, Edge)
                and record.effect in self.known
                and record.cause in self.known
            ):
                edge = self._edge(record)
                if sources := ask(_SAID_BY, edge).fetchall():
                    self.said[edge] = {source for (source,) in sources}

    def claimed(self, lines: Mapping[bytes, Record]) -> set[bytes]:
        """Which of these records the source asserts now; most are new, and cost no query."""
        known, ask = self.known, self.connection.execute
        found = set()
        for text, record in lines.items():
            if isinstance(record, Node):
                if record.id in known and ask(_HAS_STATEMENT, self._where(record)).fetchone():
                    found.add(text)
            elif (
                record.effect in known
                and record.cause in known
                and self.source in self.said.get(self._edge(record), ())
            ):
                found.add(text)
        return found

    def _where(self, node: Node) -> tuple[object, ...]:
        """What finds the statement of a node that is known."""
        return (self.known[node.id].key, self.source, *prepare.statement(node)[1:])

    def _edge(self, edge: Edge) -> tuple[int, ...]:
        """What finds the rows of an edge whose ends are known."""
        ends = self.known[edge.effect].key, self.known[edge.cause].key
        return (ends[0], _CODES[edge.relation], ends[1], prepare.facets(edge)[1])

    def apply(self, entry: Entry, added: Sequence[Record], gone: Sequence[Record]) -> int:
        """Write the rows of an entry, then what readers see of the nodes it touches: how many of those
        are new, or back.
        """
        ended = prepare.ends(gone)
        self._write_out((*added, *gone))
        for record in gone:
            self._end(record, entry.seq)
        families = self.families if not gone and len(added) == self.wanted else prepare.ends(added)
        fresh = [ident for ident in families if ident not in self.known]
        keys = self._keys(fresh)
        statements = self._state(added, keys, entry)
        self._draw(added, keys, entry.seq)
        self._show_fresh(fresh, keys, statements, families, entry.seq)
        touched = {ident for ident in families if ident in self.known}
        things = len(fresh) + sum(not self.known[ident].stands for ident in touched)
        self._settle(touched | ended.keys(), statements, families, ended, entry.seq)
        tally.add_to_tally(self.connection, self.counted)
        return things

    def _write_out(self, records: Iterable[Record]) -> None:
        stated = {record.id for record in records if isinstance(record, Node)}
        keys = [self.known[ident].key for ident in stated & self.known.keys()]
        if keys:
            self.connection.execute(_WRITE_OUT, (orjson.dumps(keys).decode(),))

    def _keys(self, fresh: Iterable[str]) -> dict[str, int]:
        """The inner key of every node spoken of, known or new."""
        last = self.connection.execute("SELECT max(key) FROM node").fetchone()[0] or 0
        keys = {ident: spot.key for ident, spot in self.known.items()}
        keys.update((ident, last + number) for number, ident in enumerate(fresh, 1))
        return keys

    def _state(
        self, added: Iterable[Record], keys: dict[str, int], entry: Entry
    ) -> dict[str, list[Stated]]:
        found: dict[str, list[Stated]] = {}
        for record in added:
            if isinstance(record, Node):
                said = Stated(prepare.statement(record), entry.source, entry.seq)
                found.setdefault(record.id, []).append(said)
        rows = []
        for ident, same in found.items():
            key = keys[ident]
            if len(same) == 1 and ident not in self.known:
                # The node's row shows its attributes, and nobody else's.
                _, kind, label, _, bundle = same[0].what
                rows.append((key, self.source, entry.seq, 0, kind, label, "", bundle))
                continue
            for slot, one in enumerate(same):
                _, kind, label, attributes, bundle = one.what
                rows.append((key, self.source, entry.seq, slot, kind, label, attributes, bundle))
        rows.sort()
        self.connection.executemany(_NEW_STATEMENT, rows)
        return found

    def _draw(self, added: Iterable[Record], keys: dict[str, int], seq: int) -> None:
        source = self.source
        new = 0
        rows: list[tuple[Any, ...]] = []
        for record in added:
            if not isinstance(record, Edge):
                continue
            relation, attributes = record.relation, record.attributes
            ends = keys[record.effect], _CODES[relation], keys[record.cause]
            shown, number = prepare.facets(record)
            new += (*ends, number) not in self.said and ends[1] not in read.IMPLIED
            follow = terms.follows(relation, attributes) if attributes else _FOLLOWED[relation]
            rows.append((*ends, number, source, seq, follow, shown, record.id, record.bundle))
            if relation in terms.IMPLIES:
                for arc in prepare.edge_arcs(record)[1:]:
                    ends = keys[arc.effect], _CODES[arc.relation], keys[arc.cause]
                    rows.append((*ends, arc.variant, source, seq, *arc[4:]))
        self.counted[tally.EDGES] += new
        rows.sort()
        self.connection.executemany(_NEW_EDGE, rows)

    def _show_fresh(
        self,
        fresh: Iterable[str],
        keys: dict[str, int],
        statements: dict[str, list[Stated]],
        families: Mapping[str, Collection[str]],
        seq: int,
    ) -> None:
        rows = []
        for ident in fresh:
            said = statements.get(ident, _NOTHING)
            shown = said[0].what if len(said) == 1 else prepare.shown(ident, said, families[ident])
            rows.append((keys[ident], *shown[:4], seq, bool(said)))
            self.counted[shown[1]] += 1
        self.connection.executemany(_NEW_NODE, rows)

    def _settle(
        self,
        touched: Collection[str],
        stated: Collection[str],
        families: Mapping[str, Collection[str]],
        gone: Collection[str],
        seq: int,
    ) -> None:
        """What readers now see of nodes that were there before."""
        changed = [i for i in touched if i in stated or i in gone or self._retyped(i, families)]
        if not changed:
            return
        keys = [self.known[ident].key for ident in changed]
        said: dict[str, list[Stated]] = {}
        query = (orjson.dumps(keys).decode(),)
        for source, since, *row in self.connection.execute(_STANDING_STATEMENTS, query):
            said.setdefault(row[0], []).append(Stated(Statement(*row), source, since))
        asked = [self.known[i].key for i, stated in said.items() if prepare.contested(stated)]
        before = read.ended(self.connection, asked)
        for ident in changed:
            spot = self.known[ident]
            spoken = set() if ident in said else self._spoken(ident, families, ident in gone)
            if spot.stands:
                self.counted[spot.kind] -= 1
            if ident in said or spoken:
                former = before.get(spot.key, ())
                shown = prepare.shown(ident, said.get(ident, []), spoken, former)
                names.add_later_name(self.connection, spot.key, shown.label, seq)
                self.connection.execute(_SHOW_NODE, (*shown[1:], ident in said, spot.key))
                self.counted[shown.kind] += 1
            else:
                self.connection.execute(_END_NODE, (seq, spot.key))

    def _retyped(self, ident: str, families: Mapping[str, Collection[str]]) -> bool:
        spot = self.known[ident]
        given = families.get(ident, ())
        return prepare.retyped(spot.kind, given, described=spot.described, stands=spot.stands)

    def _spoken(self, ident: str, families: Mapping[str, Collection[str]], ended: bool) -> set[str]:
        """The families that edges give a node; asked of the file only where some have ended."""
        spot = self.known[ident]
        if not ended and not spot.described and spot.stands:
            return {spot.kind, *families.get(ident, ())}
        rows = self.connection.execute(_SPOKEN_OF, {"key": spot.key})
        return {mention(terms.BY_CODE[code].name)[end] for code, end in rows}

    def _end(self, record: Record, seq: int) -> None:
        if isinstance(record, Node):
            self.connection.execute(_END_STATEMENT, (seq, *self._where(record)))
            return
        for arc in prepare.edge_arcs(record):
            ends = (self.known[arc.effect].key, self.known[arc.cause].key)
            code = _CODES[arc.relation]
            row = (seq, ends[0], code, ends[1], arc.variant, self.source)
            self.connection.execute(_END_EDGE, row)
            sources = self.said.pop(row[1:5], {self.source}) - {self.source}
            if sources:
                self.said[row[1:5]] = sources
            elif not arc.implied:
                self.counted[tally.EDGES] -= 1

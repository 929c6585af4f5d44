# SPDX-License-Identifier: Apache-2.0
"""Writing: worked out here from what the server knows, sent as few bulk statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import neo4j
import orjson

from lineage.errors import StoreDamaged
from lineage.ledger.log import Entry
from lineage.model import kinds
from lineage.model.merge import mention
from lineage.model.record import Node, Record
from lineage.model.vocabulary import Translation
from lineage.store import prepare
from lineage.store.base import NOW
from lineage.store.claims import Arc, Statement
from lineage.store.neo4j import compile as cypher
from lineage.store.rows import NodeRow

#: Rows in one statement; between a thousand and twenty thousand it makes no difference.
ROWS = 5_000


@dataclass(slots=True)
class Assertion:
    """A statement, who makes it, and from when to when: an element of a node's ``claims``."""

    what: Statement
    source: str
    since: int
    until: int | None = None

    def to_json(self) -> str:
        """As the text kept in the graph; the source stands first, so that it can be looked for."""
        return orjson.dumps([self.source, self.since, self.until, *self.what[1:]]).decode()

    @classmethod
    def of(cls, ident: str, text: str) -> Assertion:
        """Back from the text. Raises ``StoreDamaged`` for what is none."""
        try:
            source, since, until, *rest = orjson.loads(text)
            return cls(Statement(ident, *rest), source, since, until)
        except (ValueError, TypeError) as error:
            raise StoreDamaged(f"a claim about {ident} cannot be read: {error}") from error


@dataclass(slots=True)
class _KnownNode:
    kind: str
    stands: bool
    said: list[Assertion]

    @property
    def described(self) -> bool:
        return any(item.until is None for item in self.said)


def key_of(arc: Arc, source: str) -> str:
    """What is unique among standing claims: sixteen bytes over relation, ends, variant, source."""
    text = "\x00".join((arc.relation, arc.effect, arc.cause, str(arc.variant), source))
    return sha256(text.encode()).hexdigest()[:32]


def shown_properties(row: NodeRow) -> dict[str, Any]:
    """What people and the object mapper see of a node: the declared fields as properties."""
    properties: dict[str, Any] = {"uid": row.id, "kind": row.kind, "attributes": row.attributes}
    if row.label is not None:
        properties["label"] = row.label
    if row.attributes != "{}":
        held = orjson.loads(row.attributes)
        for field_ in kinds.fields_of(row.kind):
            value = held.get(field_.name)
            if isinstance(value, str | int | float | bool):
                properties[field_.name] = value
    return properties


@dataclass(slots=True)
class Change:
    """One write in the making, inside one transaction."""

    tx: neo4j.ManagedTransaction
    source: str
    known: dict[str, _KnownNode] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    def look_up(self, records: Collection[Record]) -> None:
        """Learn what the server holds of these records: nodes, and claims to edges."""
        for chunk in chunks(list(prepare.ends(records))):
            for uid, kind, stands, claims in self._lists(cypher.KNOWN, ids=chunk):
                said = [Assertion.of(uid, text) for text in claims]
                self.known[uid] = _KnownNode(kind, stands, said)
        wanted: dict[str, list[str]] = {}
        for record in records:
            if not isinstance(record, Node) and self._ends_known(record.effect, record.cause):
                arc = prepare.edge_arcs(record)[0]
                wanted.setdefault(arc.relation, []).append(key_of(arc, self.source))
        for relation, keys in sorted(wanted.items()):
            for chunk in chunks(keys):
                self.keys.update(self._lists(cypher.claimed_edges(relation), keys=chunk))

    def _ends_known(self, effect: str, cause: str) -> bool:
        return effect in self.known and cause in self.known

    def _lists(self, text: str, **parameters: Any) -> list[Any]:
        record = self.tx.run(text, parameters).single(strict=True)
        return list(record[0])

    def claimed(self, record: Record) -> bool:
        """Whether the source asserts the record now."""
        if isinstance(record, Node):
            return self._standing(record) is not None
        if not self._ends_known(record.effect, record.cause):
            return False
        return key_of(prepare.edge_arcs(record)[0], self.source) in self.keys

    def _standing(self, node: Node) -> Assertion | None:
        spot, what = self.known.get(node.id), prepare.statement(node)
        for item in spot.said if spot else ():
            if item.source == self.source and item.until is None and item.what == what:
                return item
        return None

    def apply(self, entry: Entry, added: Sequence[Record], gone: Sequence[Record]) -> None:
        """Send what an entry changes: ended claims, nodes, edges, and what nodes then show."""
        ended = self._end(gone, entry.seq)
        families = prepare.ends(added)
        said = self._state(added, entry.seq)
        fresh = [ident for ident in families if ident not in self.known]
        self._create(fresh, said, families, entry.seq)
        self._draw(added, entry.seq)
        touched = {ident for ident in (*families, *ended) if ident in self.known}
        self._settle(touched, said, families, ended, entry.seq)

    def _end(self, gone: Iterable[Record], seq: int) -> set[str]:
        keys: dict[str, list[str]] = {}
        for record in gone:
            if isinstance(record, Node):
                item = self._standing(record)
                if item is not None:
                    item.until = seq
            else:
                for arc in prepare.edge_arcs(record):
                    keys.setdefault(arc.relation, []).append(key_of(arc, self.source))
        for relation, rows in sorted(keys.items()):
            for chunk in chunks(rows):
                self.tx.run(cypher.end_edges(relation), keys=chunk, seq=seq).consume()
        return set(prepare.ends(gone))

    def _state(self, added: Iterable[Record], seq: int) -> dict[str, list[Assertion]]:
        found: dict[str, list[Assertion]] = {}
        for record in added:
            if isinstance(record, Node):
                item = Assertion(prepare.statement(record), self.source, seq)
                found.setdefault(record.id, []).append(item)
        return found

    def _create(
        self,
        fresh: Iterable[str],
        said: dict[str, list[Assertion]],
        families: Mapping[str, Collection[str]],
        seq: int,
    ) -> None:
        rows: dict[str, list[dict[str, Any]]] = {}
        for ident in fresh:
            items = said.get(ident, [])
            shown = prepare.shown(ident, [item.what for item in items], families[ident])
            row = {**shown_properties(shown), "since": seq, "claims": _texts(items)}
            rows.setdefault(shown.kind, []).append(row)
        for kind, chosen in sorted(rows.items()):
            for chunk in chunks(chosen):
                self.tx.run(cypher.new_nodes(kind), rows=chunk).consume()

    def _draw(self, added: Iterable[Record], seq: int) -> None:
        rows: dict[str, list[dict[str, Any]]] = {}
        for record in added:
            if not isinstance(record, Node):
                for arc in prepare.edge_arcs(record):
                    rows.setdefault(arc.relation, []).append(self._edge(arc, seq))
        for relation, chosen in sorted(rows.items()):
            chosen.sort(key=_ends)
            for chunk in chunks(chosen):
                result = self.tx.run(cypher.new_edges(relation), rows=chunk)
                if result.single(strict=True)[0] != len(chunk):
                    raise StoreDamaged(f"an end of a {relation} edge is missing")

    def _edge(self, arc: Arc, seq: int) -> dict[str, Any]:
        edge: dict[str, Any] = {
            cypher.KEY: key_of(arc, self.source),
            "variant": arc.variant,
            "follow": arc.follow,
            "attributes": arc.attributes,
            "asserted_by": self.source,
            "since": seq,
        }
        if arc.id is not None or arc.bundle is not None:
            edge["named"] = f"{arc.id or ''}{cypher.SEPARATOR}{arc.bundle or ''}"
        return {"effect": arc.effect, "cause": arc.cause, "edge": edge}

    def _settle(
        self,
        touched: Collection[str],
        said: dict[str, list[Assertion]],
        families: Mapping[str, Collection[str]],
        ended: Collection[str],
        seq: int,
    ) -> None:
        """What readers now see of nodes that were there before."""
        changed = sorted(
            i for i in touched if i in said or i in ended or self._retyped(i, families)
        )
        for ident in changed:
            self.known[ident].said += said.get(ident, [])
        spoken = self._spoken([i for i in changed if not self.known[i].described])
        shown: dict[str, list[dict[str, Any]]] = {}
        gone: list[dict[str, Any]] = []
        for ident in changed:
            spot = self.known[ident]
            standing = [item.what for item in spot.said if item.until is None]
            if not standing and not spoken[ident]:
                gone.append({"uid": ident, "claims": _texts(spot.said)})
                continue
            row = prepare.shown(ident, standing, spoken.get(ident, ()))
            properties = {**shown_properties(row), "claims": _texts(spot.said)}
            shown.setdefault(row.kind, []).append(properties)
        for kind, rows in sorted(shown.items()):
            for chunk in chunks(rows):
                self.tx.run(cypher.show_nodes(kind), rows=chunk).consume()
        for chunk in chunks(gone):
            self.tx.run(cypher.END_NODES, rows=chunk, seq=seq).consume()

    def _retyped(self, ident: str, families: Mapping[str, Collection[str]]) -> bool:
        spot = self.known[ident]
        given = families.get(ident, ())
        return prepare.retyped(spot.kind, given, described=spot.described, stands=spot.stands)

    def _spoken(self, idents: Sequence[str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for chunk in chunks(idents):
            for uid, *sides in self._lists(cypher.spoken_of(NOW), ids=chunk):
                found[uid] = families_of(sides, Translation({}))
        return found


def families_of(sides: Sequence[Sequence[str]], translation: Translation) -> set[str]:
    """The families that relationship types give a node: those it is the effect, the cause of."""
    return {
        mention(translation.relation(cypher.TYPES[type_]))[end]
        for end, types in enumerate(sides)
        for type_ in types
    }


def _texts(items: Iterable[Assertion]) -> list[str]:
    return [item.to_json() for item in items]


def _ends(row: dict[str, Any]) -> tuple[str, str]:
    return row["effect"], row["cause"]


def chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Rows in statements of a bounded size."""
    for start in range(0, len(rows), ROWS):
        yield rows[start : start + ROWS]

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
from lineage.model import terms
from lineage.model.merge import mention
from lineage.model.record import Node, Record
from lineage.model.vocabulary import Translation
from lineage.store import prepare
from lineage.store.claims import Arc, Statement
from lineage.store.neo4j import compile as cypher
from lineage.store.neo4j import ledger, past, properties
from lineage.store.neo4j.schema import KEY, TYPES
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
    said: list[Assertion]


#: Who asserts an edge, and the entries since when: two lists of one order.
_Asserted = tuple[list[str], list[int]]


def key_of(arc: Arc) -> str:
    """What is unique among edges: sixteen bytes over relation, ends and variant."""
    text = "\x00".join((arc.relation, arc.effect, arc.cause, str(arc.variant)))
    return sha256(text.encode()).hexdigest()[:32]


@dataclass(slots=True)
class Change:
    """One write in the making, inside one transaction."""

    tx: neo4j.ManagedTransaction
    source: str
    known: dict[str, _KnownNode] = field(default_factory=dict)
    edges: dict[str, _Asserted] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    #: Attributes that some node keeps otherwise than as a text (``properties.kept_otherwise``).
    otherwise: set[str] = field(default_factory=set)

    def look_up(self, records: Collection[Record]) -> None:
        """Learn what the server holds of these records: nodes, and claims to edges."""
        for chunk in chunks(list(prepare.ends(records))):
            known, gone = self.tx.run(cypher.KNOWN, ids=chunk).single(strict=True)
            for uid, kind, claims in known:
                said = [Assertion.of(uid, text) for text in claims]
                self.known[uid] = _KnownNode(kind, said)
            self.gone.update(gone)
        wanted: dict[str, list[str]] = {}
        for record in records:
            if not isinstance(record, Node) and self._ends_known(record.effect, record.cause):
                for arc in prepare.edge_arcs(record):
                    wanted.setdefault(arc.relation, []).append(key_of(arc))
        for relation, keys in sorted(wanted.items()):
            for chunk in chunks(keys):
                for key, *asserted in self._lists(cypher.claimed_edges(relation), keys=chunk):
                    sources, since = map(list, asserted)
                    self.edges[key] = sources, since

    def _ends_known(self, effect: str, cause: str) -> bool:
        return effect in self.known and cause in self.known

    def _lists(self, text: str, **parameters: Any) -> list[Any]:
        record = self.tx.run(text, parameters).single(strict=True)
        return list(record[0])

    def _run(self, text: str, rows: Sequence[Any], name: str = "rows") -> None:
        for chunk in chunks(rows):
            self.tx.run(text, {name: chunk}).consume()

    def claimed(self, record: Record) -> bool:
        """Whether the source asserts the record now."""
        if isinstance(record, Node):
            return self._standing(record) is not None
        if not self._ends_known(record.effect, record.cause):
            return False
        return self.source in self._asserted(prepare.edge_arcs(record)[0])[0]

    def _asserted(self, arc: Arc) -> _Asserted:
        return self.edges.get(key_of(arc), ([], []))

    def _standing(self, node: Node) -> Assertion | None:
        spot, what = self.known.get(node.id), prepare.statement(node)
        for item in spot.said if spot else ():
            if item.source == self.source and item.what == what:
                return item
        return None

    def apply(self, entry: Entry, added: Sequence[Record], gone: Sequence[Record]) -> int:
        """Send what an entry changes: ended claims, nodes, edges, and what nodes then show. How many
        nodes are new, or back.
        """
        ended = self._end_nodes(gone, entry.seq)
        families = prepare.ends(added)
        said = self._state(added, entry.seq)
        fresh = [ident for ident in families if ident not in self.known]
        self._create(fresh, said, families, entry.seq)
        self._draw(added, gone, entry.seq)
        touched = {ident for ident in (*families, *ended) if ident in self.known}
        self._settle(touched, said, families, ended, entry.seq)
        if self.otherwise:
            self.tx.run(ledger.KEEP_OTHERWISE, keys=sorted(self.otherwise)).consume()
        return len(fresh)

    def _shown(self, row: NodeRow) -> dict[str, Any]:
        """The properties of a node, noting those by which an index does not find it."""
        shown = properties.of_node(row)
        self.otherwise.update(properties.kept_otherwise(row, shown))
        return shown

    def _end_nodes(self, gone: Iterable[Record], seq: int) -> set[str]:
        rows = []
        for record in gone:
            item = self._standing(record) if isinstance(record, Node) else None
            if item is not None:
                self.known[item.what.id].said.remove(item)
                item.until = seq
                rows.append(
                    {
                        "uid": item.what.id,
                        "since": item.since,
                        "until": seq,
                        "claim": item.to_json(),
                    }
                )
        self._run(past.END_NODE_CLAIMS, rows)
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
        fresh: Sequence[str],
        said: dict[str, list[Assertion]],
        families: Mapping[str, Collection[str]],
        seq: int,
    ) -> None:
        self._run(past.COME_BACK, [ident for ident in fresh if ident in self.gone], "ids")
        rows: dict[str, list[dict[str, Any]]] = {}
        for ident in fresh:
            items = said.get(ident, [])
            shown = prepare.shown(ident, items, families[ident])
            own = {"since": self.gone.get(ident, seq), "claims": _texts(items)}
            rows.setdefault(shown.kind, []).append({**self._shown(shown), **own})
        for kind, chosen in sorted(rows.items()):
            self._run(cypher.new_nodes(kind), chosen)

    def _draw(self, added: Iterable[Record], gone: Iterable[Record], seq: int) -> None:
        """Edges that come, that other sources assert as well, and that nobody asserts any more."""
        new: dict[str, dict[str, dict[str, Any]]] = {}
        ended: list[dict[str, Any]] = []
        changed: dict[str, dict[str, Arc]] = {}
        for record in gone:
            for arc in () if isinstance(record, Node) else prepare.edge_arcs(record):
                sources, since = self._asserted(arc)
                if self.source in sources:
                    at = sources.index(self.source)
                    del sources[at]
                    ended.append(_ended(arc, self.source, since.pop(at), seq))
                    changed.setdefault(arc.relation, {})[key_of(arc)] = arc
        for record in added:
            for arc in () if isinstance(record, Node) else prepare.edge_arcs(record):
                key = key_of(arc)
                if key in self.edges:
                    sources, since = self.edges[key]
                    sources.append(self.source)
                    since.append(seq)
                    changed.setdefault(arc.relation, {})[key] = arc
                else:
                    new.setdefault(arc.relation, {})[key] = self._edge(arc, key, seq)
        self._run(past.END_EDGE_CLAIMS, ended)
        for relation, arcs in sorted(changed.items()):
            self._change(relation, arcs)
        for relation, rows in sorted(new.items()):
            for chunk in chunks(sorted(rows.values(), key=_ends)):
                result = self.tx.run(cypher.new_edges(relation), rows=chunk)
                if result.single(strict=True)[0] != len(chunk):
                    raise StoreDamaged(f"an end of a {relation} edge is missing")

    def _change(self, relation: str, arcs: Mapping[str, Arc]) -> None:
        rows, keys = [], []
        for key in sorted(arcs):
            sources, since = self.edges[key]
            if sources:
                rows.append({"key": key, **_asserted_by(sources, since)})
            else:
                keys.append(key)
        self._run(cypher.assert_edges(relation), rows)
        self._run(cypher.delete_edges(relation), keys, "keys")

    def _edge(self, arc: Arc, key: str, seq: int) -> dict[str, Any]:
        edge = {
            **properties.of_edge(arc.attributes),
            KEY: key,
            "variant": arc.variant,
            "follow": arc.follow,
            "attributes": arc.attributes,
            "asserted_by": [self.source],
            "since": seq,
        }
        if (named := _named(arc)) is not None:
            edge["named"] = named
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
        spoken = self._spoken([i for i in changed if not self.known[i].said])
        ended_claims = self._ended([i for i in changed if prepare.contested(self.known[i].said)])
        shown: dict[str, list[dict[str, Any]]] = {}
        gone: list[str] = []
        for ident in changed:
            spot = self.known[ident]
            if not spot.said and not spoken[ident]:
                gone.append(ident)
                continue
            before = ended_claims.get(ident, ())
            row = prepare.shown(ident, spot.said, spoken.get(ident, ()), before)
            row_properties = {**self._shown(row), "claims": _texts(spot.said)}
            shown.setdefault(row.kind, []).append(row_properties)
        for kind, rows in sorted(shown.items()):
            self._run(cypher.show_nodes(kind), rows)
        self._let_go(gone, seq)

    def _let_go(self, gone: Sequence[str], seq: int) -> None:
        """Nodes that nobody speaks of any more: what is kept is how they were shown last."""
        rows = [
            {
                name: value
                for name, value in (*zip(_SHOWN, row, strict=True), ("until", seq))
                if value is not None
            }
            for chunk in chunks(gone)
            for row in self._lists(cypher.SHOWN, ids=chunk)
        ]
        self._run(past.GO, rows)
        self._run(cypher.GONE_NODES, gone, "ids")

    def _retyped(self, ident: str, families: Mapping[str, Collection[str]]) -> bool:
        spot = self.known[ident]
        given = families.get(ident, ())
        return prepare.retyped(spot.kind, given, described=bool(spot.said), stands=True)

    def _ended(self, idents: Sequence[str]) -> dict[str, list[Assertion]]:
        """The claims about nodes that ended."""
        found: dict[str, list[Assertion]] = {}
        for chunk in chunks(idents):
            for uid, claims in self._lists(past.ENDED, ids=chunk):
                found[uid] = [Assertion.of(uid, text) for text in claims]
        return found

    def _spoken(self, idents: Sequence[str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for chunk in chunks(idents):
            for uid, *sides in self._lists(cypher.SPOKEN_OF, ids=chunk):
                found[uid] = families_of(sides, Translation({}))
        return found


_SHOWN = ("uid", "kind", "label", "attributes", "since")


def _named(arc: Arc) -> str | None:
    if arc.id is None and arc.bundle is None:
        return None
    return f"{arc.id or ''}{cypher.SEPARATOR}{arc.bundle or ''}"


def _asserted_by(sources: list[str], since: list[int]) -> dict[str, Any]:
    """Who asserts an edge; it has stood since the first of them, and where there is only one it needs
    no list to say since when.
    """
    among = since if len(since) > 1 else None
    return {"asserted_by": sources, "asserted_since": among, "since": min(since)}


def _ended(arc: Arc, source: str, since: int, until: int) -> dict[str, Any]:
    row = {
        "type": terms.RELATIONS[arc.relation].cypher,
        "effect": arc.effect,
        "cause": arc.cause,
        "variant": arc.variant,
        "follow": arc.follow,
        "attributes": arc.attributes,
        "source": source,
        "since": since,
        "until": until,
    }
    named = _named(arc)
    return row if named is None else {**row, "named": named}


def families_of(sides: Sequence[Sequence[str]], translation: Translation) -> set[str]:
    """The families that relationship types give a node: those it is the effect, the cause of."""
    return {
        mention(translation.relation(TYPES[type_]))[end]
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

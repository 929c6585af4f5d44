# SPDX-License-Identifier: Apache-2.0
"""Who said what, and since when: the claims of a store, those that ended among them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import orjson

from lineage.model.record import Record
from lineage.model.vocabulary import Translation
from lineage.store import prepare
from lineage.store.base import View, standing
from lineage.store.claims import Arc, Claim, NodeHistory
from lineage.store.neo4j import compile as cypher
from lineage.store.neo4j import ledger, past
from lineage.store.neo4j.client import Client
from lineage.store.neo4j.rows import edge_rows
from lineage.store.neo4j.schema import IMPLIED, TYPES
from lineage.store.neo4j.write import Assertion, chunks, families_of
from lineage.store.rows import NodeRow

#: Claims read in one transaction where there may be millions.
_SLICE = 20_000
#: Nodes whose whole history is read at a time.
_PAGE = 1_000


def node_rows(
    client: Client, rows: Sequence[Any], view: View, translation: Translation
) -> list[NodeRow]:
    """Nodes as a view of the past shows them, worked out from the claims that stood."""
    ever = {uid: [Assertion.of(uid, text) for text in claims] for uid, claims in rows}
    said = {
        uid: [item for item in items if standing(item.since, item.until, view)]
        for uid, items in ever.items()
    }
    for chunk in chunks([uid for uid, items in said.items() if prepare.contested(items)]):
        for uid, claims in client.one(past.ENDED_AT_ONE_HEAD, ids=chunk)[0]:
            ever[uid] += [Assertion.of(uid, text) for text in claims]
    silent = [uid for uid, items in said.items() if not items]
    spoken: dict[str, set[str]] = {}
    for chunk in chunks(silent):
        for uid, *sides in client.one(past.SPOKEN_OF, ids=chunk, as_of=view.as_of)[0]:
            spoken[uid] = families_of(sides, translation)
    return [
        prepare.shown(uid, items, spoken.get(uid, ()), ever[uid])
        for uid, items in said.items()
        if items or spoken.get(uid)
    ]


def identifiers(client: Client, after: str | None, limit: int, view: View) -> Sequence[str]:
    """See ``Store.identifiers``."""
    last = ledger.last(view)
    return list(client.one(past.IDENTIFIERS, after=after or "", limit=limit, last=last)[0])


def held(client: Client, ids: Collection[str], view: View) -> Mapping[str, NodeHistory]:
    """See ``Store.held``."""
    found: dict[str, tuple[NodeRow, Any, Any]] = {}
    claims: dict[str, list[Claim]] = {}
    for chunk in chunks(list(ids)):
        for uid, *row, since, until, texts in client.one(past.HELD_NODES, ids=chunk)[0]:
            found[uid] = (NodeRow(uid, *row), since, until)
            said = (Assertion.of(uid, text) for text in texts or ())
            claims[uid] = [Claim(item.what, item.source, item.since, item.until) for item in said]
        for effect, edges in client.one(past.HELD_EDGES, ids=chunk)[0]:
            claims.setdefault(effect, []).extend(claim_of(effect, *edge) for edge in edges)
    return {
        uid: NodeHistory(*shown, tuple(claims[uid])).up_to(view.as_of)
        for uid, shown in found.items()
    }


def claim_of(effect: str, type_: str, cause: str, *row: Any) -> Claim:
    """A claim to an edge, out of its properties (``compile.CLAIM``)."""
    variant, follow, attributes, named, *when = row
    ident, _, bundle = str(named or "").partition(cypher.SEPARATOR)
    names = ident or None, bundle or None
    return Claim(Arc(TYPES[type_], effect, cause, variant, follow, attributes, *names), *when)


def asserted(client: Client, source: str, view: View) -> Iterator[Record]:
    """See ``Store.asserted``."""
    if view.as_of is not None:
        yield from _asserted_then(client, source, view)
        return
    stem = "[" + orjson.dumps(source).decode() + ","
    for uid, texts in slices(client, cypher.ASSERTED_NODES, stem=stem):
        for text in texts:
            said = Assertion.of(uid, text)
            if said.source == source:
                yield said.what.node()
    for _, rows in slices(client, cypher.ASSERTED_EDGES, source=source, implied=IMPLIED):
        for row in edge_rows(rows):
            yield row.edge()


def _asserted_then(client: Client, source: str, view: View) -> Iterator[Record]:
    after: str | None = None
    while page := identifiers(client, after, _PAGE, view):
        for history in held(client, page, view).values():
            for claim in history.said(view.as_of):
                if claim.source == source:
                    yield claim.record
        after = page[-1]


def slices(client: Client, text: str, /, **parameters: Any) -> Iterator[Any]:
    """The rows of a read that lists so many behind an identifier, all of them, slice by slice."""
    after = ""
    while rows := client.one(text, after=after, limit=_SLICE, **parameters)[0]:
        yield from rows
        after = rows[-1][0]

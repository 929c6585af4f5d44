# SPDX-License-Identifier: Apache-2.0
"""Values kept beside graph and ledger in Neo4j, the terms of the store's vocabulary among them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import neo4j

from lineage.model.record import Record
from lineage.model.vocabulary import KEPT, Vocabulary
from lineage.store.neo4j import compile as cypher
from lineage.store.neo4j.client import Client
from lineage.store.neo4j.write import chunks
from lineage.version import __version__

_TERMS = {"prefix": KEPT, "after": "", "limit": 10_000}


def values(client: Client, names: Collection[str]) -> Mapping[str, bytes]:
    """See ``Store.values``."""
    rows = client.list(cypher.VALUES, names=sorted(names))
    return {name: bytes(value) for name, value in rows}


def values_under(
    client: Client, prefix: str, after: str | None, limit: int
) -> Sequence[tuple[str, bytes]]:
    """See ``Store.values_under``."""
    rows = client.list(cypher.VALUES_UNDER, prefix=prefix, after=after or "", limit=limit)
    return [(name, bytes(value)) for name, value in rows]


def keep(
    tx: neo4j.ManagedTransaction,
    changes: Mapping[str, bytes | None],
    expecting: Mapping[str, bytes | None],
) -> bool:
    """See ``Store.keep``. What a try whose outcome was never heard of has done is done."""
    found = {}
    if expecting:
        rows = tx.run(cypher.VALUES, names=sorted(expecting)).single(strict=True)[0]
        found = {name: bytes(value) for name, value in rows}
    if any(found.get(name) != value for name, value in expecting.items()):
        return all(name in changes and found.get(name) == changes[name] for name in expecting)
    kept = [[name, value] for name, value in changes.items() if value is not None]
    for rows in chunks(kept):
        tx.run(cypher.KEEP_VALUES, rows=rows).consume()
    for names in chunks([name for name, value in changes.items() if value is None]):
        tx.run(cypher.DROP_VALUES, names=names).consume()
    return True


def vocabulary(client: Client) -> Vocabulary:
    """The terms that the store keeps now."""
    return Vocabulary.of_values(
        {n: bytes(v) for n, v in client.list(cypher.VALUES_UNDER, **_TERMS)}
    )


def growing(
    tx: neo4j.ManagedTransaction, known: Vocabulary, count: int, added: Iterable[Record], where: str
) -> Vocabulary:
    """The terms that the store keeps, those of new records among them from this write on; ``known``
    are those that it kept when it was looked at last, ``count`` how many it keeps.

    Raises ``StoreTooNew`` where a newer version has kept some that this one does not know.
    """
    found = known
    if count != len(known.terms):
        rows = tx.run(cypher.VALUES_UNDER, _TERMS).single(strict=True)[0]
        found = Vocabulary.of_values({name: bytes(value) for name, value in rows})
    found.demand_known(where)
    if not (more := found.to_add(added, __version__)):
        return found
    kept = [[KEPT + name, term.to_bytes()] for name, term in sorted(more.items())]
    tx.run(cypher.KEEP_VALUES, rows=kept).consume()
    grown = found.grown(more)
    tx.run(cypher.COUNT_TERMS, terms=len(grown.terms)).consume()
    return grown

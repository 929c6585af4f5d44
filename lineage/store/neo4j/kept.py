# SPDX-License-Identifier: Apache-2.0
"""Values kept beside graph and ledger in Neo4j, the terms of the store's vocabulary among them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import neo4j

from lineage.model.record import Record
from lineage.model.vocabulary import KEPT, Vocabulary
from lineage.store.neo4j.client import Client
from lineage.store.neo4j.seal import Seal
from lineage.store.neo4j.write import chunks
from lineage.version import __version__

_VALUES = """
MATCH ()-[v:LEDGER_VALUE]->() USING INDEX SEEK v:LEDGER_VALUE(name) WHERE v.name IN $names
RETURN collect([v.name, v.value]) AS found"""
_VALUES_UNDER = """
MATCH ()-[v:LEDGER_VALUE]->() WHERE v.name STARTS WITH $prefix AND v.name > $after
WITH v ORDER BY v.name LIMIT $limit RETURN collect([v.name, v.value]) AS found"""
_KEEP = """
MATCH (l:Ledger {one: 1}) UNWIND $rows AS row
MERGE (l)-[v:LEDGER_VALUE {name: row[0]}]->(l) SET v.value = row[1]"""
_DROP = "UNWIND $names AS name MATCH ()-[v:LEDGER_VALUE {name: name}]->() DELETE v"
_COUNT_TERMS = "MATCH (l:Ledger {one: 1}) SET l.terms = $terms"
_TERMS = {"prefix": KEPT, "after": "", "limit": 10_000}


def values(client: Client, names: Collection[str]) -> Mapping[str, bytes]:
    """See ``Store.values``."""
    rows = client.list(_VALUES, names=sorted(names))
    return {name: client.seal.open(name, bytes(value)) for name, value in rows}


def values_under(
    client: Client, prefix: str, after: str | None, limit: int
) -> Sequence[tuple[str, bytes]]:
    """See ``Store.values_under``."""
    rows = client.list(_VALUES_UNDER, prefix=prefix, after=after or "", limit=limit)
    return [(name, client.seal.open(name, bytes(value))) for name, value in rows]


def keep(
    tx: neo4j.ManagedTransaction,
    seal: Seal,
    changes: Mapping[str, bytes | None],
    expecting: Mapping[str, bytes | None],
    noted: Callable[[], None] | None = None,
) -> bool:
    """See ``Store.keep``. What a try whose outcome was never heard of has done is done; ``noted`` makes
    the entry of an act, once.
    """
    found = {}
    if expecting:
        rows = tx.run(_VALUES, names=sorted(expecting)).single(strict=True)[0]
        found = {name: seal.open(name, bytes(value)) for name, value in rows}
    if any(found.get(name) != value for name, value in expecting.items()):
        return all(name in changes and found.get(name) == changes[name] for name in expecting)
    kept = [[name, seal.close(name, value)] for name, value in changes.items() if value is not None]
    for rows in chunks(kept):
        tx.run(_KEEP, rows=rows).consume()
    for names in chunks([name for name, value in changes.items() if value is None]):
        tx.run(_DROP, names=names).consume()
    if noted is not None:
        noted()
    return True


def vocabulary(client: Client) -> Vocabulary:
    """The terms that the store keeps now."""
    return Vocabulary.of_values({n: bytes(v) for n, v in client.list(_VALUES_UNDER, **_TERMS)})


def growing(
    tx: neo4j.ManagedTransaction, known: Vocabulary, count: int, added: Iterable[Record], where: str
) -> Vocabulary:
    """The terms that the store keeps, those of new records among them from this write on; ``known``
    are those that it kept when it was looked at last, ``count`` how many it keeps.

    Raises ``StoreTooNew`` where a newer version has kept some that this one does not know.
    """
    found = known
    if count != len(known.terms):
        rows = tx.run(_VALUES_UNDER, _TERMS).single(strict=True)[0]
        found = Vocabulary.of_values({name: bytes(value) for name, value in rows})
    found.demand_known(where)
    if not (more := found.to_add(added, __version__)):
        return found
    kept = [[KEPT + name, term.to_bytes()] for name, term in sorted(more.items())]
    tx.run(_KEEP, rows=kept).consume()
    grown = found.grown(more)
    tx.run(_COUNT_TERMS, terms=len(grown.terms)).consume()
    return grown

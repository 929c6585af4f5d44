# SPDX-License-Identifier: Apache-2.0
"""The layout of a database: its constraints and indexes, brought up to date when it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import neo4j

from lineage.errors import StoreDamaged
from lineage.store.base import LAYOUT
from lineage.store.migration import Migration, pending
from lineage.store.neo4j import compile as cypher
from lineage.store.neo4j import migrations
from lineage.store.neo4j.client import Client
from lineage.store.neo4j.connect import translated

#: Nodes in one part of a backup.
_TOGETHER = 500


def prepare(client: Client) -> None:
    """Lay out an empty database, or bring one to the latest layout, with every constraint and index.

    Raises ``StoreDamaged`` for a database that holds another graph, and ``StoreTooNew``.
    """
    _, _, layout, names = client.bare(cypher.READ_HEAD)
    if layout is None:
        if client.bare(cypher.HOLDS_ANYTHING)[0]:
            raise StoreDamaged(
                "the database holds a graph that is no lineage store",
                where=client.where,
                hint="Name an empty database (neo4j://host/name); this one was not changed.",
            )
        _lay_out(client, frozenset())
        return
    lacking = _lacking(client, layout)
    _lay_out(client, frozenset(names or ()))
    for migration in lacking:
        target = migrations.backup_of(client.where, migration.number - 1)
        migrations.back_up(target, _everything(client))
        client.write(partial(_carry_out, migration=migration))


def _lay_out(client: Client, made: frozenset[str]) -> None:
    """Make the constraints and indexes that there are not yet; the head remembers them."""
    lacking = [name for name in cypher.SCHEMA if name not in made]
    if not lacking:
        return
    constraints = [name for name in lacking if name not in cypher.INDEXES]
    with translated(client.where), client.session() as session:
        left = session.run(cypher.ORPHANS, names=constraints).single(strict=True)
        for name in left[0]:
            session.run(cypher.drop_index(name)).consume()
        for name in lacking:
            session.run(cypher.SCHEMA[name]).consume()
        session.run("CALL db.awaitIndexes(300)").consume()
        session.run(cypher.LOCK_HEAD, layout=LAYOUT).consume()
        session.run(cypher.MARK_SCHEMA, names=sorted(made.union(lacking))).consume()


def _lacking(client: Client, layout: int) -> list[Migration]:
    done = dict(client.bare(migrations.DONE)[0])
    return pending(migrations.MIGRATIONS, layout, done, client.where)


def _carry_out(tx: neo4j.ManagedTransaction, migration: Migration) -> None:
    # Another process may have carried it out while this one waited for the lock.
    tx.run(cypher.LOCK_HEAD, layout=LAYOUT).consume()
    layout = tx.run(cypher.READ_HEAD).single(strict=True)[2]
    if layout < migration.number:
        migrations.carry_out(tx, migration)


def _everything(client: Client) -> Iterator[Any]:
    skip = 0
    while rows := client.bare(migrations.EVERYTHING, skip=skip, limit=_TOGETHER)[0]:
        yield from rows
        skip += len(rows)

# SPDX-License-Identifier: Apache-2.0
"""The layout of a database: its constraints and indexes, brought up to date when it is opened."""

from __future__ import annotations

from collections.abc import Callable

from lineage.errors import StoreDamaged
from lineage.store.migration import pending
from lineage.store.neo4j import kept, ledger, migrations, schema
from lineage.store.neo4j.client import READ_HEAD, Client

_HOLDS_ANYTHING = "RETURN EXISTS { MATCH (n) }"
_MARK_SCHEMA = "MATCH (l:Ledger {one: 1}) SET l.schema = $names"


def prepare(client: Client, redraw: Callable[[], object]) -> None:
    """Lay out an empty database, or bring one to the latest layout, with every constraint and index.
    ``redraw`` draws the graph anew from the ledger.

    Raises ``StoreDamaged`` for a database that holds another graph, and ``StoreTooNew``.
    """
    _, _, layout, names = client.bare(READ_HEAD)
    former, done = client.bare(migrations.FORMER)
    if layout is None and former is None:
        # Somebody else may have laid it out since.
        if client.bare(_HOLDS_ANYTHING)[0] and client.bare(READ_HEAD)[2] is None:
            raise StoreDamaged(
                "the database holds a graph that is no lineage store",
                where=client.where,
                hint="Name an empty database (neo4j://host/name); this one was not changed.",
            )
        _lay_out(client, frozenset())
        return
    had = layout if former is None else former
    if pending(migrations.MIGRATIONS, had, dict(done), client.where):
        if former is not None:
            migrations.migrate(client, lambda: _lay_out(client, frozenset()), redraw)
        elif not kept.vocabulary(client).unknown:  # else it is only read
            migrations.redrawn(client, redraw)
    else:
        _lay_out(client, frozenset(names or ()))


def _lay_out(client: Client, made: frozenset[str]) -> None:
    """Make the constraints and indexes that there are not yet; the head remembers them."""
    lacking = [name for name in schema.SCHEMA if name not in made]
    if not lacking:
        return
    constraints = [name for name in lacking if name in schema.CONSTRAINTS]
    with client.watched(), client.session() as session:
        left = session.run(schema.ORPHANS, names=constraints).single(strict=True)
        for name in left[0]:
            session.run(schema.drop_index(name)).consume()
        for name in lacking:
            session.run(schema.SCHEMA[name]).consume()
        session.run("CALL db.awaitIndexes(300)").consume()
        session.run(ledger.LOCK_HEAD, layout=migrations.LAYOUT).consume()
        session.run(_MARK_SCHEMA, names=sorted(made.union(lacking))).consume()

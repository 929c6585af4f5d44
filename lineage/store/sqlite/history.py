# SPDX-License-Identifier: Apache-2.0
"""Who said what, and since when: the claims of a store, those that ended among them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from lineage.model.record import Record
from lineage.store.base import View
from lineage.store.claims import Arc, Claim, NodeHistory, Statement
from lineage.store.rows import NodeRow
from lineage.store.sqlite import ledger, read
from lineage.store.sqlite.connect import Connection
from lineage.store.sqlite.read import IMPLIED, to_json

_NODE_PAGE = "SELECT id FROM node WHERE id > ? AND since <= ? ORDER BY id LIMIT ?"
_HELD_NODES = """
SELECT key, id, kind, label, attributes, since, until FROM node
WHERE id IN (SELECT value FROM json_each(?))"""
_HELD_STATEMENTS = """
SELECT s.node, x.name, s.since, s.until, s.kind, s.label,
coalesce(nullif(s.attributes, ''), n.attributes), s.bundle
FROM statement s JOIN source x ON x.key = s.source JOIN node n ON n.key = s.node
WHERE s.node IN (SELECT value FROM json_each(?))"""
_HELD_EDGES = """
SELECT e.effect, x.name, e.since, e.until, e.relation, n.id, e.variant, e.follow, e.attributes,
e.id, e.bundle FROM edge e JOIN source x ON x.key = e.source JOIN node n ON n.key = e.cause
WHERE e.effect IN (SELECT value FROM json_each(?))"""
_ASSERTED_STATEMENTS = """
SELECT n.id, s.kind, s.label, coalesce(nullif(s.attributes, ''), n.attributes), s.bundle
FROM statement s JOIN node n ON n.key = s.node WHERE s.source = :source AND {view}"""
_ASSERTED_EDGES = """
SELECT n.id, e.relation, m.id, e.variant, e.follow, e.attributes, e.id, e.bundle
FROM edge e JOIN node n ON n.key = e.effect JOIN node m ON m.key = e.cause
WHERE e.source = :source AND {view} AND e.relation NOT IN (SELECT value FROM json_each(:implied))"""


def identifiers(connection: Connection, after: str | None, limit: int, view: View) -> Sequence[str]:
    """See ``Store.identifiers``."""
    rows = connection.execute(_NODE_PAGE, (after or "", ledger.last(view), limit))
    return [str(row[0]) for row in rows]


def held(connection: Connection, ids: Collection[str], view: View) -> Mapping[str, NodeHistory]:
    """See ``Store.held``."""
    nodes = connection.execute(_HELD_NODES, (to_json(ids),)).fetchall()
    keys = (to_json(row[0] for row in nodes),)
    names = {row[0]: row[1] for row in nodes}
    claims: dict[int, list[Claim]] = {key: [] for key in names}
    for key, source, since, until, *rest in connection.execute(_HELD_STATEMENTS, keys):
        claims[key].append(Claim(Statement(names[key], *rest), source, since, until))
    for key, source, since, until, code, *rest in connection.execute(_HELD_EDGES, keys):
        arc = arc_of(connection.names[code], names[key], rest)
        claims[key].append(Claim(arc, source, since, until))
    return {
        row[1]: NodeHistory(NodeRow(*row[1:5]), row[5], row[6], tuple(claims[row[0]])).up_to(
            view.as_of
        )
        for row in nodes
    }


def asserted(connection: Connection, source: str, view: View) -> Iterator[Record]:
    """See ``Store.asserted``; what is yielded was read before."""
    key = connection.execute("SELECT key FROM source WHERE name = ?", (source,)).fetchone()
    if key is None:
        return iter(())
    parameters = {"source": key[0], "as_of": view.as_of, "implied": to_json(IMPLIED)}
    query = _ASSERTED_STATEMENTS.format(view=read.standing(view, "s."))
    statements = connection.execute(query, parameters).fetchall()
    query = _ASSERTED_EDGES.format(view=read.standing(view, "e."))
    edges = connection.execute(query, parameters).fetchall()
    return chain(
        (Statement(*row).node() for row in statements),
        (
            arc_of(connection.names[code], effect, rest).row().edge()
            for effect, code, *rest in edges
        ),
    )


def arc_of(relation: str, effect: str, rest: Sequence[Any]) -> Arc:
    """Put an arc together, of its relation, its effect and the other columns."""
    cause, variant, follow, *tail = rest
    return Arc(relation, effect, cause, variant, bool(follow), *tail)

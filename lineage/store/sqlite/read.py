# SPDX-License-Identifier: Apache-2.0
"""Reading: one-hop steps, the walk level by level, filters, and nodes as of an entry."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from heapq import nsmallest
from itertools import islice
from operator import eq
from typing import Any

import orjson

from lineage.gc_pause import gc_disabled
from lineage.model import terms
from lineage.model.merge import mention
from lineage.query.condition import Condition
from lineage.store import prepare
from lineage.store.base import Cut, Hop, Page, Reach, Subgraph, View, Walk
from lineage.store.claims import Stated, Statement
from lineage.store.reference import Clock, reach_of
from lineage.store.rows import EdgeRow, NodeRow
from lineage.store.sqlite import names
from lineage.store.sqlite.connect import Connection
from lineage.store.sqlite.select import Searched, Way, searched, ways

_edge_row: Callable[[tuple[Any, ...]], EdgeRow] = partial(tuple.__new__, EdgeRow)
node_row: Callable[[tuple[Any, ...]], NodeRow] = partial(tuple.__new__, NodeRow)
#: The codes of relations that only stand because an edge implies them.
IMPLIED: frozenset[int] = frozenset(one.code for one in terms.TABLE if one.implied_by)
_SAMENESS = terms.RELATIONS[terms.SAMENESS].code

_NODES_BY_ID = """
SELECT key, id, kind, label, attributes FROM node
WHERE id IN (SELECT value FROM json_each(?)) AND until IS NULL"""
_NODES_BY_KEY = """
SELECT key, id, kind, label, attributes FROM node WHERE key IN (SELECT value FROM json_each(?))"""
_KEYS_BY_ID = "SELECT key, id FROM node WHERE id IN (SELECT value FROM json_each(?))"
_NAMES_BY_KEY = "SELECT id, kind FROM node WHERE key IN (SELECT value FROM json_each(?))"
_KINDS_BY_KEY = """
SELECT kind, count(*) FROM node WHERE key IN (SELECT value FROM json_each(?)) GROUP BY kind"""
_IDS_BY_KEY = "SELECT key, id FROM node WHERE key IN (SELECT value FROM json_each(?))"
_STATEMENTS = """
SELECT s.node, (SELECT o.name FROM source o WHERE o.key = s.source), s.since, s.kind, s.label,
coalesce(nullif(s.attributes, ''), n.attributes), s.bundle
FROM statement s JOIN node n ON n.key = s.node
WHERE s.node IN (SELECT value FROM json_each(:keys)) AND {view}"""
_ENDED = """
SELECT node, (SELECT s.name FROM source s WHERE s.key = source), since, '', kind, label, '', ''
FROM statement
WHERE node IN (SELECT value FROM json_each(?)) AND until IS NOT NULL"""
_SPOKEN_OF = """
SELECT effect, relation, 0 FROM edge WHERE effect IN (SELECT value FROM json_each(:keys)) AND {view}
UNION SELECT cause, relation, 1 FROM edge WHERE cause IN (SELECT value FROM json_each(:keys))
AND {view}"""
#: A level form: the frontier drives, so no planner of any age turns it into a scan (see
#: docs/reference/engines.md on the bloom filter of SQLite 3.40).
_HOP = """
SELECT e.effect, e.cause, e.relation, nullif(e.attributes, '{{}}'), e.id, e.bundle FROM edge e
WHERE e.{near} {keys} AND {view} AND {taken}"""
#: Rows that are put together at once: enough for that to cost little, few enough to hold beside the answer.
_TOGETHER = 20_000
#: Not the column itself, which an index has in order: it would be scanned for that.
_FAR = """
SELECT DISTINCT +e.{far} FROM edge e WHERE e.{near} {keys} AND {view} AND {taken}"""
MANY, ONE = "IN (SELECT value FROM json_each(:keys))", "= :keys"
_FIND = "SELECT key, id, kind, label, attributes FROM {through} WHERE until IS NULL AND {sql}"
_AMONG_FIRST = """
AND id <= (SELECT id FROM node WHERE id > coalesce(:after, '') ORDER BY id LIMIT 1 OFFSET 3000)"""
_IN_ORDER = " ORDER BY id LIMIT :limit"

_VIEW_NOW = "{0}until IS NULL"
_VIEW_THEN = "{0}since <= :as_of AND ({0}until IS NULL OR {0}until > :as_of)"


def standing(view: View, alias: str = "") -> str:
    """Write the condition of standing in a view."""
    return (_VIEW_NOW if view.as_of is None else _VIEW_THEN).format(alias)


def to_json(values: Iterable[Any]) -> str:
    """Write values as the one parameter that json_each unfolds."""
    return orjson.dumps(list(values)).decode()


def hop_text(
    connection: Connection, hop: Hop, view: View, keys: str = MANY, form: str = _HOP
) -> str:
    """Write the statement of one hop, from many nodes or from one."""
    near, far = ("effect", "cause") if hop.toward == "causes" else ("cause", "effect")
    shown = standing(view, "e.")
    return form.format(near=near, far=far, keys=keys, view=shown, taken=taken(connection, hop))


def taken(connection: Connection, hop: Hop) -> str:
    """Write the condition on edges that a hop takes; relations are written by their codes."""
    if hop.relations is None:
        return "+e.follow"
    codes = sorted(connection.codes[name] for name in hop.relations)
    named = f"+e.relation IN ({', '.join(str(code) for code in codes)})"
    if hop.followed:
        return f"{named} AND e.follow"
    return f"{named} AND (e.relation <> {_SAMENESS} OR e.follow)" if hop.tied else named


def keys_of(connection: Connection, idents: Collection[str]) -> dict[int, str]:
    """Look up the inner keys of identifiers."""
    return dict(connection.execute(_KEYS_BY_ID, (to_json(idents),)))


def names_of(connection: Connection, keys: Collection[int]) -> dict[int, str]:
    """Look up the identifiers of inner keys."""
    return dict(connection.execute(_IDS_BY_KEY, (to_json(keys),))) if keys else {}


def get(connection: Connection, idents: Collection[str], view: View) -> dict[str, NodeRow]:
    """Read the nodes of these identifiers in a view."""
    if view.as_of is None:
        rows = connection.execute(_NODES_BY_ID, (to_json(idents),))
        return {row[1]: NodeRow(*row[1:]) for row in rows}
    named = keys_of(connection, idents)
    return {row.id: row for row in as_of(connection, named, view).values()}


def as_of(connection: Connection, named: Mapping[int, str], view: View) -> dict[int, NodeRow]:
    """Read nodes as a view shows them, worked out from the statements and edges standing in it."""
    parameters = {"keys": to_json(named), "as_of": view.as_of}
    said: dict[int, list[Stated]] = {}
    rows = connection.execute(_STATEMENTS.format(view=standing(view, "s.")), parameters)
    for key, source, since, *rest in rows:
        said.setdefault(key, []).append(Stated(Statement(named[key], *rest), source, since))
    parameters["keys"] = to_json(key for key in named if key not in said)
    spoken: dict[int, set[str]] = {}
    for key, code, end in connection.execute(_SPOKEN_OF.format(view=standing(view)), parameters):
        spoken.setdefault(key, set()).add(mention(connection.known[code])[end])
    asked = [key for key, stated in said.items() if prepare.contested(stated)]
    before = ended(connection, asked)
    return {
        key: prepare.shown(ident, said.get(key, []), spoken.get(key, ()), before.get(key, ()))
        for key, ident in named.items()
        if key in said or key in spoken
    }


def ended(connection: sqlite3.Connection, keys: Collection[int]) -> dict[int, list[Stated]]:
    """What was stated of nodes and has ended, as far as ``prepare.shown`` asks: by whom, when, kind and
    label.
    """
    found: dict[int, list[Stated]] = {}
    if keys:
        for key, source, since, *rest in connection.execute(_ENDED, (to_json(keys),)):
            found.setdefault(key, []).append(Stated(Statement(*rest), source, since))
    return found


def edges(connection: Connection, idents: Collection[str], hop: Hop, view: View) -> list[EdgeRow]:
    """Read the edges that one hop takes."""
    keys = keys_of(connection, idents)
    parameters = {"keys": to_json(keys), "as_of": view.as_of}
    rows = connection.execute(hop_text(connection, hop, view), parameters).fetchall()
    ends = {row[0] for row in rows} | {row[1] for row in rows}
    names = names_of(connection, ends)
    return edge_rows(connection, rows, names)


def edge_rows(
    connection: Connection, rows: list[tuple[Any, ...]], names: Mapping[int, str]
) -> list[EdgeRow]:
    """Rows with identifiers, which the list of rows is emptied for; what several sources assert alike is one
    edge.

    Rows come in the order of their key, so that such rows are neighbours: looking for equal
    neighbours is much cheaper than a set, and mostly there are none. Put together column by
    column, which costs half of a loop over rows. Most edges have no attributes: these share one text.
    """
    name, made = names.__getitem__, list[EdgeRow]()
    while some := rows[:_TOGETHER]:
        del rows[:_TOGETHER]
        effects, causes, relations, attributes, *rest = zip(*some, strict=True)
        columns = zip(
            map(connection.names.__getitem__, relations),
            map(name, effects),
            map(name, causes),
            [text or "{}" for text in attributes],
            *rest,
            strict=False,
        )
        made += map(_edge_row, columns)
    return list(dict.fromkeys(made)) if any(map(eq, made, islice(made, 1, None))) else made


@gc_disabled()
def walk(connection: Connection, wanted: Walk, view: View) -> Subgraph:
    """Walk as ``reference.walk`` does, over inner keys: one statement a level."""
    seen, rows, cut = _levels(connection, wanted, view, _HOP)
    return _subgraph(connection, seen, rows, cut, view)


def reach(connection: Connection, wanted: Walk, view: View, *, counts: bool) -> Reach:
    """Walk likewise, without reading edges, and nodes as far as they are asked for."""
    seen, _, cut = _levels(connection, wanted, view, _FAR)
    if view.as_of is not None:
        rows = as_of(connection, names_of(connection, seen), view).values()
        return reach_of(((row.id, row.kind) for row in rows), cut, counts=counts)
    if counts:
        return Reach(kinds=dict(connection.execute(_KINDS_BY_KEY, (to_json(seen),))), cut=cut)
    nodes = connection.execute(_NAMES_BY_KEY, (to_json(seen),))
    return reach_of(nodes, cut)


def _levels(
    connection: Connection, wanted: Walk, view: View, form: str
) -> tuple[set[int], list[tuple[Any, ...]], Cut | None]:
    """The keys within reach of a walk, the rows of its edges where the form of a hop has them, and why
    it was cut.
    """
    many = hop_text(connection, wanted.hop, view, form=form)
    one = hop_text(connection, wanted.hop, view, ONE, form=form)
    parameters: dict[str, Any] = {"as_of": view.as_of}
    far = 0 if form == _FAR or wanted.toward == "effects" else 1
    level = set(starts(connection, wanted.start, view))
    seen = set(level)
    rows: list[tuple[Any, ...]] = []
    cut: Cut | None = None
    depth = 0
    clock = Clock(wanted.seconds)
    while level:
        if clock.out:
            cut = Cut(reason="time")
            break
        # Deep lineage is narrow: a level of one node is most of a long chain.
        parameters["keys"] = to_json(level) if len(level) > 1 else next(iter(level))
        found = connection.execute(many if len(level) > 1 else one, parameters).fetchall()
        reached = {row[far] for row in found} - seen
        if wanted.depth is not None and depth >= wanted.depth:
            cut = Cut(reason="depth", left=len(reached)) if found else None
            break
        if form == _FAR:
            found = []
        if len(seen) + len(reached) > wanted.limit:
            kept = _first_by_id(connection, reached, max(0, wanted.limit - len(seen)))
            cut = Cut(reason="limit", left=len(reached) - len(kept))
            seen |= kept
            rows += [row for row in found if row[far] in seen]
            break
        seen |= reached
        rows += found
        level = reached
        depth += 1
    return seen, rows, cut


def starts(connection: Connection, idents: Collection[str], view: View) -> Mapping[int, object]:
    """Look up the keys of identifiers that stand in a view."""
    if view.as_of is None:
        return {row[0]: row for row in connection.execute(_NODES_BY_ID, (to_json(idents),))}
    return as_of(connection, keys_of(connection, idents), view)


def _first_by_id(connection: Connection, keys: Collection[int], count: int) -> set[int]:
    named = names_of(connection, keys)
    return set(nsmallest(count, named, key=named.__getitem__))


def _subgraph(
    connection: Connection,
    seen: Collection[int],
    rows: list[tuple[Any, ...]],
    cut: Cut | None,
    view: View,
) -> Subgraph:
    if view.as_of is None:
        names, nodes = dict[int, str](), list[NodeRow]()
        found = connection.execute(_NODES_BY_KEY, (to_json(seen),))
        while some := found.fetchmany(_TOGETHER):
            keys, *columns = zip(*some, strict=True)
            names.update(zip(keys, columns[0], strict=True))
            nodes += map(node_row, zip(*columns, strict=True))
    else:
        names = names_of(connection, seen)
        nodes = list(as_of(connection, names, view).values())
    return Subgraph(node_rows=nodes, edge_rows=edge_rows(connection, rows, names), cut=cut)


def find(connection: Connection, condition: Condition, page: Page) -> list[tuple[int, NodeRow]]:
    """Find at most one row more than the page holds, by identifier, each with its key."""
    if (search := searched(condition)) is None:
        rows = connection.execute(*find_text(ways(condition), page)).fetchall()
    elif (keys := _named(connection, search)) is not None:
        text, parameters = find_text(search.among, page)
        rows = connection.execute(text, {**parameters, "keys": to_json(keys)}).fetchall()
    else:
        # What is in many names is soon found among the first things.
        rows = connection.execute(*find_text(ways(condition), page, more=_AMONG_FIRST)).fetchall()
        if len(rows) <= page.limit:
            rows = connection.execute(*find_text([search.whole], page)).fetchall()
    return [(row[0], node_row(row[1:])) for row in rows]


def _named(connection: Connection, search: Searched) -> list[int] | None:
    return names.candidates(connection, search.terms) if search.terms else None


def find_text(ways: Iterable[Way], page: Page, more: str = "") -> tuple[str, dict[str, Any]]:
    """Write the one statement, and its parameters, that goes all of these ways at once, in order."""
    beyond = more if page.after is None else more + " AND id > :after"
    parameters: dict[str, Any] = {"limit": page.limit + 1, "after": page.after}
    texts = []
    for way in ways:
        texts.append(_FIND.format(through=way.through, sql=way.sql) + beyond)
        parameters.update(way.parameters)
    return " UNION ALL ".join(texts) + _IN_ORDER, parameters

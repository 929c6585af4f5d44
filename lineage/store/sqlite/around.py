# SPDX-License-Identifier: Apache-2.0
"""What is next to one node and who says so: of much of it a part, and how much more there is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, NamedTuple

from lineage.store.base import View
from lineage.store.claims import Arc, Around, Claim, Statement, either_side
from lineage.store.rows import EdgeRow
from lineage.store.sqlite import read
from lineage.store.sqlite.connect import Connection
from lineage.store.sqlite.history import arc_of

#: In the order of the indexes, so that only what is wanted is read. Of an edge to itself one side is enough.
_NEXT = """
SELECT e.effect, x.name, e.since, e.until, e.relation, e.cause, e.variant, e.follow, e.attributes,
e.id, e.bundle FROM edge e CROSS JOIN source x ON x.key = e.source
WHERE e.{near} = :key AND {view} AND {asserted} ORDER BY e.relation, e.{far}, e.variant"""
_COUNT_NEXT = """
SELECT count(*) FROM (SELECT DISTINCT e.relation, e.{far}, e.variant FROM edge e
  WHERE e.{near} = :key AND {view} AND {asserted})"""
_COUNT_CLAIMS = "SELECT count(*) FROM edge e WHERE e.{near} = :key AND {view} AND {asserted}"
_STATED = """
SELECT x.name, s.since, s.until, s.kind, s.label,
coalesce(nullif(s.attributes, ''), n.attributes), s.bundle
FROM statement s JOIN source x ON x.key = s.source JOIN node n ON n.key = s.node
WHERE s.node = :key AND {view} LIMIT :most"""
_COUNT_STATED = "SELECT count(*) FROM statement s WHERE s.node = :key AND {view}"

_ASSERTED = f"e.relation NOT IN ({', '.join(map(str, sorted(read.IMPLIED)))})"


def around(connection: Connection, ident: str, most: int, view: View) -> Around:
    """See ``Store.around``: half of the edges on either side, or more where the other has fewer."""
    row = connection.execute("SELECT key FROM node WHERE id = ?", (ident,)).fetchone()
    return Around((), ()) if row is None else _Look(connection, ident, row[0], most, view).answer()


class _Next(NamedTuple):
    """Rows of what is on one side of a node, and whether these are all."""

    rows: list[Any]
    whole: bool


class _Look:
    """One look around a node. Rows of edges begin with the key of the effect, the source, when it was
    asserted and retracted, the relation, the key of the cause, and the variant.
    """

    def __init__(self, connection: Connection, ident: str, key: int, most: int, view: View) -> None:
        self._connection, self._ident, self._most = connection, ident, most
        self._parameters = {"key": key, "most": most, "as_of": view.as_of}
        self._edge, self._statement = (read.standing(view, alias) for alias in ("e.", "s."))
        self._names = {key: ident}

    def answer(self) -> Around:
        causes, effects = self._next("effect", "cause"), self._next("cause", "effect")
        others = {row[5] for row in causes.rows} | {row[0] for row in effects.rows}
        self._names |= read.names_of(self._connection, others)
        above, below = self._edges(causes.rows), self._edges(effects.rows)
        shown = either_side(above, below, self._most)
        edges = len(above) if causes.whole else self._count(_COUNT_NEXT, "effect", "cause")
        edges += len(below) if effects.whole else self._count(_COUNT_NEXT, "cause", "effect")
        stated = self._read(_STATED, view=self._statement).fetchall()
        claims = [Claim(Statement(self._ident, *row[3:]), *row[:3]) for row in stated]
        claims += [Claim(self._arc(row), *row[1:4]) for row in causes.rows]
        said = len(stated)
        if said == self._most:
            [[said]] = self._read(_COUNT_STATED, view=self._statement)
        said += len(causes.rows) if causes.whole else self._count(_COUNT_CLAIMS, "effect", "cause")
        kept = claims[: self._most]
        return Around(shown, kept, edges - len(shown), said - len(kept))

    def _read(self, form: str, **parts: str) -> sqlite3.Cursor:
        text = form.format(asserted=_ASSERTED, **parts)
        return self._connection.execute(text, self._parameters)

    def _next(self, near: str, far: str) -> _Next:
        """The first edges on a side: what several sources assert alike is one."""
        cursor = self._read(_NEXT, near=near, far=far, view=self._side(near))
        rows: list[Any] = []
        once: set[tuple[Any, ...]] = set()
        for row in cursor:
            once.add((row[0], *row[4:7]))
            if len(once) > self._most:
                cursor.close()
                return _Next(rows, whole=False)
            rows.append(row)
        return _Next(rows, whole=True)

    def _side(self, near: str) -> str:
        """An edge of a node to itself is on the side of its causes alone."""
        return self._edge + (" AND e.effect <> :key" if near == "cause" else "")

    def _count(self, form: str, near: str, far: str) -> int:
        """How many there are on a side."""
        return int(self._read(form, near=near, far=far, view=self._side(near)).fetchone()[0])

    def _edges(self, rows: Iterable[Any]) -> list[EdgeRow]:
        return list(dict.fromkeys(self._arc(row).row() for row in rows))

    def _arc(self, row: Any) -> Arc:
        effect, _, _, _, code, cause, *rest = row
        names = self._names
        return arc_of(self._connection.names[code], names[effect], [names[cause], *rest])

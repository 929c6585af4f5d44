# SPDX-License-Identifier: Apache-2.0
"""What is next to one node and who says so: of much of it a part, and how much more there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

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
WHERE e.{near} = :key AND {view} AND {asserted} ORDER BY e.relation, e.{far} LIMIT :most"""
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
        others = {row[5] for row in causes} | {row[0] for row in effects}
        self._names |= read.names_of(self._connection, others)
        above, below = self._edges(causes), self._edges(effects)
        shown = either_side(above, below, self._most)
        edges = self._size("effect", "cause", causes) + self._size("cause", "effect", effects)
        stated = self._read(_STATED, view=self._statement)
        claims = [Claim(Statement(self._ident, *row[3:]), *row[:3]) for row in stated]
        claims += [Claim(self._arc(row), *row[1:4]) for row in causes]
        said = self._count(stated, _COUNT_STATED, view=self._statement)
        said += self._count(causes, _COUNT_CLAIMS, near="effect", view=self._edge)
        kept = claims[: self._most]
        return Around(shown, kept, edges - len(shown), said - len(kept))

    def _read(self, form: str, **parts: str) -> list[Any]:
        text = form.format(asserted=_ASSERTED, **parts)
        return self._connection.execute(text, self._parameters).fetchall()

    def _next(self, near: str, far: str) -> list[Any]:
        return self._read(_NEXT, near=near, far=far, view=self._side(near))

    def _side(self, near: str) -> str:
        """An edge of a node to itself is on the side of its causes alone."""
        return self._edge + (" AND e.effect <> :key" if near == "cause" else "")

    def _size(self, near: str, far: str, rows: Sequence[Any]) -> int:
        """How many edges there are on a side: what several sources assert alike is one."""
        if len(rows) < self._most:
            return len({(row[0], *row[4:7]) for row in rows})
        return self._count(rows, _COUNT_NEXT, near=near, far=far, view=self._side(near))

    def _count(self, rows: Sequence[Any], form: str, **parts: str) -> int:
        """How many rows there are; those that were read tell where they are all."""
        return len(rows) if len(rows) < self._most else int(self._read(form, **parts)[0][0])

    def _edges(self, rows: Iterable[Any]) -> list[EdgeRow]:
        return list(dict.fromkeys(self._arc(row).row() for row in rows))

    def _arc(self, row: Any) -> Arc:
        effect, _, _, _, code, cause, *rest = row
        names = self._names
        return arc_of(self._connection.names[code], names[effect], [names[cause], *rest])

# SPDX-License-Identifier: Apache-2.0
"""Finds what is damaged in a file below the model, and what was put into it that is not ours."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

from lineage.store.sqlite import names, tally
from lineage.store.sqlite.connect import Connection, statements

#: What is in the file beside what lays out a store: SQLite's own, such as the statistics of ANALYZE.
_FOREIGN = """
SELECT type, name, coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite@_%' ESCAPE '@'"""
#: Nodes that are said to be described by a source and are not, or the other way round.
_UNDESCRIBED = """
SELECT n.id, n.described FROM node AS n WHERE n.until IS NULL AND n.described != EXISTS (
  SELECT 1 FROM statement AS s WHERE s.node = n.key AND s.until IS NULL) ORDER BY n.id LIMIT 100"""
#: What one source says of one node in one entry is numbered from nought.
_SLOTS = """
SELECT n.id FROM statement AS s JOIN node AS n ON n.key = s.node GROUP BY s.node, s.source, s.since
HAVING min(s.slot) != 0 OR max(s.slot) != count(*) - 1 ORDER BY n.id LIMIT 100"""
_CREATED = re.compile(r"CREATE (?:(VIRTUAL) )?(TABLE|INDEX) (\w+)")
#: Tables in which an index of texts keeps what it holds.
_SHADOWS = ("", "_data", "_idx", "_config")


def integrity_faults(connection: Connection) -> list[str]:
    """See ``Store.integrity_faults``."""
    faults = [
        str(row[0]) for row in connection.execute("PRAGMA integrity_check(100)") if row[0] != "ok"
    ]
    faults += _foreign(connection)
    for ident, described in connection.execute(_UNDESCRIBED):
        said = "described by a source" if described else "not described by any source"
        faults.append(f"{ident} is marked as {said}, which it is not")
    for (ident,) in connection.execute(_SLOTS):
        faults.append(f"what a source says of {ident} is not numbered as it was written")
    for of, kept, found in tally.miscounted(connection):
        what = "links" if of == tally.EDGES else f"things of the kind {of}"
        faults.append(f"{kept:,} {what} are counted, and there are {found:,}")
    if (letters := names.lacking(connection)) is not None:
        faults.append(f"the index of names lacks some of the names that have {letters!r} in them")
    return faults


def _foreign(connection: sqlite3.Connection) -> Iterator[str]:
    ours = {
        found[3] + shadow: found[2].lower()
        for found in map(_CREATED.search, statements())
        if found
        for shadow in (_SHADOWS if found[1] else ("",))
    }
    for type_, name, text in connection.execute(_FOREIGN):
        if ours.get(name) != type_:
            shown = " ".join(text.split())[:120]
            yield f"the file has a {type_} {name!r} that lineagedb did not make: {shown}"

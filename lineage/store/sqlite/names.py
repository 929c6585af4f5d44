# SPDX-License-Identifier: Apache-2.0
"""The names of things by their trigrams (FTS5), so that a part of one is found among millions.

The index holds no texts and forgets none: what it finds is looked at again. A name that a thing got
later stands there beside the former ones, under the thing's key and the number of the entry.
"""

from __future__ import annotations

import sqlite3

#: New things that the index may lack: so many are quickly looked through, and one statement that adds
#: fewer costs half as much again for each.
BEHIND = 2_000
#: Bits of an inner key; those above them tell the names of one thing apart.
_KEY_BITS = 36
_KEY = (1 << _KEY_BITS) - 1
#: Segments that are merged at once, and bytes that a new one may have before it is written.
_OPTIONS = {"automerge": 8, "hashsize": 1 << 24}
#: Parts of a text that are looked for at most; the others are seen when it is looked at again.
_PARTS = 24
_LETTERS = 3
#: Things that are looked at one by one; where more may be meant, they are soon found in order.
_MANY = 3_000

#: SQLite knows the cases of ASCII only, and a text ends for it at a NUL.
_WRITTEN = """
CASE WHEN {0} GLOB :beyond OR instr({0}, char(0)) THEN lineage_lower({0}) ELSE {0} END"""
_BEYOND = "*[^\x01-\x7f]*"
_ADD = f"""
INSERT INTO node_name (rowid, id, label)
SELECT key, {_WRITTEN.format("id")}, {_WRITTEN.format("label")} FROM node NOT INDEXED
WHERE key > (SELECT last FROM named) ORDER BY key"""  # noqa: S608 - our own names
_FRESH = """
CREATE VIRTUAL TABLE temp.fresh_name USING fts5 (
  id, label, content = '', columnsize = 0, detail = none, tokenize = 'trigram')"""
_ADD_FRESH = _ADD.replace("node_name", "temp.fresh_name").replace("> (SELECT", "<= (SELECT")
_ADD_LATER = f"""
INSERT INTO node_name (rowid, id, label)
SELECT key + (:seq << {_KEY_BITS}), NULL, {_WRITTEN.format(":label")} FROM node
WHERE key = :key AND key <= (SELECT last FROM named) AND label IS NOT :label"""  # noqa: S608
_UP_TO = "UPDATE named SET last = (SELECT max(key) FROM node)"
#: The keys of things whose name may hold what is asked, as ``terms`` writes it: those in the index, those
#: that it lacks, and both.
_INDEXED = f"SELECT rowid & {_KEY} FROM node_name WHERE node_name MATCH :terms"  # noqa: S608
NEW = "key > (SELECT last FROM named)"
FOUND = f"{_INDEXED} UNION ALL SELECT key FROM node NOT INDEXED WHERE {NEW}"  # noqa: S608
#: Trigrams that stand in fewer names than they should: a name is in the index for each that it had.
_LACKING = """
SELECT f.term FROM temp.fresh_term AS f LEFT JOIN node_term AS t ON t.term = f.term
WHERE coalesce(t.doc, 0) < f.doc LIMIT 1"""


def register_functions(connection: sqlite3.Connection) -> None:
    """Give a connection the function that our statements call."""
    connection.create_function("lineage_lower", 1, lowered, deterministic=True)


def configure(connection: sqlite3.Connection) -> None:
    """Set how the index grows: few segments, and few of them made anew."""
    for option, value in _OPTIONS.items():
        connection.execute("INSERT INTO node_name (node_name, rank) VALUES (?, ?)", (option, value))


def lowered(text: str | None) -> str | None:
    """A text as it is put into the index, and looked for there."""
    return None if text is None else text.lower().replace("\0", " ")


def add_names(connection: sqlite3.Connection) -> None:
    """Put the names of new things into the index where that lacks many."""
    [[new]] = connection.execute("SELECT (SELECT max(key) FROM node) - last FROM named")
    if new is not None and new >= BEHIND:
        connection.execute(_ADD, {"beyond": _BEYOND})
        connection.execute(_UP_TO)


def add_later_name(connection: sqlite3.Connection, key: int, label: str | None, seq: int) -> None:
    """Add what a thing is called from an entry on, before its row says so."""
    if label is not None:
        row = {"key": key, "label": label, "seq": seq, "beyond": _BEYOND}
        connection.execute(_ADD_LATER, row)


def forget_names(connection: sqlite3.Connection) -> None:
    """Empty the index."""
    connection.execute("INSERT INTO node_name (node_name) VALUES ('delete-all')")
    connection.execute("UPDATE named SET last = 0")


def lacking(connection: sqlite3.Connection) -> str | None:
    """Find three letters by which some thing is not found."""
    connection.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.node_term USING fts5vocab (main, node_name, row)"
    )
    connection.execute(_FRESH)
    connection.execute(
        "CREATE VIRTUAL TABLE temp.fresh_term USING fts5vocab (temp, fresh_name, row)"
    )
    try:
        connection.execute(_ADD_FRESH, {"beyond": _BEYOND})
        row = connection.execute(_LACKING).fetchone()
    finally:
        for table in ("fresh_term", "fresh_name", "node_term"):
            connection.execute(f"DROP TABLE temp.{table}")
    return None if row is None else row[0]


def terms(*texts: str) -> str:
    """Write what the index is asked for names that hold one of some texts: trigrams of each, "" where one
    has none.
    """
    asked = [_terms(text) for text in texts]
    return " OR ".join(asked) if all(asked) else ""


def _terms(text: str) -> str:
    written = text.lower()
    parts = {written[at : at + _LETTERS] for at in range(len(written) - _LETTERS + 1)}
    known = sorted(part for part in parts if "\0" not in part)
    chosen = known[:: max(1, len(known) // _PARTS)]
    return f"({' AND '.join(map(_quoted, chosen))})" if chosen else ""


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'


def candidates(connection: sqlite3.Connection, asked: str) -> list[int] | None:
    """Find the keys of things in the index whose name may hold a text; ``None`` where they are many."""
    rows = connection.execute(f"{_INDEXED} LIMIT {_MANY}", {"terms": asked}).fetchall()
    return [key for (key,) in rows] if len(rows) < _MANY else None

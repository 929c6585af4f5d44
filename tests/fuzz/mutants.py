# SPDX-License-Identifier: Apache-2.0
"""Changes documents a little, so that they are almost what readers expect."""

from __future__ import annotations

import copy
import json
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Values of other types than expected, beyond 64 bits, beyond what is text, and large.
STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**31, 2**63, 2**64 + 1, 10**40, 0.1, 1e308, float("nan")),
    *(float("inf"), "", " ", "\0", "\ud800", "\u202e", "\x1b[2J", "é" * 40, "x" * 100_000),
    *("http://e/a b", "urn:", ":", "..", "/", "{{", "-" * 70, "2026-13-45T99:99:99Z", "1e999"),
    *([], {}, [[]], [None], {"": {}}, {"a": {"b": {"c": []}}}, ["x"] * 500, {"$": 1}),
    *({"@id": None}, {"@type": 7}, {"@value": {}}, {"$": [], "type": {}}, ["a", 1, None, {}]),
)
#: Bytes that stand for something in one syntax or another.
SIGNS = (
    b"\x00 \xff\xfe \xef\xbb\xbf \xed\xa0\x80 { } [ ] ( ) < > & ; : , . = | \\ / # @ % ^ * ! ? ' \" - +"
    b" &a *a <<: !!python/object:os.system !!binary null true NaN 1e999 99999999999999999999999 --- ..."
    b" <!DOCTYPE <![CDATA[ &#0; &lol; xmlns= @prefix @base _:b \\u0000 %00 ''' \"\"\" \r \t urn: http://"
).split(b" ")


def json_mutants(seed: bytes, source: random.Random) -> Iterator[bytes]:
    """Documents of JSON in which one to three values are others, are gone, or stand elsewhere."""
    document = json.loads(seed)
    places = list(_places(document))
    while True:
        changed = copy.deepcopy(document)
        for _ in range(source.choice((1, 1, 1, 2, 3))):
            _change(changed, source.choice(places), source)
        try:
            yield json.dumps(changed).encode()
        except (ValueError, RecursionError):
            continue


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield (*path, key)
        yield from _places(item, (*path, key))


def _change(document: Any, path: tuple[Any, ...], source: random.Random) -> None:
    holder = document
    try:
        for key in path[:-1]:
            holder = holder[key]
        old = holder[path[-1]]
    except (LookupError, TypeError):
        return  # it was changed already
    if not isinstance(holder, dict | list):
        return
    how = source.randrange(10)
    if how == 0:
        del holder[path[-1]]
    elif how == 1 and isinstance(holder, dict):
        holder[str(source.choice(STRANGE))[:50]] = holder.pop(path[-1])
    elif how == 2:
        holder[path[-1]] = [old, old]
    elif how == 3:
        holder[path[-1]] = {"@id": old} if source.random() < 0.5 else {str(old)[:20]: old}
    elif how == 4:
        deep: Any = old
        for _ in range(source.choice((3, 300))):
            deep = [deep]
        holder[path[-1]] = deep
    else:
        holder[path[-1]] = copy.deepcopy(source.choice(STRANGE))


def byte_mutants(seed: bytes, source: random.Random) -> Iterator[bytes]:
    """Texts in which bytes, words or lines are others, are gone, or stand twice."""
    while True:
        data = bytearray(seed)
        for _ in range(source.choice((1, 1, 2, 4))):
            at = source.randrange(len(data) + 1)
            end = min(len(data), at + source.choice((0, 1, 1, 8, 60)))
            how = source.randrange(7)
            if how == 0:
                del data[at:end]
            elif how == 1:
                data[at:at] = data[at:end] * source.choice((1, 2, 400))
            elif how == 2 and at < len(data):
                data[at] ^= 1 << source.randrange(8)
            elif how == 3:
                data[at:end] = source.choice(SIGNS)
            elif how == 4:
                data[at:at] = source.choice(SIGNS) * source.choice((1, 1, 3, 3_000))
            elif how == 5:
                lines = bytes(data).splitlines(keepends=True)
                if lines:
                    source.shuffle(lines) if source.random() < 0.1 else lines.insert(
                        source.randrange(len(lines)), source.choice(lines)
                    )
                data = bytearray(b"".join(lines))
            else:
                data = data[:at]
        yield bytes(data)


def change_database(path: Path, source: random.Random) -> None:
    """Put strange values into cells of a SQLite file, or take a row, a column or a table away."""
    with sqlite3.connect(path) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for _ in range(source.choice((1, 1, 2, 5))):
            table = source.choice(tables)
            columns = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]
            if not columns:
                continue
            column = source.choice(columns)
            how = source.randrange(12)
            try:
                if how == 0:
                    db.execute(f'DROP TABLE "{table}"')
                    tables = [name for name in tables if name != table] or [table]
                elif how == 1:
                    db.execute(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "other"')
                elif how == 2:
                    db.execute(f'DELETE FROM "{table}" WHERE rowid % 2')
                else:
                    db.execute(
                        f'UPDATE "{table}" SET "{column}" = ? WHERE rowid % ? = 0',
                        (_cell(source), source.choice((1, 2, 3))),
                    )
            except sqlite3.Error:
                continue
    db.close()


def _cell(source: random.Random) -> Any:
    value = source.choice(STRANGE)
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass") if "\ud800" in value else value
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    if isinstance(value, list | dict):
        return json.dumps(value)
    return source.choice((value, b"\xff\xfe", b""))

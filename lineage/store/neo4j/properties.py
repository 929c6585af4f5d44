# SPDX-License-Identifier: Apache-2.0
"""Attributes as properties of Neo4j: typed, so that Cypher compares, sorts and indexes them.

They are for people who write Cypher. What is exact is the JSON text in ``attributes``: it keeps
languages, datatypes, large integers and the digits of a time, which no property holds. The rules stand
in docs/reference/neo4j.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import MAXYEAR, MINYEAR, date, datetime
from functools import lru_cache
from typing import Any

import orjson

from lineage import ids
from lineage.model import kinds, terms
from lineage.model.value import Literal, Ref, Scalar, unwired
from lineage.store.rows import NodeRow

#: Properties of every node, and of every relationship, that are no attributes.
NODE = frozenset({"uid", "kind", "name", "label", "attributes", "claims", "since"})
EDGE = frozenset(
    {"key", "variant", "follow", "attributes", "named", "asserted_by", "asserted_since", "since"}
)
#: Characters of a name, which captions a node, and of what is indexed: an index of Neo4j holds some
#: 8,000 bytes a value, and refuses the whole write of a longer one.
NAME, _INDEXED = 200, 1_000
_PROV, _PARAMETER = "prov:", "param."
_INTEGERS = 2**63
#: A moment as RFC 3339 has it: nothing else that is said of a thing looks like one.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_Reading = Callable[[str], Any]
_EDGE_TIMES = frozenset(
    argument.key for row in terms.TABLE for argument in row.arguments if argument.holds == "time"
)


def of_node(row: NodeRow) -> dict[str, Any]:
    """The properties of a node, but for those that only the engine reads: what it is, a ``name`` that
    captions it, and its attributes.
    """
    shown: dict[str, Any] = {"uid": row.id, "kind": row.kind, "attributes": row.attributes}
    called = row.label
    if called is not None:
        shown["label"] = called
    if row.attributes != "{}":
        held = orjson.loads(row.attributes)
        _add(shown, held, NODE, _times(row.kind))
        for name in _indexed(row.kind):
            if isinstance(shown.get(name), str | list) and len(str(shown[name])) > _INDEXED:
                del shown[name]
        if called is None and isinstance(held.get("name"), str):
            called = held["name"]
    shown["name"] = ids.title(row.id, called)[:NAME]
    return shown


def kept_otherwise(row: NodeRow, shown: Mapping[str, Any]) -> Iterator[str]:
    """The declared attributes of a node whose text an index does not find, as ``lookup_key`` writes them: they
    are lists, or no texts, or too long.
    """
    for name in indexed_texts(row.kind):
        if f'"{name}":' in row.attributes and not isinstance(shown.get(name), str):
            yield lookup_key(row.kind, name)


def lookup_key(kind: str, name: str) -> str:
    """A kind with one of its attributes."""
    return f"{kind}.{name}"


@lru_cache(maxsize=64)
def indexed_texts(kind: str) -> frozenset[str]:
    """The attributes of a kind that have an index of their texts; a time is no text there."""
    if kind in kinds.PLAIN:
        return frozenset()
    return frozenset(_indexed(kind)) - _times(kind) - NODE


@lru_cache(maxsize=4096)
def of_edge(attributes: str) -> Mapping[str, Any]:
    """The attributes of an edge as properties: a role as ``role``, a time as ``time``. Few edges say
    anything that no other says.
    """
    shown: dict[str, Any] = {}
    if attributes != "{}":
        _add(shown, orjson.loads(attributes), EDGE, _EDGE_TIMES)
    return shown


def _add(
    shown: dict[str, Any], held: Mapping[str, Any], taken: frozenset[str], times: frozenset[str]
) -> None:
    """Add attributes in JSON under their own names; PROV's go without their prefix, where that is free."""
    for key, value in held.items():
        name = key
        if (
            key.startswith(_PROV)
            and (short := key[len(_PROV) :]) not in taken
            and short not in held
        ):
            name = short
        if name in taken or not name or "\x00" in name:
            continue
        read = _time if key in times else str if key.startswith(_PARAMETER) else _text
        if isinstance(value, str):
            shown[name] = read(value)
        elif isinstance(value, dict | list):
            said = unwired(value)
            typed = _several(said, read) if isinstance(said, tuple) else _one(said, read)
            if typed is not None:
                shown[name] = typed
        else:
            shown[name] = value


def _several(values: tuple[Scalar, ...], read: _Reading) -> list[Any] | None:
    """A list of one type, or of texts where there are several."""
    found = [_one(value, read) for value in values]
    if any(item is None for item in found):
        return None
    # Moments with a time zone and without are one type here, and two types of Neo4j.
    types = {(type(item), getattr(item, "tzinfo", None) is None) for item in found}
    return found if len(types) == 1 else [str(item) for item in found]


def _one(value: Scalar, read: _Reading) -> Any:
    """A value as Neo4j has it; ``None`` for an integer that is too large for it."""
    if isinstance(value, str):
        return read(value)
    if isinstance(value, Ref):
        return value.iri
    if isinstance(value, Literal):
        return _literal(value)
    if type(value) is int and not -_INTEGERS <= value < _INTEGERS:
        return None
    return value


def _literal(value: Literal) -> Any:
    """A typed text as what it means, or as it stands where it does not fit its type."""
    prefix, _, name = (value.datatype or "").partition(":")
    if prefix != "xsd":
        return value.value
    try:
        if name in ("dateTime", "date"):
            return _time(value.value)
        if name in ("decimal", "double", "float"):
            return float(value.value)
        if name in ("int", "integer", "long", "short", "byte", "nonNegativeInteger"):
            return _one(int(value.value), str)
        if name == "boolean":
            return {"true": True, "1": True, "false": False, "0": False}.get(
                value.value, value.value
            )
    except ValueError:
        pass
    return value.value


def _text(text: str) -> Any:
    """A text, which may be a moment though nobody declared it."""
    return _time(text) if len(text) > 18 and _MOMENT.fullmatch(text) else text


@lru_cache(maxsize=4096)
def _time(text: str) -> Any:
    """A moment, one without a time zone, or a day, as precisely as it is said; else the text, also where
    the driver cannot send it: zones of part of a minute, and years that UTC may leave.
    """
    try:
        found = date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        return text
    zone = found.utcoffset() if isinstance(found, datetime) else None
    odd = zone is not None and zone.total_seconds() % 60
    return text if odd or not MINYEAR < found.year < MAXYEAR else found


@lru_cache(maxsize=64)
def _times(kind: str) -> frozenset[str]:
    return frozenset(f.name for f in kinds.fields_of(kind) if f.metadata[kinds.TIME])


@lru_cache(maxsize=64)
def _indexed(kind: str) -> tuple[str, ...]:
    return tuple(f.name for f in kinds.fields_of(kind) if f.metadata[kinds.INDEXED])

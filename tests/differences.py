# SPDX-License-Identifier: Apache-2.0
"""Which nodes and edges two things that should be equal do not share: what a failing case prints."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from typing import Any

import orjson

from lineage.model.record import from_wire
from lineage.model.value import read_text

#: Lines that one comparison may print.
MOST = 20
_ABSENT = "absent"


def explained(left: Any, right: Any) -> list[str] | None:
    """The nodes and edges that only one side has, or in which attribute both differ, at most
    ``MOST`` lines. ``None`` where the sides hold no records, or the same ones.

    Sides are batches, subgraphs, slices, rows, lines of a ledger, and whatever holds them.
    """
    ours, theirs = list(_records(left)), list(_records(right))
    told = _differences(ours, theirs)
    if not told and ours != theirs:
        place = next(n for n, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
        told = [f"the same records in another order from number {place} on: {_shown(ours[place])}"]
    if not told:
        return None
    head = f"{len(ours)} records on the left, {len(theirs)} on the right"
    more = [f"... and {len(told) - MOST} more"] if len(told) > MOST else []
    return [head, *told[:MOST], *more]


def _differences(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[str]:
    sides: dict[tuple[str, ...], tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
    for side, records in enumerate((ours, theirs)):
        for record in records:
            sides[_key(record)][side].append(record)
    told = []
    for key in sorted(sides):
        left, right = _without_common(*sides[key])
        if len(left) == len(right) == 1:
            told.append(f"differs: {_named(left[0])}: {'; '.join(_fields(left[0], right[0]))}")
            continue
        told += [f"only left: {_shown(record)}" for record in left]
        told += [f"only right: {_shown(record)}" for record in right]
    return told


def _without_common(left: list[Any], right: list[Any]) -> tuple[list[Any], list[Any]]:
    """Both without what stands as often in the other."""
    mine, others = Counter(map(repr, left)), Counter(map(repr, right))
    by_text = {repr(record): record for record in (*left, *right)}
    return (
        [by_text[text] for text in (mine - others).elements()],
        [by_text[text] for text in (others - mine).elements()],
    )


def _fields(left: dict[str, Any], right: dict[str, Any]) -> Iterator[str]:
    """In what two records of one thing differ, attribute by attribute."""
    for name in [*left, *(name for name in right if name not in left)]:
        a, b = left.get(name, _ABSENT), right.get(name, _ABSENT)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            for key in sorted(a.keys() | b.keys()):
                if repr(a.get(key, _ABSENT)) != repr(b.get(key, _ABSENT)):
                    yield f"{name}.{key} {a.get(key, _ABSENT)!r} != {b.get(key, _ABSENT)!r}"
        elif repr(a) != repr(b):
            yield f"{name} {a!r} != {b!r}"


def _records(value: Any) -> Iterator[dict[str, Any]]:
    """Every node and edge within a value, as its fields; sets in the order of their texts."""
    if _is_record(value):
        yield _decoded(value)
    elif isinstance(value, bytes):
        if value.startswith((b'{"node":{', b'{"edge":{')):
            yield _decoded(from_wire(orjson.loads(value)))
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            yield from _records(getattr(value, part.name))
    elif isinstance(value, Counter):
        for item in sorted(value.elements(), key=repr):
            yield from _records(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _records(item)
    elif isinstance(value, AbstractSet):
        for item in sorted(value, key=repr):
            yield from _records(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _records(item)


def _is_record(value: Any) -> bool:
    return hasattr(value, "attributes") and (hasattr(value, "cause") or hasattr(value, "kind"))


def _decoded(record: Any) -> dict[str, Any]:
    """The fields of a record that are given; rows hold their attributes as JSON text."""
    if is_dataclass(record):
        found = {part.name: getattr(record, part.name) for part in fields(record)}
    else:
        found = dict(record._asdict())
    if isinstance(found["attributes"], str):
        found["attributes"] = read_text(found["attributes"])
    return {name: value for name, value in found.items() if value not in (None, {})}


def _key(record: dict[str, Any]) -> tuple[str, ...]:
    """What both sides name a thing by: nodes stand before edges."""
    if "cause" not in record:
        return ("", record["id"])
    return (record["relation"], record["effect"], record["cause"])


def _named(record: dict[str, Any]) -> str:
    if "cause" not in record:
        return f"node {record['id']}"
    relation, effect, cause = _key(record)
    return f"edge {relation} {effect} -> {cause}"


def _shown(record: dict[str, Any]) -> str:
    known = {"relation", "effect", "cause"} if "cause" in record else {"id"}
    rest = {name: value for name, value in record.items() if name not in known}
    return f"{_named(record)} {rest}" if rest else _named(record)

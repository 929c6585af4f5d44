# SPDX-License-Identifier: Apache-2.0
"""Reads and writes the sets of PROV-Dictionary (W3C Note of 2013-04-30, sections 3.1 and 3.2) as
one attribute value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple, TypeAlias, TypeGuard

import orjson

from lineage import ids
from lineage.errors import BadInput
from lineage.model import terms
from lineage.model.value import Literal, Scalar, Value, each, unwired_scalar, wired

#: The datatype of such a value, whose text is canonical JSON.
DATATYPE = "lineage:json"


class Pair(NamedTuple):
    """A key with its entity, as insertions list them; RDF and XML may leave one of them out."""

    key: Scalar | None
    entity: str | None


#: The keys of the arguments that hold such sets, relation by relation, and of all of them.
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    relation.name: _keys
    for relation in terms.TABLE
    if (_keys := tuple(a.key for a in relation.arguments if a.holds == "set"))
}
KEYS: frozenset[str] = frozenset(chain.from_iterable(ARGUMENTS.values()))
#: A pair that was inserted, or a key that was removed.
Member: TypeAlias = Pair | Scalar


def written(members: Iterable[Member]) -> Literal:
    """Write a set: the same text for the same members in any order."""
    shown = sorted(map(_shown, members), key=ids.canonical)
    return Literal(ids.canonical(shown).decode(), DATATYPE)


def holds(value: Value) -> TypeGuard[Literal]:
    """Whether a value is meant to be such a set."""
    return isinstance(value, Literal) and value.datatype == DATATYPE


def sound(value: Value) -> TypeGuard[Literal]:
    """Whether a value is such a set."""
    return holds(value) and _members(value.value) is not None


def members(value: Literal, where: str | None = None) -> list[Member]:
    """Read the members of a set. Raises ``BadInput`` for a text of that datatype that is no set."""
    found = _members(value.value)
    if found is None:
        message = f"{value.value[:60]!r} is no set of keys of PROV-Dictionary"
        hint = f"{DATATYPE} is our own datatype: write sets as your format has them."
        raise BadInput(message, where=where, hint=hint)
    return found


def entities(value: Value) -> Iterator[str]:
    """The identifiers of the entities that the sets of a value name."""
    for item in each(value):
        for member in (_members(item.value) or ()) if holds(item) else ():
            if isinstance(member, Pair) and member.entity is not None:
                yield member.entity


def renamed(value: Literal, name: Callable[[str], str | None]) -> Literal:
    """Give the entities of a set other names; those without a new name are left out."""
    found: list[Member] = []
    for member in members(value):
        if not isinstance(member, Pair) or member.entity is None:
            found.append(member)
        elif (entity := name(member.entity)) is not None:
            found.append(Pair(member.key, entity))
    return written(found)


def membership(member: Member) -> tuple[str | None, dict[str, Value]]:
    """The entity and the attributes of a relation that states one member (section 3.3)."""
    key, entity = member if isinstance(member, Pair) else (member, None)
    return entity, {} if key is None else {"prov:key": key}


def _shown(member: Member) -> Any:
    if not isinstance(member, Pair):
        return wired(member)
    shown = {} if member.key is None else {"key": wired(member.key)}
    return shown if member.entity is None else {**shown, "$": member.entity}


def _members(text: str) -> list[Member] | None:
    try:
        shown = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    found = [_member(item) for item in shown] if isinstance(shown, list) else [None]
    return None if None in found else found  # type: ignore[return-value]


def _member(shown: Any) -> Member | None:
    if isinstance(shown, dict) and ("key" in shown or shown.keys() == {"$"}):
        entity, key = shown.get("$"), unwired_scalar(shown["key"]) if "key" in shown else None
        sound = isinstance(entity, str | None) and shown.keys() <= {"key", "$"}
        return Pair(key, entity) if sound and (key is not None or "key" not in shown) else None
    return unwired_scalar(shown)

# SPDX-License-Identifier: Apache-2.0
"""Answers plain fields from the rows of engines: one function a field, for both executors."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from lineage import ids
from lineage.errors import BadReference
from lineage.model import kinds, terms
from lineage.query.plan import Toward
from lineage.store.rows import EdgeRow, NodeRow

#: A plain field's value, as it is written in a response.
Leaf = Callable[[Any], Any]
#: Type -> field -> its value; whatever is here takes no arguments and touches no store.
LEAVES: dict[str, dict[str, Leaf]] = {}


class Link(NamedTuple):
    """An edge seen from one of its ends. It begins as an ``EdgeRow`` does."""

    relation: str
    effect: str
    cause: str
    attributes: str
    id: str | None
    bundle: str | None
    toward: Toward


def kind_type(kind: str) -> str:
    """The name of a kind's type; the plain families' own names are those of interfaces."""
    return "Plain" + kind if kind in kinds.PLAIN else kind


def relation_type(relation: str) -> str:
    """The name of a relation's type: WasGeneratedBy."""
    return relation[0].upper() + relation[1:]


KIND_TYPES: Mapping[str, str] = {kind: kind_type(kind) for kind in kinds.KINDS}
RELATION_TYPES: Mapping[str, str] = {name: relation_type(name) for name in terms.RELATIONS}


def type_of(row: Any) -> str:
    """The name of a row's type."""
    return KIND_TYPES[row[1]] if len(row) == len(NodeRow._fields) else RELATION_TYPES[row[0]]


class Rows(Sequence[Any]):
    """Rows of one sort, marked for the fast path: all of them nodes, or all of them edges."""

    __slots__ = ("rows",)

    def __init__(self, rows: Sequence[Any]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]


def attributes(row: Any) -> orjson.Fragment:
    """The attributes as the engine keeps them: JSON text."""
    return orjson.Fragment(row.attributes)


def label(row: NodeRow) -> str:
    """The label, or what is readable of the identifier."""
    return ids.title(row[0], row[2])


def text(value: Any) -> str | None:
    """An attribute as text: several values separated by commas, typed ones by their text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(text(item) or "" for item in value)
    if isinstance(value, dict):
        return str(value["$"])
    return orjson.dumps(value).decode()


def whole(value: Any) -> int | None:
    """An attribute as a whole number, where it is one that JSON can hold."""
    return value if type(value) is int and abs(value) < 2**53 else None


def held(key: str, shown: Callable[[Any], Any]) -> Leaf:
    """The leaf of one attribute."""

    def leaf(row: Any) -> Any:
        raw = row.attributes
        return None if raw == "{}" else shown(orjson.loads(raw).get(key))

    return leaf


def _anything(value: Any) -> Any:
    return value


#: What an argument of a relation holds -> how it is shown.
ARGUMENT: Mapping[str, Callable[[Any], Any]] = {
    "time": text,
    "ref": text,
    "any": _anything,
    "set": _anything,
}


def argument_name(relation: str, key: str) -> str:
    """The field of an argument: prov:key-entity-set is keyEntitySet, a mention's bundle inBundle."""
    local = key.partition(":")[2]
    camel = re.sub(r"-(\w)", lambda found: found[1].upper(), local)
    return "inBundle" if relation == "mentionOf" and camel == "bundle" else camel


def toward(row: Any) -> Toward:
    """Which way a link was asked for; in a flat answer, toward causes."""
    return row.toward if isinstance(row, Link) else "causes"


def far(row: Any) -> str:
    """The other end of a link."""
    end: str = row[2] if toward(row) == "causes" else row[1]
    return end


def place(row: Any) -> list[str]:
    """Where a link stands among those of its node: by relation, other end, and what else it says."""
    rest = orjson.dumps([row.attributes, row.id, row.bundle])
    return [row.relation, far(row), blake2b(rest, digest_size=8).hexdigest()]


def cursor(row: Any) -> str:
    """Write the opaque place of a link."""
    return written("link", place(row))


def written(what: str, value: Any) -> str:
    """Write an opaque cursor, with its sort and version in it."""
    return urlsafe_b64encode(orjson.dumps([what, 1, value])).decode().rstrip("=")


def read(what: str, given: str) -> Any:
    """Read what ``written`` was given. Raises ``BadReference`` for a cursor of anything else."""
    try:
        sort, version, value = orjson.loads(urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    except (ValueError, TypeError):
        sort, version, value = "", 0, None
    if (sort, version) != (what, 1):
        raise BadReference(
            f"{given[:60]!r} is no cursor of this list",
            hint="Use the cursors of its own edges and pageInfo, as they are.",
        )
    return value


NODE_LEAVES: Mapping[str, Leaf] = {
    "id": itemgetter(0),
    "kind": itemgetter(1),
    "label": label,
    "attributes": attributes,
}
EDGE_LEAVES: Mapping[str, Leaf] = {
    "type": itemgetter(0),
    "effect": itemgetter(1),
    "cause": itemgetter(2),
    "id": itemgetter(4),
    "bundle": itemgetter(5),
    "role": held("prov:role", text),
    "attributes": attributes,
    "cursor": cursor,
}


def linked(rows: Sequence[EdgeRow], way: Toward) -> list[Link]:
    """Turn edges into links as seen from one end, in order."""
    return sorted((Link(*row, way) for row in rows), key=place)


def json_text(held_text: str) -> orjson.Fragment:
    """JSON that an engine keeps as text, passed on as it stands."""
    return orjson.Fragment(held_text)

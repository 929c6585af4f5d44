# SPDX-License-Identifier: Apache-2.0
"""The scalars and enums of the schema; attributes stay the JSON text that engines keep."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig

from lineage.model import kinds, terms

_SAFE = 2**53

#: Attributes and other open values: text of engines on the way out, plain values on the way in.
JSON = NewType("JSON", object)
#: A whole number beyond 32 bits.
Long = NewType("Long", int)


def _long(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= _SAFE:
        raise GraphQLError("a Long is a whole number below 2^53")
    return value


SCALARS: Mapping[object, Any] = {
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value, as docs/reference/answers.md writes attributes.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
    Long: strawberry.scalar(
        name="Long",
        description="A whole number below 2^53, such as a size in bytes.",
        serialize=_long,
        parse_value=_long,
    ),
}

CONFIG = StrawberryConfig(scalar_map=dict(SCALARS))


def _enum(name: str, members: Mapping[str, str], description: str) -> Any:
    """An enum whose values are the words of our tables, each with its sentence."""
    values = {
        word: strawberry.enum_value(word, description=sentence)
        for word, sentence in members.items()
    }
    made: Any = Enum(name, values)  # type: ignore[misc] # the members come out of a table
    return strawberry.enum(made, name=name, description=description)


def about(relation: terms.Relation) -> str:
    """What a relation is, in one sentence."""
    if relation.any_ends:
        ends = "anything, and anything that is its cause"
    else:
        ends = f"{_a(relation.effect)}, and {_a(relation.cause)} that is its cause"
    where = f" ({relation.section})" if "PROV" in relation.section else ""
    where = where or (f" (PROV-DM {relation.section})" if relation.section else "")
    return f"{relation.name}{where}: {ends}. Seen from the cause: {relation.inverse}."


def _a(family: str) -> str:
    return f"an {family.lower()}"


Kind = _enum(
    "Kind",
    {name: kinds.describe(name) for name in kinds.KINDS},
    "What a node is: one of our nouns, or a plain PROV family for what nobody knows.",
)
Relation = _enum(
    "Relation",
    {name: about(relation) for name, relation in terms.RELATIONS.items()},
    "How an effect depends on a cause: a relation of PROV.",
)

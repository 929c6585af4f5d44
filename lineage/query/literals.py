# SPDX-License-Identifier: Apache-2.0
"""What words and values of a selection mean: kinds, relations, times, labels, texts."""

from __future__ import annotations

from difflib import get_close_matches

from lineage.errors import BadQuery
from lineage.model import terms
from lineage.model.kinds import KINDS
from lineage.model.numeric import canonical
from lineage.query import condition as c
from lineage.query import moments
from lineage.query.words import kinds_called


def like(key: str, value: str) -> c.Condition:
    """A text, also as JSON writes it where it is a number: 1e-05 is kept as 1e-5."""
    amount = canonical(value)
    shown = value if amount is None else c.written(amount)
    if shown == value or key == "label":
        return c.Like(key, value)
    return c.AnyOf((c.Like(key, value), c.Like(key, shown)))


def moment(key: str, literal: str | float | bool) -> str:
    """What a time is compared with, in ISO 8601."""
    found = moments.iso(literal) if isinstance(literal, str) else None
    if found is None:
        shown = literal if isinstance(literal, str) else c.written(literal)
        raise BadQuery(f"{key} is a time, and {shown!r} is none", hint=moments.HINT)
    return found


def relations_called(names: tuple[str, ...]) -> frozenset[str]:
    """The relations of these names. Raises ``BadQuery`` with the nearest for one there is not."""
    for name in names:
        if name not in terms.RELATIONS:
            near = get_close_matches(name, terms.RELATIONS, n=3, cutoff=0.4)
            hint = f"Did you mean {', '.join(near or terms.RELATIONS)}?"
            raise BadQuery(f"there is no relation {name!r}", hint=hint)
    return frozenset(names)


def kind_names() -> list[str]:
    """The kinds as selections name them."""
    return [kind.lower() for kind in KINDS]


def kinds_like(value: str) -> frozenset[str]:
    """The kinds that a word means, or that are like a pattern."""
    if "*" not in value:
        return kinds_called(value)
    found = c.glob(value.lower())
    return frozenset(kind for kind in KINDS if found(kind.lower()))


def label_condition(condition: c.Condition) -> c.Condition:
    """What is asked of an attribute, asked of the label."""
    match condition:
        case c.Like(_, pattern) if "*" not in pattern:
            return c.LabelIs(pattern)
        case c.Compares(_, "=", str(literal)):
            return c.LabelIs(literal)
        case _:
            raise BadQuery("labels are matched whole", hint='Write key:"train*" for patterns.')

# SPDX-License-Identifier: Apache-2.0
"""Summarises a node in a few short texts, for every interface that shows one node a line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lineage.model import kinds
from lineage.model.record import Node
from lineage.model.value import Literal, Ref

#: Attributes and metrics told of one node.
_FACTS, _METRICS = 2, 3
_METRIC = "metric."
_DIGEST = re.compile(r"([a-z0-9-]+):([0-9a-f]{16,}(?:\.dir)?)")
#: Characters of one value.
_LONGEST = 60


def summary_lines(node: Node) -> list[str]:
    """The attributes worth a place on a line, those left out that its name says already."""
    held: Mapping[str, Any] = node.attributes
    facts = [short(held[key]) for key in kinds.KINDS[node.kind].summary if key in held]
    facts = [fact for fact in facts if fact not in node.title]
    metrics = [
        f"{key.removeprefix(_METRIC)} {readable(value)}"
        for key, value in held.items()
        if key.startswith(_METRIC)
    ]
    return [*facts[:_FACTS], *metrics[:_METRICS]]


def short(value: Any) -> str:
    """A value on a line: digests by their beginning, long text cut."""
    shown = str(readable(value))
    if digest := _DIGEST.fullmatch(shown):
        return f"{digest[1]}:{digest[2][:12]}"
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 3] + "..."


def readable(value: Any) -> Any:
    """A value as people read it: typed ones by their text, also as JSON has them, several side by
    side.
    """
    if isinstance(value, tuple | list):
        return " | ".join(str(readable(item)) for item in value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Literal):
        return value.value
    if isinstance(value, dict) and "$" in value:
        return value["$"]
    return value.iri if isinstance(value, Ref) else value


def counted(number: int, word: str) -> str:
    """A number of things: 1 link, 2 links, 1,200 links."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def listed(texts: Sequence[str], most: int) -> str:
    """The first of some texts, and how many more there are.

    >>> listed(["a", "b", "c"], 2)
    'a, b, and 1 more'
    """
    more = f", and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more

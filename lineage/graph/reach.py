# SPDX-License-Identifier: Apache-2.0
"""What arcs lead to."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def between(arcs: Iterable[tuple[K, K]], starts: Collection[K]) -> set[K]:
    """What arcs, from near to far, lead to from some nodes, these included."""
    out: dict[K, list[K]] = {}
    for near, far in arcs:
        out.setdefault(near, []).append(far)
    seen = set(starts)
    level: Sequence[K] = list(seen)
    while level:
        reached = {far for near in level for far in out.get(near, ()) if far not in seen}
        seen |= reached
        level = list(reached)
    return seen

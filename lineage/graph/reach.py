# SPDX-License-Identifier: Apache-2.0
"""Finds what arcs lead to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lineage.graph.components import N


def reachable(out: Mapping[N, Sequence[N]], starts: Iterable[N]) -> set[N]:
    """Find the nodes that arcs lead to from some nodes, these included."""
    seen = set(starts)
    level: Iterable[N] = list(seen)
    while level:
        level = {far for near in level for far in out.get(near, ()) if far not in seen}
        seen |= level
    return seen

# SPDX-License-Identifier: Apache-2.0
"""Shortest ways through directed graphs."""

from __future__ import annotations

from collections import deque

from lineage.graph.components import Component, Graph, L, N


def walk(graph: Graph[N, L], members: Component[N], start: N, end: N) -> list[L]:
    """The labels along a shortest walk of at least one arc from ``start`` to ``end``."""
    came: dict[N, tuple[N, L]] = {}
    queue = deque([start])
    while queue and end not in came:
        node = queue.popleft()
        for target, label in graph[node]:
            if target in members and target not in came:
                came[target] = (node, label)
                queue.append(target)
    labels: list[L] = []
    node = end
    while not labels or node != start:
        node, label = came[node]
        labels.append(label)
    return labels[::-1]

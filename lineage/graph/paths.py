# SPDX-License-Identifier: Apache-2.0
"""Finds shortest paths in directed graphs, as the labels of the arcs along them."""

from __future__ import annotations

from collections.abc import Collection, Container
from heapq import heappop, heappush
from typing import Generic, NamedTuple

from lineage.graph.components import Graph, L, N


class _Path(NamedTuple, Generic[N, L]):
    """A path as it is waiting for its turn: what is compared first stands first."""

    length: int
    labels: tuple[L, ...]
    nodes: tuple[N, ...]


def shortest_walk(
    graph: Graph[N, L], start: N, end: N, within: Container[N] | None = None
) -> list[L]:
    """Find a shortest walk of at least one arc, which is a cycle where both ends are the same node;
    it is empty where there is none. It stays among the nodes ``within``, where they are given.
    """
    return _search(graph, start, end, within)[1]


def shortest_paths(graph: Graph[N, L], start: N, end: N, k: int) -> list[tuple[L, ...]]:
    """Find the ``k`` shortest loopless paths (Yen 1971), shortest first; of arcs between the same
    two nodes the first counts. After the very first, paths of one length are in the order of their
    labels, then of their nodes: both must be comparable.
    """
    found: list[_Path[N, L]] = []
    if start != end:
        nodes, labels = _search(graph, start, end, closed=(start,))
        if labels:
            found.append(_Path(len(labels), tuple(labels), (*nodes, end)))
    waiting: list[_Path[N, L]] = []
    while found and len(found) < k:
        last = found[-1]
        for spot in range(last.length):
            root = last.nodes[: spot + 1]
            barred = {
                path.nodes[spot + 1]
                for path in found
                if path.length > spot and path.nodes[: spot + 1] == root
            }
            nodes, labels = _search(graph, root[-1], end, closed=root, barred=barred)
            path = _Path(
                spot + len(labels), (*last.labels[:spot], *labels), (*root[:-1], *nodes, end)
            )
            if labels and path not in waiting:
                heappush(waiting, path)
        if not waiting:
            break
        found.append(heappop(waiting))
    return [path.labels for path in found]


def _search(
    graph: Graph[N, L],
    start: N,
    end: N,
    within: Container[N] | None = None,
    closed: Collection[N] = (),
    barred: Collection[N] = (),
) -> tuple[list[N], list[L]]:
    """Breadth first: the nodes, save the end, and the labels along a shortest walk of at least one
    arc. It enters nodes ``within`` only and none that is ``closed``; its first arc leads to none
    that is ``barred``.
    """
    came: dict[N, tuple[N, L] | None] = dict.fromkeys(closed)
    out = graph.get
    arcs = out(start, ())
    if barred:
        arcs = [arc for arc in arcs if arc[0] not in barred]
    queue = [start]
    for node in queue:
        for target, label in arcs if node == start else out(node, ()):
            if target not in came and (within is None or target in within):
                came[target] = (node, label)
                queue.append(target)
        if end in came:
            break
    nodes: list[N] = []
    labels: list[L] = []
    step = came.get(end)
    while step is not None:
        nodes.append(step[0])
        labels.append(step[1])
        step = came[step[0]] if step[0] != start else None
    nodes.reverse()
    labels.reverse()
    return nodes, labels

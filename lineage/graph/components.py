# SPDX-License-Identifier: Apache-2.0
"""Cycles of directed graphs in linear time and without recursion, however deep the graph is."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

N = TypeVar("N", bound=Hashable)
L = TypeVar("L")

#: Node -> where its arcs lead, each with a label.
Graph = Mapping[N, Sequence[tuple[N, L]]]
#: The nodes of a component, in an order that hangs on the graph only.
Component = Mapping[N, None]


def components(graph: Graph[N, L]) -> Iterator[Component[N]]:
    """The strongly connected components that hold a cycle, one node with an arc to itself too.

    What lies on no cycle is peeled off first (Kahn), which leaves nothing of most graphs; the
    rest is Tarjan's algorithm with a stack of its own.
    """
    left = _peeled(graph)
    index: dict[N, int] = {}
    low: dict[N, int] = {}
    open_: list[N] = []
    is_open: set[N] = set()
    for root in left:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        open_.append(root)
        is_open.add(root)
        trail = [(root, iter(graph[root]))]
        while trail:
            node, arcs = trail[-1]
            for target, _ in arcs:
                if target not in left:
                    continue
                if target not in index:
                    index[target] = low[target] = len(index)
                    open_.append(target)
                    is_open.add(target)
                    trail.append((target, iter(graph[target])))
                    break
                if target in is_open:
                    low[node] = min(low[node], index[target])
            else:
                trail.pop()
                if trail:
                    above = trail[-1][0]
                    low[above] = min(low[above], low[node])
                if low[node] == index[node]:
                    members = _closed(node, open_, is_open)
                    if len(members) > 1 or any(target == node for target, _ in graph[node]):
                        yield members


def _closed(node: N, open_: list[N], is_open: set[N]) -> Component[N]:
    members = [open_.pop()]
    while members[-1] != node:
        members.append(open_.pop())
    is_open.difference_update(members)
    return dict.fromkeys(reversed(members))


def _peeled(graph: Graph[N, L]) -> dict[N, int]:
    """The nodes that a cycle leads to and that lead on, in the order of the graph."""
    count = dict.fromkeys(graph, 0)
    for arcs in graph.values():
        for target, _ in arcs:
            if target in count:
                count[target] += 1
    free = [node for node, number in count.items() if not number]
    for node in free:
        del count[node]
        for target, _ in graph[node]:
            if target in count:
                count[target] -= 1
                if not count[target]:
                    free.append(target)
    return count

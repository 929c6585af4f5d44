# SPDX-License-Identifier: Apache-2.0
"""What hangs together in a graph, in linear time and without recursion, however deep it is."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TypeVar

N = TypeVar("N", bound=Hashable)
L = TypeVar("L")

#: Node -> where its arcs lead, each with a label.
Graph = Mapping[N, Sequence[tuple[N, L]]]
#: The nodes of a component, in an order that hangs on the graph only.
Component = Mapping[N, None]


def components(out: Mapping[N, Sequence[N]], starts: Iterable[N]) -> Iterator[list[N]]:
    """The strongly connected components within reach of some nodes (Tarjan 1972).

    Each comes after all that it leads to; its nodes stand in the order in which they were reached.
    """
    index: dict[N, int] = {}
    low: dict[N, int] = {}
    open_: list[N] = []
    closed: set[N] = set()
    for start in starts:
        if start in index:
            continue
        index[start] = low[start] = len(index)
        open_.append(start)
        trail = [(start, iter(out.get(start, ())))]
        while trail:
            node, targets = trail[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    open_.append(target)
                    trail.append((target, iter(out.get(target, ()))))
                    break
                if target not in closed:
                    low[node] = min(low[node], index[target])
            else:
                trail.pop()
                if trail:
                    above = trail[-1][0]
                    low[above] = min(low[above], low[node])
                if low[node] == index[node]:
                    nodes = [open_.pop()]
                    while nodes[-1] != node:
                        nodes.append(open_.pop())
                    nodes.reverse()
                    closed.update(nodes)
                    yield nodes


def cycles(graph: Graph[N, L]) -> Iterator[Component[N]]:
    """The strongly connected components that hold a cycle, one node with an arc to itself too.

    What lies on no cycle is peeled off first (Kahn 1962), which leaves nothing of most graphs.
    """
    target_of = itemgetter(0)
    out = {node: [*map(target_of, arcs)] for node, arcs in graph.items()}
    for nodes in components(out, _peeled(out)):
        if len(nodes) > 1 or nodes[0] in out.get(nodes[0], ()):
            yield dict.fromkeys(nodes)


def _peeled(out: Mapping[N, Sequence[N]]) -> dict[N, int]:
    """The nodes that a cycle leads to and that lead on, in the order of the graph."""
    count = dict.fromkeys(out, 0)
    for targets in out.values():
        for target in targets:
            if target in count:
                count[target] += 1
    free = [node for node, number in count.items() if not number]
    for node in free:
        del count[node]
        for target in out[node]:
            if target in count:
                count[target] -= 1
                if not count[target]:
                    free.append(target)
    return count


def connected(nodes: Iterable[N], pairs: Iterable[tuple[N, N]]) -> dict[N, N]:
    """Each node with the one that stands for all that pairs connect it with.

    Union-find with path halving (Tarjan and van Leeuwen 1984); pairs that name a node which is not
    among ``nodes`` are not looked at.
    """
    parent = {node: node for node in nodes}

    def top(node: N) -> N:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other in pairs:
        if one in parent and other in parent:
            parent[top(one)] = top(other)
    return {node: node if above == node else top(above) for node, above in parent.items()}

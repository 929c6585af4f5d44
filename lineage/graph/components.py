# SPDX-License-Identifier: Apache-2.0
"""Connected components and cycles of a graph, in linear time and without recursion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from sys import maxsize
from typing import TypeVar

N = TypeVar("N", bound=Hashable)
L = TypeVar("L")

#: Node -> where its arcs lead, each with a label.
Graph = Mapping[N, Sequence[tuple[N, L]]]
#: The nodes of a component, in an order that hangs on the graph only.
Component = Mapping[N, None]

#: Where an arc leads.
_TARGET = itemgetter(0)


def components(out: Mapping[N, Sequence[N]], starts: Iterable[N]) -> Iterator[list[N]]:
    """Yield the strongly connected components within reach of some nodes (Tarjan 1972).

    Each comes after all that it leads to; its nodes stand in the order in which they were reached.
    """
    # The nodes whose component is not known yet, and the place of each among them. Once its component
    # is known it has a place beyond all, which is never the lowest that anything leads back to.
    stack: list[N] = []
    places: dict[N, int] = {}
    for start in starts:
        if start in places:
            continue
        trail: list[tuple[N, int, int, Iterator[N]]] = []
        node, place, targets = start, 0, iter(out.get(start, ()))
        places[node] = lowest = place
        stack.append(node)
        while True:
            for target in targets:
                reached = places.get(target)
                if reached is None:
                    trail.append((node, place, lowest, targets))
                    node, targets = target, iter(out.get(target, ()))
                    places[node] = lowest = place = len(stack)
                    stack.append(node)
                    break
                elif reached < lowest:
                    lowest = reached
            else:
                if lowest == place:
                    nodes = stack[place:]
                    del stack[place:]
                    places.update(dict.fromkeys(nodes, maxsize))
                    yield nodes
                if not trail:
                    break
                back = lowest
                node, place, lowest, targets = trail.pop()
                lowest = min(lowest, back)


def cycles(graph: Graph[N, L]) -> Iterator[Component[N]]:
    """Yield the strongly connected components that hold a cycle, also that of a node with an arc to
    itself.

    What lies on no cycle is peeled off first (Kahn 1962), which leaves nothing of most graphs.
    """
    out = {node: [*map(_TARGET, graph[node])] for node in _peeled(graph)}
    for nodes in components(out, out):
        if len(nodes) > 1 or nodes[0] in out.get(nodes[0], ()):
            yield dict.fromkeys(nodes)


def _peeled(graph: Graph[N, L]) -> list[N]:
    """The nodes that a cycle leads to and that lead on, in the order of the graph."""
    count = dict(Counter(map(_TARGET, chain.from_iterable(graph.values()))))
    free = [node for node in graph if node not in count]
    for node in free:
        for target, _ in graph.get(node, ()):
            count[target] = left = count[target] - 1
            if not left:
                free.append(target)
    return [node for node in graph if count.get(node)]


def connected(nodes: Iterable[N], pairs: Iterable[tuple[N, N]]) -> dict[N, N]:
    """Map each node to the node that stands for everything it is connected with by pairs.

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

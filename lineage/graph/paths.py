# SPDX-License-Identifier: Apache-2.0
"""Finds shortest paths in directed graphs, as the labels of the arcs along them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Collection, Container, Sequence
from typing import Any, Generic, NamedTuple, TypeAlias

from lineage.graph.components import Graph, L, N

#: Paths by their first nodes: what follows a node in any of them, and what follows that.
_Trie: TypeAlias = dict[N, Any]


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


class Paths(NamedTuple, Generic[L]):
    """The paths that were found, and whether there was time to look for all of them."""

    found: list[tuple[L, ...]]
    whole: bool


def shortest_paths(
    graph: Graph[N, L], start: N, end: N, k: int, go_on: Callable[[], bool] = lambda: True
) -> Paths[L]:
    """Find the ``k`` shortest loopless paths (Yen 1971, with Lawler's order of 1972), shortest first;
    of arcs between the same two nodes the first counts. After the very first, paths of one length
    are in the order of their labels, then of their nodes: both must be comparable. ``go_on`` is
    asked before each search; where it says no, the paths found so far are the answer.
    """
    if start == end or not go_on():
        return Paths([], start == end)
    search = _Search(graph, end)
    nodes, labels = search.onward(start, {start}, ())
    if not labels:
        return Paths([], True)
    found = [_Path(len(labels), tuple(labels), (*nodes, end))]
    waiting: list[tuple[_Path[N, L], int]] = []
    known: _Trie[N] = {}
    branched = 0
    while len(found) < k:
        last = found[-1]
        spots = _added(known, last.nodes)
        closed = set(last.nodes[:branched])
        # Before the node where this path left the one it was found from, that one was tried.
        for spot in range(branched, last.length):
            if not go_on():
                return Paths([path.labels for path in found], False)
            closed.add(last.nodes[spot])
            nodes, labels = search.onward(last.nodes[spot], closed, spots[spot])
            if labels:
                path = _Path(
                    spot + len(labels),
                    (*last.labels[:spot], *labels),
                    (*last.nodes[:spot], *nodes, end),
                )
                insort(waiting, (path, spot))
                del waiting[k - len(found) :]
        if not waiting:
            break
        path, branched = waiting.pop(0)
        found.append(path)
    return Paths([path.labels for path in found], True)


def _added(known: _Trie[N], nodes: Sequence[N]) -> list[_Trie[N]]:
    """Add a path to the tree of those that are known: where they went on from each of its nodes."""
    spots = []
    for node in nodes:
        known = known.setdefault(node, {})
        spots.append(known)
    return spots


class _Search(Generic[N, L]):
    """Searches for shortest paths to one node, of which it knows how far all others are."""

    def __init__(self, graph: Graph[N, L], end: N) -> None:
        self._graph = graph
        self._end = end
        into: dict[N, list[N]] = {}
        for near, arcs in graph.items():
            for far, _ in arcs:
                into.setdefault(far, []).append(near)
        self._far = {end: 0}
        queue = [end]
        for node in queue:
            for near in into.get(node, ()):
                if near not in self._far:
                    self._far[near] = self._far[node] + 1
                    queue.append(near)

    def onward(self, node: N, closed: set[N], barred: Collection[N]) -> tuple[list[N], list[L]]:
        """The nodes, save the end, and the labels from a node to the end: the first arc leads to none
        that is barred, and no node that is closed is entered.

        What a search breadth first would find: of the shortest the one whose arcs stand first.
        """
        start, far = node, self._far
        nodes: list[N] = []
        labels: list[L] = []
        arcs = [arc for arc in self._graph.get(node, ()) if arc[0] not in barred]
        while node != self._end:
            step = min(arcs, key=lambda arc: far.get(arc[0], _NEVER), default=None)
            if step is None or step[0] not in far:
                return [], []
            if step[0] in closed:
                # It is on the way: nothing but a search says how to go round it.
                return _search(self._graph, start, self._end, closed=closed, barred=barred)
            nodes.append(node)
            labels.append(step[1])
            node = step[0]
            arcs = list(self._graph.get(node, ()))
        return nodes, labels


#: Farther than any node is from another.
_NEVER = 2**62


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

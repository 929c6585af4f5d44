# SPDX-License-Identifier: Apache-2.0
"""Lays out a directed graph in layers: causes above their effects, few crossings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from lineage.graph.components import N

#: How often layers are put in the order of their neighbours; more changes little.
_SWEEPS = 4
#: Nodes without arcs in a row, where no layer is longer.
_ROW = 6


def layered(nodes: Sequence[N], arcs: Iterable[tuple[N, N]]) -> list[list[N]]:
    """Put nodes into layers: every effect below all its causes, as far as there are no cycles, and
    within a layer near what it is tied to, which keeps crossings few (Sugiyama, Tagawa and Toda
    1981).

    Arcs run from effect to cause; those with an end elsewhere and loops are not looked at. The
    layers depend on the order of nodes and arcs only.
    """
    causes: dict[N, list[N]] = {node: [] for node in nodes}
    for effect, cause in arcs:
        if effect in causes and cause in causes and effect != cause:
            causes[effect].append(cause)
    effects: dict[N, list[N]] = {node: [] for node in nodes}
    for effect, found in causes.items():
        for cause in found:
            effects[cause].append(effect)
    depth = _depths(causes)
    layers: dict[int, list[N]] = defaultdict(list)
    alone = []
    for node in nodes:
        if causes[node]:
            layers[depth[node]].append(node)
        elif effects[node]:
            # What nothing caused stands right above the first that it caused.
            layers[max(0, min(depth[one] for one in effects[node]) - 1)].append(node)
        else:
            alone.append(node)
    ordered = [layers[number] for number in sorted(layers)]
    _sort_by_neighbours(ordered, causes, effects)
    row = max((_ROW, *map(len, ordered)))
    return ordered + [alone[start : start + row] for start in range(0, len(alone), row)]


def _depths(causes: Mapping[N, Sequence[N]]) -> dict[N, int]:
    """The longest way up from each node; an arc that closes a cycle is not counted."""
    depth: dict[N, int] = {}
    for start in causes:
        if start in depth:
            continue
        open_: dict[N, int] = {start: 0}
        ways = [(start, iter(causes[start]))]
        while ways:
            node, way = ways[-1]
            for above in way:
                if above in depth:
                    open_[node] = max(open_[node], depth[above] + 1)
                elif above not in open_:
                    open_[above] = 0
                    ways.append((above, iter(causes[above])))
                    break
            else:
                ways.pop()
                depth[node] = open_.pop(node)
                if ways:
                    below = ways[-1][0]
                    open_[below] = max(open_[below], depth[node] + 1)
    return depth


def _sort_by_neighbours(
    layers: Sequence[list[N]], causes: Mapping[N, Sequence[N]], effects: Mapping[N, Sequence[N]]
) -> None:
    """Sort each layer by the mean place of its nodes' neighbours, downward and upward in turn."""
    given = {node: number for number, node in enumerate(causes)}
    rank = {node: from_middle(i, layer) for layer in layers for i, node in enumerate(layer)}

    for sweep in range(_SWEEPS):
        neighbours = effects if sweep % 2 else causes

        def mean(node: N, near: Mapping[N, Sequence[N]] = neighbours) -> tuple[float, int]:
            around = near[node]
            if not around:
                return rank[node], given[node]
            return sum(rank[one] for one in around) / len(around), given[node]

        for layer in reversed(layers) if sweep % 2 else layers:
            layer.sort(key=mean)
            rank.update((node, from_middle(i, layer)) for i, node in enumerate(layer))


def from_middle(index: int, layer: Sequence[N]) -> float:
    """How far from the middle of its layer a node stands, in nodes."""
    return index - (len(layer) - 1) / 2

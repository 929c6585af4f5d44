# SPDX-License-Identifier: Apache-2.0
"""Where arcs end: roots and sinks."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def ends(arcs: Iterable[tuple[K, K]], members: Collection[K]) -> set[K]:
    """The members from which arcs lead to no other member, save around a cycle they are on.

    Linear in the arcs: components come out of Tarjan's algorithm (1972) after all that they lead
    to, so that one look at the neighbours of each is enough.
    """
    out: dict[K, list[K]] = {}
    for near, far in arcs:
        out.setdefault(near, []).append(far)
    found: set[K] = set()
    component: dict[K, int] = {}
    leads: list[bool] = []
    for number, nodes in enumerate(_components(out, members)):
        beyond = {component[far] for node in nodes for far in out.get(node, ()) if far in component}
        component.update(dict.fromkeys(nodes, number))
        inside = [node for node in nodes if node in members]
        if not any(leads[other] for other in beyond):
            found.update(inside)
        leads.append(bool(inside) or any(leads[other] for other in beyond))
    return found


def _components(out: Mapping[K, Sequence[K]], starts: Iterable[K]) -> Iterable[list[K]]:
    """Strongly connected components within reach, each after all that it leads to."""
    low: dict[K, int] = {}
    order: dict[K, int] = {}
    done: set[K] = set()
    stack: list[K] = []
    for start in starts:
        if start in order:
            continue
        order[start] = low[start] = len(order)
        stack.append(start)
        work = [(start, iter(out.get(start, ())))]
        while work:
            node, rest = work[-1]
            for far in rest:
                if far not in order:
                    order[far] = low[far] = len(order)
                    stack.append(far)
                    work.append((far, iter(out.get(far, ()))))
                    break
                if far not in done:
                    low[node] = min(low[node], order[far])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    place = stack.index(node) if stack[-1] != node else len(stack) - 1
                    nodes = stack[place:]
                    del stack[place:]
                    done.update(nodes)
                    yield nodes

# SPDX-License-Identifier: Apache-2.0
"""Finds where arcs end: roots and sinks."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from lineage.graph.components import N, components


def ends(arcs: Iterable[tuple[N, N]], members: Collection[N]) -> set[N]:
    """Find the members from which arcs lead to no other member, except around a cycle that they are
    on.

    Linear in the arcs: components come after all that they lead to, so that one look at the
    neighbours of each is enough.
    """
    out: dict[N, list[N]] = {}
    for near, far in arcs:
        out.setdefault(near, []).append(far)
    found: set[N] = set()
    component: dict[N, int] = {}
    leads: list[bool] = []
    for number, nodes in enumerate(components(out, members)):
        beyond = {component[far] for node in nodes for far in out.get(node, ()) if far in component}
        component.update(dict.fromkeys(nodes, number))
        inside = [node for node in nodes if node in members]
        onward = any(leads[other] for other in beyond)
        if not onward:
            found.update(inside)
        leads.append(onward or bool(inside))
    return found

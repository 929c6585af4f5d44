# SPDX-License-Identifier: Apache-2.0
"""What a training job commits at its end."""

from __future__ import annotations

from lineage.model.record import Batch, Edge, Node


def a_run(name: object) -> Batch:
    """A run with what it read and made: 6 nodes, 14 edges."""
    names = [f"urn:bench:one:{name}:{part}" for part in range(6)]
    nodes = tuple(
        Node(id=ident, kind="Artifact" if place else "Run", label=ident, attributes={"n": place})
        for place, ident in enumerate(names)
    )
    pairs = [(a, b) for a in range(6) for b in range(a + 1, 6)][:14]
    edges = tuple(
        Edge(relation="wasInfluencedBy", effect=names[a], cause=names[b]) for a, b in pairs
    )
    return Batch(nodes=nodes, edges=edges)

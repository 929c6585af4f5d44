# SPDX-License-Identifier: Apache-2.0
"""Nodes and edges as engines hand them out: rows whose attributes are still JSON text."""

from __future__ import annotations

from typing import NamedTuple

from lineage import ids
from lineage.model.record import Edge, Node
from lineage.model.value import read_text


class NodeRow(NamedTuple):
    """A node as engines hand it out: its attributes are still JSON text."""

    id: str
    kind: str
    label: str | None
    attributes: str

    @property
    def title(self) -> str:
        """What people read: the label, else the end of the identifier."""
        return ids.title(self.id, self.label)

    def node(self) -> Node:
        """The node, decoded."""
        return Node(
            id=self.id, kind=self.kind, label=self.label, attributes=read_text(self.attributes)
        )


class EdgeRow(NamedTuple):
    """An edge as engines hand it out: its attributes are still JSON text."""

    relation: str
    effect: str
    cause: str
    attributes: str
    id: str | None
    bundle: str | None

    def edge(self) -> Edge:
        """The edge, decoded."""
        return Edge(
            relation=self.relation,
            effect=self.effect,
            cause=self.cause,
            attributes=read_text(self.attributes),
            id=self.id,
            bundle=self.bundle,
        )


def edge_order(row: EdgeRow) -> tuple[str, ...]:
    """The key by which edges are sorted everywhere."""
    return (row.effect, row.relation, row.cause, row.attributes, row.id or "", row.bundle or "")

# SPDX-License-Identifier: Apache-2.0
"""The one shape of answer: nodes, edges, and a certificate that says whether they are all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lineage.model.record import Edge, Node
from lineage.services.context import Context
from lineage.store.base import Cut, Subgraph, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Whether an answer is whole, why not, and the ledger it was answered from."""

    complete: bool
    cut: Cut | None
    as_of: int
    root: str
    cursor: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of docs/answers.md."""
        cut = None if self.cut is None else {"reason": self.cut.reason, "left": self.cut.left}
        return {
            "complete": self.complete,
            "cut": cut,
            "cursor": self.cursor,
            "as_of": self.as_of,
            "root": self.root,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Nodes and edges by identifier, with what was asked (``start``) and a certificate."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    certificate: Certificate
    start: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def to_dict(self) -> dict[str, Any]:
        """As the JSON that every face speaks (docs/answers.md)."""
        return {
            "nodes": [node.to_dict() for node in self.nodes],
            "edges": [edge.to_dict() for edge in self.edges],
            "certificate": self.certificate.to_dict(),
            **self.extra,
        }


def certify(ctx: Context, view: View, cut: Cut | None) -> Certificate:
    """The certificate of an answer given in a view."""
    head = ctx.store.head()
    return Certificate(
        complete=cut is None,
        cut=cut,
        as_of=head.size if view.as_of is None else view.as_of,
        root=head.root.hex(),
    )


def answered(
    ctx: Context, found: Subgraph, view: View, start: tuple[str, ...], **extra: Any
) -> Answer:
    """A walk's result as an answer."""
    return Answer(
        nodes=found.nodes,
        edges=found.edges,
        certificate=certify(ctx, view, found.cut),
        start=start,
        extra=extra,
    )

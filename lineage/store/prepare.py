# SPDX-License-Identifier: Apache-2.0
"""What every engine does before it writes: canonical lines, texts, and the arcs of edges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lineage.model import terms
from lineage.model.merge import mention, merged
from lineage.model.record import Edge, Node, Record, arcs, line, read_text, text, variant
from lineage.store.base import NodeRow


class Statement(NamedTuple):
    """A node as a source states it, ready to be kept."""

    id: str
    kind: str
    label: str | None
    attributes: str
    bundle: str | None

    def node(self) -> Node:
        """The node that was stated."""
        return Node(
            id=self.id,
            kind=self.kind,
            label=self.label,
            attributes=read_text(self.attributes),
            bundle=self.bundle,
        )


class Arc(NamedTuple):
    """An edge as engines keep it: the one asserted, or one that it implies."""

    relation: str
    effect: str
    cause: str
    variant: int
    follow: bool
    attributes: str
    id: str | None
    bundle: str | None


def statement(node: Node) -> Statement:
    """A node ready to be kept."""
    return Statement(node.id, node.kind, node.label, text(node.attributes), node.bundle)


def edge_arcs(edge: Edge) -> Iterator[Arc]:
    """An edge ready to be kept, with what it implies; all share its variant."""
    number = variant(edge)
    for arc in arcs(edge):
        yield Arc(
            arc.relation,
            arc.effect,
            arc.cause,
            number,
            terms.follows(arc.relation, arc.attributes),
            text(arc.attributes),
            arc.id,
            arc.bundle,
        )


def lines(records: Iterable[Record]) -> dict[bytes, Record]:
    """Records by their canonical line: what is said twice stands once."""
    return {line(record): record for record in records}


def ends(records: Iterable[Record]) -> dict[str, set[str]]:
    """Every identifier that records speak of, with the families that edges give it."""
    found: dict[str, set[str]] = {}
    for record in records:
        if isinstance(record, Node):
            found.setdefault(record.id, set())
            continue
        effect, cause = mention(record.relation)
        found.setdefault(record.effect, set()).add(effect)
        found.setdefault(record.cause, set()).add(cause)
        if record.relation in terms.IMPLIES:
            for arc in list(arcs(record))[1:]:
                found.setdefault(arc.cause, set()).add(mention(arc.relation)[1])
    return found


def shown(ident: str, statements: list[Statement], families: Iterable[str] = ()) -> NodeRow:
    """The row that a view shows for a node."""
    if len(statements) == 1:
        return NodeRow(*statements[0][:4])
    node = merged(ident, [item.node() for item in statements], families)
    return NodeRow(node.id, node.kind, node.label, text(node.attributes))


def implied(relation: str) -> bool:
    """Whether an arc of this relation only stands because an edge implies it."""
    return terms.RELATIONS[relation].implied_by is not None


def record(what: Statement | Arc) -> Record | None:
    """The record behind what an engine keeps; ``None`` for an arc that is only implied."""
    if isinstance(what, Statement):
        return what.node()
    if implied(what.relation):
        return None
    return Edge(
        relation=what.relation,
        effect=what.effect,
        cause=what.cause,
        attributes=read_text(what.attributes),
        id=what.id,
        bundle=what.bundle,
    )

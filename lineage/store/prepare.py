# SPDX-License-Identifier: Apache-2.0
"""What every engine does before it writes: canonical lines, texts, and the arcs of edges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lineage.model import terms
from lineage.model.merge import mention, merged
from lineage.model.record import Edge, Node, Record, arcs, line, text, variant
from lineage.store.base import Arc, NodeRow, Statement


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

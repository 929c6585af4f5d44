# SPDX-License-Identifier: Apache-2.0
"""Merges what the sources say of a node into what a reader sees: the union, contradictions
included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lineage.model import kinds, terms
from lineage.model.record import Node
from lineage.model.value import Scalar, Value, each, several

#: Arguments of relations that name another edge, and no thing.
EDGE_ARGUMENTS = frozenset({"prov:generation", "prov:usage"})


def merged(ident: str, statements: Sequence[Node], mentions: Iterable[str] = ()) -> Node:
    """Merge all statements that stand in a view into one node; every engine answers with exactly
    this.

    A thing that nobody describes takes the family that the relations mentioning it give it
    (``mentions``: families).
    """
    if len(statements) == 1:
        only = statements[0]
        return only if only.bundle is None else _unbundled(only)
    if not statements:
        return Node(id=ident, kind=kinds.most_telling(set(mentions) or {"Entity"}))
    kind = kinds.most_specific({statement.kind for statement in statements})
    labels = sorted((s.kind != kind, s.label) for s in statements if s.label is not None)
    return Node(
        id=ident, kind=kind, label=labels[0][1] if labels else None, attributes=_union(statements)
    )


def _unbundled(node: Node) -> Node:
    return Node(id=node.id, kind=node.kind, label=node.label, attributes=node.attributes)


def _union(statements: Sequence[Node]) -> dict[str, Value]:
    values: dict[str, list[Scalar]] = {}
    for statement in statements:
        for key, value in statement.attributes.items():
            values.setdefault(key, []).extend(each(value))
    return {key: several(values[key]) for key in sorted(values)}


def mention(relation: str) -> tuple[str, str]:
    """The families that a relation gives its effect and its cause."""
    row = terms.RELATIONS[relation]
    return row.effect, row.cause

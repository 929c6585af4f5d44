# SPDX-License-Identifier: Apache-2.0
"""Merges what the sources say of a node into what a reader sees: the union, contradictions
included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lineage.model import kinds, terms
from lineage.model.record import Node
from lineage.model.value import Scalar, Value, each, several

#: How the sources of what partners say begin.
OF_PARTNERS = "partner:"
#: Arguments of relations that name another edge, and no thing.
EDGE_ARGUMENTS = frozenset({"prov:generation", "prov:usage"})


class Place(NamedTuple):
    """The place of a statement among those of one thing: the entries in which its source first gave
    the thing a label and a noun. Statements of one source have one place, so that what their order
    was does not matter.
    """

    labelled: int = 0
    named: int = 0


def merged(
    ident: str,
    statements: Sequence[Node],
    mentions: Iterable[str] = (),
    places: Sequence[Place] = (),
) -> Node:
    """Merge all statements that stand in a view into one node; every engine answers with exactly
    this.

    Where sources disagree, label and kind are those of the source that gave the thing one first
    (``places``, one a statement; without them they have one place), so that nobody can rename what
    others have named. A thing that nobody describes takes the family that the relations mentioning
    it give it (``mentions``: families).
    """
    if len(statements) == 1:
        only = statements[0]
        return only if only.bundle is None else _unbundled(only)
    if not statements:
        return Node(id=ident, kind=kinds.most_telling(set(mentions) or {"Entity"}))
    placed = list(zip(statements, places or [Place()] * len(statements), strict=True))
    said = [(kinds.precedence(s.kind), p.named, kinds.rank(s.kind), s.kind) for s, p in placed]
    kind = min(said)[-1]
    labels = [(p.labelled, s.kind != kind, s.label) for s, p in placed if s.label is not None]
    label = min(labels)[-1] if labels else None
    return Node(id=ident, kind=kind, label=label, attributes=_union(statements))


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

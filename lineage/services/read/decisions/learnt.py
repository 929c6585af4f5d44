# SPDX-License-Identifier: Apache-2.0
"""Reads the lessons that were learnt from a decision or a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lineage.model import terms
from lineage.model.record import Node
from lineage.model.value import each
from lineage.services.context import Context
from lineage.store.base import NOW, Hop
from lineage.store.rows import EdgeRow

_LEARNT = Hop(toward="effects", relations=frozenset({"wasDerivedFrom", "wasInfluencedBy"}))
_WHO = Hop(relations=frozenset({"wasAttributedTo"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonShown:
    """A lesson that was learnt from a decision, and who told it, as far as that is known."""

    id: str
    text: str
    by: Sequence[str]
    tags: Sequence[str]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"id": self.id, "text": self.text, "by": list(self.by), "tags": list(self.tags)}


def learnt(ctx: Context, ident: str) -> Sequence[LessonShown]:
    """The lessons that were learnt from a decision or a run, by their texts."""
    edges = [edge for edge in ctx.store.edges([ident], _LEARNT, NOW) if is_subject(edge)]
    rows = ctx.store.get({edge.effect for edge in edges}, NOW) if edges else {}
    found = {i: row.node() for i, row in rows.items() if row.kind == "Lesson"}
    by: dict[str, list[str]] = {}
    told = sorted(ctx.store.edges(list(found), _WHO, NOW)) if found else []
    people = ctx.store.get({edge.cause for edge in told}, NOW) if told else {}
    for edge in told:
        if edge.cause in people:
            by.setdefault(edge.effect, []).append(people[edge.cause].title)
    shown = [
        LessonShown(
            id=ident,
            text=text_of(node),
            by=tuple(by.get(ident, ())),
            tags=tuple(str(tag) for tag in each(node.attributes.get("tags", ()))),
        )
        for ident, node in found.items()
    ]
    return sorted(shown, key=lambda one: (one.text, one.id))


def text_of(node: Node) -> str:
    """What was learnt."""
    return str(node.attributes.get("text") or node.title)


def is_subject(edge: EdgeRow) -> bool:
    """Whether an edge leads to what a lesson was learnt from, rather than to what it is about besides."""
    return terms.METHOD not in edge.edge().attributes

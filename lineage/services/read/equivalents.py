# SPDX-License-Identifier: Apache-2.0
"""Groups nodes that are tied by digest, as people read them, and lists the links between the
groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lineage import ids
from lineage.graph.components import connected
from lineage.model import terms
from lineage.model.record import Edge, Node
from lineage.query.plan import Toward
from lineage.services.answer import Answer

_ORDER = {relation.name: place for place, relation in enumerate(terms.TABLE)}


@dataclass(slots=True, eq=False)
class EquivalenceClass:
    """Nodes that are tied by digest, under the name that says most: a version and its bytes are
    one.
    """

    nodes: list[Node] = field(default_factory=list)
    #: The identifiers that were asked about: they go before other names.
    asked: Sequence[str] = ()

    @property
    def best(self) -> Node:
        """The node that was asked about, else the one whose name says most."""
        return min(
            self.nodes,
            key=lambda node: (
                node.id not in self.asked,
                node.kind == "Content",
                node.title,
                node.id,
            ),
        )

    @property
    def versions(self) -> Sequence[Node]:
        """The versions of one path that were asked about together: drawn as one, not the same."""
        together = versions_asked(self.asked)
        return [node for node in self.nodes if node.id in together] if len(together) > 1 else ()

    @property
    def others(self) -> list[str]:
        """The other names it goes by."""
        own = {self.best.id, *(node.id for node in self.versions)}
        return sorted(n.title for n in self.nodes if n.id not in own and n.kind != "Content")


def versions_asked(start: Sequence[str]) -> frozenset[str]:
    """The versions of one path that were asked about together: those of the first, where it is one."""
    stem = ids.versions_of(start[0]) if start and ids.is_version(start[0]) else None
    return frozenset(ident for ident in start if stem and ids.versions_of(ident) == stem)


def ties(edge: Edge) -> bool:
    """Whether an edge says that two nodes are one thing. Commits before and after a rewrite are not:
    several may have become one.
    """
    if edge.relation == terms.SAME_PERSON:
        return True
    if edge.attributes.get(terms.METHOD) == terms.BY_REWRITE:
        return False
    return edge.relation in terms.SAMENESSES and terms.follows(edge.relation, edge.attributes)


def things(answer: Answer) -> dict[str, EquivalenceClass]:
    """Identifier -> the thing it belongs to."""
    pairs = [(edge.effect, edge.cause) for edge in answer.edges if ties(edge)]
    held = {node.id for node in answer.nodes}
    pairs += [(answer.start[0], other) for other in versions_asked(answer.start) & held]
    one_of = connected([node.id for node in answer.nodes], pairs)
    found: dict[str, EquivalenceClass] = {}
    for node in answer.nodes:
        found.setdefault(one_of[node.id], EquivalenceClass(asked=answer.start)).nodes.append(node)
    return {node.id: thing for thing in found.values() for node in thing.nodes}


class Links:
    """The links between the things of an answer, from what was asked for outward. Where that is a
    name with its versions or a folder with its files, these are below it.
    """

    def __init__(self, answer: Answer, toward: Toward) -> None:
        self.of: dict[str, EquivalenceClass] = things(answer)
        self._back = toward == "effects"
        self._asked, self._more = answer.start[:1], frozenset(answer.start[1:])
        self._out: dict[EquivalenceClass, dict[tuple[EquivalenceClass, str], Edge]] = {}
        # A plan is drawn where nothing else leads to it: mostly a run used it as well.
        for edge in sorted(answer.edges, key=lambda edge: edge.relation == "hadPlan"):
            if not ties(edge):
                self._add(edge)

    def inverse(self, edge: Edge) -> bool:
        """Whether a link leads from the cause of its edge to the effect."""
        if edge.relation == "specializationOf":
            return self._back or (edge.effect in self._more and edge.cause in self._asked)
        is_part = edge.relation == "hadMember" and edge.cause in self._more
        return self._back and not (is_part and edge.effect in self._asked)

    def _add(self, edge: Edge) -> None:
        near, far = edge.effect, edge.cause
        if self.inverse(edge):
            near, far = far, near
        if near in self.of and far in self.of:
            one, other = self.of[near], self.of[far]
            out = self._out.setdefault(one, {})
            drawn = edge.relation == "hadPlan" and any(known is other for known, _ in out)
            if one is not other and not drawn:
                out.setdefault((other, edge.relation), edge)

    def far(self, edge: Edge) -> EquivalenceClass:
        """The thing that a link leads to."""
        return self.of[edge.effect if self.inverse(edge) else edge.cause]

    def onward(self, thing: EquivalenceClass) -> bool:
        """Whether any link leads on from a thing."""
        return bool(self._out.get(thing))

    def siblings(self, spot: EquivalenceClass) -> list[tuple[tuple[str, str], list[Edge]]]:
        """The links from a thing, those of one relation and kind together, in reading order."""
        groups: dict[tuple[str, str], list[Edge]] = {}
        for edge in self._out.get(spot, {}).values():
            groups.setdefault((edge.relation, self.far(edge).best.kind), []).append(edge)
        for edges in groups.values():
            edges.sort(key=lambda edge: (self.far(edge).best.title, edge.effect, edge.cause))
        return sorted(groups.items(), key=lambda item: (_ORDER[item[0][0]], item[0][1]))

# SPDX-License-Identifier: Apache-2.0
"""What a batch speaks of: every thing it describes or only mentions, with its kind and verb."""

from __future__ import annotations

from collections.abc import Iterator

from lineage import ids
from lineage.access.policy import Policy, Thing
from lineage.model import dictionary, kinds, merge, terms
from lineage.model.record import Batch, Edge, Node, arcs
from lineage.model.value import refs

#: Arguments of relations that name a thing, and its family; the others name edges or bundles.
ARGUMENTS = {
    "prov:plan": "Entity",
    "prov:activity": "Activity",
    "prov:starter": "Activity",
    "prov:ender": "Activity",
}
#: Arguments that name another edge.
EDGE_ARGUMENTS = frozenset({"prov:generation", "prov:usage"})

_ARGUMENTS_OF = {
    relation.name: frozenset(a.key for a in relation.arguments if a.holds == "ref")
    for relation in terms.TABLE
}


class Survey:
    """The things of a batch. ``verbs`` holds the policy's word on each; ``two_faced`` are those that
    are of one family in one place and of another elsewhere, as bundles may have it.
    """

    def __init__(self, batch: Batch, policy: Policy) -> None:
        statements: dict[str, list[Node]] = {}
        families: dict[str, set[str]] = {}
        for node in batch.nodes:
            statements.setdefault(node.id, []).append(node)
            families.setdefault(node.id, set()).add(kinds.family(node.kind))
        mentions: dict[str, set[str]] = {}
        for edge in batch.edges:
            for ident, family in _mentioned(edge):
                mentions.setdefault(ident, set()).add(family)
                # What influences what may be anything: it tells no family.
                if not terms.RELATIONS[edge.relation].any_ends:
                    families.setdefault(ident, set()).add(family)
        self.two_faced = {ident for ident, found in families.items() if len(found) > 1}
        self.things: dict[str, Thing] = {}
        for ident in statements.keys() | mentions.keys():
            node = merge.merged(ident, statements.get(ident, ()), mentions.get(ident, ()))
            self.things[ident] = Thing(ident, node.kind, node.attributes)
        self.verbs = {
            # A placeholder stands for an argument that was left out: there is nothing to hide.
            ident: "keep" if ids.is_unknown(ident) else policy.node(thing)
            for ident, thing in self.things.items()
        }

    def family(self, ident: str) -> str:
        """The PROV family of a thing."""
        return kinds.family(self.things[ident].kind)


def ref_arguments(relation: str) -> frozenset[str]:
    """The keys under which edges of a relation name things, edges and bundles."""
    return _ARGUMENTS_OF[relation]


def _mentioned(edge: Edge) -> Iterator[tuple[str, str]]:
    for arc in arcs(edge):
        effect, cause = merge.mention(arc.relation)
        yield arc.effect, effect
        yield arc.cause, cause
    for key in ref_arguments(edge.relation) & ARGUMENTS.keys() & edge.attributes.keys():
        for ident in refs(edge.attributes[key]):
            yield ident, ARGUMENTS[key]
    for key in dictionary.ARGUMENTS.get(edge.relation, ()):
        for ident in dictionary.entities(edge.attributes.get(key, ())):
            yield ident, "Entity"

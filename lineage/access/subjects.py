# SPDX-License-Identifier: Apache-2.0
"""Finds every node that a batch describes or only mentions, with its kind and the policy's verb."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from lineage import ids
from lineage.access.policy import Policy, Resource, Rule
from lineage.access.sensitive import LABEL
from lineage.model import dictionary, kinds, merge, terms
from lineage.model.record import Batch, Edge, Node, arcs
from lineage.model.value import refs

T = TypeVar("T")

#: Arguments of relations that name a node, and its family; the others name edges or bundles.
ARGUMENTS = {
    argument.key: argument.family
    for relation in terms.TABLE
    for argument in relation.arguments
    if argument.family
}

_ARGUMENTS_OF = {
    relation.name: frozenset(a.key for a in relation.arguments if a.holds == "ref")
    for relation in terms.TABLE
}


class Survey:
    """The nodes that a batch describes or mentions. ``verbs`` holds the policy's verb for each;
    ``ambiguous_family`` are those that have different families in different bundles.
    """

    def __init__(self, batch: Batch, policy: Policy) -> None:
        statements: dict[str, list[Node]] = {}
        families: dict[str, set[str]] = {}
        for node in batch.nodes:
            statements.setdefault(node.id, []).append(node)
            families.setdefault(node.id, set()).add(kinds.family(node.kind))
        mentions: dict[str, set[str]] = {}
        for edge in batch.edges:
            for ident, family in mentioned(edge):
                mentions.setdefault(ident, set()).add(family)
                # What influences what may be anything: it tells no family.
                if not terms.RELATIONS[edge.relation].any_ends:
                    families.setdefault(ident, set()).add(family)
        self.ambiguous_family: set[str] = {
            ident for ident, found in families.items() if len(found) > 1
        }
        self.resources: dict[str, Resource] = {}
        for ident in statements.keys() | mentions.keys():
            node = merge.merged(ident, statements.get(ident, ()), mentions.get(ident, ()))
            self.resources[ident] = Resource(ident, node.kind, node.attributes)
        self.verbs: dict[str, str] = {
            # A placeholder stands for an argument that was left out: there is nothing to hide.
            ident: "keep" if ids.is_unknown(ident) else policy.node(resource)
            for ident, resource in self.resources.items()
        }

    def family(self, ident: str) -> str:
        """The PROV family of a node."""
        return kinds.family(self.resources[ident].kind)


def unused_rules(batch: Batch, policy: Policy) -> Iterator[str]:
    """Find the rules that decide nothing about a batch, as pointers into the policy: they are
    mistyped, or stand behind others with the same conditions.
    """
    resources = Survey(batch, policy).resources
    relations = {edge.relation for edge in batch.edges}
    decided: dict[str, set[int | None]] = {
        "nodes": {_first(policy.nodes, resource, Rule.fits) for resource in resources.values()},
        "edges": {_first(policy.edges, relation, Rule.fits_edge) for relation in relations},
        "attributes": {id(rule) for rule in _attribute_rules(batch, resources, policy)},
    }
    for part, deciding in decided.items():
        for number, rule in enumerate(getattr(policy, part)):
            if rule.narrow and id(rule) not in deciding:
                yield f"/{part}/{number}/{rule.verb}"


def _first(rules: Iterable[Rule], about: T, fits: Callable[[Rule, T], bool]) -> int | None:
    return next((id(rule) for rule in rules if fits(rule, about)), None)


def _attribute_rules(
    batch: Batch, resources: Mapping[str, Resource], policy: Policy
) -> Iterator[Rule]:
    for record in batch.records:
        owner = resources[record.id] if isinstance(record, Node) else record.relation
        for name, value in record.attributes.items():
            yield policy.attribute(owner, name, value)
        if isinstance(record, Node) and record.label is not None:
            yield policy.attribute(owner, LABEL, record.label)


def ref_arguments(relation: str) -> frozenset[str]:
    """The keys under which edges of a relation name nodes, edges and bundles."""
    return _ARGUMENTS_OF[relation]


def mentioned(edge: Edge) -> Iterator[tuple[str, str]]:
    """The nodes that an edge mentions, each with the family that the edge gives it."""
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

# SPDX-License-Identifier: Apache-2.0
"""One PROV instance to validate (the document's top or one bundle), with the types of what it
describes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lineage import ids
from lineage.model import kinds, namespaces, terms
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Ref

ENTITY, ACTIVITY, AGENT, EMPTY = 1, 2, 4, 8
#: ``ENTITY * STATED`` marks what an ``entity(...)`` statement describes, and so on. To be an
#: argument of a relation types a thing (constraint 50), but describes it not.
STATED = 16
ANY_STATED = (ENTITY | ACTIVITY | AGENT) * STATED

FAMILY_BIT = {"Entity": ENTITY, "Activity": ACTIVITY, "Agent": AGENT}
_KIND = {name: FAMILY_BIT[kind.family] * (1 + STATED) for name, kind in kinds.KINDS.items()}
#: The kinds whose attributes ``started`` and ``ended`` are PROV's times of an activity.
ACTIVITIES = frozenset(name for name, kind in kinds.KINDS.items() if kind.family == "Activity")
#: Further arguments that are things -> what being one makes of them.
_ARGUMENTS = {"prov:starter": ACTIVITY, "prov:ender": ACTIVITY, "prov:activity": ACTIVITY}
_ARGUMENTS["prov:plan"] = ENTITY
_EMPTY_COLLECTION = Ref(namespaces.PROV + "EmptyCollection")


@dataclass(slots=True)
class Scope:
    """Nodes and edges of one bundle, edges by the PROV-DM relation that they are.

    ``types`` holds what constraint 50 derives of every identifier, as bits; ``unknown`` the
    identifiers that stand for arguments left out.
    """

    bundle: str | None
    nodes: list[Node] = field(default_factory=list)
    edges: dict[str, list[Edge]] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()

    def of(self, relation: str) -> list[Edge]:
        """The edges of a relation of PROV-DM, its sub-properties included."""
        return self.edges.get(relation, [])

    def known(self, ident: str) -> str | None:
        """The identifier of an argument, ``None`` for one that was left out."""
        return None if ident in self.unknown else ident

    def stated(self, ident: str | None, family: int) -> bool:
        """Whether a statement describes the identifier as of this family."""
        return ident is not None and bool(self.types.get(ident, 0) & family * STATED)


def scopes(batch: Batch) -> Iterator[Scope]:
    """Yield the instances of a document, each with its types derived (PROV-CONSTRAINTS section
    7.2).
    """
    found: dict[str | None, Scope] = {}
    for node in batch.nodes:
        scope = found.get(node.bundle)
        if scope is None:
            scope = found[node.bundle] = Scope(node.bundle)
        scope.nodes.append(node)
    for edge in batch.edges:
        scope = found.get(edge.bundle)
        if scope is None:
            scope = found[edge.bundle] = Scope(edge.bundle)
        listed = scope.edges.get(edge.relation)
        if listed is None:
            listed = scope.edges[edge.relation] = []
        listed.append(edge)
    for scope in found.values():
        _gather(scope)
        _derive_types(scope)
        _specialize(scope)
        yield scope


def _gather(scope: Scope) -> None:
    """Sub-properties counted under the relation of PROV-DM that they are."""
    for relation in list(scope.edges):
        row = terms.RELATIONS.get(relation)
        if row is None:
            del scope.edges[relation]
        elif row.base is not None:
            scope.edges.setdefault(row.base, []).extend(scope.edges.pop(relation))


def typings(scope: Scope) -> Iterator[tuple[str, int, Node | Edge]]:
    """Constraint 50: which identifier is of which type, because of which statement."""
    for node in scope.nodes:
        bits = _KIND.get(node.kind, 0)
        kind = node.attributes.get("prov:type")
        if kind is not None and bits & ENTITY and _is_empty_collection(kind):
            bits |= EMPTY
        yield node.id, bits, node
    for relation, edges in scope.edges.items():
        row = terms.RELATIONS[relation]
        effect_bit = 0 if row.any_ends else FAMILY_BIT[row.effect]
        cause_bit = 0 if row.any_ends else FAMILY_BIT[row.cause]
        for edge in edges:
            yield edge.effect, effect_bit, edge
            yield edge.cause, cause_bit, edge
        for argument in row.arguments:
            if bit := _ARGUMENTS.get(argument.key, 0):
                for edge in edges:
                    if edge.attributes and (thing := reference(edge, argument.key)):
                        yield thing, bit, edge


def _derive_types(scope: Scope) -> None:
    """What every identifier is, and which stand for nothing that was named."""
    types = scope.types
    get = types.get
    for ident, bits, _ in typings(scope):
        types[ident] = get(ident, 0) | bits
    scope.unknown = frozenset(filter(ids.is_unknown, types))


def _is_empty_collection(kind: object) -> bool:
    return _EMPTY_COLLECTION in (kind if isinstance(kind, tuple) else (kind,))


def reference(edge: Edge, key: str) -> str | None:
    """The thing that an argument names."""
    value = edge.attributes.get(key)
    if type(value) is tuple:
        value = next((item for item in value if isinstance(item, Ref)), None)
    return value.iri if isinstance(value, Ref) else None


def specializations(scope: Scope) -> Iterator[Edge]:
    """What is said to specialize what; a mention does so too (PROV-Links)."""
    for relation in ("specializationOf", "mentionOf"):
        for edge in scope.of(relation):
            if not {edge.effect, edge.cause} & scope.unknown:
                yield edge


def _specialize(scope: Scope) -> None:
    """Inference 21: what describes the general entity describes the specific one."""
    specific: dict[str, list[str]] = {}
    for edge in specializations(scope):
        specific.setdefault(edge.cause, []).append(edge.effect)
    for bits in (ENTITY * STATED, EMPTY):
        _spread(scope.types, bits, specific)


def _spread(types: dict[str, int], bits: int, specific: dict[str, list[str]]) -> None:
    queue = [ident for ident in specific if types[ident] & bits]
    while queue:
        below: Iterable[str] = specific.get(queue.pop(), ())
        for ident in below:
            if not types[ident] & bits:
                types[ident] |= bits
                queue.append(ident)

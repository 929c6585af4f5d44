# SPDX-License-Identifier: Apache-2.0
"""Typing and impossibility (constraints 50 to 56), mentions, and arguments PROV-DM requires."""

from __future__ import annotations

from lineage.graph.components import cycles
from lineage.graph.paths import shortest_walk
from lineage.model import merge, terms
from lineage.model.constraints.findings import Findings
from lineage.model.constraints.scope import (
    ACTIVITY,
    ANY_STATED,
    EMPTY,
    ENTITY,
    Scope,
    reference,
    specializations,
    typings,
)
from lineage.model.constraints.unique import Merged
from lineage.model.record import Edge, Node

#: Relations whose cause may be left out; the effect never may (PROV-DM section 5). Of a
#: delegation PROV-DM requires the responsible too, yet the test suites accept one without.
_CAUSE_OPTIONAL = frozenset(
    {
        "wasGeneratedBy",
        "used",
        "wasStartedBy",
        "wasEndedBy",
        "wasInvalidatedBy",
        "wasAssociatedWith",
        "actedOnBehalfOf",
    }
)
#: PROV-Dictionary and PROV-O's own arcs have rules of their own.
_OTHER = frozenset(
    {"hadDictionaryMember", "derivedByInsertionFrom", "derivedByRemovalFrom", "hadPlan"}
)
#: An influence is what every other relation is too; a derivation is not in the list of the
#: specification: these two may share their identifier with another relation (constraint 53).
_SHARE = frozenset({"wasInfluencedBy", "wasDerivedFrom"})


def inspect(scope: Scope, merged: Merged, findings: Findings) -> None:
    """Report impossible types and identifiers in a scope."""
    if scope.unknown:
        _required(scope, findings)
    _derivations(scope, findings)
    _specializations(scope, findings)
    _identifiers(scope, merged, findings)
    _disjoint(scope, findings)
    _memberships(scope, findings)
    _mentions(scope, findings)


def _required(scope: Scope, findings: Findings) -> None:
    """Arguments of PROV-DM and PROV-Links without which a statement says nothing."""
    for relation, edges in scope.edges.items():
        if relation in _OTHER:
            continue
        row = terms.RELATIONS[relation]
        for edge in edges:
            for end, key in ((edge.effect, row.effect_key), (edge.cause, row.cause_key)):
                optional = key == row.cause_key and relation in _CAUSE_OPTIONAL
                if end in scope.unknown and not optional:
                    _lacks(scope, edge, key, findings)


def _lacks(scope: Scope, edge: Edge, key: str, findings: Findings) -> None:
    shown = findings.names.statement(edge)
    message = f"{shown} leaves out its {key.removeprefix('prov:')}, which PROV requires"
    named = edge.id or scope.known(edge.effect) or scope.known(edge.cause)
    findings.broken("prov-dm", named or edge.effect, message, (edge,))


def _derivations(scope: Scope, findings: Findings) -> None:
    """Constraint 51: no generation or usage of an activity that is not given."""
    for edge in scope.of("wasDerivedFrom"):
        if not edge.attributes or reference(edge, "prov:activity") is not None:
            continue
        for key in sorted(merge.EDGE_ARGUMENTS):
            event = reference(edge, key)
            if event is not None:
                word, short = key.removeprefix("prov:"), findings.names.short
                message = (
                    f"the derivation of {short(edge.effect)} from {short(edge.cause)} "
                    f"names the {word} {short(event)} but no activity"
                )
                findings.error(51, edge.id or edge.effect, message, (edge,))
                break


def _specializations(scope: Scope, findings: Findings) -> None:
    """Constraint 52: nothing specializes itself, over however many steps (inference 19)."""
    following: dict[str, list[tuple[str, Edge]]] = {}
    for edge in specializations(scope):
        following.setdefault(edge.effect, []).append((edge.cause, edge))
    for members in cycles(following):
        first = next(iter(members))
        path = shortest_walk(following, first, first, members)
        short = findings.names.short
        message = f"{short(first)} specializes itself"
        if len(path) > 1:
            between = ", ".join(short(step.effect) for step in path[1:6])
            message += f" through {between}" + (" and others" if len(path) > 6 else "")
        findings.error(52, first, message, path)


def _identifiers(scope: Scope, merged: Merged, findings: Findings) -> None:
    """Constraints 53 and 54: what an identifier names is one relation, and no thing."""
    short = findings.names.short
    things = []
    for ident, relations in merged.named.items():
        apart = sorted(relations.keys() - _SHARE)
        if len(apart) > 1:
            message = f"{short(ident)} names both a {' and a '.join(apart)}"
            findings.error(53, ident, message, [relations[name].edge for name in apart])
        if scope.types.get(ident, 0) & ANY_STATED:
            things.append(ident)
    described = {}
    if things:
        wanted = frozenset(things)
        described = {node.id: node for node in reversed(scope.nodes) if node.id in wanted}
    for ident in things:
        relation, statement = min(merged.named[ident].items())
        message = f"{short(ident)} names both a thing and a {relation}"
        thing = [described[ident]] if ident in described else []
        findings.error(54, ident, message, [*thing, statement.edge])


def _disjoint(scope: Scope, findings: Findings) -> None:
    """Constraint 55: nothing is both an entity and an activity."""
    both = ENTITY | ACTIVITY
    clash = [ident for ident, bits in scope.types.items() if bits & both == both]
    if not clash:
        return
    witnesses: dict[tuple[str, int], Node | Edge] = {}
    for ident, bits, record in typings(scope):
        witnesses.setdefault((ident, bits & both), record)
    for ident in clash:
        path = [witnesses[ident, bit] for bit in (ENTITY, ACTIVITY) if (ident, bit) in witnesses]
        message = f"{findings.names.short(ident)} is both an entity and an activity"
        findings.error(55, ident, message, path)


def _memberships(scope: Scope, findings: Findings) -> None:
    """Constraint 56: an empty collection has no member."""
    said = set()
    for edge in scope.of("hadMember"):
        if scope.types[edge.effect] & EMPTY and edge.effect not in said:
            said.add(edge.effect)
            short = findings.names.short
            message = f"{short(edge.effect)} is an empty collection and has {short(edge.cause)}"
            findings.error(56, edge.effect, message, (edge,))


def _mentions(scope: Scope, findings: Findings) -> None:
    """PROV-Links: an entity mentions one entity, of one bundle."""
    known: dict[str, Edge] = {}
    said = set()
    for edge in scope.of("mentionOf"):
        if edge.effect in scope.unknown:
            continue
        if reference(edge, "prov:bundle") is None:
            _lacks(scope, edge, "prov:bundle", findings)
        other = known.setdefault(edge.effect, edge)
        one, two = ((e.cause, reference(e, "prov:bundle")) for e in (other, edge))
        if one != two and edge.effect not in said:
            said.add(edge.effect)
            message = f"{findings.names.short(edge.effect)} is a mention of two entities"
            if one[0] == two[0]:
                message = f"{findings.names.short(edge.effect)} is a mention out of two bundles"
            findings.broken("prov-mention", edge.effect, message, (other, edge))

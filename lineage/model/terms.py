# SPDX-License-Identifier: Apache-2.0
"""The only table of relations: what PROV-DM, PROV-N, PROV-JSON, PROV-O and Cypher call each one.

Stores, formats, walks and documentation read it. Sections are those of PROV-DM (W3C
Recommendation of 2013-04-30) and PROV-Dictionary (W3C Note).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lineage.model.namespaces import LINEAGE, PROV

Family = Literal["Entity", "Activity", "Agent"]

#: ``alternateOf`` edges with this method are ties by digest: the default walk follows them.
METHOD = "method"
BY_DIGEST = "digest"
SAMENESS = "alternateOf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An optional argument of a relation: the key PROV-JSON writes it under, and what it holds."""

    key: str
    holds: Literal["time", "ref", "any", "set"] = "ref"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One PROV relation, from effect to cause.

    ``code`` is stored by engines and never changes. ``inverse`` is the name of the way back
    (PROV-O appendix B, ours where it has none). ``base`` names the PROV relation that a
    sub-property is written as in formats that know only PROV, together with ``prov:type``.
    """

    code: int
    name: str
    effect: Family
    cause: Family
    effect_key: str
    cause_key: str
    inverse: str
    any_ends: bool = False
    follow: bool = True
    arguments: tuple[Argument, ...] = ()
    base: str | None = None
    base_type: str | None = None
    implied_by: tuple[str, str] | None = None
    qualified: str | None = None
    section: str = ""

    @property
    def cypher(self) -> str:
        """The relationship type in Neo4j: WAS_GENERATED_BY."""
        return re.sub("([A-Z])", r"_\1", self.name).upper()

    @property
    def iri(self) -> str:
        """The PROV-O property, or ours."""
        return (LINEAGE if self.name in _OURS else PROV) + self.name


_OURS = frozenset({"parent"})
_TIME = Argument(key="prov:time", holds="time")


def _ref(*keys: str) -> tuple[Argument, ...]:
    return tuple(Argument(key=key) for key in keys)


def _derivation(code: int, name: str, inverse: str, kind: str, **more: Any) -> Relation:
    """A sub-property of wasDerivedFrom, written as a derivation with a type."""
    return Relation(
        code=code,
        name=name,
        effect="Entity",
        cause="Entity",
        effect_key="prov:generatedEntity",
        cause_key="prov:usedEntity",
        inverse=inverse,
        arguments=_ref("prov:activity", "prov:generation", "prov:usage"),
        base="wasDerivedFrom",
        base_type=kind,
        section="5.2",
        **more,
    )


#: Every relation, in the order of PROV-DM.
TABLE: tuple[Relation, ...] = (
    Relation(
        code=1,
        name="wasGeneratedBy",
        effect="Entity",
        cause="Activity",
        effect_key="prov:entity",
        cause_key="prov:activity",
        inverse="generated",
        arguments=(_TIME,),
        qualified="Generation",
        section="5.1.3",
    ),
    Relation(
        code=2,
        name="used",
        effect="Activity",
        cause="Entity",
        effect_key="prov:activity",
        cause_key="prov:entity",
        inverse="wasUsedBy",
        arguments=(_TIME,),
        qualified="Usage",
        section="5.1.4",
    ),
    Relation(
        code=3,
        name="wasInformedBy",
        effect="Activity",
        cause="Activity",
        effect_key="prov:informed",
        cause_key="prov:informant",
        inverse="informed",
        qualified="Communication",
        section="5.1.5",
    ),
    Relation(
        code=4,
        name="wasStartedBy",
        effect="Activity",
        cause="Entity",
        effect_key="prov:activity",
        cause_key="prov:trigger",
        inverse="started",
        arguments=(_TIME, *_ref("prov:starter")),
        qualified="Start",
        section="5.1.6",
    ),
    Relation(
        code=5,
        name="wasEndedBy",
        effect="Activity",
        cause="Entity",
        effect_key="prov:activity",
        cause_key="prov:trigger",
        inverse="ended",
        follow=False,
        arguments=(_TIME, *_ref("prov:ender")),
        qualified="End",
        section="5.1.7",
    ),
    Relation(
        code=6,
        name="wasInvalidatedBy",
        effect="Entity",
        cause="Activity",
        effect_key="prov:entity",
        cause_key="prov:activity",
        inverse="invalidated",
        follow=False,
        arguments=(_TIME,),
        qualified="Invalidation",
        section="5.1.8",
    ),
    Relation(
        code=7,
        name="wasDerivedFrom",
        effect="Entity",
        cause="Entity",
        effect_key="prov:generatedEntity",
        cause_key="prov:usedEntity",
        inverse="hadDerivation",
        arguments=_ref("prov:activity", "prov:generation", "prov:usage"),
        qualified="Derivation",
        section="5.2.1",
    ),
    _derivation(8, "wasRevisionOf", "hadRevision", "prov:Revision", qualified="Revision"),
    _derivation(9, "wasQuotedFrom", "quotedAs", "prov:Quotation", qualified="Quotation"),
    _derivation(
        10,
        "hadPrimarySource",
        "wasPrimarySourceOf",
        "prov:PrimarySource",
        qualified="PrimarySource",
    ),
    _derivation(11, "parent", "child", "lineage:parent", follow=False),
    Relation(
        code=12,
        name="wasAttributedTo",
        effect="Entity",
        cause="Agent",
        effect_key="prov:entity",
        cause_key="prov:agent",
        inverse="contributed",
        qualified="Attribution",
        section="5.3.2",
    ),
    Relation(
        code=13,
        name="wasAssociatedWith",
        effect="Activity",
        cause="Agent",
        effect_key="prov:activity",
        cause_key="prov:agent",
        inverse="wasAssociateFor",
        arguments=_ref("prov:plan"),
        qualified="Association",
        section="5.3.3",
    ),
    Relation(
        code=14,
        name="actedOnBehalfOf",
        effect="Agent",
        cause="Agent",
        effect_key="prov:delegate",
        cause_key="prov:responsible",
        inverse="hadDelegate",
        arguments=_ref("prov:activity"),
        qualified="Delegation",
        section="5.3.4",
    ),
    Relation(
        code=15,
        name="wasInfluencedBy",
        effect="Entity",
        cause="Entity",
        any_ends=True,
        effect_key="prov:influencee",
        cause_key="prov:influencer",
        inverse="influenced",
        qualified="Influence",
        section="5.3.5",
    ),
    Relation(
        code=16,
        name="specializationOf",
        effect="Entity",
        cause="Entity",
        effect_key="prov:specificEntity",
        cause_key="prov:generalEntity",
        inverse="generalizationOf",
        section="5.5.1",
    ),
    Relation(
        code=17,
        name="alternateOf",
        effect="Entity",
        cause="Entity",
        effect_key="prov:alternate1",
        cause_key="prov:alternate2",
        inverse="alternateOf",
        section="5.5.2",
    ),
    Relation(
        code=18,
        name="hadMember",
        effect="Entity",
        cause="Entity",
        effect_key="prov:collection",
        cause_key="prov:entity",
        inverse="wasMemberOf",
        section="5.6.2",
    ),
    Relation(
        code=19,
        name="mentionOf",
        effect="Entity",
        cause="Entity",
        effect_key="prov:specificEntity",
        cause_key="prov:generalEntity",
        inverse="hadMention",
        follow=False,
        arguments=_ref("prov:bundle"),
        section="PROV-Links 4",
    ),
    Relation(
        code=20,
        name="hadDictionaryMember",
        effect="Entity",
        cause="Entity",
        effect_key="prov:dictionary",
        cause_key="prov:entity",
        inverse="wasDictionaryMemberOf",
        arguments=(
            Argument(key="prov:key", holds="any"),
            Argument(key="prov:key-entity-set", holds="set"),
        ),
        section="PROV-Dictionary 3.3",
    ),
    Relation(
        code=21,
        name="derivedByInsertionFrom",
        effect="Entity",
        cause="Entity",
        effect_key="prov:after",
        cause_key="prov:before",
        inverse="hadInsertion",
        arguments=(Argument(key="prov:key-entity-set", holds="set"),),
        qualified="Insertion",
        section="PROV-Dictionary 3.1",
    ),
    Relation(
        code=22,
        name="derivedByRemovalFrom",
        effect="Entity",
        cause="Entity",
        effect_key="prov:after",
        cause_key="prov:before",
        inverse="hadRemoval",
        arguments=(Argument(key="prov:key-set", holds="set"),),
        qualified="Removal",
        section="PROV-Dictionary 3.2",
    ),
    # An association with a plan leads to the plan as well: PROV-O's hadPlan, kept as an arc of its
    # own so that walks need not look into attributes. Never written out: the association says it.
    Relation(
        code=23,
        name="hadPlan",
        effect="Activity",
        cause="Entity",
        effect_key="prov:activity",
        cause_key="prov:plan",
        inverse="wasPlanOf",
        implied_by=("wasAssociatedWith", "prov:plan"),
        section="5.3.3",
    ),
)

RELATIONS: Mapping[str, Relation] = {relation.name: relation for relation in TABLE}
BY_CODE: Mapping[int, Relation] = {relation.code: relation for relation in TABLE}
#: (base relation, its prov:type) -> the sub-property that the pair means.
BY_BASE_TYPE: Mapping[tuple[str, str], Relation] = {
    (relation.base, relation.base_type): relation
    for relation in TABLE
    if relation.base and relation.base_type
}
#: relation -> the (argument key, relation) arcs that it implies.
IMPLIES: Mapping[str, tuple[str, Relation]] = {
    relation.implied_by[0]: (relation.implied_by[1], relation)
    for relation in TABLE
    if relation.implied_by
}
#: What a walk follows when it is not told.
FOLLOWED: frozenset[str] = frozenset(r.name for r in TABLE if r.follow)


def follows(relation: str, attributes: Mapping[str, Any]) -> bool:
    """Whether the default walk takes this edge: weak claims of sameness are drawn, not followed."""
    if relation == SAMENESS:
        return attributes.get(METHOD) == BY_DIGEST
    return relation in FOLLOWED

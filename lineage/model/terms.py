# SPDX-License-Identifier: Apache-2.0
"""The only table of relations: what PROV-DM, PROV-N, PROV-JSON, PROV-O and Cypher call each one.

Stores, formats, walks and documentation read it. Sections are those of PROV-DM (W3C
Recommendation of 2013-04-30) and PROV-Dictionary (W3C Note).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineage.model.relation import Argument, Family, Relation, narrower

__all__ = ["Argument", "Family", "Relation"]

#: Attributes of an edge that was found rather than recorded: how, what shows it, how sure it is (0 to
#: 1).
METHOD, EVIDENCE, CONFIDENCE = "method", "evidence", "confidence"
#: Attribute of an edge of a captured run: by which layers of capture it was seen, ``declared`` or observed.
WITNESS = "witness"
#: The role of code that a run imported, where that is no file of the commit that it used.
MODULE = "module"
SAMENESS = "alternateOf"
SAME_PERSON = "samePerson"
#: Methods: equal bytes; such a tie where the one came from the other (``lineage.model.copies``); another
#: name that a source gives to one thing (OpenLineage's symlinks); the same path at the commit of the run;
#: the lock file that a run read; the lock file of the commit that a run used; a commit before and after
#: history was rewritten; the identifier of a run that the environment of another one names; the entry of
#: dvc.lock that a run changed; what a tracker wrote down beside a model; a reference in a text or an
#: attribute; somebody said so.
BY_DIGEST = "digest"
BY_COPY = "copy"
BY_SYMLINK = "symlink"
BY_PATH = "path-at-commit"
BY_LOCKFILE = "lockfile"
BY_COMMIT_LOCK = "lockfile-at-commit"
BY_REWRITE = "rewritten-commit"
BY_RUN_ID = "run-id"
BY_LOCK_ENTRY = "lock-entry"
BY_LOGGED = "logged"
BY_REFERENCE = "reference"
STATED = "stated"
#: Methods by which ``lineage join`` finds edges.
JOINED = frozenset({BY_PATH, BY_LOCKFILE, BY_COMMIT_LOCK, BY_REWRITE, BY_RUN_ID, BY_LOCK_ENTRY})
#: Claims of sameness by these methods are followed by default walks; of any edge that was found, what
#: is less sure than this is shown and not followed.
FOLLOWED_METHODS = frozenset({BY_DIGEST, BY_SYMLINK, BY_PATH, BY_REWRITE})
SURE = 0.7


_TIME = Argument(key="prov:time", holds="time", says="When it happened, ISO 8601.")
_INSERTED = "The keys that were inserted, with their entities."
_TRIGGERED_BY = "The activity that generated the trigger."
_DERIVATION = Relation(
    code=7,
    name="wasDerivedFrom",
    effect="Entity",
    cause="Entity",
    effect_key="prov:generatedEntity",
    cause_key="prov:usedEntity",
    inverse="hadDerivation",
    arguments=(
        Argument(key="prov:activity", says="The activity it came about in.", family="Activity"),
        Argument(key="prov:generation", says="The generation that it came about by."),
        Argument(key="prov:usage", says="The usage that it came about by."),
    ),
    qualified="Derivation",
    section="5.2.1",
)


#: The relations of PROV, in the order of PROV-DM.
_PROV: tuple[Relation, ...] = (
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
        arguments=(
            _TIME,
            Argument(key="prov:starter", says=_TRIGGERED_BY, family="Activity"),
        ),
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
        arguments=(
            _TIME,
            Argument(key="prov:ender", says=_TRIGGERED_BY, family="Activity"),
        ),
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
    _DERIVATION,
    narrower(
        _DERIVATION,
        code=8,
        name="wasRevisionOf",
        inverse="hadRevision",
        base_type="prov:Revision",
        qualified="Revision",
        section="5.2.2",
    ),
    narrower(
        _DERIVATION,
        code=9,
        name="wasQuotedFrom",
        inverse="quotedAs",
        base_type="prov:Quotation",
        qualified="Quotation",
        section="5.2.3",
    ),
    narrower(
        _DERIVATION,
        code=10,
        name="hadPrimarySource",
        inverse="wasPrimarySourceOf",
        base_type="prov:PrimarySource",
        qualified="PrimarySource",
        section="5.2.4",
    ),
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
        arguments=(Argument(key="prov:plan", says="The plan that was followed.", family="Entity"),),
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
        arguments=(
            Argument(
                key="prov:activity",
                says="The activity for which it was delegated.",
                family="Activity",
            ),
        ),
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
        arguments=(
            Argument(key="prov:bundle", says="The bundle in which the cause is described."),
        ),
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
            Argument(key="prov:key", holds="any", says="The key of the member."),
            Argument(
                key="prov:key-entity-set", holds="set", says="The members, each with its key."
            ),
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
        arguments=(Argument(key="prov:key-entity-set", holds="set", says=_INSERTED),),
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
        arguments=(Argument(key="prov:key-set", holds="set", says="The keys that were removed."),),
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

_BASES: Mapping[str, Relation] = {relation.name: relation for relation in _PROV}
#: Our own sub-properties. A code is taken once and for ever: stores hold it.
_OURS: tuple[Relation, ...] = (
    # Not followed: the history of a commit did not make what a run of the commit made.
    narrower(_BASES["wasDerivedFrom"], code=11, name="parent", inverse="child", follow=False),
    # PROV has alternates of entities only: people of several tools who are one person.
    narrower(_BASES["wasInfluencedBy"], code=24, name=SAME_PERSON, inverse=SAME_PERSON),
    # Not followed: what a decision is compared with did not make what its runs make.
    narrower(
        _BASES["wasInfluencedBy"],
        code=25,
        name="hadBaseline",
        inverse="wasBaselineOf",
        follow=False,
    ),
)
#: Every relation: those of PROV, then ours.
TABLE: tuple[Relation, ...] = (*_PROV, *_OURS)
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
    relation.name: (implied.implied_by[1], implied)
    for implied in TABLE
    if implied.implied_by
    for relation in TABLE
    if relation.root == implied.implied_by[0]
}
#: The claims that two things are the same: of these, walks follow those of ``FOLLOWED_METHODS``.
SAMENESSES: frozenset[str] = frozenset(r.name for r in TABLE if r.root == SAMENESS)
#: What a walk follows when it is not told.
FOLLOWED: frozenset[str] = frozenset(r.name for r in TABLE if r.follow)


def follows(relation: str, attributes: Mapping[str, Any]) -> bool:
    """Whether the default walk takes this edge: weak claims are shown, but not followed."""
    sure = attributes.get(CONFIDENCE)
    if isinstance(sure, int | float) and sure < SURE:
        return False
    if relation in SAMENESSES:
        return attributes.get(METHOD) in FOLLOWED_METHODS
    return relation in FOLLOWED


def ran(commit: Mapping[str, Any]) -> bool:
    """Whether a commit that a run used, by what is said of that, is one that ran: the head and the base of a pull
    request are what it was about.
    """
    return commit.get("prov:role") not in {"head", "base"}


def is_module(used: Mapping[str, Any]) -> bool:
    """Whether what a run used is code that it imported, by what is said of that, and nothing else to it."""
    return used.get("prov:role") == MODULE

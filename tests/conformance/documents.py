# SPDX-License-Identifier: Apache-2.0
"""Small random documents for the oracle: few identifiers, so that statements meet."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st

from lineage import ids
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Ref

#: What may stand at an end: mostly of the family that PROV gives it, now and then of another.
ENTITIES = ["urn:e1", "urn:e2", "urn:e3"]
ACTIVITIES = ["urn:a1", "urn:a2"]
AGENTS = ["urn:g1", *ENTITIES, *ACTIVITIES]
TIMES = [None, None, None, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]

_entity = st.sampled_from(ENTITIES)
_activity = st.sampled_from(ACTIVITIES)
_agent = st.sampled_from(AGENTS)
_thing = st.sampled_from(AGENTS)
_count = itertools.count()


def _maybe(values):
    """A value, or that it was left out: something unnamed, each time another."""
    return st.one_of(values, values, st.builds(lambda: ids.unknown_id(next(_count))))


def _attributes(**choices):
    return st.fixed_dictionaries({}, optional=choices).map(
        lambda found: {
            f"prov:{key}": value if key == "time" else Ref(value) for key, value in found.items()
        }
    )


_times = st.sampled_from(TIMES[3:])


def _edge(relation, effect, cause, attributes=None):
    # Identifiers are mostly a relation's own; a shared one breaks constraint 53 or 54.
    names = [None, None, f"urn:{relation}1", f"urn:{relation}2", f"urn:{relation}1", "urn:shared"]
    return st.builds(
        Edge,
        relation=st.just(relation),
        effect=effect,
        cause=cause,
        attributes=st.just({}) if attributes is None else attributes,
        id=st.sampled_from(names if relation not in _UNNAMED else [None]),
    )


_UNNAMED = {"specializationOf", "alternateOf", "hadMember", "mentionOf"}
_derivation = st.one_of(
    st.just({}),
    _attributes(activity=_activity),
    st.builds(
        lambda own, more: {**own, **more},
        st.builds(lambda activity: {"prov:activity": Ref(activity)}, _activity),
        _attributes(
            generation=st.sampled_from(["urn:wasGeneratedBy1", "urn:wasGeneratedBy2"]),
            usage=st.sampled_from(["urn:used1", "urn:used2"]),
        ),
    ),
)
_elements = [
    st.builds(Node, id=_entity, kind=st.just("Entity")),
    st.builds(
        Node,
        id=_activity,
        kind=st.just("Activity"),
        attributes=st.fixed_dictionaries({}, optional={"started": _times, "ended": _times}),
    ),
    st.builds(Node, id=_agent, kind=st.just("Agent")),
]
_derivation_of = st.one_of(
    _edge("wasDerivedFrom", _entity, _entity),
    _edge("wasDerivedFrom", _entity, _entity, _derivation),
)
#: One way only: constraint 52 would be all there is to find.
_specialization_of = st.builds(
    lambda pair: Edge(relation="specializationOf", effect=max(pair), cause=min(pair)),
    st.sets(_entity, min_size=2, max_size=2),
)
_often = [
    _edge("wasGeneratedBy", _entity, _maybe(_activity), _attributes(time=_times)),
    _edge("wasStartedBy", _activity, _maybe(_entity), _attributes(time=_times, starter=_activity)),
    _derivation_of,
    _specialization_of,
    _edge("wasAttributedTo", _entity, _agent),
    _edge("wasEndedBy", _activity, _maybe(_entity), _attributes(time=_times, ender=_activity)),
]
_seldom = [
    _edge("used", _activity, _maybe(_entity), _attributes(time=_times)),
    _edge("wasInformedBy", _activity, _activity),
    _edge("specializationOf", _entity, _entity),
    _edge("wasInvalidatedBy", _entity, _maybe(_activity), _attributes(time=_times)),
    _edge("wasAssociatedWith", _activity, _maybe(_agent), _attributes(plan=_entity)),
    _edge("actedOnBehalfOf", _agent, _maybe(_agent), _attributes(activity=_activity)),
    _edge("wasInfluencedBy", _thing, _thing),
    _edge("alternateOf", _entity, _entity),
    _edge("hadMember", _entity, _entity),
    _edge("mentionOf", _entity, _entity, st.just({"prov:bundle": Ref("urn:b")})),
    st.builds(
        Node,
        id=_entity,
        kind=st.just("Entity"),
        attributes=st.just({"prov:type": Ref("http://www.w3.org/ns/prov#EmptyCollection")}),
    ),
]


def _batch(records):
    return Batch(
        nodes=tuple(record for record in records if isinstance(record, Node)),
        edges=tuple(record for record in records if isinstance(record, Edge)),
    )


def _focused(kinds, least, most):
    """Statements of a few kinds only, so that they meet."""
    chosen = st.lists(st.sampled_from(kinds), min_size=1, max_size=4)
    return chosen.flatmap(lambda some: st.lists(st.one_of(some), min_size=least, max_size=most))


documents = _focused([*_elements, *_often, *_seldom], 1, 6).map(_batch)


def _plain(relation, effect, cause, **choices):
    attributes = _attributes(**choices) if choices else st.just({})
    made = {"effect": effect, "cause": cause, "attributes": attributes}
    return st.builds(Edge, relation=st.just(relation), **made)


_one, _two = st.sampled_from(ENTITIES[:2]), st.sampled_from(ACTIVITIES)
_ordering = [
    _plain("wasGeneratedBy", _one, _two),
    _plain("wasStartedBy", _two, _maybe(_one), starter=_two),
    _plain("wasEndedBy", _two, _one, ender=_two),
    _plain("wasAttributedTo", _one, st.one_of(_one, _two)),
    _plain("wasDerivedFrom", _one, st.just("urn:e3"), activity=_two),
    _specialization_of,
]
#: Documents of the statements that put events in order, about the same few things.
ordered = st.builds(
    lambda derivation, records, described: _batch(
        [derivation, *records, *(Node(id=entity, kind="Entity") for entity in described)]
    ),
    st.permutations(ENTITIES[:2]).map(
        lambda pair: Edge(relation="wasDerivedFrom", effect=pair[0], cause=pair[1])
    ),
    _focused(_ordering, 2, 5),
    st.sets(_entity, min_size=1),
)

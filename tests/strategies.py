# SPDX-License-Identifier: Apache-2.0
"""Random PROV: few identifiers, so that what is drawn collides, contradicts and cycles."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from lineage.model import kinds, terms
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Literal, Ref, clean

IDS = [f"urn:test:{name}" for name in "abcdefghij"] + [
    "urn:test:\u00e9t\u00e9",
    "urn:test:\U0001f40d",
]
RELATIONS = [relation.name for relation in terms.TABLE if not relation.implied_by]

identifiers = st.sampled_from(IDS)
scalars = st.one_of(
    st.sampled_from(
        ["train", "", "a b", "\u4e2d", "\U0001f40d", "5", "0.01", "1e-2", "05", "True"]
    ),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(
        [
            Ref("urn:test:q"),
            Literal("5.0", "xsd:double"),
            Literal("05", "xsd:integer"),
            Literal("1e-2", "xsd:double"),
            Literal("chat", None, "fr"),
            Literal("2026-01-01", "xsd:date"),
            Literal("x", "http://example.org/type"),
        ]
    ),
)
keys = st.sampled_from(["role", "license", "param.lr", "prov:type", "http://example.org/p", "name"])
attributes = st.dictionaries(
    keys, st.one_of(scalars, st.lists(scalars, max_size=3)), max_size=3
).map(clean)
bundles = st.sampled_from([None, None, None, "urn:test:bundle"])

nodes = st.builds(
    Node,
    id=identifiers,
    kind=st.sampled_from(sorted(kinds.KINDS)),
    label=st.sampled_from([None, "a", "b", "a label"]),
    attributes=attributes,
    bundle=bundles,
)
edges = st.builds(
    Edge,
    relation=st.sampled_from(RELATIONS),
    effect=identifiers,
    cause=identifiers,
    attributes=st.one_of(
        st.just({}),
        attributes,
        st.just({"method": "digest"}),
        st.builds(lambda plan: {"prov:plan": Ref(plan)}, identifiers),
    ),
    id=st.sampled_from([None, None, "urn:test:edge"]),
    bundle=bundles,
)
batches = st.builds(
    lambda some, others: Batch(nodes=tuple(some), edges=tuple(others)),
    st.lists(nodes, max_size=4),
    st.lists(edges, max_size=6),
)


def drawn(
    some: int, many: int, *given_by_place: st.SearchStrategy[Any], **given_by_name: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a test a random one, as ``given`` does: with some cases in ``make test``, and many other
    ones in ``make test-all`` (the fixture ``extent``).
    """

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        cases = given(*given_by_place, **given_by_name)(test)
        fixtures = inspect.signature(cases).parameters.values()

        def run(extent: int, **given_by_fixtures: Any) -> None:
            again = given(*given_by_place, **given_by_name)(test)
            seed(extent)(settings(max_examples=(some, many)[extent])(again))(**given_by_fixtures)

        run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
        mine = inspect.Parameter("extent", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        run.__signature__ = inspect.Signature([mine, *fixtures])
        return run

    return decorate

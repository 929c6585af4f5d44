# SPDX-License-Identifier: Apache-2.0
"""Random selections, over the few identifiers and attributes of ``tests.strategies``."""

from __future__ import annotations

from hypothesis import strategies as st

from lineage.query import ast
from tests.strategies import IDS, RELATIONS

KEYS = ("role", "license", "param.lr", "prov:type", "http://example.org/p", "name")

texts = st.sampled_from(
    [
        "train",
        "tr*",
        "*",
        "a*b",
        "*in",
        "",
        "1*",
        "5.0",
        "\u4e2d",
        "chat",
        "true",
        "t*",
        "[a]",
        "a?",
    ]
)
idents = st.sampled_from(IDS)
patterns = st.one_of(
    idents, st.sampled_from(["urn:test:*", "a", "*label", "a*l", "*:\u00e9*", "b*"])
)
literals = st.one_of(
    st.sampled_from(
        ["train", "a b", "", "\u4e2d", "chat", "5", "5.0", "0.01", "05", "true", "False"]
    ),
    st.integers(-3, 3),
    st.sampled_from([0.5, 0.01, 5, 5.0, 2**70, -(2**69), 1e300]),
)
#: Few sets of relations: each is a text that a server plans anew.
relations = st.sampled_from(
    [
        ("used", "wasGeneratedBy"),
        ("wasDerivedFrom", "wasRevisionOf", "alternateOf"),
        ("parent",),
        ("hadPlan", "wasAssociatedWith", "wasInvalidatedBy"),
        ("alternateOf",),
        tuple(RELATIONS),
    ]
)
ways = st.sampled_from(
    [("all", None), (None, "all"), ("all", "all"), (1, None), (None, 2), (2, 1), (0, None)]
)

atoms = st.one_of(
    st.just(ast.All()),
    st.builds(ast.Reference, st.sampled_from(IDS[:6])),
    st.builds(ast.Match, st.just("key"), patterns),
    st.builds(ast.Match, st.just("id"), idents),
    st.builds(ast.Match, st.just("kind"), st.sampled_from(["Run", "Package", "entity", "agent"])),
    st.builds(ast.Match, st.sampled_from(KEYS), st.one_of(st.none(), texts)),
    st.builds(
        ast.Compare,
        st.sampled_from(KEYS),
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        literals,
    ),
    st.builds(ast.Compare, st.sampled_from(KEYS), st.sampled_from(["=", "!="]), st.booleans()),
    st.builds(ast.Missing, st.sampled_from(KEYS)),
)


def _larger(inner):
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(lambda of, way: ast.Walk(of, *way), inner, ways),
        st.builds(ast.Ends, st.sampled_from(["roots", "sinks"]), inner),
        st.builds(ast.Between, inner, inner),
        st.builds(ast.Not, inner),
        st.builds(ast.And, several),
        st.builds(ast.Or, several),
        st.builds(ast.Via, inner, relations),
    )


expressions = st.recursive(atoms, _larger, max_leaves=5)
selections = st.builds(ast.Selection, expressions)

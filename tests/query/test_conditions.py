# SPDX-License-Identifier: Apache-2.0
"""What a condition on an attribute asks is asked of the attribute, however its text was looked at."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from lineage.model.value import Literal, text
from lineage.query import condition as c

KEYS = ("status", 'x"status', "prov:status", "type", "$", "lang")
TEXTS = (
    "failed",
    "fail*",
    "",
    "5",
    "5.0",
    "true",
    "2026-01-01",
    ',"status":"failed"',
    '"',
    "\\",
    "é",
)
values = st.one_of(
    st.sampled_from(TEXTS),
    st.integers(-5, 5),
    st.booleans(),
    st.builds(Literal, st.sampled_from(TEXTS), st.sampled_from(["xsd:token", "xsd:string"])),
)
attributes = st.dictionaries(
    st.sampled_from(KEYS), st.one_of(values, st.lists(values, min_size=2, max_size=3).map(tuple))
)
conditions = st.one_of(
    st.builds(c.Like, st.sampled_from(KEYS), st.sampled_from(TEXTS)),
    st.builds(c.Compares, st.sampled_from(KEYS), st.just("="), st.sampled_from(TEXTS)),
    st.builds(c.Has, st.sampled_from(KEYS)),
)


@given(attributes, conditions)
@example({'x"status': "failed"}, c.Like("status", "failed"))
@example({"note": ',"status":"failed"'}, c.Like("status", "failed"))
@example({"status": Literal("failed", "xsd:token")}, c.Compares("type", "=", "xsd:token"))
@example({"a": 1, "status": "failed"}, c.Compares("status", "=", "failed"))
def test_it_holds_where_it_holds_for_one_of_the_values(held, condition):
    written = text(held)
    found = json.loads(written).get(condition.key, [])
    test = c.attribute_test(condition)
    expected = any(map(test, found if isinstance(found, list) else [found]))
    assert c.holds(condition, written) is expected

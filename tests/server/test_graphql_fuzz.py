# SPDX-License-Identifier: Apache-2.0
"""schemathesis over the whole schema: whatever is asked, the server does not fail."""

from __future__ import annotations

import re

import pytest
import schemathesis
from graphql import parse_value
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage import errors
from tests.graphql_schema.cases import small
from tests.server.conftest import application

VALUES = ('"text"', "7", "null", "[1, [2]]", '{lr: 0.1, name: "x"}', "{deep: {er: [{}]}}")
schemathesis.graphql.scalar("JSON", st.sampled_from([parse_value(text) for text in VALUES]))


def codes(family):
    return {family.code}.union(*map(codes, family.__subclasses__()))


#: Every code that a client can be told, but the one for what went wrong inside.
EXPECTED = codes(errors.LineageError) - {"failed"}


@pytest.fixture(scope="module")
def generated():
    with small() as store:
        app = application(store)
        schema = schemathesis.graphql.from_asgi("/graphql", app)
        yield [found.ok() for found in schema.get_all_operations()]
        app.state.runtime.close()


def sensible(query):
    """The same with numbers and references that mean something, so that it comes further."""
    query = re.sub(r"\b(first|limit|k|depth): -?\d+", r"\1: 3", query)
    query = re.sub(r'\bat: "(\\.|[^"\\])*"', 'at: "1"', query)
    query = re.sub(r'\bafter: "(\\.|[^"\\])*"', "after: null", query)
    return re.sub(r'\b(ref|a|b|id): "(\\.|[^"\\])*"', r'\1: "urn:t:model:1"', query)


def test_no_operation_fails(generated):
    assert len(generated) > 30
    for operation in generated:

        @settings(max_examples=3)
        @given(case=operation.as_strategy(), sound=st.booleans())
        def check(case, sound):
            case.body = sensible(case.body) if sound else case.body
            answer = case.call()
            assert answer.status_code < 500
            for error in answer.json().get("errors", ()):
                assert error["extensions"]["code"] in EXPECTED, error

        check()

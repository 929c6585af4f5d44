# SPDX-License-Identifier: Apache-2.0
"""Introspection answers what the stock executor answers, costs what it costs, and holds nobody up."""

from __future__ import annotations

import json

import pytest
from graphql import get_introspection_query

from graphql_schema import introspection
from graphql_schema.documents import TOKENS
from tests.graphql_schema.conftest import asked

EVERYTHING = get_introspection_query(
    input_value_deprecation=True,
    schema_description=True,
    specified_by_url=True,
    directive_is_repeatable=True,
)
ONCE = "__schema{types{name fields{name args{name}}}}"
NAMED = " fragment T on __Type{name fields{name type{name ofType{name}}}}"
QUERIES = [
    get_introspection_query(),
    EVERYTHING,
    "{" + " ".join(f"a{n}:{ONCE}" for n in range(6)) + "}",
    '{stats{nodes} __type(name:"Run"){...T} no:__type(name:"Nope"){name} __typename}' + NAMED,
    '{__type(name:"Run"){name} __type(name:"Run"){kind}}',
    '{... on Query{x:__type(name:"Role"){enumValues{name}}} y:__type(name:"Role"){name}}',
]
WITH_VARIABLES = (
    'query($n: String! = "Run", $yes: Boolean!, $old: Boolean){a:__type(name:$n){name kind @skip(if:$yes)'
    " fields(includeDeprecated:$old){name}} b:__type(name:$n) @include(if:$yes){kind}}"
)


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_it_answers_what_the_stock_executor_answers(shared, query):
    for _ in range(2):
        answer = asked(shared, query)
        assert answer == asked(shared, query, stock=True)
        assert not json.loads(answer)["errors"]


@pytest.mark.parametrize("name", ["Run", "Query", "Nope"])
@pytest.mark.parametrize("yes", [True, False])
@pytest.mark.parametrize("old", [True, False, None])
def test_the_same_text_with_other_variables_is_another_question(shared, name, yes, old):
    given = {"n": name, "yes": yes, "old": old}
    assert asked(shared, WITH_VARIABLES, given) == asked(shared, WITH_VARIABLES, given, stock=True)
    del given["old"], given["n"]
    assert asked(shared, WITH_VARIABLES, given) == asked(shared, WITH_VARIABLES, given, stock=True)


def test_what_is_wrong_is_said_where_it_is(shared):
    query = 'query($n: String){a:__type(name:"Run"){name} b:__type(name:$n){name}}'
    ours = json.loads(asked(shared, query.replace("String)", 'String = "x")'), {"n": None}))
    assert ours["data"] == {"a": {"name": "Run"}, "b": None}
    assert [error["path"] for error in ours["errors"]] == [["b"]]


def test_aliases_are_counted_by_what_they_return(shared):
    known = json.loads(asked(shared, "{" + ONCE + "}"))
    assert not known["errors"]
    number = TOKENS // 20
    answer = json.loads(asked(shared, "{" + " ".join(f"a{n}:{ONCE}" for n in range(number)) + "}"))
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "limit-exceeded"
    one = json.loads(
        asked(
            shared,
            "{" + " ".join(f"a{n}:{ONCE[:-1]} x{n}:queryType{{name}}}}" for n in range(40)) + "}",
        )
    )
    assert one["errors"][0]["extensions"]["code"] == "limit-exceeded"


def test_no_single_field_resolves_more_than_an_operation_may(shared, monkeypatch):
    monkeypatch.setattr(introspection, "MOST", 1_000)
    answer = json.loads(asked(shared, "{s:__schema{types{description fields{description name}}}}"))
    assert answer["errors"][0]["extensions"]["code"] == "limit-exceeded"


def test_what_is_kept_is_bounded(shared, monkeypatch):
    monkeypatch.setattr(introspection, "_KEPT", 50_000)
    for number in range(20):
        asked(shared, f"{{__schema{{types{{name a{number}:description}}}}}}")
        assert sum(len(kept.json) for kept in introspection._answers.values()) <= 50_000

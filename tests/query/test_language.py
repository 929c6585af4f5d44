# SPDX-License-Identifier: Apache-2.0
"""The selection language as people write it: meaning by example, errors by the place they name."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

import lineage
from lineage.errors import BadCursor, BadQuery, LineageError, TimedOut, Usage
from lineage.model import kinds
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Ref
from lineage.query.ast import show
from lineage.query.condition import glob
from lineage.query.parse import _parser, parse
from lineage.services.read.ask import AskRequest
from tests.query.strategies import selections
from tests.strategies import drawn

CASES = tomllib.loads(Path(__file__).with_name("errors.toml").read_text("utf-8"))["case"]
SHA = {name: f"swh:1:rev:{number:040x}" for number, name in enumerate("abcdef", 1)}


def edge(relation, effect, cause, **attributes):
    return Edge(relation=relation, effect=effect, cause=cause, attributes=attributes)


def commit(name, refs=None, **more):
    return Node(
        id=SHA[name],
        kind="Commit",
        label=name,
        attributes={**more, **({"refs": refs} if refs else {})},
    )


#: A project: six commits on two branches, two environments, runs of a model over a dataset.
STORY = Batch(
    nodes=(
        commit("a"),
        commit("b", "tags/v1.0"),
        commit("c"),
        commit("d", ("tags/v1.2", "heads/side")),
        commit("e"),
        commit("f", ("HEAD", "heads/main")),
        *(
            kinds.Run(id=f"urn:run:{n}", label=f"run-{n}", status=status, started=when, more=more).node()
            for n, status, when, more in (
                (1, "finished", "2026-01-10T12:00:00Z", {"metric.auc": 0.91, "owner": "ana"}),
                (2, "failed", "2026-02-01T00:30:00+02:00", {"metric.auc": 0.5, "owner": ("ana", "bo")}),
                (3, "finished", "2026-03-01", {"metric.auc": 0.95, "tag.stage": "prod"}),
            )
        ),
        kinds.Environment(id="urn:env:1", label="env-1", more={"cuda": "12.4"}).node(),
        kinds.Environment(id="urn:env:2", label="env-2").node(),
        kinds.Package(id="pkg:pypi/torch@2.5.1", label="torch 2.5.1", name="torch", version="2.5.1").node(),
        kinds.Package(id="pkg:pypi/torch@2.4", label="torch 2.4", name="torch", version="2.4").node(),
        kinds.Dataset(id="urn:data", label="raw", license="MIT").node(),
        kinds.DatasetVersion(id="urn:data@1", label="raw@1").node(),
        kinds.Content(id="urn:lineage:content:md5:d1", label="md5:d1").node(),
        kinds.ModelVersion(id="urn:model@1", label="fraud@v1").node(),
        kinds.ModelVersion(id="urn:model@2", label="fraud@v2").node(),
    ),
    edges=(
        *(edge("parent", SHA[one], SHA[other]) for one, other in ("ba", "cb", "dc", "eb", "fe")),
        edge("parent", SHA["f"], SHA["d"], number=2),
        edge("used", "urn:run:1", SHA["a"]),
        edge("used", "urn:run:2", SHA["c"]),
        edge("wasAssociatedWith", "urn:run:3", "urn:ana", **{"prov:plan": Ref(SHA["d"])}),
        edge("used", "urn:run:1", "urn:env:1"),
        edge("used", "urn:run:2", "urn:env:2"),
        edge("hadMember", "urn:env:1", "pkg:pypi/torch@2.5.1"),
        edge("hadMember", "urn:env:2", "pkg:pypi/torch@2.4"),
        edge("used", "urn:run:1", "urn:data@1", **{"prov:role": "train"}),
        edge("specializationOf", "urn:data@1", "urn:data"),
        edge("alternateOf", "urn:data@1", "urn:lineage:content:md5:d1", method="digest"),
        edge("alternateOf", "urn:lineage:content:md5:d1", "urn:data@1", method="digest"),
        edge("wasGeneratedBy", "urn:model@1", "urn:run:1"),
        edge("wasDerivedFrom", "urn:model@2", "urn:model@1"),
        edge("wasGeneratedBy", "urn:model@2", "urn:run:3"),
        edge("used", "urn:run:3", "urn:model@1"),
    ),
)  # fmt: skip

#: A selection, and the labels of what it selects.
MEANINGS = {
    'model:"fraud@v1"+': "fraud@v1 fraud@v2 run-3",
    '1+model:"fraud@v2"': "fraud@v2 fraud@v1 run-3",
    "kind:model": "fraud@v1 fraud@v2",
    'kind:run and commit:"v1.0..v1.2"': "run-2 run-3",
    'kind:commit and commit:"v1.0..HEAD"': "c d e f",
    'commit:"HEAD~1"': "e",
    'commit:"main^"': "e",
    'commit:"HEAD~2"': "b",
    'kind:run and not commit:"v1.0..v1.2"': "run-1",
    'kind:run and env:"cuda=12.4"': "run-1",
    'kind:run and env:"torch=2.4"': "run-2",
    'kind:run and env:"env-2"': "run-2",
    'kind:run and package:"torch>=2.5"': "run-1",
    'kind:run and package:"torch"': "run-1 run-2",
    'package:"torch<2.5"': "torch 2.4",
    'kind:run and dataset:"raw"': "run-1",
    'kind:run and md5:"d1"': "run-1",
    'metric.auc >= 0.9 and started >= "2026-01-15"': "run-3",
    'started < "2026-02-01"': "run-1 run-2",
    'started = "2026-01-31"': "run-2",
    'started = "2026-03-01"': "run-3",
    'owner:"ana"': "run-1 run-2",
    'owner:"b*"': "run-2",
    'owner != "bo" and owner:"*"': "run-1",
    "kind:run and owner:<null>": "run-3",
    "kind:run and missing(owner)": "run-3",
    'tag:"stage"="prod"': "run-3",
    'tag:"stage"': "run-3",
    'tag:"nothing"': "",
    '+model:"fraud@v2" and kind:dataset and not license:"*"': "raw@1",
    'between(dataset:"raw", model:"fraud@v1")': "raw raw@1 md5:d1 run-1 fraud@v1",
    'between(model:"fraud@v1", dataset:"raw")': "raw raw@1 md5:d1 run-1 fraud@v1",
    'roots(+model:"fraud@v2" and kind:model)': "fraud@v1",
    "sinks(kind:model)": "fraud@v2",
    'roots(dataset:"raw@1" or md5:"d1")': "raw@1 md5:d1",
    'model:"fraud@*"': "fraud@v1 fraud@v2",
    '+model:"fraud@v2" via wasDerivedFrom': "fraud@v1 fraud@v2",
    'why(model:"fraud@v2", dataset:"raw", k=2)': "fraud@v2 fraud@v1 run-1 raw@1 raw run-3",
    'why(model:"fraud@v2", model:"fraud@v1")': "fraud@v2 fraud@v1",
    '"fraud@v1"': "fraud@v1",
    'key:"*@1"': "raw@1 fraud@v1",
    'code_location:"anywhere"': "",
    "KIND:run AND NOT status:finished": "run-2",
}  # fmt: skip


@pytest.fixture
def store(address, lineage_at):
    opened = lineage_at(address)
    opened.ingest(STORY)
    return opened


def test_each_selection_means_what_people_would_say_it_does(store):
    for text, labels in MEANINGS.items():
        answer = store.ask(text)
        wanted = set(labels.replace("torch 2.4", "torch_2.4").split())
        assert {n.title.replace(" ", "_") for n in answer} - {"urn:ana"} == wanted, text
        assert answer.certificate.complete, text


def test_as_of_is_part_of_the_language(store):
    store.ingest(Batch(nodes=(kinds.ModelVersion(id="urn:model@3", label="fraud@v3").node(),)))
    assert len(store.ask("kind:model")) == 3
    assert len(store.ask("kind:model at 1")) == 2
    assert len(store.ask('kind:model at "2020-01-01"')) == 0
    assert len(store.ask("kind:model", at=1)) == 2
    with pytest.raises(Usage):
        store.ask("kind:model at 1", at=1)


@pytest.mark.parametrize("engine", ["memory"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["query"][:30] or "nothing")
def test_an_error_names_the_place_and_what_would_fit(case, store):
    with pytest.raises(BadQuery) as caught:
        store.ask(case["query"])
    assert case["says"] in str(caught.value)
    assert case.get("where", "") in str(caught.value)
    assert case.get("hint", "") in caught.value.hint


@drawn(200, 500, selections)
def test_what_is_shown_parses_to_what_was_meant(query):
    assert parse(show(query)) == query


@drawn(100, 300, from_lark(_parser(), explicit={"QUOTED": st.sampled_from(['"a"', '"a*"', '""'])}))
def test_whatever_the_grammar_makes_is_read_or_refused_and_shown_again(text):
    try:
        query = parse(text)
    except BadQuery:
        return
    assert parse(show(query)) == query


@pytest.mark.parametrize("text", ["a <= \\", 'path = "C:\\data\\x.csv"', '"ends\\"'])
def test_a_backslash_is_a_character_like_others(text):
    query = parse(text)
    assert parse(show(query)) == query
    assert "\\" in show(query)


@drawn(200, 500, st.text(max_size=40))
def test_no_text_makes_the_parser_fail_in_another_way(text):
    try:
        parse(text)
    except BadQuery as error:
        assert error.where
        assert error.hint


@pytest.mark.parametrize("engine", ["memory"])
def test_a_query_too_long_or_too_deep_is_refused_at_once(store):
    for text in ("(" * 5_000 + "*" + ")" * 5_000, "not " * 3_000 + "*", "a" * 20_000):
        with pytest.raises(BadQuery):
            store.ask(text)


def test_explain_tells_what_is_meant_and_what_is_done(store):
    told = store.explain('+model:"fraud@v2" and kind:run and not status:failed')
    assert told.query == '+model:"fraud@v2" and kind:"run" and not status:"failed"'
    assert told.plan[0].startswith("keep where")
    assert told.plan[1].strip() == "walk to causes"
    assert told.meaning[0] == "in all of"


def test_a_cursor_goes_on_only_for_the_query_and_store_it_was_given_for(store):
    first = store.ask("kind:run", limit=2)
    assert first.certificate.cut.reason == "limit"
    assert not first.certificate.complete
    cursor = first.certificate.cursor
    rest = store.ask("kind:run", limit=2, cursor=cursor)
    assert [n.title for n in first] + [n.title for n in rest] == ["run-1", "run-2", "run-3"]
    assert rest.certificate.complete
    for bad in ("", "AAAA", "not a cursor", cursor[:-3] + "AAA", cursor * 2):
        with pytest.raises(BadCursor):
            store.ask("kind:run", cursor=bad)
    with pytest.raises(BadCursor):
        store.ask("kind:model", cursor=cursor)
    with lineage.open("memory:") as other, pytest.raises(LineageError):
        other.ask("kind:run", cursor=cursor)


def test_a_question_that_takes_too_long_says_so(store):
    from dataclasses import replace

    hurried = replace(store.context, budget=0.0)
    with pytest.raises(TimedOut):
        AskRequest("roots(*) and not sinks(*)").answer(hurried)
    cut = AskRequest('+model:"fraud@v2"').answer(hurried)
    assert cut.certificate.cut.reason == "time"
    assert not cut.certificate.complete


# --- patterns -------------------------------------------------------------------------------------


@given(st.text("ab*", max_size=8), st.text("ab\n", max_size=10))
def test_a_star_stands_for_any_text(pattern, text):
    expected = fnmatchcase(text, pattern)
    assert bool(glob(pattern)(text)) == expected


@pytest.mark.parametrize("stars", ["*a*o*u*n*t*Q", "*a" * 500 + "b", "*" * 1_000 + "b"])
def test_a_pattern_of_many_stars_ends_whatever_the_text(stars):
    node = Node(
        id="urn:x", kind="Run", label="x", attributes={"note": "a count of an amount " * 300}
    )
    with lineage.open("memory:") as opened:
        opened.ingest(Batch(nodes=(node,)))
        assert opened.ask(f'note:"{stars}"').nodes == ()
        assert len(opened.ask('note:"*a*count*amount*"').nodes) == 1

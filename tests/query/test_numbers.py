# SPDX-License-Identifier: Apache-2.0
"""A number is a number however a tool keeps it; what is not compared is counted; dates are as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lineage.errors import BadQuery, Usage
from lineage.ledger.log import Draft
from lineage.model.numeric import meaning, typed
from lineage.model.record import Batch, Node
from lineage.model.value import Literal, text
from lineage.services.context import Context
from lineage.services.read.ask import AskRequest
from lineage.store.base import View
from tests.contract.test_engines_agree import fresh

DOUBLE = "xsd:double"
#: Name of a run -> its rate, as trackers keep it.
RATES = {
    "number": 0.01,
    "text": "0.01",
    "exponent": Literal("1e-2", DOUBLE),
    "zeros": Literal("0.0100", DOUBLE),
    "old": "1e-2",
    "small": "1e-05",
    "kept": 1e-05,
    "whole": 10,
    "spelled": "10",
    "several": (3, "10"),
    "version": Literal("1.10", DOUBLE),
    "code": "07",
    "none": "None",
    "word": "high",
    "truth": True,
    "python": "True",
    "typed": Literal("true", "xsd:boolean"),
}
EQUAL = {"number", "text", "exponent", "zeros"}
TEN = {"whole", "spelled", "several"}
SMALL = {"small", "kept"}
TRUE = {"truth", "python", "typed"}
WORDS = {"old", "code", "none", "word", *TRUE}
#: Query -> what it selects, and how many values it says it left out.
ASKED = {
    "param.rate = 0.01": (EQUAL, 2),
    'param.rate = "0.01"': (EQUAL, 2),
    "param.rate = 1e-2": (EQUAL, 2),
    'param.rate = "1e-2"': ({"exponent", "old"}, 0),
    "param.rate != 0.01": (RATES.keys() - EQUAL, 2),
    "param.rate >= 10": (TEN, 7),
    'param.rate >= "10"': (TEN, 7),
    "param.rate = 10": (TEN, 2),
    'param.rate = "10"': (TEN, 2),
    "param.rate > 3": (TEN, 7),
    "param.rate < 0.01": (SMALL, 7),
    "param.rate = 1e-05": (SMALL, 2),
    'param.rate:"1e-05"': (SMALL, 0),
    'param.rate = "1.10"': ({"version"}, 0),
    "param.rate = 1.1": ({"version"}, 2),
    'param.rate = "07"': ({"code"}, 0),
    "param.rate = 7": (set(), 2),
    "param.rate = true": (TRUE, 0),
    'param.rate = "True"': (TRUE, 0),
    'param.rate = "high"': ({"word"}, 0),
    'param.rate >= "b"': ({"word", "typed"}, 5),
    'param.rate >= "2026-01-01"': (set(), 17),
    "kind:run and param.rate >= 10 and param.name:word": (set(), 1),
    "kind:run and not param.rate >= 10": (RATES.keys() - TEN, 7),
    "kind:model and param.rate >= 10": (set(), 0),
}


@pytest.fixture
def ctx(engine, address):
    store = fresh(engine, address)
    nodes = [
        Node(
            id=f"urn:x:{name}",
            kind="Run",
            label=name,
            attributes={"param.rate": rate, "param.name": name},
        )
        for name, rate in RATES.items()
    ]
    draft = Draft(source="s", importer="t", actor="t", recorded="2026-05-01T08:00:00Z")
    store.write(draft, Batch(nodes=tuple(nodes)))
    yield Context(store=store, actor="t", person_key=b"k")
    store.close()


def test_comparisons_meet_across_types_and_count_what_they_left_out(ctx):
    for query, (names, left_out) in ASKED.items():
        for at in (None, 1):
            answer = AskRequest(query, at=at).answer(ctx)
            assert {node.label for node in answer.nodes} == set(names), query
            gaps = [g for g in answer.certificate.gaps if g.code == "values-not-compared"]
            assert sum(gap.count for gap in gaps) == left_out, query


def test_the_gap_is_a_sentence_with_an_example_and_a_command_and_goes_when_it_is_closed(ctx):
    (gap,) = AskRequest("param.rate = 7").answer(ctx).certificate.gaps[:1]
    assert (gap.code, gap.count, gap.example) == ("values-not-compared", 2, "07 of code")
    assert (
        gap.message == "2 values of param.rate are text that may be a number and were not compared"
    )
    assert gap.command == "lineage show urn:x:code"
    node = Node(id="urn:x:word2", kind="Model", attributes={"param.rate": "low"})
    draft = Draft(source="s2", importer="t", actor="t", recorded="2026-05-02T08:00:00Z")
    ctx.store.write(draft, Batch(nodes=(node,)))
    (gap,) = AskRequest("kind:model and param.rate > 1").answer(ctx).certificate.gaps[:1]
    assert gap.message == "1 value of param.rate is text and was not compared"
    ctx.store.write(draft, Batch(nodes=()), [node])
    assert ctx.store.get([node.id], View(as_of=3)) == {}
    found = AskRequest("kind:model and param.rate > 1").answer(ctx)
    assert "values-not-compared" not in {gap.code for gap in found.certificate.gaps}


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("lr", "0.01", 0.01),
        ("lr", "1e-05", 1e-05),
        ("depth", "7", 7),
        ("offset", "-3", -3),
        ("big", "12345678901234567890", 12345678901234567890),
        ("x", "1.0", 1.0),
        ("x", "true", True),
        ("x", "false", False),
        ("lr", "1e-2", Literal("1e-2", DOUBLE)),
        ("lr", "0.10", Literal("0.10", DOUBLE)),
        ("lr", "1E5", Literal("1E5", DOUBLE)),
        ("lr", ".5", Literal(".5", DOUBLE)),
        ("x", "-0", Literal("-0", "xsd:integer")),
        ("x", "0.1234567890123456789", Literal("0.1234567890123456789", DOUBLE)),
        ("sklearn_version", "1.10", "1.10"),
        ("version", "2", "2"),
        ("git.commit", "1234567", "1234567"),
        *[
            ("x", same, same)
            for same in (
                *("07", "1_000", "0x10", "1,5", "1,000", "+5", " 7", "7 ", "", "-", ".", "e5"),
                *("True", "None", "null", "nan", "inf", "1e400", "1.2.3", "12:30", "2026-01-01"),
                *("\u0661", "1" * 401, "[1]"),
            )
        ],
    ],
)
def test_the_text_of_a_tracker_is_a_number_only_where_that_is_certain(name, written, value):
    found = typed(name, written)
    assert (type(found), found) == (type(value), value)
    if isinstance(found, Literal):
        assert found.value == written
        assert f'"{written}"' in text({"x": found})


def test_values_that_mean_the_same_are_the_same_however_they_are_written():
    def held(value):
        return meaning(
            {"$": value.value, "type": value.datatype} if isinstance(value, Literal) else value
        )

    assert len({held(RATES[name]) for name in EQUAL}) == 1
    assert held(RATES["old"]) != held(0.01), "the text of an older import is not certainly a number"
    assert held("True") == held(True) == held("true") != held(1)
    assert held("None") == held("null") == held(None) != held("none")
    assert held([1, "2"]) == held(["2", 1.0])
    assert held("1.10") != held("1.1") == held(1.1)
    assert held("07") != held(7)


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("said", "selected"),
    [
        ("started >= yesterday", {"now"}),
        ("started < today", {"may", "noon"}),
        ("started <= now", {"may", "noon", "now"}),
        ('started >= "1 May 2026" and started < "May 2nd, 2026"', {"may", "noon"}),
        ('started = "2026/05/01"', {"may", "noon"}),
        ('started > "1 May 2026 9:00"', {"noon", "now"}),
        ('created >= "May 1, 2026"', {"may"}),
        ('started != "1 May 2026"', {"now"}),
    ],
)
def test_times_are_compared_with_dates_as_people_write_them(tmp_path, said, selected):
    store = fresh("sqlite", str(tmp_path / "store.db"))
    begun = {"may": "2026-05-01T08:00:00Z", "noon": "2026-05-01T12:00:00Z"}
    begun["now"] = (NOW - timedelta(minutes=1)).isoformat()
    nodes = [
        Node(id=f"urn:x:{name}", kind="Run", label=name, attributes={"started": at})
        for name, at in begun.items()
    ]
    made = Node(id="urn:x:may", kind="Run", attributes={"created": "2026-06-01"})
    draft = Draft(source="s", importer="t", actor="t", recorded="2026-05-01T08:00:00Z")
    store.write(draft, Batch(nodes=(*nodes, made)))
    ctx = Context(store=store, actor="t", person_key=b"k")
    answer = AskRequest(said).answer(ctx)
    assert {node.label for node in answer.nodes} == selected
    assert AskRequest("*", at="2 May 2026").answer(ctx).certificate.as_of == 1
    assert AskRequest("*", at="2026/04/30").answer(ctx).certificate.as_of == 0
    for wrong in ('"spring"', '"05/01/2026"', "2026", '"31 Feb 2026"', '"2026-13-01"', "true"):
        for operator in (">=", "=", "!="):
            with pytest.raises(BadQuery, match="started is a time") as caught:
                AskRequest(f"started {operator} {wrong}").answer(ctx)
            assert "2026-05-01" in str(caught.value.hint)
    with pytest.raises(Usage, match="neither an entry nor a time"):
        AskRequest("*", at="last spring").answer(ctx)
    store.close()

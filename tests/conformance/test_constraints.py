# SPDX-License-Identifier: Apache-2.0
"""PROV-CONSTRAINTS: every constraint by cases, W3C's own cases, and a naive oracle."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from lineage import formats
from lineage.model import constraints
from lineage.model.findings import MOST
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Ref
from tests.conformance import subject
from tests.conformance.documents import documents, ordered
from tests.conformance.oracle import Contradiction, Oracle
from tests.strategies import batches, drawn

CASES = json.loads((Path(__file__).parent / "constraints.json").read_text("utf-8"))
#: ProvToolbox names them "fail"; its own tests and the W3C manifest have them valid.
MISNAMED = {
    *(f"usage-fail{number}" for number in (1, 5, 6, 7)),
    *(f"delegation-fail{number}" for number in (4, 5)),
}
STEP = re.compile(
    r"(?P<a>generation|start) of (?P<x>\S+) (?P<strict>strictly )?precedes "
    r"(?P<b>generation|start) of (?P<y>\S+): .+ \((?P<constraint>\d+)\)"
)


def read(document: dict) -> Batch:
    text = json.dumps({"prefix": {"ex": "urn:"}, **document}).encode()
    return formats.named("json").loads(text)


def inspected(document: dict) -> constraints.Report:
    return constraints.inspect(read(document))


def documents_of(expected: str) -> list:
    return [
        pytest.param(case, document, id=f"{case['constraint']}-{number}")
        for case in CASES
        for number, document in enumerate(case.get(expected, ()))
    ]


def test_there_is_a_case_for_every_constraint():
    assert [case["constraint"] for case in CASES] == [*range(22, 57), "dm", "mention"]
    assert all(case["valid"] for case in CASES)
    # The rest demand an order which cannot be violated: nothing that an end or an invalidation
    # precedes is generated, used or started.
    silent = {c["constraint"] for c in CASES if not {"invalid", "cycle", "doubtful"} & c.keys()}
    assert silent == {31, 32, 35, 40, 44, 46, 47, 49}


@pytest.mark.parametrize(("case", "document"), documents_of("valid"))
def test_a_document_that_keeps_the_constraint_is_valid_and_raises_no_doubt(case, document):
    assert inspected(document) == constraints.Report(findings=(), total=0, valid=True)


@pytest.mark.parametrize(("case", "document"), documents_of("invalid"))
def test_a_document_that_violates_the_constraint_is_invalid_once(case, document):
    report = inspected(document)
    number = case.get("violates", case["constraint"])
    assert not report.valid
    (finding,) = report.findings
    assert (finding.code, finding.severity) == (f"prov-{number}", "error")
    assert finding.constraint == (number if isinstance(number, int) else None)
    assert finding.subject.startswith("urn:")
    assert "ex:" in finding.message
    assert finding.path
    assert (finding.responsible, bool(finding.hint)) == ("author", True)


@pytest.mark.parametrize(("case", "document"), documents_of("cycle"))
def test_an_order_that_the_constraint_closes_to_a_cycle_is_found(case, document):
    batch = read(document)
    report = constraints.inspect(batch)
    assert not report.valid
    follows_from_the_rules(report, batch)
    assert {finding.code for finding in report.findings} == {"prov-42"}
    steps = [STEP.fullmatch(step) for step in report.findings[0].path]
    numbers = {int(step["constraint"]) for step in steps}
    # 39 and 41 are in the steps of others: events that are simultaneous are one event, and a
    # usage lies between two generations of which 42 says more.
    assert case["constraint"] in numbers | {39, 41}
    assert 42 in numbers


@pytest.mark.parametrize(("case", "document"), documents_of("doubtful"))
def test_times_against_the_order_are_a_warning_and_the_document_stays_valid(case, document):
    report = inspected(document)
    assert report.valid
    (finding,) = report.findings
    assert (finding.code, finding.severity) == (f"clock-{case['constraint']}", "warning")
    assert "2026-01-01" in finding.message
    assert "2026-01-02" in finding.message


def test_all_cases_of_w3c_and_provtoolbox_come_out_right(corpora):
    wrong, seen = [], Counter()
    for path in sorted((corpora / "prov-constraints").rglob("*")):
        fmt = {".json": "json", ".provn": "provn", ".xml": "xml", ".provx": "xml"}.get(path.suffix)
        if fmt is None:
            continue
        expected = (
            path.stem in {"derivation2", "specialization4"}
            if path.parent.name == "ordering"
            else "fail" in path.stem.lower() and path.stem not in MISNAMED
        )
        found = not subject.valid(path.read_bytes(), fmt)
        seen[found] += 1
        if found != expected:
            wrong.append(path.name)
    assert not wrong
    assert seen[True] > 80 < seen[False]


@drawn(200, 600, documents)
def test_the_verdict_is_that_of_the_rules_as_they_are_written(batch):
    assert constraints.inspect(batch).valid == Oracle(batch).valid()


@drawn(200, 600, ordered)
def test_the_verdict_on_an_order_is_that_of_the_rules_and_cycles_are_real(batch):
    report = constraints.inspect(batch)
    assert report.valid == Oracle(batch).valid()
    follows_from_the_rules(report, batch)


def follows_from_the_rules(report: constraints.Report, batch: Batch) -> None:
    """Every step of a cycle is in the order that the oracle derives, and the steps close."""
    oracle = Oracle(batch)
    try:
        oracle.chase()
    except Contradiction:
        return
    order, strict = oracle.order()
    long = {f"ex:{iri.removeprefix('urn:')}": iri for iri in oracle.constants()}
    for finding in report.findings:
        if finding.code != "prov-42":
            continue
        steps = [STEP.fullmatch(step) for step in finding.path]
        assert steps[0]["strict"]
        for step, following in zip(steps, [*steps[1:], steps[0]], strict=True):
            assert step.group("b", "y") == following.group("a", "x")
            before, after = (
                oracle.events(kind, long.get(thing, thing))
                for kind, thing in (step.group("a", "x"), step.group("b", "y"))
            )
            known = strict if step["strict"] else order
            assert before
            assert {(x, y) for x in before for y in after} <= known


def chain(length: int, *, closed: bool) -> Batch:
    links = [(n, n + 1) for n in range(length)] + ([(length, 0)] if closed else [])
    return Batch(
        nodes=tuple(Node(id=f"urn:e{n}", kind="Entity") for n in range(length + 1)),
        edges=tuple(
            Edge(relation=relation, effect=f"urn:e{cause}", cause=f"urn:e{effect}")
            for effect, cause in links
            for relation in ("wasDerivedFrom", "specializationOf")
        ),
    )


def test_depth_costs_no_recursion(extent):
    long = (10_000, 50_000)[extent]
    assert constraints.inspect(chain(long, closed=False)).valid
    report = constraints.inspect(chain(long, closed=True))
    assert [finding.code for finding in report.findings] == ["prov-52", "prov-42"]
    assert report.findings[1].path[-1] == f"({long - 49} more steps)"


def test_a_report_is_bounded_and_says_how_much_there_is():
    batch = Batch(
        nodes=tuple(
            Node(id=f"urn:x{n}", kind=kind) for n in range(500) for kind in ("Entity", "Activity")
        )
    )
    report = constraints.inspect(batch)
    assert len(report.findings) == MOST
    assert report.total == 500


def test_a_cycle_is_told_once_and_by_its_shortest_way():
    links = [("a", "b"), ("b", "c"), ("c", "a"), ("b", "a")]
    report = inspected(
        {
            "entity": {f"ex:{name}": {} for name in "abc"},
            "wasDerivedFrom": {
                f"_:{n}": {"prov:usedEntity": f"ex:{x}", "prov:generatedEntity": f"ex:{y}"}
                for n, (x, y) in enumerate(links)
            },
        }
    )
    (finding,) = report.findings
    assert [STEP.fullmatch(step).group("x", "y") for step in finding.path] == [
        ("ex:a", "ex:b"),
        ("ex:b", "ex:a"),
    ]
    assert finding.path[0].endswith(": wasDerivedFrom(ex:b, ex:a, -, -, -) (42)")


@drawn(100, 300, batches)
def test_whatever_a_batch_holds_there_is_a_report_and_always_the_same(batch):
    report = constraints.inspect(batch)
    assert report == constraints.inspect(batch)
    assert report.valid == (not any(finding.fatal for finding in report.findings))


def test_what_batches_hold_beyond_prov_is_no_fault():
    batch = Batch(
        nodes=(Node(id="urn:n", kind="Nonsense", attributes={"prov:type": "x"}),),
        edges=(
            Edge(relation="nonsense", effect="urn:n", cause="urn:n"),
            Edge(relation="used", effect="urn:r", cause="urn:n", attributes={"prov:time": "soon"}),
        ),
    )
    assert constraints.inspect(batch).valid


NO_TIMES = (
    "soon",
    "2015",
    "2015-02-29T10:00:00Z",
    "2015\x0b",
    "2015-01-01",
    "2015-01-01T25:00:00",
    3,
)
TIMES = ("2015-01-01T10:00:00", "2016-02-29T24:00:00Z", "-0044-03-15T12:00:00.5+14:00")


@pytest.mark.parametrize("time", [*NO_TIMES, *TIMES])
def test_a_time_that_is_none_is_found_wherever_it_stands_and_the_document_stays_valid(time):
    batch = Batch(
        nodes=(Node(id="urn:r", kind="Run", attributes={"started": time}),),
        edges=(
            Edge(relation="used", effect="urn:r", cause="urn:e", attributes={"prov:time": time}),
        ),
    )
    report = constraints.inspect(batch)
    found = [(f.code, f.severity, f.subject) for f in report.findings]
    assert found == ([("prov-time", "warning", "urn:r")] * 2 if time in NO_TIMES else [])
    assert report.valid


ONE_EACH = {
    "times": {"prov:time": ("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z")},
    "starters": {"prov:starter": (Ref("urn:x"), Ref("urn:y"))},
}


@pytest.mark.parametrize("case", ONE_EACH)
def test_one_statement_has_one_value_in_a_place(case):
    ends = {"effect": "urn:a", "cause": "urn:e"}
    edge = Edge(relation="wasStartedBy", attributes=ONE_EACH[case], **ends)
    (finding,) = constraints.inspect(Batch(edges=(edge,))).findings
    assert (finding.code, finding.subject) == ("prov-23", "urn:a")
    assert "one wasStartedBy of urn:a has two values of" in finding.message


def test_one_time_written_in_two_ways_is_one():
    same = ("2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00")
    ends = {"effect": "urn:a", "cause": "urn:e"}
    edge = Edge(relation="wasStartedBy", attributes={"prov:time": same}, **ends)
    assert constraints.inspect(Batch(edges=(edge,))).findings == ()

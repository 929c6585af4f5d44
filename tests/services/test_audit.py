# SPDX-License-Identifier: Apache-2.0
"""The audit finds what was left out, and nothing where everything is there."""

from __future__ import annotations

import random

import pytest
from click.testing import CliRunner

from lineage.cli import cli
from lineage.errors import Usage
from lineage.model import kinds
from lineage.model.identity import content
from lineage.model.record import Batch, Edge, Node


def commit(number, message):
    ident = f"urn:lineage:commit:{number:040x}"
    more = {} if message is None else {"message": message}
    return Node(id=ident, kind="Commit", label=ident[-12:], attributes=more)


def run(number, *causes, **more):
    ident = f"urn:lineage:run:t:t/{number}"
    node = kinds.Run(id=ident, label=f"r{number}", status="finished", more=more).node()
    return node, [
        Edge(relation="used", effect=ident, cause=cause, attributes={"prov:role": role})
        for cause, role in causes
    ]


LOCKED = Node(id="urn:lineage:environment:a", kind="Environment", attributes={"reproducible": True})
OPEN = Node(
    id="urn:lineage:environment:b",
    kind="Environment",
    attributes={"reproducible": False, "unpinned": ("numpy", "scipy")},
)
KNOWN = Node(
    id="urn:lineage:version:lab/web@md5:" + "a1" * 16,
    kind="DatasetVersion",
    label="web",
    attributes={"digest": "md5:" + "a1" * 16},
)
BY_NAME = Node(id="urn:lineage:dataset:lab/notes", kind="Dataset", label="notes")


def test_each_planted_fault_is_found_under_its_rule_and_no_other(address, lineage_at):
    store = lineage_at(address)
    chance = random.Random(3)
    nodes, edges, planted = [LOCKED, OPEN, KNOWN, BY_NAME], [], set()
    for number in range(60):
        message = "Take the third split out"
        if chance.random() < 0.2:
            message = chance.choice(["wip", "", "fix: more fixes", "fixup! Take"])
            planted.add(("commit-message", f"urn:lineage:commit:{number:040x}"))
        nodes.append(commit(number, message))
    nodes += [
        commit(100, None),
        Node(
            id="urn:lineage:commit:" + "f" * 40,
            kind="Commit",
            attributes={"message": "", "kept_ref": "x"},
        ),
    ]
    for number in range(60):
        data, environment = KNOWN, LOCKED
        if chance.random() < 0.2:
            data = BY_NAME
            planted.add(("data-digest", f"urn:lineage:run:t:t/{number}"))
        if chance.random() < 0.2:
            environment = chance.choice([OPEN, None])
            planted.add(("environment", f"urn:lineage:run:t:t/{number}"))
        causes = [(data.id, "input")] + ([(environment.id, "environment")] if environment else [])
        node, used = run(number, *causes)
        nodes.append(node)
        edges += used
    nodes += [run("none", (LOCKED.id, "environment"))[0]]
    edges += run("none", (LOCKED.id, "environment"))[1]
    nodes.append(kinds.Run(id="urn:lineage:run:t:t/attempts", label="all attempts").node())
    store.ingest(Batch(nodes=tuple(nodes), edges=tuple(edges)))
    rules = ["commit-message", "data-digest", "environment"]
    told = store.audit(rule=rules, first=1_000)
    assert {(one.code, one.subject) for one in told.findings} == planted
    results = {one.code: one for one in told.rules}
    for code, all_, beside in (
        ("commit-message", 60, (1, 1)),
        ("data-digest", 60, (1, 1)),
        ("environment", 61, (0, 1)),
    ):
        one = results[code]
        assert one.failed == sum(rule == code for rule, _ in planted)
        assert one.passed + one.failed == all_
        assert (one.cannot_tell, one.not_applicable) == beside, code
        assert one.score == pytest.approx(one.passed / all_, abs=1e-4)
    passed, failed = (sum(getattr(x, n) for x in told.rules) for n in ("passed", "failed"))
    assert told.score == pytest.approx(passed / (passed + failed), abs=1e-4)
    few = store.audit(rule=rules, first=3)
    assert (len(few.findings), few.left, few.rules) == (3, len(planted) - 3, told.rules)


def test_of_nothing_there_is_no_score(lineage_at):
    told = lineage_at("memory:").audit()
    assert told.score is None and {one.score for one in told.rules} == {None}


def test_what_does_not_hold_for_all_is_not_shown_as_if_it_did(lineage_at, tmp_path):
    store = lineage_at(str(tmp_path / "s.db"))
    commits = [commit(number, "Take one out") for number in range(999)]
    store.ingest(Batch(nodes=(*commits, commit(999, "wip"))))
    store.close()
    said = CliRunner().invoke(cli, ["--store", str(tmp_path / "s.db"), "audit"]).output
    assert " 99 %  commit-message   999 of 1000" in said
    assert " none  environment" in said
    assert "'wip' says nothing of what was done" in said


def lacking(number, code, **more):
    """A run that has everything but what one rule asks for."""
    held = {
        "started": "2026-01-01T00:00:00Z",
        "ended": "2026-01-01T01:00:00Z",
        "seeded": "yes",
        "why": "the numbers of May",
        "param.seed": "7",
    }
    causes = [(KNOWN.id, "input"), (LOCKED.id, "environment"), ("urn:lineage:commit:1", "source")]
    people = ["urn:lineage:person:ana"]
    if code == "run-commit":
        causes.pop()
    elif code == "data-digest":
        causes[0] = (BY_NAME.id, "input")
    elif code == "environment":
        causes[1] = (OPEN.id, "environment")
    elif code == "run-person":
        people = []
    elif code == "run-reason":
        del held["why"]
    held |= more
    node, edges = run(f"{number}", *causes, **held)
    edges += [Edge(relation="wasAssociatedWith", effect=node.id, cause=who) for who in people]
    return node, edges


RUNS = [
    ("run-commit", {}),
    ("data-digest", {}),
    ("environment", {}),
    ("run-person", {}),
    ("run-reason", {}),
    ("run-times", {"started": None}),
    ("run-times", {"ended": None}),
    ("run-times", {"ended": "2025-12-31T23:00:00+00:00"}),
    ("run-seeds", {"seeded": "no"}),
    ("run-seeds", {"seeded": "partly"}),
    (None, {}),
    (None, {"seeded": None}),
    (None, {"ended": None, "status": "running"}),
    (None, {"ended": "2026-01-01T02:00:00+02:00"}),
]


def test_a_run_that_lacks_one_thing_fails_the_rule_of_it_and_no_other(
    address, lineage_at, tmp_path
):
    store = lineage_at(address)
    record = tmp_path / "decisions" / "0001-x.md"
    record.parent.mkdir()
    record.write_text("---\nid: dec-x\nstatus: accepted\n---\n# X\n")
    store.load(tmp_path)
    # Decisions are found in a folder; what a run is for is asked where there are some.
    nodes = [LOCKED, OPEN, KNOWN, BY_NAME, Node(id="urn:lineage:commit:1", kind="Commit")]
    edges, planted = [], set()
    for number, (code, more) in enumerate(RUNS):
        node, used = lacking(number, code, **more)
        nodes.append(node)
        edges += used
        if code is not None:
            planted.add((code, node.id))
    store.ingest(Batch(nodes=tuple(nodes), edges=tuple(edges)))
    rules = [
        one.code for one in store.audit().rules if one.code.startswith(("run-", "data-d", "env"))
    ]
    told = store.audit(rule=rules, first=100)
    assert {(one.code, one.subject) for one in told.findings} == planted
    assert {one.code: one.cannot_tell for one in told.rules}["run-seeds"] == 0


def test_a_dataset_without_owner_and_a_decision_that_is_late_are_told(store_of, lineage_at):
    store = store_of(
        {
            "decisions/0001-x.md": "---\nid: dec-x\nreview: {due: 2020-01-02}\nlinks: {runs: [run:gone]}\n---\n# X\n",
            "decisions/0002-y.md": "---\nid: dec-y\n---\n# Y\n",
        }
    )
    store.ingest(
        Batch(
            nodes=(
                BY_NAME,
                Node(
                    id="urn:lineage:dataset:lab/b",
                    kind="Dataset",
                    label="b",
                    attributes={"license": "MIT"},
                ),
            )
        )
    )
    store.set_owner("urn:lineage:dataset:lab/b", "nobody", reason="it is public")
    told = {(one.code, one.message.partition(":")[0]) for one in store.audit(first=100).findings}
    assert told == {
        ("dataset-owner", "notes"),
        ("dataset-license", "notes"),
        ("decision-overdue", "0001 X"),
        ("decision-links", "0001 X"),
    }


@pytest.fixture
def store_of(lineage_at, tmp_path):
    def made(files):
        for name, text in files.items():
            path = tmp_path / "project" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        store = lineage_at("memory:")
        store.load(tmp_path / "project")
        return store

    return made


def test_an_audit_is_of_what_a_thing_was_made_from_or_of_what_changed(lineage_at):
    store = lineage_at("memory:")
    good, edges = run("good", (LOCKED.id, "environment"))
    bad, more = run("bad")
    model = Node(id="urn:m", kind="Artifact", label="m")
    made = Edge(relation="wasGeneratedBy", effect=model.id, cause=good.id)
    store.ingest(Batch(nodes=(LOCKED, good, model), edges=(*edges, made)))
    entry = store.stats().entries
    store.ingest(Batch(nodes=(bad,), edges=tuple(more)))
    bad_edge = Edge(relation="used", effect=bad.id, cause=BY_NAME.id)
    store.ingest(Batch(nodes=(BY_NAME,), edges=(bad_edge,)))

    def judged(**asked):
        [one] = store.audit(rule=["environment"], **asked).rules
        return one.passed, one.failed

    assert judged() == (1, 1)
    assert judged(ref="urn:m") == (1, 0)
    assert judged(since=entry) == (0, 1)
    assert judged(ref="urn:m", since=entry) == (0, 0)
    assert judged(since=store.stats().entries) == (0, 0)
    with pytest.raises(Usage, match="there is no rule 'nothing'"):
        store.audit(rule=["nothing"])


def test_a_run_on_data_that_had_been_invalidated_is_an_error(address, lineage_at):
    store = lineage_at(address)
    withdrawal = Node(id="urn:withdrawal", kind="Activity", label="withdrawal")
    other = Node(id="urn:lineage:version:lab/o@md5:" + "b2" * 16, kind="DatasetVersion", label="o")
    copy = Node(
        id="urn:lineage:version:lab/copy@md5:" + "a1" * 16, kind="DatasetVersion", label="c"
    )
    late = Node(id="urn:late", kind="Activity", label="late")
    twin = Node(id="urn:lineage:version:lab/w@md5:" + "c3" * 16, kind="DatasetVersion", label="web")
    nodes, edges = [KNOWN, other, withdrawal, copy, late, twin], []
    at = {"prov:time": "2027-01-01T00:00:00Z"}
    edges.append(Edge(relation="wasInvalidatedBy", effect=twin.id, cause=late.id, attributes=at))
    for one in (KNOWN, copy):
        bytes_, ties = content(one.id, "md5", "a1" * 16)
        nodes += bytes_
        edges += ties
    for name, data, began in (
        ("before", KNOWN, "2026-01-01T00:00:00Z"),
        ("after", KNOWN, "2026-03-01T00:00:00+01:00"),
        ("at-no-time", KNOWN, None),
        ("of-no-known-day", other, "2026-01-01T00:00:00Z"),
        ("a-copy", copy, "2026-03-01T00:00:00Z"),
        ("twin", twin, "2026-03-01T00:00:00Z"),
    ):
        node, used = run(name, (data.id, "input"), started=began)
        nodes.append(node)
        edges += used
    for data, moment in ((KNOWN, "2026-02-01T00:00:00Z"), (other, None)):
        at = {} if moment is None else {"prov:time": moment}
        edges.append(
            Edge(relation="wasInvalidatedBy", effect=data.id, cause=withdrawal.id, attributes=at)
        )
    # One that read both: what is certain is told, though something else cannot be; and one title may be of two things.
    edges += run("twin", (other.id, "input"), (KNOWN.id, "input"))[1]
    store.ingest(Batch(nodes=tuple(nodes), edges=tuple(edges)))
    told = store.audit(rule=["data-valid"])
    assert [one.message.partition(":")[0] for one in told.findings] == [
        "ra-copy",
        "rafter",
        "rtwin",
    ]
    assert (told.rules[0].passed, told.rules[0].cannot_tell) == (1, 2)


def test_the_exit_code_says_whether_a_rule_of_a_severity_fails(lineage_at, tmp_path):
    store = lineage_at(str(tmp_path / "s.db"))
    store.ingest(Batch(nodes=(commit(1, "wip"),)))
    store.close()

    def code(*words):
        return (
            CliRunner().invoke(cli, ["--store", str(tmp_path / "s.db"), "audit", *words]).exit_code
        )

    assert [code(), code("--fail-on", "error"), code("--fail-on", "warning")] == [0, 0, 4]
    assert code("--fail-on", "warning", "--first", "0") == 4
    assert code("--fail-on", "warning", "--rule", "environment") == 0

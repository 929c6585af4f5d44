# SPDX-License-Identifier: Apache-2.0
"""The audit finds what was left out, and nothing where everything is there."""

from __future__ import annotations

import random

import pytest
from click.testing import CliRunner

from lineage.cli import cli
from lineage.model import kinds
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
    told = store.audit(first=1_000)
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
    few = store.audit(first=3)
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
    assert " 99 %  commit-message  999 of 1000" in said
    assert " none  environment" in said
    assert "'wip' says nothing of what was done" in said

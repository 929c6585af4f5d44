# SPDX-License-Identifier: Apache-2.0
"""A decision lives in the ledger: proposed, reviewed, accepted, followed, superseded, and never by editing its file."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lineage.access.tokens import Role
from lineage.errors import Denied, Usage
from lineage.model import kinds
from lineage.model.record import Batch
from lineage.services.write.deliberate import DeliberateRequest, ReviewRequest
from tests.decisions.conftest import found, record


def run(name, started, **attributes):
    more = {"decision": "dec-x", "status": "finished"} | attributes
    ident = f"urn:lineage:run:t:t/{name}"
    return kinds.Run(id=ident, label=name, started=started, more=more).node()


@pytest.fixture
def store(lineage_at, folder):
    return filled(lineage_at("memory:"), folder)


@pytest.fixture
def anywhere(address, lineage_at, folder):
    """The same on every engine."""
    return filled(lineage_at(address), folder)


def filled(opened, folder):
    front = {"id": "dec-x", "status": "proposed", "owner": "Ana Lima <ana@example.org>"}
    files = {
        "decisions/0001-x.md": record("X", **front, review={"required": 1, "by": ["bo"]}),
        "decisions/0002-y.md": record("Y", id="dec-y", status="accepted"),
    }
    opened.load(folder(files))
    return opened


def acting(store, name, role=Role.admin):
    """The context of somebody else."""
    from dataclasses import replace

    return replace(store.context, actor=name, role=role)


def test_it_is_accepted_after_somebody_else_approved_the_text_that_it_has(anywhere):
    store = anywhere
    with pytest.raises(Usage, match="asks for 1 approvals and has 0"):
        store.deliberate("dec-x", "accepted")
    for name in ("ana", "Ana Lima", "ana@example.org"):
        with pytest.raises(Usage, match="cannot review it"):
            ReviewRequest("dec-x", approve=True).answer(acting(store, name))
    ReviewRequest("dec-x", gap=["no baseline"]).answer(acting(store, "bo"))
    assert store.decision("dec-x").open == ("the last review, by bo, asks for changes",)
    with pytest.raises(Usage, match="has 0 of the text"):
        store.deliberate("dec-x", "accepted")
    ReviewRequest("dec-x", approve=True).answer(acting(store, "bo"))
    done = store.deliberate("dec-x", "accepted", reason="the pilot held")
    assert (done.decision.status, done.decision.status_written) == ("accepted", "proposed")
    shown = store.decision("dec-x")
    assert [(act.act, act.by, act.verdict) for act in shown.acts] == [
        ("reviewed", "bo", "request changes"),
        ("reviewed", "bo", "approve"),
        ("accepted", "tester", None),
    ]
    assert "its file says proposed" in shown.notes
    assert store.verify().state == "intact"


def test_an_approval_is_of_a_text_and_another_text_is_looked_at_again(store, folder):
    ReviewRequest("dec-x", approve=True).answer(acting(store, "bo"))
    front = {"id": "dec-x", "status": "proposed", "owner": "ana", "review": {"required": 1}}
    store.load(folder({"decisions/0001-x.md": record("Another X", **front)}))
    with pytest.raises(Usage, match="has 0 of the text that it has now"):
        store.deliberate("dec-x", "accepted")


@pytest.mark.parametrize(
    ("steps", "refused"),
    [
        (["executed"], "executed"),
        (["rejected", "accepted"], "accepted"),
        (["rejected", "reopened"], None),
        (["closed", "deprecated"], "deprecated"),
        (["closed", "reopened", "rejected"], None),
    ],
)
def test_a_step_follows_from_what_the_decision_is(steps, refused, store):
    for step in steps:
        if step == refused:
            with pytest.raises(Usage):
                store.deliberate("dec-x", step, reason="because")
        else:
            store.deliberate("dec-x", step, reason="because")


def test_what_decides_takes_a_steward_and_what_is_done_a_contributor(store):
    context = acting(store, "cy", Role.contributor)
    with pytest.raises(Denied, match="steward"):
        DeliberateRequest("dec-y", "rejected").answer(context)
    assert DeliberateRequest("dec-y", "executed").answer(context).decision.stage == "executed"


def test_another_takes_its_place_and_a_circle_is_refused(store):
    store.supersede("dec-x", by="dec-y", reason="simpler")
    assert found(store)["0001 X"].status == "superseded"
    assert [node.title for node in store.ask("kind:decision and status:superseded")] == ["0001 X"]
    with pytest.raises(Usage, match="takes the place of"):
        store.supersede("dec-y", by="dec-x")
    with pytest.raises(Usage, match="is superseded"):
        store.deliberate("dec-x", "rejected")


def test_a_run_follows_the_version_that_there_was_when_it_began(anywhere, new_repository):
    store = anywhere
    repository = new_repository("history")
    repository.commit("One", {"decisions/0003-z.md": record("Z", id="dec-z", status="draft")})
    repository.commit("Two", {"decisions/0003-z.md": record("Z", id="dec-z", status="accepted")})
    store.load(repository.path)
    first, second = store.decision("dec-z").versions
    early, late = "2025-06-15T15:11:00Z", "2026-01-01T00:00:00Z"
    runs = (
        run("before", "2020-01-01T00:00:00Z", decision="dec-z"),
        run("early", early, decision="0003"),
        run("late", late, **{"decision": None, "tag.lineage.decision": "decisions/0003-z.md"}),
    )
    store.ingest(Batch(nodes=tuple(n for n in runs)))
    store.load(repository.path)
    store.deliberate("dec-z", "executed")
    follows = {
        node.title: {
            e.cause
            for e in store.trace(f"run:{node.title}").edges
            if e.relation == "wasInfluencedBy"
        }
        for node in runs
    }
    assert first.written < early < second.written
    assert (follows["early"], follows["late"]) == ({first.id}, {second.id})
    assert follows["before"] == {first.id}
    [edge] = [e for e in store.trace("run:before").edges if e.relation == "wasInfluencedBy"]
    assert edge.attributes["written_afterwards"] is True
    shown = {one["label"] for one in store.produced("run:late").things["decisions"]}
    assert "0003 Z" in shown


def test_a_commit_names_its_decision_and_what_the_change_is_for(new_repository, lineage_at):
    store = lineage_at("memory:")
    repository = new_repository()
    repository.commit("Record", {"decisions/0001-x.md": record("X", id="dec-x", status="accepted")})
    message = (
        "Deduplicate\n\nDecision: we talked about it\nDecision: 0001\n\nMore words.\n\n"
        "Decision: dec-x\nExpected-Impact: macro-F1 up\n by a point\nTrade-offs: slower\n"
    )
    sha = repository.commit(message, {"a.py": "print()"})
    store.load(repository.path)
    commit = next(n for n in store.trace(f"commit:{sha}") if n.id.endswith(sha))
    assert commit.attributes["brief.impact"] == "macro-F1 up by a point"
    assert commit.attributes["brief.tradeoffs"] == "slower"
    assert set(commit.attributes["decision"]) == {"0001", "dec-x"}
    assert "0001 X" in {node.title for node in store.trace(f"commit:{sha}")}
    assert store.impact("decision:dec-x").nodes


def test_what_a_record_names_and_is_not_here_resolves_itself_when_it_comes(store, folder):
    links = {"runs": ["run:later"], "datasets": ["dataset:nowhere"]}
    store.load(folder({"decisions/0004-e.md": record("E", id="dec-e", links=links)}))
    assert len(store.decision("dec-e").open) == 2
    store.ingest(Batch(nodes=(run("later", "2026-01-01T00:00:00Z"),)))
    store.load(folder({"decisions/0005-f.md": record("F", id="dec-f")}))
    assert store.decision("dec-e").open == (
        "leads nowhere, or to several: dataset:nowhere: is nothing that is here",
    )
    assert any(node.title.startswith("0004 E") for node in store.impact("run:later"))


def test_a_run_of_a_decision_that_did_not_hold_any_more_is_told_with_the_one_that_did(
    store, folder, command, monkeypatch
):
    front = {"status": "accepted", "date": "2026-06-01", "links": {"supersedes": ["dec-x"]}}
    project = folder({"decisions/0006-new.md": record("New", id="dec-new", **front)})
    store.ingest(
        Batch(nodes=(run("may", "2026-05-31T12:00:00Z"), run("june", "2026-06-02T12:00:00Z")))
    )
    store.load(project)
    from datetime import date

    from lineage.services.operate.decision_check import check

    monkeypatch.chdir(project)
    told = check(store.context, [project / "decisions"], date(2026, 11, 28))
    messages = [f.message for f in told.findings if f.code == "decision-not-in-force"]
    assert messages == [
        "june, of 2026-06-02, follows 0001 X, which 0006 New has superseded since 2026-06-01"
    ]


def test_dates_that_have_passed_are_overdue_until_what_they_are_for_was_done(store, folder):
    fields = {
        "owner": "cy",
        "review": {"due": "2020-01-01"},
        "pressure": {"deadline": "2020-02-01"},
    }
    store.load(
        folder({"decisions/0007-due.md": record("Due", id="dec-due", status="proposed", **fields)})
    )
    assert found(store, overdue=True)["0007 Due"].overdue == (
        "review due 2020-01-01",
        "to be decided by 2020-02-01",
    )
    store.review("dec-due", approve=True)
    store.deliberate("dec-due", "accepted")
    assert found(store, overdue=True) == {}


def test_who_never_sees_a_file_takes_a_decision_down_and_tells_it_anew(anywhere, folder):
    store = anywhere
    store.ingest(Batch(nodes=(run("pilot", "2026-01-01T00:00:00Z"),)))
    said = {
        "hypothesis": 'fewer: "better" @all',
        "outcome": "We drop the copies.\n\n- because they leak",
        "evidence": ["run:pilot"],
        "supersedes": ["dec-y"],
        "tags": ["web", "3"],
    }
    done = store.decide("Drop copies", **said)
    key = done.decision.key
    shown = store.decision(key)
    assert (shown.decision.status, shown.decision.owner, shown.decision.file) == (
        "proposed",
        "tester",
        None,
    )
    assert shown.front["hypothesis"] == said["hypothesis"]
    assert shown.sections["Decision Outcome"] == said["outcome"]
    assert any(node.title.startswith("Drop copies") for node in store.impact("run:pilot"))
    assert found(store)["0002 Y"].status == "accepted", "what is proposed takes no place yet"
    store.deliberate(key, "accepted")
    assert found(store)["0002 Y"].status == "superseded"
    again = store.decide("Drop all copies", key=key, status="accepted", **said)
    assert again.decision.title == "Drop all copies"
    assert len(store.decision(key).versions) == 2
    assert store.decide("Drop all copies", key=key, status="accepted", **said).entries == ()
    store.link(key, to="dec-x")
    store.load(folder({"decisions/0009-i.md": record("I", links={"caused-by": [key]})}))
    assert any(node.title.startswith("0009 I") for node in store.impact(f"decision:{key}"))
    assert any(node.title.startswith("Drop all") for node in store.impact("decision:dec-x"))
    with pytest.raises(Usage, match="needs a title"):
        store.decide("  ")


def test_a_run_that_is_recorded_follows_its_decision_at_once(folder, command):
    project = folder({"decisions/0001-x.md": record("X", id="dec-x", plan={"config": {"lr": 0.1}})})
    assert command(project, "--store", "s.db", "import", ".", text=True)[0] == 0
    main = [sys.executable, "-c", "from lineage.cli import main; main()", "--store", "s.db", "run"]
    environ = {**os.environ, "LINEAGE_DECISION": "0001"}
    for words in (["--name", "one", "--decision", "dec-x", "--param", "lr=0.2"], ["--name", "two"]):
        done = subprocess.run([*main, *words, "--", "true"], cwd=project, env=environ, check=True)
        assert done.returncode == 0
    _, shown = command(project, "--store", "s.db", "decision", "show", "dec-x")
    assert {run["label"] for run in shown["runs"]} == {"one", "two"}
    told = {(one["key"], one["happened"]) for one in shown["deviations"]}
    assert told == {("config.lr", "0.2"), ("config.lr", None)}


@pytest.mark.parametrize(
    ("branch", "trailer", "named", "follows"),
    [
        ("decision/0001-x", None, None, {"0001 X"}),
        ("ana/adr-2-larger", None, None, {"0002 Y"}),
        ("feature/dec-x", None, None, {"0001 X"}),
        ("0002-y", None, None, {"0002 Y"}),
        ("release/2", None, None, set()),
        ("2024-plots", None, None, set()),
        ("decision/0001-x", "0002", None, {"0002 Y"}),
        ("main", "dec-x", None, {"0001 X"}),
        ("decision/0001-x", "dec-x", "dec-y", {"0002 Y"}),
        ("decision/0001-x", None, "dec-gone", set()),
    ],
)
def test_a_run_that_names_none_follows_the_decision_of_its_commit_or_else_of_its_branch(
    branch, trailer, named, follows, new_repository, command
):
    repository = new_repository()
    records = {
        "decisions/0001-x.md": record("X", id="dec-x", status="accepted"),
        "decisions/0002-y.md": record("Y", id="dec-y", status="accepted"),
    }
    repository.commit("Records", records)
    subprocess.run(["git", "switch", "-qC", branch], cwd=repository.path, check=True)
    repository.commit(f"Work\n\nDecision: {trailer}" if trailer else "Work", {"a.py": "1"})
    project = repository.path
    assert command(project, "--store", "s.db", "import", ".", text=True)[0] == 0
    main = [sys.executable, "-c", "from lineage.cli import main; main()", "--store", "s.db", "run"]
    words = ["--decision", named] if named else []
    subprocess.run([*main, "--name", "one", *words, "--", "true"], cwd=project, check=True)
    _, shown = command(project, "--store", "s.db", "decision", "list")
    runs = {
        one["title"]
        for one in shown["decisions"]
        for run in command(project, "--store", "s.db", "decision", "show", one["key"])[1]["runs"]
        if run["label"] == "one"
    }
    assert runs == follows

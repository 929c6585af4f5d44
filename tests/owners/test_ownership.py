# SPDX-License-Identifier: Apache-2.0
"""Somebody says who answers for a thing, hands over all of it, and what they did keeps their name."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from lineage.access.tokens import Role
from lineage.errors import Ambiguous, NotFound, Usage
from lineage.model import kinds
from lineage.model.record import Batch
from lineage.services.write.deliberate import ReviewRequest
from lineage.services.write.ownership import TransferOwnerRequest
from tests.decisions.conftest import found as decisions
from tests.decisions.conftest import record
from tests.owners.conftest import owners_of

ANA = "Ana Lima <ana@example.org>"
BO = "bo@example.org"
DATA = [f"data/{name}.csv" for name in "abcdefg"]


@pytest.fixture
def store(lineage_at, project):
    return filled(lineage_at("memory:"), project)


def filled(opened, project):
    """Ana owns seven data sets and two decisions, is asked for one review, and has given five."""
    mine = {f"decisions/000{n}.md": record(f"Mine {n}", id=f"mine-{n}", owner=ANA) for n in (1, 2)}
    asked = record("Asked", id="asked", status="proposed", owner=BO, review={"by": [ANA]})
    theirs = {
        f"decisions/001{n}.md": record(
            f"Theirs {n}", id=f"theirs-{n}", owner=BO, status="accepted", review={"by": [ANA]}
        )
        for n in range(5)
    }
    files = {**mine, **theirs, "decisions/0009.md": asked}
    repository = project(
        f"*.csv ana@example.org\nnotes {BO} @lab/team\n", *DATA, "notes", files=files
    )
    opened.load(repository.path)
    opened.tie_person("Ana Lima", agent(opened, "ana"), because="her login")
    for number in range(5):
        context = replace(opened.context, actor="ana")
        ReviewRequest(f"theirs-{number}", approve=True).answer(context)
    return opened


def agent(opened, name):
    """Somebody of whom only a login is known."""
    node = kinds.Agent(id=f"urn:lineage:agent:lineage/{name}", label=name).node()
    opened.ingest(Batch(nodes=(node,)))
    return node.id


def test_all_that_somebody_answers_for_is_handed_over_and_closed_reviews_keep_the_name(
    lineage_at, project, tmp_path
):
    store = filled(lineage_at(str(tmp_path / "s.db")), project)
    owned = {"datasets": 7, "decisions": 2, "reviews": 1}
    assert store.owners(of="ana").counts == owned
    assert store.owners(of=BO).counts == {"datasets": 1, "decisions": 6}
    before = store.stats().entries
    tried = store.transfer_owner("ana", to=BO, reason="she leaves", dry_run=True)
    assert (tried.counts, store.stats().entries) == (owned, before)
    done = store.transfer_owner("ana", to=BO, reason="she leaves")
    assert done.counts == owned
    assert {one.title for one in done.things} >= {"data/a.csv", "0001 Mine 1", "0009 Asked"}
    assert store.owners(of="ana").counts == {}
    assert store.owners(of=ANA).counts == {}, "her other account"
    assert store.owners(of=BO).counts == {"datasets": 8, "decisions": 8, "reviews": 1}
    reasons = [orjson.loads(e.note or b"{}").get("reason") for e in store.log(count=99).entries]
    assert reasons.count("she leaves") == 1
    shown = store.decision("mine-1")
    assert (shown.decision.owner, shown.front["owner"]) == (BO, ANA)
    named = {("author", "Ana Lima"), ("owner", BO), ("reviewer", BO)}
    assert {(one.role, one.label) for one in store.decision("asked").people} == named
    for number in range(5):
        assert [act.by for act in store.decision(f"theirs-{number}").acts] == ["ana"]
    told = store.show("dataset:data/a.csv", at=before)
    assert [n.title for n in told if n.kind == "Person"] == ["Ana Lima"], "as it was"
    assert store.verify().state == "intact"


def test_what_was_said_goes_before_the_file_also_when_that_is_imported_again(lineage_at, project):
    repository = project(f"* ana@example.org\ngone {BO}\n", *DATA, "gone")
    store = lineage_at("memory:")
    store.load(repository.path)
    store.set_owner("dataset:data/a.csv", "@lab/data-team")
    store.set_owner("dataset:data/b.csv", "nobody", reason="kept for the record")
    repository.commit("Others", {".github/CODEOWNERS": f"* @cy\ngone {BO}\n"})
    store.load(repository.path)
    assert owners_of(store)["data/c.csv"] == ["cy .github/CODEOWNERS:1"]
    assert owners_of(store)["data/a.csv"] == ["@lab/data-team stated"]
    assert owners_of(store)["data/b.csv"] == ["nobody stated"]
    store.set_owner("dataset:data/b.csv", BO)
    assert owners_of(store)["data/b.csv"] == [f"{BO} stated"]
    assert [n.title for n in store.ask('kind:dataset and owner:"nobody"')] == []


def test_the_newer_word_says_who_answers_for_a_decision(store, folder):
    written = {"decisions/0001-x.md": record("X", id="dec-x", owner=ANA)}
    store.load(folder(written))
    store.set_owner("decision:dec-x", BO)
    assert decisions(store, owner=BO).keys() >= {"0001 X"}
    with pytest.raises(Usage, match="answers for 0001 X, and cannot review it"):
        ReviewRequest("dec-x", approve=True).answer(replace(store.context, actor="bo"))
    with pytest.raises(Usage, match="somebody answers for it"):
        store.set_owner("decision:dec-x", "nobody")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s: s.transfer_owner("nobody-here", to=BO, reason="x"), NotFound, "nobody here is"),
        (lambda s: s.transfer_owner("ana", to="somebody@x.org", reason="x"), NotFound, "nobody"),
        (lambda s: s.transfer_owner("ana", to=ANA, reason="x"), Usage, "are one person"),
        (lambda s: s.transfer_owner("ana", to=BO, reason=" "), Usage, "needs a reason"),
        (lambda s: s.set_owner("dataset:data/a.csv", "no one"), NotFound, "nobody here is"),
        (lambda s: s.set_owner("commit:HEAD", BO), Usage, "nobody answers for one"),
    ],
)
def test_who_is_unknown_or_cannot_own_is_one_clear_error(call, error, message, store):
    before = store.stats().entries
    with pytest.raises(error, match=message):
        call(store)
    assert store.stats().entries == before


def test_of_two_people_of_one_name_neither_is_taken_for_the_other(store):
    for address in ("cy@a.example", "cy@b.example"):
        store.ingest(
            Batch(nodes=(kinds.Person(id=f"urn:p:{address}", label="Cy", email=address).node(),))
        )
    with pytest.raises(Ambiguous, match="may be any of 2 people"):
        store.set_owner("dataset:data/a.csv", "Cy")
    store.tie_person("urn:p:cy@a.example", "urn:p:cy@b.example", because="both say so")
    assert store.set_owner("dataset:data/a.csv", "Cy").thing.owners == ("Cy",)
    assert store.owners(of="urn:p:cy@b.example").counts == {"datasets": 1}


def test_the_commands_say_what_was_handed_over(lineage_at, project, command, tmp_path):
    path = tmp_path / "s.db"
    repository = project("*.csv ana@example.org\n/old.csv\n", "a.csv", "b.csv", "old.csv")
    with lineage_at(str(path)) as store:
        store.load(repository.path)

    def told(*words):
        code, said = command(tmp_path, "--store", str(path), *words, text=True)
        assert code == 0, said
        return said.splitlines()

    assert told("owner", "list") == [
        "dataset      a.csv  Ana Lima  (.github/CODEOWNERS:1)",
        "dataset      b.csv  Ana Lima  (.github/CODEOWNERS:1)",
        "dataset      old.csv  nobody  (.github/CODEOWNERS:2)",
        "3 datasets",
    ]
    assert told("owner", "set", "dataset:a.csv", "@lab/team") == [
        "dataset      a.csv  @lab/team  (stated)"
    ]
    tried = told("owner", "transfer", "ana", "--to", "@lab/team", "--reason", "x", "--dry-run")
    assert tried[-1] == "would be handed over from Ana Lima to @lab/team: 1 dataset"
    done = told("owner", "transfer", "ana", "--to", "@lab/team", "--reason", "she left")
    assert done[-1] == "handed over from Ana Lima to @lab/team: 1 dataset"
    assert any(line.endswith("steward:owners: she left") for line in told("log"))
    assert told("owner", "list", "--of", "ana") == ["nothing here has such an owner"]
    assert TransferOwnerRequest.demands == Role.steward

# SPDX-License-Identifier: Apache-2.0
"""People of several tools are made one person by somebody who knows."""

from __future__ import annotations

import pytest

from lineage.errors import NotFound, Usage
from lineage.model import kinds
from lineage.model.record import Batch, Edge

GIT, MLFLOW, OTHER = "urn:lineage:person:1", "urn:lineage:user:lab/ana", "urn:lineage:person:2"
COMMIT = "swh:1:rev:" + "a1" * 20
STORY = Batch(
    nodes=(
        kinds.Person(
            id=GIT, label="Ana Lima", name="Ana Lima", email="ana@hospital.example"
        ).node(),
        kinds.Person(id=MLFLOW, label="ana", name="ana").node(),
        kinds.Person(id=OTHER, label="Ines", name="Ines", email="ines@hospital.example").node(),
        kinds.Run(id="urn:run:1", label="baseline").node(),
        kinds.Commit(id=COMMIT, label="a1 work").node(),
    ),
    edges=(
        Edge(relation="wasAssociatedWith", effect="urn:run:1", cause=MLFLOW),
        Edge(relation="wasAttributedTo", effect=COMMIT, cause=GIT),
    ),
)


@pytest.fixture
def store(address, lineage_at):
    opened = lineage_at(address)
    opened.ingest(STORY)
    return opened


def titles(answer):
    return {node.title for node in answer}


def test_what_is_asked_of_one_name_is_asked_of_the_person(store):
    assert titles(store.ask('kind:run and person:"Ana Lima"')) == set()
    store.tie_person("Ana Lima", "person:ana", because="her login")
    for name in ("Ana Lima", "ana"):
        assert titles(store.ask(f'kind:run and person:"{name}"')) == {"baseline"}
        assert {"baseline", "a1 work"} <= titles(store.impact(f"person:{name}"))
    assert "Ana Lima" in titles(store.trace("run:baseline"))
    people = store.produced("run:baseline").things["people"]
    assert len(people) == 1, "two names of one person are one line"


def test_it_is_taken_back_with_a_reason(store):
    store.tie_person("Ana Lima", "person:ana", because="her login")
    store.untie_person("Ana Lima", "person:ana", because="another Ana")
    assert titles(store.ask('kind:run and person:"Ana Lima"')) == set()
    with pytest.raises(NotFound):
        store.untie_person("Ana Lima", "person:ana", because="again")


def test_only_people_are_one_person(store):
    with pytest.raises(Usage, match="no person"):
        store.tie_person("Ana Lima", "run:baseline", because="x")
    with pytest.raises(Usage, match="are one already"):
        store.tie_person("Ana Lima", GIT, because="x")
    with pytest.raises(Usage, match="needs a reason"):
        store.tie_person("Ana Lima", "person:ana", because=" ")


def test_who_may_be_one_is_suggested_until_somebody_says_so(store):
    (one,) = store.suggest_people()
    assert {one.a, one.b} == {GIT, MLFLOW}
    assert "login" in one.reason
    store.tie_person(GIT, MLFLOW, because=one.reason)
    assert store.suggest_people() == ()

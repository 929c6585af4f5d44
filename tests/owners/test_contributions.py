# SPDX-License-Identifier: Apache-2.0
"""What people gave to decisions is counted, but for those who object."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lineage.errors import NotFound
from lineage.services.write.deliberate import ReviewRequest
from tests.decisions.conftest import record

BO = {"GIT_AUTHOR_NAME": "Bo", "GIT_AUTHOR_EMAIL": "bo@example.org"}


@pytest.fixture
def store(lineage_at, new_repository):
    """Ana writes a decision, Bo finds two gaps, she closes them and learns something; he writes another one."""
    opened = lineage_at("memory:")
    repository = new_repository()
    front = {"id": "dec-x", "status": "proposed", "owner": "Ana Lima <ana@example.org>"}
    repository.commit("X", {"decisions/0001-x.md": record("X", **front)})
    repository.commit("Y", {"decisions/0002-y.md": record("Y", id="dec-y")}, **BO)
    opened.load(repository.path)
    bo = replace(opened.context, actor="bo")
    ReviewRequest("dec-x", gap=["no baseline", "no seeds"]).answer(bo)
    lessons = [{"text": "the labels of May are wrong"}, {"text": "warm up longer"}]
    changed = record("X", **front, plan={"seeds": [1, 2]}, lessons=lessons)
    repository.commit("X again", {"decisions/0001-x.md": changed})
    opened.load(repository.path)
    ReviewRequest("dec-x", approve=True).answer(bo)
    opened.tie_person("Bo", "agent:bo", because="his login")
    return opened


def figures(store, **asked):
    found = store.contributions(**asked)
    told = {p.name: (p.decisions, p.reviews, p.lessons, p.gaps_closed) for p in found.people}
    return told, found.left, found.left_out


def test_a_person_is_counted_once_by_all_accounts_and_those_who_object_are_left_out(store):
    ana, bo = {"Ana Lima": (1, 0, 2, 2)}, {"Bo": (1, 2, 0, 0)}
    assert figures(store) == (ana | bo, 0, 0)
    assert figures(store, first=1) == (ana, 1, 0)
    store.object_to_figures("bo")
    store.object_to_figures("bo@example.org")
    assert figures(store) == (ana, 0, 1)
    assert len(store.decision("dec-x").acts) == 2, "what he did keeps his name elsewhere"
    store.object_to_figures("bo@example.org", withdraw=True)
    assert figures(store) == (ana | bo, 0, 0)
    with pytest.raises(NotFound):
        store.object_to_figures("nobody of that name")


def test_the_command_says_how_many_are_left_out(lineage_at, new_repository, command, tmp_path):
    repository = new_repository()
    repository.commit("Y", {"decisions/0002-y.md": record("Y", id="dec-y")}, **BO)
    repository.commit("X", {"decisions/0001-x.md": record("X", id="dec-x")})
    path = str(tmp_path / "s.db")
    with lineage_at(path) as opened:
        opened.load(repository.path)

    def told(*words):
        code, said = command(tmp_path, "--store", path, "person", *words, text=True)
        assert code == 0, said
        return [line.split() for line in said.splitlines()]

    assert told("object", "bo") == [["left", "out", "of", "the", "figures"]]
    assert told("object", "bo") == [["nothing", "changed"]]
    header, ana, left_out = told("contributions")
    assert header == ["decisions", "reviews", "lessons", "gaps", "closed"]
    assert (ana, left_out[:4]) == (
        ["Ana", "Lima", "1", "0", "0", "0"],
        ["1", "person", "objects", "and"],
    )
    assert told("object", "bo", "--withdraw") == [["counted", "again"]]
    assert len(told("contributions")) == 3

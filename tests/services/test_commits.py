# SPDX-License-Identifier: Apache-2.0
"""Commits found again: what may be given to look for, and what is refused."""

from __future__ import annotations

import pytest

import lineage
from lineage import Batch, Edge, Node
from lineage.errors import Usage
from lineage.ids import commit_id

FIRST, SECOND = commit_id("1" * 40), commit_id("2" * 40)


@pytest.fixture
def store():
    nodes = (
        Node(id=FIRST, kind="Commit", label="One", attributes={"refs": "heads/main"}),
        Node(id=SECOND, kind="Commit", label="Two"),
        Node(id="urn:x:slower", kind="Run", label="slower"),
        Node(id="urn:x:bare", kind="Run", label="bare"),
        Node(id="urn:x:data", kind="DatasetVersion", label="data@1"),
        Node(id="urn:x:model", kind="ModelVersion", label="readmission@v3"),
    )
    edges = (
        Edge(relation="used", effect="urn:x:slower", cause=FIRST),
        Edge(relation="used", effect="urn:x:slower", cause="urn:x:data"),
        Edge(relation="used", effect="urn:x:bare", cause="urn:x:data"),
    )
    with lineage.open("memory:") as opened:
        opened.ingest(Batch(nodes=nodes, edges=edges))
        yield opened


def test_a_run_stands_for_the_commits_that_it_used(store):
    (found,) = store.commits("run:slower")
    assert (found.commit, found.reachable, found.used_by) == (FIRST, True, ("slower",))
    assert store.commits("run:slower") == store.commits(FIRST) == store.commits()


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("run:bare", "Run bare is no commit, and no commit is known", "find --kind Commit"),
        ("model:readmission@v3", "ModelVersion readmission@v3 is no commit", "lineage trace"),
    ],
)
def test_what_is_no_commit_and_used_none_is_refused_with_what_to_give(
    reference, message, hint, store
):
    with pytest.raises(Usage, match=message) as caught:
        store.commits(reference)
    assert hint in caught.value.hint


def test_a_commit_that_is_on_no_branch_is_no_error(store):
    (found,) = store.commits(SECOND)
    assert (found.title, found.matches) == ("Two", ())

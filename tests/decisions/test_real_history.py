# SPDX-License-Identifier: Apache-2.0
"""The history of a real project, with records and owners: who made a model, and because of which decision."""

from __future__ import annotations

import subprocess

import pytest

from lineage.model.record import Node
from tests.decisions.conftest import record

HISTORY = "dvc/iterative+demo-bank-customer-churn/history.fast-export.txt"


@pytest.fixture
def project(corpora, new_repository):
    """The project as it is, and after it a commit with a record that its people might have written."""
    repository = new_repository("project")
    with (corpora / HISTORY).open("rb") as stream:
        command = ["git", "-C", repository.path, "fast-import", "--quiet", "--force"]
        subprocess.run(command, stdin=stream, check=True, capture_output=True)
    branch = repository.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split()[0]
    repository.git("switch", "-q", "--discard-changes", branch)
    said = record("Learn with a forest", id="dec-forest", status="accepted", owner="Ana Lima")
    files = {"decisions/0001-forest.md": said, ".github/CODEOWNERS": "* @bank/models\n"}
    repository.commit("Write down why", files)
    return repository.path


def test_what_produced_a_model_names_its_decision_and_people_and_impact_names_owners(
    project, address, lineage_at
):
    store = lineage_at(address)
    store.load(project)
    runs = [n for n in store.find(kinds=["Run"], limit=1_000) if isinstance(n, Node)]
    trained = next(run for run in runs if "train" in (run.label or ""))
    store.link(trained.id, to="dec-forest")
    [model, *_] = [
        n for n in store.impact(trained.id, depth=1) if n.kind in {"Artifact", "DatasetVersion"}
    ]
    things = store.produced(model.id).things
    named = {group: {one["label"] for one in found} for group, found in things.items()}
    assert "0001 Learn with a forest" in named["decisions"]
    assert "Ana Lima" in named["people"] and len(named["people"]) > 1
    data = next(n for n in store.trace(model.id) if n.kind == "DatasetVersion")
    owners = store.impact(data.id).owners
    assert any("@bank/models" in one.told for one in owners)

# SPDX-License-Identifier: Apache-2.0
"""A model or a dataset asked for by its name: what made its versions is what made it."""

from __future__ import annotations

import pytest

from lineage.errors import Usage
from lineage.model import kinds
from lineage.model.record import Batch, Edge, Node


def versioned(noun, name, *versions, **times):
    """A name with versions, each made by a run of its own; ``times`` says when a run ended."""
    whole = Node(id=f"urn:lineage:{noun.lower()}:lab/{name}", kind=noun, label=name)
    nodes, edges = [whole], []
    for version in versions:
        ident = f"urn:lineage:version:lab/{name}@{version}"
        held = {"version": version} if noun == "Model" else {}
        nodes.append(
            Node(id=ident, kind=f"{noun}Version", label=f"{name}@{version}", attributes=held)
        )
        run = kinds.Run(
            id=f"urn:run:{name}-{version}",
            label=f"made {name}@{version}",
            ended=times.get(f"v{version}"),
        )
        nodes.append(run.node())
        edges.append(Edge(relation="specializationOf", effect=ident, cause=whole.id))
        edges.append(Edge(relation="wasGeneratedBy", effect=ident, cause=run.id))
    return Batch(nodes=tuple(nodes), edges=tuple(edges))


@pytest.fixture
def store(address, lineage_at):
    opened = lineage_at(address)
    opened.ingest(versioned("Model", "fraud", "2", "9", "10"))
    opened.ingest(
        versioned("Dataset", "admissions", "a", "b", va="2026-02-01", vb="2026-01-01T10:00Z")
    )
    opened.ingest(versioned("Dataset", "untimed", "a", "b"))
    return opened


def runs(answer):
    return {node.title for node in answer if node.kind == "Run"}


def test_what_produced_a_name_is_what_produced_its_versions(store):
    every = {f"made fraud@{version}" for version in (2, 9, 10)}
    assert runs(store.trace("model:fraud")) == every
    produced = store.produced("model:fraud")
    assert {thing["label"] for thing in produced.things["runs"]} == every
    assert {thing["label"] for thing in produced.things["models"]} == {
        "fraud@2",
        "fraud@9",
        "fraud@10",
    }
    assert runs(store.trace("dataset:admissions")) == {"made admissions@a", "made admissions@b"}
    assert runs(store.ask('+model:"fraud"')) == every
    assert runs(store.ask('+id:"urn:lineage:model:lab/fraud"')) == every


def test_the_versions_are_said_to_be_what_the_walk_began_with(store):
    answer = store.trace("model:fraud")
    assert answer.start[0] == "urn:lineage:model:lab/fraud"
    assert len(answer.start) == 4
    assert sorted(answer.groups["models"]) == sorted(answer.start[1:])
    tree = store.produced("model:fraud").tree
    below = [line for line in tree if line["parent"] == answer.start[0]]
    assert {line["id"] for line in below} == set(answer.start[1:])
    assert {line["relation"] for line in below} == {None}


def test_the_latest_version_is_the_highest_number_or_the_one_that_was_made_last(store):
    assert runs(store.trace("model:fraud", version="latest")) == {"made fraud@10"}
    assert runs(store.produced("dataset:admissions", version="latest")) == {"made admissions@a"}
    with pytest.raises(Usage, match="nothing tells which of the 2 versions of untimed") as caught:
        store.trace("dataset:untimed", version="latest")
    assert "untimed@a" in caught.value.hint
    with pytest.raises(Usage, match="version is all or latest"):
        store.trace("model:fraud", version="newest")


def test_of_the_latest_version_alone_the_files_in_it_are_begun_with(store):
    batch = versioned("Dataset", "scans", "a", "b", va="2026-01-01", vb="2026-02-01")
    nodes, edges = [*batch.nodes], [*batch.edges]
    for version in "ab":
        file, reader = (
            f"urn:file:{version}",
            kinds.Run(id=f"urn:reader:{version}", label=f"read {version}"),
        )
        nodes += [kinds.Artifact(id=file, label=f"file of {version}").node(), reader.node()]
        folder = f"urn:lineage:version:lab/scans@{version}"
        edges += [
            Edge(relation="hadMember", effect=folder, cause=file),
            Edge(relation="used", effect=reader.id, cause=file),
        ]
    store.ingest(Batch(nodes=tuple(nodes), edges=tuple(edges)))
    assert runs(store.impact("dataset:scans")) == {"read a", "read b"}
    assert runs(store.impact("dataset:scans", version="latest")) == {"read b"}


def test_a_version_and_what_has_no_versions_are_walked_from_alone(store):
    assert runs(store.trace("model:fraud@9")) == {"made fraud@9"}
    assert store.trace("run:made fraud@9").start == ("urn:run:fraud-9",)
    assert runs(store.impact("model:fraud")) == set()

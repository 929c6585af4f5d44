# SPDX-License-Identifier: Apache-2.0
"""A model, a dataset or a path asked for by its name: what made its versions is what made it."""

from __future__ import annotations

import pytest

import lineage
from lineage.cli import main
from lineage.errors import Ambiguous, Usage
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


# --- versions of a path ---------------------------------------------------------------------------

LAB, SHA = "urn:lineage:version:lab/", "swh:1:rev:" + "a1" * 20


def of_path(path, *digests, head=None):
    """Versions of a path, each read by a run of its own; ``head`` is the one that HEAD has."""
    idents = {digest: f"{LAB}{path}@md5:{digest}" for digest in digests}
    nodes = [
        kinds.Artifact(id=ident, label=f"{path}@{digest}", name=path).node()
        for digest, ident in idents.items()
    ]
    nodes += [
        kinds.Run(id=f"urn:run:{i[-2:]}", label=f"reads {d} of {path}").node()
        for d, i in idents.items()
    ]
    nodes.append(kinds.Commit(id=SHA, label="work", more={"refs": "HEAD"}).node())
    edges = [Edge(relation="used", effect=f"urn:run:{i[-2:]}", cause=i) for i in idents.values()]
    if head is not None:
        edges.append(Edge(relation="wasInfluencedBy", effect=idents[head], cause=SHA))
    return Batch(nodes=tuple(nodes), edges=tuple(edges))


def readers(answer):
    return sorted(node.title for node in answer if node.kind == "Run")


def left_out(answer):
    return [
        (gap.count, gap.example, gap.command)
        for gap in answer.certificate.gaps
        if gap.code == "versions-left-out"
    ]


def test_what_depends_on_a_path_depends_on_any_of_its_versions():
    with lineage.open("memory:") as store:
        store.ingest(of_path("data/x.pkl", "aa", "bb", head="aa"))
        every = ["reads aa of data/x.pkl", "reads bb of data/x.pkl"]
        for path in ("data/x.pkl", "x.pkl", "./data/x.pkl"):
            assert readers(store.impact(path)) == every, path
            assert readers(store.ask(f'"{path}"+ and kind:run')) == every, path
        answer = store.impact("data/x.pkl")
        assert answer.start == (f"{LAB}data/x.pkl@md5:aa", f"{LAB}data/x.pkl@md5:bb")
        assert left_out(answer) == []
        latest = store.impact("data/x.pkl", version="latest")
        assert readers(latest) == every[:1]
        command = "lineage impact data/x.pkl --version all"
        assert left_out(latest) == [(1, "data/x.pkl@bb", command)]


def test_what_produced_a_path_is_asked_of_the_version_that_head_has_and_others_are_named():
    with lineage.open("memory:") as store:
        store.ingest(of_path("data/x.pkl", "aa", "bb", head="aa"))
        answer = store.trace("data/x.pkl")
        assert answer.start == (f"{LAB}data/x.pkl@md5:aa",)
        command = "lineage trace data/x.pkl --version all"
        assert left_out(answer) == [(1, "data/x.pkl@bb", command)]
        assert len(store.produced("data/x.pkl", version="all").start) == 2


def test_a_path_that_head_does_not_have_is_whole_in_what_depends_on_it():
    with lineage.open("memory:") as store:
        store.ingest(of_path("old.pkl", "aa", "bb"))
        assert len(readers(store.impact("old.pkl"))) == 2
        with pytest.raises(Ambiguous):
            store.trace("old.pkl")
        assert len(store.trace("old.pkl", version="all").start) == 2


def test_a_path_that_ends_like_another_is_the_one_that_was_written():
    with lineage.open("memory:") as store:
        store.ingest(of_path("model/clf", "aa", "bb", head="aa"))
        store.ingest(of_path("old/model/clf", "cc", "dd"))
        answer = store.impact("model/clf")
        assert readers(answer) == ["reads aa of model/clf", "reads bb of model/clf"]


def test_versions_that_no_tool_tracked_as_data_are_versions_of_the_path_as_well():
    dataset = kinds.Dataset(id="urn:lineage:dataset:lab/m.csv", label="m.csv", name="m.csv")
    with lineage.open("memory:") as store:
        store.ingest(of_path("m.csv", "aa", "bb"))
        store.ingest(of_path("m.csv@old", "cc"))
        tracked = Edge(relation="specializationOf", effect=f"{LAB}m.csv@md5:aa", cause=dataset.id)
        store.ingest(Batch(nodes=(dataset.node(),), edges=(tracked,)))
        every = ["reads aa of m.csv", "reads bb of m.csv"]
        assert readers(store.impact("m.csv")) == every
        assert readers(store.ask('dataset:"m.csv"+ and kind:run')) == every


def test_several_versions_of_a_path_are_drawn_as_the_path(capsys, tmp_path):
    with lineage.open(tmp_path / "s.db") as store:
        store.ingest(of_path("data/x.pkl", "aa", "bb", head="aa"))
    with pytest.raises(SystemExit):
        main(["--store", str(tmp_path / "s.db"), "impact", "data/x.pkl"])
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "Artifact data/x.pkl  2 versions"
    assert told[1] == "├── was used by  Run reads aa of data/x.pkl"
    assert "   artifacts     2  data/x.pkl@aa, data/x.pkl@bb" in told

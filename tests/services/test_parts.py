# SPDX-License-Identifier: Apache-2.0
"""What depends on a folder depends on what lies in it."""

from __future__ import annotations

import lineage
from lineage.model import kinds
from lineage.model.record import Batch, Edge

NAME = "urn:lineage:dataset:repo/images"
FOLDER = "urn:lineage:version:repo/images@md5:aa.dir"
CAT, DOG = (f"urn:lineage:version:repo/images/{name}@md5:{name}" for name in ("cat", "dog"))
STORY = Batch(
    nodes=(
        kinds.Dataset(id=NAME, label="images").node(),
        kinds.DatasetVersion(id=FOLDER, label="images@aa", name="images").node(),
        kinds.DatasetVersion(id=CAT, label="images/cat@cat", name="images/cat").node(),
        kinds.DatasetVersion(id=DOG, label="images/dog@dog", name="images/dog").node(),
        kinds.Run(id="urn:run:whole", label="of the whole").node(),
        kinds.Run(id="urn:run:cat", label="of the cat").node(),
    ),
    edges=(
        Edge(relation="specializationOf", effect=FOLDER, cause=NAME),
        Edge(relation="hadMember", effect=FOLDER, cause=CAT),
        Edge(relation="hadMember", effect=FOLDER, cause=DOG),
        Edge(relation="used", effect="urn:run:whole", cause=FOLDER),
        Edge(relation="used", effect="urn:run:cat", cause=CAT),
    ),
)


def runs(answer):
    return {node.title for node in answer if node.kind == "Run"}


def test_the_impact_of_a_folder_is_that_of_its_files_as_well(address, lineage_at):
    store = lineage_at(address)
    store.ingest(STORY)
    both = {"of the whole", "of the cat"}
    for name in ("images@aa", "dataset:images", FOLDER):
        assert runs(store.impact(name)) == both
        assert runs(store.ask(f'"{name}"+')) == both
    assert store.impact("images@aa").start == (FOLDER, CAT, DOG)


def test_the_impact_of_a_file_is_that_of_its_folders_and_of_no_other_file(address, lineage_at):
    store = lineage_at(address)
    store.ingest(STORY)
    assert runs(store.impact("images/dog@dog")) == {"of the whole"}
    assert CAT not in store.impact("images/dog@dog").ids


def test_a_folder_is_meant_by_its_path_rather_than_what_lies_in_it():
    with lineage.open("memory:") as store:
        store.ingest(Batch(nodes=STORY.nodes[1:]))
        assert store.show("images").start == (FOLDER,)

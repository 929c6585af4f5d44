# SPDX-License-Identifier: Apache-2.0
"""Stages and runs that copy: equal bytes never make them the producer of what they read."""

from __future__ import annotations

import json

import pytest
import yaml

from lineage import ids
from lineage.model import terms
from lineage.services.write.record import Input, Output, RunInput, record_run
from tests.importers.dvc_locks import entry, md5

RAW, PACKED = md5("raw"), md5("packed")


def locked(**stages):
    """A dvc.lock of stages, each a list of (path, digest) that it read and one that it made."""
    said = {
        name: {
            "cmd": name,
            "deps": [entry(path, digest, 500) for path, digest in deps],
            "outs": [entry(path, digest, 500) for path, digest in outs],
        }
        for name, (deps, outs) in stages.items()
    }
    return yaml.safe_dump({"schema": "2.0", "stages": said})


def tracked(path, digest):
    return yaml.safe_dump({"outs": [entry(path, digest, 500)]})


def names(answer, *kinds):
    return {node.attributes["name"] for node in answer.nodes if node.kind in kinds}


def runs(answer):
    return names(answer, "Run")


def files(answer):
    return names(answer, "Artifact", "DatasetVersion")


@pytest.fixture
def imported(new_repository, opened):
    def read(files):
        project = new_repository()
        project.commit("run", files)
        opened.load(project.path, named="dvc")
        return opened

    return read


def test_what_a_stage_copied_has_no_producer_and_the_copy_has_one(imported):
    lab = imported(
        {
            "dvc.lock": locked(publish=([("raw.csv", RAW)], [("public.csv", RAW)])),
            "raw.csv.dvc": tracked("raw.csv", RAW),
        }
    )
    assert runs(lab.trace("raw.csv@")) == set()
    assert runs(lab.trace("public.csv@")) == {"publish"}
    assert files(lab.trace("public.csv@")) == {"public.csv", "raw.csv"}
    assert files(lab.impact("raw.csv@")) == {"raw.csv", "public.csv"}
    assert runs(lab.impact("public.csv@")) == set()
    edge = next(e for e in lab.trace("public.csv@", via=["alternateOf"]).edges)
    assert edge.attributes == {terms.METHOD: terms.BY_COPY}


def test_a_chain_of_copies_runs_one_way_and_its_end_reaches_what_uses_it(imported):
    lab = imported(
        {
            "dvc.lock": locked(
                make=([("source.sql", md5("sql"))], [("raw.csv", RAW)]),
                one=([("raw.csv", RAW)], [("a.csv", RAW)]),
                two=([("a.csv", RAW)], [("b.csv", RAW)]),
                fit=([("b.csv", RAW)], [("model.bin", md5("model"))]),
            ),
        }
    )
    assert runs(lab.trace("raw.csv@")) == {"make"}
    assert runs(lab.trace("a.csv@")) == {"make", "one"}
    assert runs(lab.trace("model.bin@")) == {"make", "one", "two", "fit"}
    assert runs(lab.impact("raw.csv@")) == {"one", "two", "fit"}
    assert runs(lab.impact(f"md5:{RAW}")) == {"one", "two", "fit"}


def test_what_is_unpacked_again_is_no_producer_of_what_was_packed(imported):
    lab = imported(
        {
            "dvc.lock": locked(
                pack=([("raw.csv", RAW)], [("raw.zip", PACKED)]),
                unpack=([("raw.zip", PACKED)], [("again.csv", RAW)]),
            ),
        }
    )
    assert runs(lab.trace("raw.csv@")) == set()
    assert runs(lab.trace("again.csv@")) == {"pack", "unpack"}


def test_equal_bytes_join_where_what_made_them_did_not_read_them(imported):
    """A stage of another project made the bytes that this one packs: that is no copy."""
    lab = imported(
        {
            "dvc.lock": locked(
                make=([("a.sql", md5("sql"))], [("out/raw.csv", RAW)]),
                publish=([("in/raw.csv", RAW)], [("public.csv", RAW)]),
            ),
        }
    )
    assert runs(lab.trace("in/raw.csv@")) == {"make"}
    assert runs(lab.trace("public.csv@")) == {"make", "publish"}
    assert runs(lab.impact("a.sql@")) == {"make", "publish"}


def test_a_run_that_is_recorded_by_hand_copies_in_the_same_way(opened):
    ctx = opened.context
    a, b, c = (ids.dataset_version_id(ctx.actor, name, "sha256", "ab" * 32) for name in "abc")
    for name, read in (("a", None), ("b", a), ("c", b)):
        made = (Output(name=name, digest=f"sha256:{'ab' * 32}"),)
        used = () if read is None else (Input(id=read),)
        record_run(ctx, RunInput(name=f"make {name}", used=used, generated=made))
    assert runs(opened.trace(a)) == {"make a"}
    assert runs(opened.trace(c)) == {"make a", "make b", "make c"}
    assert runs(opened.impact(a)) == {"make b", "make c"}


def test_an_action_of_a_crate_that_copies_is_no_producer_of_its_object(opened, tmp_path):
    about = {"@type": "File", "sha256": "cd" * 32, "contentSize": 500}
    graph = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        },
        {"@id": "./", "@type": "Dataset", "hasPart": [{"@id": "in.csv"}, {"@id": "out.csv"}]},
        {"@id": "in.csv", "name": "in", **about},
        {"@id": "out.csv", "name": "out", **about},
        {
            "@id": "#cp",
            "@type": "CreateAction",
            "name": "copy",
            "object": {"@id": "in.csv"},
            "result": {"@id": "out.csv"},
        },
    ]
    context = "https://w3id.org/ro/crate/1.1/context"
    crate = tmp_path / "ro-crate-metadata.json"
    crate.write_text(json.dumps({"@context": context, "@graph": graph}))
    opened.load(crate)
    rows = {node.label: node.id for node in opened.find("").nodes}
    assert "copy" not in {node.label for node in opened.trace(rows["in"]).nodes}
    assert "copy" in {node.label for node in opened.trace(rows["out"]).nodes}


def test_a_tie_that_turns_out_to_be_a_copy_is_no_longer_followed(new_repository, opened):
    project = new_repository()
    project.commit("both", {"a.dvc": tracked("raw.csv", RAW), "b.dvc": tracked("b.csv", RAW)})
    opened.load(project.path, named="dvc")
    assert files(opened.trace("raw.csv@")) == {"raw.csv", "b.csv"}
    project.commit("run", {"dvc.lock": locked(cp=([("raw.csv", RAW)], [("b.csv", RAW)]))})
    opened.load(project.path, named="dvc")
    assert files(opened.trace("raw.csv@")) == {"raw.csv"}
    assert runs(opened.trace("b.csv@")) == {"cp"}

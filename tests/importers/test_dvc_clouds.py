# SPDX-License-Identifier: Apache-2.0
"""Data that DVC imported from, or pushed to, a cloud that keeps versions of objects."""

from __future__ import annotations

import pytest
import yaml

from tests.importers.dvc_locks import linked, md5, one, records

ETAG = "042967ff088f7f436015fbebdcad1f28"


def cloud(etag=ETAG, version="v1", **more):
    return {"size": 500, "version_id": version, "etag": etag, **more}


def imported(project, deps, outs, message="import"):
    said = {"frozen": True, "deps": [deps], "outs": [outs]}
    return project.commit(message, {"d.dvc": yaml.safe_dump(said)})


@pytest.fixture
def project(new_repository):
    return new_repository()


def test_the_version_of_an_object_is_kept_with_what_was_imported_from_it(project):
    imported(project, cloud(path="s3://lab/data/bar"), cloud(path="d"))
    nodes, edges, losses, _ = records(project.path)
    source, here = (
        one(nodes, "DatasetVersion", name="data/bar"),
        one(nodes, "DatasetVersion", name="d"),
    )
    assert source.attributes["version_id"] == here.attributes["version_id"] == "v1"
    assert source.attributes["digest"] == f"etag:{ETAG}"
    assert linked(edges, "wasDerivedFrom", "import") == {(here.id, source.id)}
    assert not losses


def test_two_versions_of_an_object_with_the_same_bytes_are_both_named(project):
    for version in ("v1", "v2"):
        imported(project, cloud(path="s3://lab/bar", version=version), cloud(path="d"), version)
    nodes, *_ = records(project.path)
    assert one(nodes, "DatasetVersion", name="bar").attributes["version_id"] == ("v1", "v2")


def test_a_folder_of_objects_has_no_digest_of_bytes_and_its_files_keep_their_versions(project):
    files = [cloud(relpath="a"), cloud(relpath="in/b", etag="e" * 32, version="v7")]
    imported(project, {"path": "s3://lab/data", "files": files}, {"path": "d", "files": files})
    nodes, edges, losses, _ = records(project.path)
    whole = one(nodes, "DatasetVersion", name="d")
    assert whole.attributes["digest"].startswith("etag:")
    assert one(nodes, "DatasetVersion", name="d/in/b").attributes["version_id"] == "v7"
    assert len(linked(edges, "hadMember")) == 4
    assert not linked(edges, "alternateOf")
    assert not [n for n in nodes.values() if n.kind == "Content"]
    assert not losses


def test_what_was_pushed_keeps_its_digest_and_what_each_remote_calls_it(project):
    about = {"r1": {"etag": ETAG, "version_id": "XaY"}, "r2": {"version_id": "q"}}
    files = [{"relpath": "a", "size": 500, "md5": md5("a"), "cloud": about}]
    said = {"outs": [{"path": "d", "hash": "md5", "files": files}]}
    project.commit("push", {"d.dvc": yaml.safe_dump(said)})
    nodes, _, losses, _ = records(project.path)
    said = one(nodes, "DatasetVersion", name="d/a").attributes
    assert said["digest"] == f"md5:{md5('a')}"
    shown = {key: said.get(key) for key in ("etag.r1", "version_id.r1", "version_id.r2")}
    assert shown == {"etag.r1": ETAG, "version_id.r1": "XaY", "version_id.r2": "q"}
    assert one(nodes, "DatasetVersion", name="d").attributes["digest"].startswith("md5:")
    assert not losses


def test_a_version_names_an_object_that_has_no_digest(project):
    deps = {"path": "gs://lab/x", "size": 5, "version_id": "17 00"}
    imported(project, deps, {"path": "d", "md5": md5("d"), "hash": "md5"})
    nodes, *_ = records(project.path)
    assert one(nodes, "DatasetVersion", name="x").attributes["digest"] == "version_id:17%2000"


def test_what_files_in_a_folder_say_besides_is_counted(project):
    files = [cloud(relpath="a", colour="red"), {"relpath": "b"}, cloud(relpath="../c")]
    imported(project, {"path": "s3://lab/data", "etag": "e"}, {"path": "d", "files": files})
    *_, losses, _ = records(project.path)
    assert {(loss.what, loss.number) for loss in losses} == {
        ("settings of files", 1),
        ("files of folders", 2),
    }

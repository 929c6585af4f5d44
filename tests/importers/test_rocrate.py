# SPDX-License-Identifier: Apache-2.0
"""Crates as sources: folders and zip files, whose files are looked at and never trusted."""

from __future__ import annotations

import hashlib
import json
import os
import sys

import pytest

import importers
import lineage
from importers import Options, Source
from lineage.errors import BadInput, InputMissing
from lineage.formats import rocrate, zip_writer
from lineage.formats.rocrate import archive as crates
from lineage.model.record import Batch, Edge, Node, line
from lineage.services.read.discover import discover
from tests.conftest import KEY, clock

METADATA = "ro-crate-metadata.json"
DATA = b"age,stays,again\n" * 20


def metadata(*entities):
    graph = [
        {"@id": METADATA, "@type": "CreativeWork", "about": {"@id": "./"}},
        {"@id": "./", "@type": "Dataset"},
        *entities,
    ]
    shown = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    return json.dumps(shown).encode()


def listed(path, data=DATA, **more):
    digest = hashlib.sha256(data).hexdigest()
    return {"@id": path, "@type": "File", "sha256": digest, "contentSize": len(data), **more}


def imported(path):
    source = Source.of(path)
    (importer,) = importers.sniff(source)
    assert importer.name == "rocrate"
    (batch,) = importer.read(source, Options())
    return batch, {loss.reason: loss.number for loss in batch.losses}


@pytest.fixture(params=["folder", "zip"])
def made(request, tmp_path):
    """Make a crate of some files as a folder, and as a zip file."""

    def make(files):
        folder = tmp_path / "crate"
        if request.param == "zip":
            path = tmp_path / "my.crate.zip"
            path.write_bytes(zip_writer.write(files))
            return path
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return folder

    return make


def test_files_are_compared_with_what_is_listed_and_differences_counted(made):
    path = made(
        {
            METADATA: metadata(
                listed("data/good one.csv"),
                listed("data/good%20two.csv", sha1=hashlib.sha1(DATA).hexdigest()),
                listed("bad.csv", b"other"),
                listed("missing.csv"),
                {"@id": "size.csv", "@type": "File", "contentSize": "3"},
                {"@id": "plain.csv", "@type": "File"},
                {"@id": "https://example.org/far.csv", "@type": "File"},
            ),
            "data/good one.csv": DATA,
            "data/good two.csv": DATA,
            "bad.csv": DATA,
            "size.csv": DATA,
            "plain.csv": DATA,
        }
    )
    batch, lost = imported(path)
    assert lost == {
        "another sha256 than listed (first: bad.csv)": 1,
        "listed, not there (first: missing.csv)": 1,
        "another size than listed (first: size.csv)": 1,
    }
    assert (batch.seen["files"], batch.seen["files there"]) == (7, 5)
    assert batch.seen["files verified"] == 2


def test_nothing_outside_the_crate_is_opened(made, monkeypatch):
    outside = (
        "../../secret",
        "/etc/passwd",
        "a/../../secret",
        "%2e%2e/secret",
        "..%5csecret",
        "a//b",
    )
    path = made({METADATA: metadata(*(listed(name) for name in outside)), "a/b": DATA})
    opened = watch(monkeypatch)
    _, lost = imported(path)
    assert lost == {"listed outside the crate; not opened (first: ../../secret)": len(outside)}
    assert not [name for name in opened if "secret" in name or "passwd" in name]


OPENED: list[str] | None = None


def watch(monkeypatch):
    """The paths opened from now on."""
    names: list[str] = []
    monkeypatch.setitem(globals(), "OPENED", names)
    if not getattr(watch, "hooked", False):
        sys.addaudithook(_note)
        watch.hooked = True
    return names


def _note(event, args):
    if event == "open" and OPENED is not None:
        OPENED.append(str(args[0]))


def test_links_pipes_and_folders_are_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_bytes(DATA)
    crate = tmp_path / "crate"
    crate.mkdir()
    (crate / "link").symlink_to(secret / "key")
    (crate / "inside").symlink_to(secret)
    (crate / "folder").mkdir()
    os.mkfifo(crate / "pipe")
    names = ("link", "inside/key", "folder", "pipe")
    (crate / METADATA).write_bytes(metadata(*map(listed, names)))
    batch, lost = imported(crate)
    assert lost == {"listed, but a link or no file; not opened (first: link)": 4}
    assert batch.seen["files there"] == 0


def test_metadata_that_are_a_link_are_refused(tmp_path):
    (tmp_path / "elsewhere.json").write_bytes(metadata())
    crate = tmp_path / "crate"
    crate.mkdir()
    (crate / METADATA).symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(InputMissing, match="cannot read"):
        imported(crate)


def test_a_bad_crate_is_one_error_and_writes_nothing(tmp_path):
    path = tmp_path / "bad.zip"
    path.write_bytes(zip_writer.write({METADATA: metadata(), "../../evil": b""}))
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(BadInput, match="leads out of the zip"):
        imported(path)
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_a_crate_of_ours_comes_back_whole_from_zip_file_and_folder(tmp_path):
    ours = Batch(
        nodes=(Node(id="urn:run", kind="Run", attributes={"tracker": "x"}, bundle="urn:b"),),
        edges=(Edge(relation="wasStartedBy", effect="urn:run", cause="urn:e", id="urn:i"),),
    )
    data = rocrate.FORMAT.dumps(ours)
    zipped, folder = tmp_path / "a.crate.zip", tmp_path / "folder"
    zipped.write_bytes(data)
    folder.mkdir()
    with crates.opened(data, "ours") as opened:
        for name in opened.files:
            (folder / name).write_bytes(opened.read(name))
    for path in (zipped, folder):
        batch, lost = imported(path)
        assert sorted(map(line, batch.records)) == sorted(map(line, ours.records))
        assert not lost
        assert batch.seen["files verified"] == 1


def test_a_crate_joins_what_others_know_by_its_bytes_and_is_found_in_a_project_once(made, tmp_path):
    path = made(
        {
            METADATA: metadata(
                listed("in.csv"),
                {"@id": "out.csv", "@type": "File"},
                {
                    "@id": "#run",
                    "@type": "CreateAction",
                    "object": {"@id": "in.csv"},
                    "result": {"@id": "out.csv"},
                },
            ),
            "in.csv": DATA,
        }
    )
    content = f"urn:lineage:content:sha256:{hashlib.sha256(DATA).hexdigest()}"
    assert [name for name, _ in discover(tmp_path).found] == ["rocrate"]
    with lineage.open("memory:", clock=clock, person_key=KEY, actor="tester") as store:
        (report,) = store.load(path)
        assert report.entries
        assert not store.load(path)[0].entries
        found = {node["id"].rpartition("/")[2] for node in store.impact(content).to_dict()["nodes"]}
        assert {"in.csv", "out.csv", "#run"} <= found

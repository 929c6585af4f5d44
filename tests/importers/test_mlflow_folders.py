# SPDX-License-Identifier: Apache-2.0
"""Folders of MLflow with parts missing, from other machines, or cloned without Git LFS."""

from __future__ import annotations

import pytest

from importers.base import Options, Source
from importers.rocrate import IMPORTER as ROCRATE
from lineage import ids
from lineage.sources.git_lfs import pointer
from tests.importers.mlflow_found import Found
from tests.importers.mlflow_written import Run, Said, as_files, written
from tests.importers.test_rocrate_faults import OUT, ROOT, RUN, write

FIRST, SECOND = "a" * 32, "b" * 32
WHOLE = b"weights " * 1_000
POINTER = (
    f"version https://git-lfs.github.com/spec/v1\noid sha256:{ids.sha256(WHOLE)}\n"
    f"size {len(WHOLE)}\n"
).encode()


def two(tmp_path):
    root = tmp_path / "mlruns"
    as_files(Said(runs=[Run(id=FIRST, name="one", experiment="1"),
                        Run(id=SECOND, name="orphan", experiment="2")]), root)  # fmt: skip
    return root


@pytest.mark.parametrize("left", [None, "", "name: half", "a: [", "[]"])
@pytest.mark.parametrize("name", ["2", "named"])
def test_an_experiment_that_cannot_be_read_costs_itself_and_not_its_runs(name, left, tmp_path):
    root = two(tmp_path)
    meta = root / "2" / "meta.yaml"
    meta.unlink() if left is None else meta.write_text(left)
    (root / "2").rename(root / name)
    found = Found(root)
    (loss,) = (loss for loss in found.losses if loss.what == "experiments")
    assert loss.number == 1
    assert f"/{name}" in loss.reason
    assert found.seen["experiments"] == 1
    assert found.labelled("orphan").attributes["experiment"] == name


def test_an_empty_folder_with_the_name_of_an_experiment_is_counted_and_others_are_not(tmp_path):
    root = two(tmp_path)
    (root / "7").mkdir()
    (root / "notes").mkdir()
    (root / "notes" / "plan.md").write_text("x")
    assert Found(root).lost("experiments") == 1


@pytest.mark.parametrize(
    "recorded",
    ["C:\\Users\\ana\\proj\\mlruns\\1\\{run}\\artifacts", "C:/Users/ana/mlruns/1/{run}/artifacts",
     "file:///C:/Users/ana/mlruns/1/{run}/artifacts", "\\\\host\\share\\mlruns\\1\\{run}\\artifacts"],
)  # fmt: skip
def test_the_files_of_a_store_from_windows_are_found_beside_it(recorded, tmp_path):
    run = Run(id=FIRST, name="win", artifacts=recorded.format(run=FIRST))
    with written(Said(runs=[run]), "files", tmp_path) as address:
        folder = tmp_path / "mlruns" / "1" / FIRST / "artifacts"
        folder.mkdir()
        (folder / "model.pkl").write_bytes(WHOLE)
        found = Found(address)
    assert found.labelled("model.pkl").attributes["size"] == len(WHOLE)
    assert not found.losses


def test_a_path_of_windows_that_leads_out_is_not_opened(tmp_path):
    run = Run(id=FIRST, name="win", artifacts=f"C:\\x\\..\\..\\{FIRST}\\artifacts")
    with written(Said(runs=[run]), "files", tmp_path) as address:
        found = Found(address)
    assert any("leaves the folder" in loss.reason for loss in found.losses)


# --- Git LFS -------------------------------------------------------------------------------------


def test_a_pointer_is_told_from_what_looks_like_one():
    assert pointer(POINTER) == (ids.sha256(WHOLE), 8_000)
    assert pointer(POINTER.replace(b"\n", b"\r\n")) == pointer(POINTER)
    assert pointer(POINTER.replace(b"git-lfs", b"hawser")) == pointer(POINTER)
    extended = POINTER.replace(b"oid", b"ext-0-crypt sha256:" + b"0" * 64 + b"\noid")
    assert pointer(extended) == pointer(POINTER)
    for other in (b"", POINTER + b"more\n", POINTER[:60], POINTER.replace(b"sha256", b"md5"),
                  b"# " + POINTER, POINTER + b" " * 1_000, WHOLE):  # fmt: skip
        assert pointer(other) is None


def test_a_file_and_its_pointer_are_one_version(tmp_path):
    digests = set()
    for name, data in (("with", WHOLE), ("without", POINTER)):
        run = Run(id=FIRST, name="one", artifacts=f"mlflow-artifacts:/1/{FIRST}/artifacts")
        with written(Said(runs=[run]), "files", tmp_path / name) as address:
            folder = tmp_path / name / "mlruns" / "1" / FIRST / "artifacts"
            folder.mkdir()
            (folder / "model.pkl").write_bytes(data)
            found = Found(address)
        model = found.labelled("model.pkl")
        assert model.attributes["size"] == len(WHOLE)
        assert f"urn:lineage:content:sha256:{ids.sha256(WHOLE)}" in found.causes(model.id)
        digests.add(model.id)
        assert found.lost("md5 digests") == (name == "without")
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("said", "verified", "reason"),
    [
        ({"sha256": ids.sha256(WHOLE), "contentSize": len(WHOLE)}, 1, None),
        ({"sha256": ids.sha256(POINTER)}, 0, "another sha256"),
        ({"sha256": ids.sha256(WHOLE), "contentSize": 3}, 0, "another size"),
        ({"md5": "0" * 32}, 0, "git lfs pull"),
        ({"contentSize": len(WHOLE)}, 0, None),
    ],
)
def test_a_crate_is_compared_with_what_its_pointers_stand_for(said, verified, reason, tmp_path):
    folder = write(tmp_path, ROOT, {**OUT, **said}, RUN)
    (folder / "out.txt").write_bytes(POINTER)
    (batch,) = ROCRATE.read(Source.of(folder), Options())
    assert batch.seen["files verified"] == verified
    reasons = [loss.reason for loss in batch.losses if loss.what == "files"]
    assert len(reasons) == (reason is not None)
    assert all(reason in told for told in reasons)

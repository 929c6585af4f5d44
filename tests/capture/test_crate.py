# SPDX-License-Identifier: Apache-2.0
"""``lineage reproduce RUN --into DIR --crate``: what it takes to do a run again, as an RO-Crate for others."""

from __future__ import annotations

import json
import shutil
import subprocess
from urllib.parse import unquote

import lineage
from tests.capture.launched import stored
from tests.capture.test_reproduce import again, captured, programs, project, wheels
from tests.formats.test_rocrate import official

__all__ = ["again", "programs", "project", "wheels"]


def test_the_recipe_is_a_crate_that_others_read_and_verify_and_run(project, again, tmp_path):
    project.write({"notes of Ana \u00e9t\u00e9.txt": "nobody committed this\n"})
    captured("python", "train.py")
    folder = tmp_path / "for a partner"
    code, told = again("run:first", "--into", str(folder), "--crate")
    assert (code, told["notes"]) == (0, [])
    # Nothing in it leads to this machine.
    assert not list(folder.rglob(".git"))
    assert "borrows" not in (folder / "README.md").read_text()
    metadata = json.loads((folder / "ro-crate-metadata.json").read_text())
    shown = {entity["@id"]: entity for entity in metadata["@graph"]}
    listed = {unquote(part["@id"]) for part in shown["./"]["hasPart"]}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert listed == there - {"ro-crate-metadata.json"}
    [encoded] = (each["encoding"] for each in shown.values() if "encoding" in each)
    assert encoded == [{"@id": "project/data/people.csv"}]
    # A copy is imported with its bytes verified, and says the same of the run.
    with lineage.open(tmp_path / "theirs.db") as theirs, stored(project.path) as ours:
        [report] = [one for one in theirs.load(folder) if one.importer == "rocrate"]
        assert report.seen["files there"] == report.seen["files verified"] == len(listed)
        runs = [store.show("run:first") for store in (theirs, ours)]
        assert runs[0].nodes[0].attributes == runs[1].nodes[0].attributes
        assert {e.cause for e in runs[0].edges} >= {e.cause for e in runs[1].edges}
    done = subprocess.run([folder / "run.sh"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    made, was = folder / "project" / "model.json", project.path / "model.json"
    assert made.read_bytes() == was.read_bytes()
    made.unlink()
    [said] = official([shutil.make_archive(str(tmp_path / "crate"), "zip", folder)])
    assert (said["passed"], said["issues"]) == (True, [])
    assert said["types"]["project/train.py"] == "File"


def test_a_crate_is_a_folder_that_somebody_names(project, again):
    captured("python", "train.py")
    for words in (["--crate"], ["--into", "x", "--run", "--crate"]):
        code, told = again("run:first", *words)
        assert (code, told["error"]["code"]) == (2, "usage")

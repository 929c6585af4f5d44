# SPDX-License-Identifier: Apache-2.0
"""A run ends as its program ends, whatever becomes meanwhile of the package that records it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import lineage
from tests.capture.launched import LINEAGE, run, runs, spooled


@pytest.mark.parametrize("broken", ["importers/base.py", "lineage/app.py", "lineage/services"])
def test_another_version_that_is_installed_meanwhile_does_not_change_how_it_ends(
    broken, workspace, tmp_path
):
    """What is loaded at the end only may be gone, or half of another version, by then."""
    here = Path(lineage.__file__).parents[1]
    for package in ("lineage", "importers"):
        shutil.copytree(
            here / package,
            tmp_path / "site" / package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    place = tmp_path / "site" / broken
    gone = f"rm -r {place}" if place.is_dir() else f"echo 'raise ImportError(1)' > {place}"
    environ = {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "site"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = run("sh", "-c", f"{gone}; exit 7", options=("--name", "half"), env=environ)
    assert (done.returncode, done.stdout) == (7, "")
    assert done.stderr.startswith("lineage: ") and done.stderr.count("\n") == 1, done.stderr
    assert len(spooled(workspace)) == 1
    subprocess.run([*LINEAGE, "push"], check=True, capture_output=True)
    assert [(one.label, one.attributes["status"]) for one in runs(workspace)] == [
        ("half", "failed")
    ]

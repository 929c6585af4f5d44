# SPDX-License-Identifier: Apache-2.0
"""The source probe, asked about real repositories, and what git gives back of what it keeps."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

from lineage.capture.found import Budget, Found
from lineage.capture.probes import source


def captured(*paths: Path, role: str = "script", seconds: float = 60, **options) -> Found:
    return source.probe([(path, role) for path in paths], budget=Budget(seconds), **options)


def repository(found: Found, number: int = 0) -> dict:
    return found.facts["repositories"][number]


def states(facts: dict) -> dict[str, str]:
    return {change["path"]: change["state"] for change in facts["changes"]}


def withheld(facts: dict) -> dict[str, str]:
    return {one["path"]: one["reason"] for one in facts["withheld"]}


def given_back(root: Path, commit: str) -> dict[str, bytes]:
    """The files of a commit, as ``git archive`` gives them."""
    packed = subprocess.run(
        ["git", "-C", root, "archive", "--format=tar", commit], capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        return {
            x.name: x.linkname.encode() if x.issym() else archive.extractfile(x).read()
            for x in archive
            if not x.isdir()
        }


def laid_out(root: Path, *, without: str = ".git") -> dict[str, tuple]:
    """Everything below a folder: names, bytes, modes and times."""
    found = {}
    for folder, inner, files in os.walk(root):
        inner[:] = [name for name in inner if name != without]
        for name in files:
            path = Path(folder, name)
            about = path.lstat()
            data = None if path.is_symlink() else path.read_bytes()
            found[str(path.relative_to(root))] = (data, about.st_mode, about.st_mtime_ns)
    return found


def git_files(root: Path) -> dict[str, tuple]:
    """Git's own files without the objects and the references of ours."""
    gone = ("objects/", "refs/lineage/")
    return {name: x for name, x in laid_out(root / ".git").items() if not name.startswith(gone)}

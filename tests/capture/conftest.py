# SPDX-License-Identifier: Apache-2.0
"""A project in which runs are captured, by the command as people type it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import lineage

LINEAGE = [sys.executable, "-c", "from lineage.cli import main; main()"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with an empty store, in which commands are run; no other spool is looked into."""
    for name in ("LINEAGE_STORE", "LINEAGE_SPOOL", "LINEAGE_RUN", "LINEAGE_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".lineage").mkdir(mode=0o700)
    lineage.open(tmp_path / ".lineage" / "store.db").close()
    return tmp_path


def run(*words, options=(), **more):
    """A program under ``lineage run``."""
    command = [*LINEAGE, "run", *options, "--", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)


def stored(project):
    """The store of the project."""
    return lineage.open(project / ".lineage" / "store.db")


def runs(project):
    """The runs in it."""
    with stored(project) as opened:
        return list(opened.ask("kind:run").nodes)


def spooled(project):
    """The run files that wait."""
    return sorted((project / ".lineage" / "spool").glob("*.run"))

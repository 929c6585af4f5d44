# SPDX-License-Identifier: Apache-2.0
"""Repositories made by the real git, as the tests of importers make them, and folders with a store."""

import pytest

import lineage
from tests.importers.conftest import new_repository
from tests.importers.test_git_hostile import evil

__all__ = ["evil", "new_repository", "project", "workspace"]


@pytest.fixture
def project(new_repository):
    """A repository without a commit."""
    return new_repository()


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A folder with an empty store, in which commands are run; no other spool is looked into."""
    for name in ("LINEAGE_STORE", "LINEAGE_SPOOL", "LINEAGE_RUN", "LINEAGE_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "work"
    (folder / ".lineage").mkdir(mode=0o700, parents=True)
    monkeypatch.chdir(folder)
    lineage.open(folder / ".lineage" / "store.db").close()
    return folder

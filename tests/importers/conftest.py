# SPDX-License-Identifier: Apache-2.0
"""Repositories made by the real git, with a clock of their own, and stores of the real MLflow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.importers.mlflow_found import REAL, run_mlflow

_START = 1_750_000_000


class Repository:
    """A work tree in which the real git is run; each command is a minute later than the last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.minutes = 0

    def git(self, *command: str, data: str | bytes | None = None, **environment: str) -> str:
        self.minutes += 1
        now = f"{_START + 60 * self.minutes} +0200"
        clean = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ana Lima",
            "GIT_AUTHOR_EMAIL": "ana@example.org",
            "GIT_COMMITTER_NAME": "Ana Lima",
            "GIT_COMMITTER_EMAIL": "ana@example.org",
            "GIT_AUTHOR_DATE": now,
            "GIT_COMMITTER_DATE": now,
            "GIT_EDITOR": "true",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "init.defaultBranch",
            "GIT_CONFIG_VALUE_0": "main",
        }
        said = subprocess.run(
            ["git", *command],
            cwd=self.path,
            env=clean | environment,
            input=data.encode() if isinstance(data, str) else data,
            capture_output=True,
            check=False,
        )
        assert said.returncode == 0, said.stderr.decode("utf-8", "replace")
        return said.stdout.decode("utf-8", "replace").strip()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, message: str, files: Mapping[str, str | bytes], **environment: str) -> str:
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "--allow-empty", "-qm", message, **environment)
        return self.git("rev-parse", "HEAD")

    def hash(self, kind: str, data: bytes) -> str:
        """An object written as it is, however broken."""
        return self.git("hash-object", "-t", kind, "-w", "--literally", "--stdin", data=data)


@pytest.fixture
def new_repository(tmp_path: Path) -> Callable[..., Repository]:
    """Make a repository by name, with the options of ``git init``."""

    def make(name: str = "project", *options: str) -> Repository:
        repository = Repository(tmp_path / name)
        repository.path.mkdir()
        repository.git("init", "-q", *options)
        return repository

    return make


@pytest.fixture(params=["memory", "sqlite"])
def opened(request, lineage_at, tmp_path):
    """An empty store in memory, and one in a file."""
    return lineage_at("memory:" if request.param == "memory" else str(tmp_path / "store.db"))


@pytest.fixture
def project(new_repository):
    """Three commits on main, one on a branch, a merge of it, and two tags."""
    repo = new_repository()
    repo.commit("Start", {"README": "a\nb\n"})
    repo.git("switch", "-qc", "feature")
    repo.commit("Add a model\n\nIt is small.\n\nChange-Id: I0123abcd", {"model.py": "m = 1\n"})
    repo.git("switch", "-q", "main")
    repo.commit("Second", {"README": "a\nc\n"})
    repo.git("merge", "-q", "--no-ff", "-m", "Merge the model", "feature")
    repo.git("tag", "v1")
    repo.git("tag", "-am", "a message", "v2")
    return repo


@pytest.fixture(scope="session")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with ``mlflow.db``, made by the real MLflow."""
    folder = tmp_path_factory.mktemp("sql")
    run_mlflow("build", "sqlite:///mlflow.db", cwd=folder)
    return folder


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same project with ``mlruns``, which MLflow must be talked into."""
    folder = tmp_path_factory.mktemp("files")
    run_mlflow("build", "file:./mlruns", cwd=folder, MLFLOW_ALLOW_FILE_STORE="true")
    return folder


@pytest.fixture(scope="session")
def server(sql: Path) -> Iterator[str]:
    """The real MLflow server over the SQLite store."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", REAL, "serve", f"sqlite:///{sql}/mlflow.db"],
        cwd=sql,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.communicate()

# SPDX-License-Identifier: Apache-2.0
"""Repositories made by the real git, with a clock of their own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

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

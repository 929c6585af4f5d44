# SPDX-License-Identifier: Apache-2.0
"""The package installed as people install it, in environments that hold nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import installs  # noqa: E402 - it lives with the tools


class Installed:
    """The programs of an environment, run in a folder that knows nothing of this clone."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder = programs, folder
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("LINEAGE_", "PYTHON"))}
        self.environ = clean | {"HOME": str(folder), "LINEAGE_ACTOR": "ana"}

    def run(self, *words: object, program: str = "lineage") -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        return subprocess.run(
            [self.programs / program, *map(str, words)],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def __call__(self, *words: object, program: str = "lineage") -> str:
        """What a program that succeeds prints."""
        done = self.run(*words, program=program)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def refused(self, extra: str, *words: object) -> None:
        """The command says which extra it needs, and shows no inside of ours."""
        done = self.run(*words)
        assert done.returncode == 2, (words, done.stdout, done.stderr)
        assert done.stderr.startswith("error[missing-extra]: "), done.stderr
        assert f'pip install "lineagedb[{extra}]"' in done.stderr, done.stderr
        assert "Traceback" not in done.stderr


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str | None], Path]:
    """The programs of an environment with one extra, or with none: made once, of one wheel, from
    the lines of requirements.lock that the extra needs.
    """
    wheel = installs.wheel(tmp_path_factory.mktemp("wheel"))

    @cache
    def made(extra: str | None) -> Path:
        folder = tmp_path_factory.mktemp(f"with-{extra or 'nothing'}") / "venv"
        return installs.environment(folder, installs.locked(extra), [str(wheel)], hashes=True)

    return made


@pytest.fixture
def installed(environments, tmp_path: Path) -> Callable[[str | None], Installed]:
    """The package with one extra, or with none, in an empty folder."""
    return lambda extra: Installed(environments(extra), tmp_path)

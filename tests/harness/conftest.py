# SPDX-License-Identifier: Apache-2.0
"""Running pytest on a suite of one file, with the hooks of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def suite(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run a suite that consists of this text: exit code, and what was printed."""

    def run(text: str, *options: str, **environment: str) -> tuple[int, str]:
        (tmp_path / "test_it.py").write_text(dedent(text), "utf-8")
        clean = {name: value for name, value in os.environ.items() if name != "CI"}
        ours = ["-p", "tests.conftest", "-o", f"testpaths={tmp_path}", "--rootdir", str(ROOT)]
        ours += ["-p", "no:schemathesis"]  # it takes longer to load than these suites take
        # Without a place of its own it would clear away what earlier runs of others left.
        ours += ["--basetemp", str(tmp_path.with_name(f"{tmp_path.name}-base"))]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *ours, *options],
            cwd=ROOT,
            env=clean | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run

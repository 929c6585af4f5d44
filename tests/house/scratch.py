# SPDX-License-Identifier: Apache-2.0
"""A copy of our packages, to add something to it and see what that touches and what it breaks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("lineage", "importers", "graphql_schema")


class Scratch:
    """Our packages in another folder, compiled as they are here; ``touched`` are the files that were changed or added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.touched: set[str] = set()
        for package in PACKAGES:
            shutil.copytree(ROOT / package, folder / package)

    def insert(self, path: str, before: str, text: str) -> None:
        """Put text before the only place where ``before`` stands."""
        file = self.folder / path
        whole = file.read_text("utf-8")
        assert whole.count(before) == 1, (path, before, whole.count(before))
        file.write_text(whole.replace(before, text + before), "utf-8")
        self.touched.add(path)

    def add(self, path: str, text: str) -> None:
        """A new file."""
        assert not (self.folder / path).exists(), path
        (self.folder / path).write_text(text, "utf-8")
        self.touched.add(path)

    def run(self, *words: str, code: int = 0, stdin: str | None = None, **environ: str) -> str:
        """What Python prints when it runs with these packages; ``words`` are its arguments."""
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder), **environ},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"exit {done.returncode}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def script(self, text: str, *words: str, **environ: str) -> str:
        """What a script prints."""
        return self.run("-c", text, *words, **environ)

    def lineage(self, *words: str, code: int = 0, **environ: str) -> str:
        """What the command prints."""
        script = "from lineage.cli import main; main()"
        return self.run("-c", script, *words, code=code, **environ)

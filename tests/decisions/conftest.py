# SPDX-License-Identifier: Apache-2.0
"""Records written as people write them, and the command that looks at them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lineage.cli import cli
from tests.importers.conftest import new_repository  # noqa: F401 - a fixture

NYGARD = "# {title}\n\nDate: 2026-03-01\n\n## Status\n\n{status}\n\n## Context\n\nWhy.\n\n## Decision\n\nThat.\n"
BULLETS = "# {title}\n\n- Status: {status}\n- Deciders: Ana, Bo\n\n## Decision Outcome\n\nThat.\n"
FRONT = '---\nstatus: "{status}"\n---\n# {title}\n\n## Decision Outcome\n\nThat.\n'
FORMS = {"nygard": NYGARD, "bullets": BULLETS, "front": FRONT}


def record(title: str, **front: Any) -> str:
    """A record of ours, with this front matter (values are JSON, which YAML reads)."""
    lines = [f"{key.replace('_', '-')}: {json.dumps(value)}" for key, value in front.items()]
    return "\n".join(["---", *lines, "---", f"# {title}", "", "## Decision Outcome", "", "That."])


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Path]:
    """A folder with these files, by path."""

    def make(files: Mapping[str, str | bytes]) -> Path:
        for name, content in files.items():
            path = tmp_path / "project" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / "project"

    return make


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, Any]]:
    """Run a command in a folder: its exit code, and what it printed as JSON (or as text)."""
    monkeypatch.delenv("LINEAGE_STORE", raising=False)

    def run(at: Path, *words: str, text: bool = False) -> tuple[int, Any]:
        monkeypatch.chdir(at)
        done = CliRunner().invoke(cli, [*words] if text else [*words, "--json"])
        said = done.output
        return done.exit_code, said if text or not done.stdout.startswith("{") else json.loads(
            done.stdout
        )

    return run


def found(store: Any, **wanted: Any) -> dict[str, Any]:
    """The decisions of a store by title."""
    return {one.title: one for one in store.decisions(**wanted).decisions}

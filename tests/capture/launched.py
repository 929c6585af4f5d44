# SPDX-License-Identifier: Apache-2.0
"""Programs under the command as people type it, and what became of their runs."""

from __future__ import annotations

import subprocess
import sys

import lineage

LINEAGE = [sys.executable, "-c", "from lineage.cli import main; main()"]


def run(*words, options=(), **more):
    """A program under ``lineage run``."""
    command = [*LINEAGE, "run", *options, "--", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)


def stored(workspace):
    """The store of the workspace."""
    return lineage.open(workspace / ".lineage" / "store.db")


def runs(workspace):
    """The runs in it."""
    with stored(workspace) as opened:
        return list(opened.ask("kind:run").nodes)


def spooled(workspace):
    """The run files that wait."""
    return sorted((workspace / ".lineage" / "spool").glob("*.run"))

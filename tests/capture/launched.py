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


def files_of(workspace, name):
    """The names of what a run read and made, below the workspace, each with its witnesses; and the run."""
    with stored(workspace) as opened:
        answer = opened.show(f"run:{name}")
    names = {node.id: node.attributes.get("name", "") for node in answer.nodes}
    shown = {i: n.removeprefix(f"{workspace}/") for i, n in names.items()}
    kinds = {node.id: node.kind for node in answer.nodes}
    read = {
        shown[e.cause]: e.attributes["witness"]
        for e in answer.edges
        if e.relation == "used"
        and kinds[e.cause] == "Artifact"
        and e.attributes["prov:role"] != "module"
    }
    made = {
        shown[e.effect]: e.attributes["witness"]
        for e in answer.edges
        if e.relation == "wasGeneratedBy"
    }
    [told] = [node for node in answer.nodes if node.kind == "Run" and node.label == name]
    return read, made, told.attributes

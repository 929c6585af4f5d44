# SPDX-License-Identifier: Apache-2.0
"""Whoever reads the output may stop at any time: a command ends then as other tools do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import lineage
from lineage.model import kinds
from lineage.model.record import Batch

COMMAND = [sys.executable, "-c", "from lineage.cli import main; main()"]
#: Ended by the signal of a broken pipe, as a shell says it.
BROKEN = 128 + 13


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("pipes") / "store.db"
    nodes = tuple(kinds.Artifact(id=f"urn:x:{n}", label=f"file {n}").node() for n in range(2_000))
    with lineage.open(path) as opened:
        opened.ingest(Batch(nodes=nodes))
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("find", "file"),
        ("ask", "kind:artifact"),
        ("ask", "kind:artifact", "--json"),
        ("export", "--format", "turtle"),
        ("log",),
        ("trace", "urn:x:1"),
    ],
    ids=" ".join,
)
def test_a_command_whose_output_nobody_reads_ends_without_a_word(store, words):
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [*COMMAND, "--store", str(store), *words],
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
    )
    os.close(theirs)
    said = [line for line in done.stderr.splitlines() if "error" in line or "Traceback" in line]
    assert (done.returncode, said) == (BROKEN, [])

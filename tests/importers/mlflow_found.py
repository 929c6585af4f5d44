# SPDX-License-Identifier: Apache-2.0
"""What the importer finds in a store of MLflow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from importers.base import Options, Source
from importers.mlflow import IMPORTER
from lineage.errors import (
    LineageError,
)
from lineage.model.check import check
from lineage.model.record import Batch, Loss, Node, line
from lineage.model.terms import follows

REAL = Path(__file__).with_name("mlflow_store.py")
COMMIT = "swh:1:rev:0123456789abcdef0123456789abcdef01234567"
OLD = "mlflow/aarondav+mlflow/tests/resources/db/db_version_7ac759974ad8_with_metrics"


class Found:
    """What the importer says of a source, and that the model accepts it."""

    def __init__(self, source: str | Path) -> None:
        self.batches: list[Batch] = list(IMPORTER.read(Source.of(source), Options()))
        for batch in self.batches:
            assert [finding for finding in check(batch) if finding.fatal] == []
        self.nodes = [node for batch in self.batches for node in batch.nodes]
        self.edges = [edge for batch in self.batches for edge in batch.edges]
        self.seen: Counter[str] = sum((Counter(batch.seen) for batch in self.batches), Counter())
        self.losses: list[Loss] = [loss for batch in self.batches for loss in batch.losses]

    @property
    def lines(self) -> list[bytes]:
        return sorted({line(record) for batch in self.batches for record in batch.records})

    def of(self, kind: str) -> list[Node]:
        return [node for node in self.nodes if node.kind == kind]

    def labelled(self, label: str) -> Node:
        (found,) = {node.id: node for node in self.nodes if node.label == label}.values()
        return found

    def lost(self, what: str) -> int:
        return sum(loss.number for loss in self.losses if loss.what == what)

    def causes(self, start: str) -> set[str]:
        """Everything upstream, as the default walk goes."""
        met, left = set(), [start]
        while left:
            at = left.pop()
            for edge in self.edges:
                if edge.effect == at and follows(edge.relation, edge.attributes):
                    left += [edge.cause] if edge.cause not in met else []
                    met.add(edge.cause)
        return met


def run_mlflow(*arguments: str, cwd: Path, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", REAL, *arguments],
        cwd=cwd,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": "/", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def refused(source: str | Path) -> LineageError:
    with pytest.raises(LineageError) as caught:
        Found(source)
    assert caught.value.what
    assert caught.value.where
    assert caught.value.hint
    return caught.value

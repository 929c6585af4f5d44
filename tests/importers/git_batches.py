# SPDX-License-Identifier: Apache-2.0
"""What the importer yields of a repository."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from importers.base import Options, Source
from importers.git import IMPORTER
from lineage.model.check import check
from lineage.model.merge import merged
from lineage.model.record import Batch, Edge, Node


def read(path: Path | str, revisions: str | None = None) -> list[Batch]:
    batches = list(IMPORTER.read(Source.of(path), Options(revisions=revisions)))
    assert [finding for batch in batches for finding in check(batch)] == []
    return batches


def commits(batches: Iterable[Batch]) -> dict[str, Node]:
    said: dict[str, list[Node]] = {}
    for batch in batches:
        for node in batch.nodes:
            if node.kind == "Commit":
                said.setdefault(node.id, []).append(node)
    return {ident.rsplit(":", 1)[1]: merged(ident, nodes) for ident, nodes in said.items()}


def edges(batches: Iterable[Batch], relation: str) -> list[Edge]:
    return [edge for batch in batches for edge in batch.edges if edge.relation == relation]


def lost(batches: Iterable[Batch]) -> dict[str, int]:
    return {loss.what: loss.number for batch in batches for loss in batch.losses}


def reasons(batches: Iterable[Batch]) -> str:
    return "\n".join(loss.reason for batch in batches for loss in batch.losses)

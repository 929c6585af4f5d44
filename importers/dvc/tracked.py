# SPDX-License-Identifier: Apache-2.0
"""Finds what DVC tracked at given commits: which version of its data a path meant there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from importers.dvc.files import Files, Version
from importers.dvc.locked import Item
from importers.dvc.reading import Found, Reading
from importers.tally import Tally
from lineage import ids
from lineage.errors import BadInput
from lineage.sources.file_names import is_of_dvc
from lineage.sources.git.reader import GitReader
from lineage.sources.git.snapshots import Snapshots


class TrackedVersion(NamedTuple):
    """A file or folder as DVC tracked it at a commit."""

    id: str
    label: str
    is_folder: bool


def tracked(
    repository: GitReader, trees: Snapshots, tally: Tally
) -> Mapping[str, Mapping[str, TrackedVersion]]:
    """Commit -> path -> the version that dvc.lock and *.dvc have of it there. Identifiers are those
    that the import of DVC gives.
    """
    versions = [
        Version(path=path, name=oid, commit=sha)
        for sha in trees.commits
        for path, oid in trees.files(sha, is_of_dvc)
        if is_of_dvc(path)
    ]
    if not versions:
        return {}
    try:
        found = Reading(Files(repository, None), versions, tally).found()
    except BadInput as error:
        tally.lose("files of DVC", error.what, first=error.where)
        return {}
    tables: dict[str, dict[str, TrackedVersion]] = {}
    for sha, item in _seen(found):
        if item.place.namespace is None:
            table = tables.setdefault(sha, {})
            table.setdefault(item.place.path, _version(repository.namespace, item))
    return tables


def _seen(found: Found) -> Iterator[tuple[str, Item]]:
    """What was tracked where: outputs and data before dependencies, which may be older."""
    for data in found.data.values():
        yield from ((sha, data.item) for sha in data.seen_at if sha)
    for run in found.runs.values():
        yield from ((sha, item) for sha in run.seen_at if sha for item in run.stage.outs)
    for run in found.runs.values():
        yield from ((sha, item) for sha in run.seen_at if sha for item in run.stage.deps)


def _version(namespace: str, item: Item) -> TrackedVersion:
    place = item.place
    ident = ids.dataset_version_id(namespace, place.path, item.algorithm, item.digest)
    return TrackedVersion(ident, f"{place.path}@{item.digest[:8]}", item.digest.endswith(".dir"))

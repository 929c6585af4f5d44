# SPDX-License-Identifier: Apache-2.0
"""Makes records of a file that says who answers for a project: the file as it is committed, and the project."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path

from lineage import ids
from lineage.model import kinds
from lineage.model.record import Node
from lineage.model.value import Ref, Value
from lineage.sources.git.reader import GitReader


def file(
    namespace: str, place: str, oid: str, commit: str | None, more: Mapping[str, Value]
) -> Node:
    """A file of a project: its path, what git calls its bytes, the commit that has it, and what it says."""
    held = dict(more)
    if commit is not None:
        held["commit"] = Ref(ids.commit_id(commit))
    return kinds.Artifact(
        id=ids.dataset_version_id(namespace, place, "git", oid),
        label=f"{place}@{oid[:8]}",
        name=place,
        digest=f"git:{oid}",
        more=held,
    ).node()


def project(namespace: str, called: str, **said_by: str) -> Node:
    """A project, with the file that says who answers for it."""
    more: dict[str, Value] = {"namespace": namespace}
    more |= {name: Ref(ident) for name, ident in said_by.items()}
    return kinds.Entity(id=ids.project_id(namespace), label=called, more=more).node()


def called(repository: GitReader, path: Path) -> str:
    """What people call the project of a repository at a path."""
    return posixpath.basename(repository.origin or "") or path.name.removesuffix(".git")

# SPDX-License-Identifier: Apache-2.0
"""Finds DVC's files, in the history of a repository and in a working folder, and reads their bytes."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from importers.dvc.places import is_text
from importers.tally import Tally
from lineage.progress import Progress, silent, told
from lineage.sources.file_names import OF_DVC, is_of_dvc
from lineage.sources.git.diff import Change
from lineage.sources.git.reader import GitReader
from lineage.sources.git.working_tree import blob_name
from lineage.sources.small_files import inside, small_file

Sort = Literal["dvc.lock", "dvc.yaml", "*.dvc"]

#: A working folder with more entries than this is not looked through to its end.
_MOST_ENTRIES = 500_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """One state of one of DVC's files: since a commit, or (without one) in the working folder.

    ``name`` and ``before`` (what the parents had) are names that ``Files.read`` understands;
    ``yaml_before`` is the dvc.yaml beside, where the same commit changed it. A version that is
    the first seen of a shallow history does not claim its commit.
    """

    path: str
    name: str
    commit: str | None = None
    before: tuple[str | None, ...] = ()
    yaml_before: tuple[str | None, ...] = ()
    claims: bool = True

    @property
    def sort(self) -> Sort:
        """Which of DVC's files it is."""
        base = posixpath.basename(self.path)
        return "dvc.yaml" if base == "dvc.yaml" else "dvc.lock" if base == "dvc.lock" else "*.dvc"

    @property
    def folder(self) -> str:
        """The folder it lies in."""
        return posixpath.dirname(self.path)

    @property
    def shown(self) -> str:
        """Where it is, for people."""
        return f"{self.path} at {self.commit[:12]}" if self.commit else self.path


class Files:
    """Reads bytes by name: an object of the repository, ``<commit>:<path>``, or ``:<path>`` in the
    folder.
    """

    def __init__(
        self, repository: GitReader | None, folder: Path | None, progress: Progress = silent
    ) -> None:
        self.repository = repository
        self.folder = folder
        self._progress = progress

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """What is there under each name, once; ``None`` for what is missing or too large."""
        unique = dict.fromkeys(names)
        yield from told(self._read(unique), self._progress, "reading files of DVC", len(unique))

    def _read(self, unique: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        inside = [name for name in unique if not name.startswith(":") and "\n" not in name]
        if self.repository is not None and inside:
            yield from self.repository.blobs(inside)
        for name in unique:
            if name.startswith(":"):
                yield name, self._worked(name[1:])

    def _worked(self, path: str) -> bytes | None:
        if self.folder is None or not inside(path):
            return None
        return small_file(self.folder, path)


def named(commit: str | None, path: str) -> str | None:
    """The name of a path at a commit; ``None`` for one that leaves the repository."""
    return f"{commit or ''}:{path}" if inside(path) else None


# --- in the history -------------------------------------------------------------------------------


def committed(repository: GitReader, revisions: str | None) -> Iterator[Version]:
    """Yield every state of DVC's files in all of history, newest first."""
    for sha, changes in repository.history(*OF_DVC, revisions=revisions):
        ours = {change.path: change for change in changes if is_of_dvc(change.path)}
        for change in ours.values():
            if change.after is not None and not change.submodule:
                beside = ours.get(posixpath.join(posixpath.dirname(change.path), "dvc.yaml"))
                yield _changed(sha, change, beside)
    for sha in sorted(repository.layout.shallow.intersection(repository.revisions(revisions))):
        for entry in repository.tree(sha):
            if is_of_dvc(entry.path):
                yield Version(path=entry.path, name=entry.oid, commit=sha, claims=False)


def _changed(sha: str, change: Change, beside: Change | None) -> Version:
    return Version(
        path=change.path,
        name=change.after or "",
        commit=sha,
        before=change.before,
        yaml_before=beside.before if beside else (),
    )


# --- in the working folder ------------------------------------------------------------------------


def working(folder: Path, tally: Tally, inner: list[str]) -> Iterator[Version]:
    """Find DVC's files in a folder and below. Links are not entered, nor are other repositories:
    their paths are added to ``inner``.
    """
    entries = 0
    for place, folders, files in os.walk(folder):
        entries += len(folders) + len(files)
        if entries > _MOST_ENTRIES:
            reason = f"the folder has over {_MOST_ENTRIES:,} entries: not all were looked through"
            tally.lose("working folder", reason, first=place)
            return
        seen = sorted(x for x in folders if x[0] != ".")
        folders[:] = [x for x in seen if not _is_repository(place, x)]
        within = Path(place).relative_to(folder)
        inner += [(within / x).as_posix() for x in seen if x not in folders]
        for file in sorted(files):
            path = Path(place, file).relative_to(folder).as_posix()
            if is_of_dvc(path) and is_text(path):
                yield Version(path=path, name=f":{path}")


def uncommitted(
    folder: Path, found: Iterable[Version], known: Iterable[Version], algorithm: str
) -> Iterator[Version]:
    """Those found in the working folder that hold what no commit does."""
    committed_names: dict[str, set[str]] = {}
    for version in known:
        committed_names.setdefault(version.path, set()).add(version.name)
    for version in found:
        data = small_file(folder, version.path)
        name = None if data is None else blob_name(data, algorithm)
        if name is None or name not in committed_names.get(version.path, ()):
            yield version


def _is_repository(place: str, folder: str) -> bool:
    return os.path.lexists(Path(place, folder, ".git"))

# SPDX-License-Identifier: Apache-2.0
"""Finds where the project of a run lies on this machine now, and what of the run's bytes are still there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from importers.dvc import files as dvc_files
from importers.dvc import settings as dvc_settings
from lineage.capture.found import Budget
from lineage.capture.probes import files
from lineage.capture.probes.digests import digests_of
from lineage.closeable import Closeable
from lineage.errors import LineageError
from lineage.paths import is_file, is_folder, is_there
from lineage.services.read.recipe import File, Recipe, Source
from lineage.sources.git import layout
from lineage.sources.git.objects import CommitObject
from lineage.sources.git.reader import GitReader

#: Where bytes are had from: the files of the commit itself, the path where they were last seen, an object that git
#: keeps, a cache of DVC.
Origin: TypeAlias = Literal["source", "path", "git", "dvc"]
_ENDLESS = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the bytes of a file are: a path, or the name of an object of git."""

    origin: Origin
    path: Path | None = None
    oid: str | None = None

    @property
    def where(self) -> str:
        """As people read it."""
        if self.origin == "source":
            return "the files of the commit"
        if self.origin == "git":
            return f"the object {(self.oid or '')[:12]} of git"
        return f"{'DVC cache, ' if self.origin == 'dvc' else ''}{self.path}"


class Project(Closeable):
    """The repository that a run was of, as it is found here; ``root`` is the folder of its files, ``files`` are those
    of the commit that the run used, with the objects that they are.
    """

    def __init__(
        self, root: Path, reader: GitReader, source: Source | None, was: str | None
    ) -> None:
        self.root: Path = root
        self.reader: GitReader = reader
        self.source: Source | None = source
        #: The folder that it was in when the run was made.
        self.was: str = was or str(root)
        #: The commit that the run used; ``None`` where it is not in the repository.
        self.commit: CommitObject | None = None if source is None else _commit(reader, source.sha)
        self.files: Mapping[str, str] = self._listed()
        self._names: dict[str, Path] = {}

    def close(self) -> None:
        """See ``Closeable``."""
        self.reader.close()

    @property
    def holds(self) -> bool:
        """Whether the commit that the run used is in the repository."""
        return self.commit is not None

    @property
    def tree(self) -> str:
        """The tree of that commit."""
        return "" if self.commit is None else self.commit.tree

    def _listed(self) -> Mapping[str, str]:
        if self.commit is None:
            return {}
        try:
            return {entry.path: entry.oid for entry in self.reader.tree(self.commit.sha)}
        except LineageError:
            return {}  # more files than are listed: each is sought where it lies

    def inner(self, recipe: Recipe) -> None:
        """Learn where the other repositories of a run lie, by the names that their files are called by."""
        for source in recipe.sources[1:]:
            path = self.moved(source.root) if source.root else None
            if path is not None and layout.looks(path):
                try:
                    with GitReader.open(path) as reader:
                        self._names[reader.namespace] = path
                except (LineageError, OSError):
                    continue

    def moved(self, path: str) -> Path:
        """Where a path of that time is now: inside the project as it lies here, else as it was."""
        inner = relative(path, self.was)
        return Path(path) if inner is None else self.root / inner

    def path_of(self, file: File) -> Path | None:
        """The path by which a run knew a file, as it is now; ``None`` where that is not known."""
        if file.namespace is not None and file.namespace.startswith("file://"):
            return self.moved(file.path)
        if file.namespace is None:
            return None
        if not is_inside(file.path):
            return None
        if file.namespace == self._namespace:
            return self.root / file.path
        root = self._names.get(file.namespace)
        return None if root is None else root / file.path

    def inside(self, file: File) -> str | None:
        """The path of a file from the root of the project; ``None`` for what lies outside, or is not known."""
        path = self.path_of(file)
        found = None if path is None else relative(str(path), str(self.root))
        return found if found is not None and is_inside(found) else None

    @property
    def _namespace(self) -> str | None:
        try:
            return self.reader.namespace
        except LineageError:
            return None

    def place(self, file: File) -> Place | None:
        """Where the bytes of a file still are, as their digests say; ``None`` where they are nowhere that is known."""
        inner = self.inside(file)
        tracked = None if inner is None else self.files.get(inner)
        if tracked is not None and self._is_blob(tracked, file):
            return Place(origin="source", oid=tracked)
        path = self.path_of(file)
        if path is not None and is_same(path, file):
            return Place(origin="path", path=path)
        blob = file.digests.get("git")
        if blob is not None and self.reader.layout.algorithm == "sha1" and has(self.reader, blob):
            return Place(origin="git", oid=blob)
        cached = self._cached(file)
        return None if cached is None else Place(origin="dvc", path=cached)

    def _is_blob(self, oid: str, file: File) -> bool:
        if file.digests.get("git") == oid:
            return True
        [(_, data)] = self.reader.blobs([oid])
        return data is not None and _agree(digests_in(data), file.digests)

    def _cached(self, file: File) -> Path | None:
        """The file in a cache of DVC that has the bytes."""
        for name in ("md5", "md5-dos2unix"):
            digest = file.digests.get(name)
            for cache in _caches(self.root) if digest else ():
                for folder in (cache / "files" / "md5", cache):
                    path = folder / digest[:2] / digest[2:] if digest else folder
                    if is_file(path) and is_same(path, file):
                        return path
        return None


def found(recipe: Recipe, here: Path) -> Project | None:
    """The project of a run: the repository where it was, else the one around ``here``, of the two the one that has
    the commit; ``None`` where there is neither. Close it.
    """
    source = recipe.source
    was = source.root if source is not None and source.root else recipe.here
    best: Project | None = None
    for start in (was, str(here)):
        root = layout.around(Path(start)) if start is not None else None
        if root is None or (best is not None and best.root == root):
            continue
        try:
            reader = GitReader.open(root)
        except (LineageError, OSError):
            continue
        one = Project(root, reader, source, source.root if source is not None else None)
        if one.holds or best is None:
            if best is not None:
                best.close()
            best = one
        else:
            one.close()
        if best.holds:
            break
    if best is not None:
        best.inner(recipe)
    return best


def _commit(reader: GitReader, sha: str) -> CommitObject | None:
    try:
        [found] = reader.commits([sha])
    except LineageError:
        return None
    return found if isinstance(found, CommitObject) else None


def has(reader: GitReader, oid: str) -> bool:
    """Whether a repository has an object."""
    try:
        return all(found is not None for _, found in reader.oids([oid]))
    except LineageError:
        return False


def _caches(root: Path) -> list[Path]:
    if not is_folder(root / ".dvc"):
        return []
    return dvc_settings.caches(dvc_files.Files(None, root), ())


def relative(path: str, root: str) -> str | None:
    """A path from a folder on; ``None`` for one that is not in it."""
    pure = PurePosixPath(path)
    return pure.relative_to(root).as_posix() if pure.is_relative_to(root) else None


def is_inside(path: str) -> bool:
    """Whether a path from the root of a project stays in it, and is none of git's own."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and not {"..", ".git"}.intersection(parts)


def is_same(path: Path, file: File) -> bool:
    """Whether the bytes at a path are those of a file, by every digest that is known of both; a folder by all that is
    in it.
    """
    if not is_there(path) or not file.digests:
        return False
    if is_folder(path):
        seen = files.probe([str(path)], path, Budget(_ENDLESS)).facts["files"]
        told = seen[0] if isinstance(seen, list) and seen else {}
        whole = told.get("digests") if isinstance(told, dict) else None
        return isinstance(whole, dict) and _agree(whole, _of_folder(file))
    try:
        if file.size is not None and path.stat().st_size != file.size:
            return False
        digests = digests_of(path, Budget(_ENDLESS))
    except OSError:
        return False
    return digests is not None and _agree(digests, file.digests)


def _of_folder(file: File) -> Mapping[str, str]:
    md5 = file.digests.get("md5")
    return {} if md5 is None else {"md5": md5}


def _agree(mine: Mapping[str, object], known: Mapping[str, str]) -> bool:
    shared = mine.keys() & known.keys()
    return bool(shared) and all(mine[name] == known[name] for name in shared)


def digests_in(data: bytes) -> Mapping[str, str]:
    """The digests of bytes that are here already."""
    return {
        "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
    }

# SPDX-License-Identifier: Apache-2.0
"""What a repository holds at the commits that runs used: files, what DVC tracks, lock files."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from importers.dvc.tracked import TrackedVersion, tracked
from importers.lockfile import environments_in, records
from importers.tally import Tally
from lineage import ids
from lineage.errors import LineageError
from lineage.model import kinds
from lineage.model.identity import content
from lineage.model.record import Edge, Record
from lineage.sources import git_lfs
from lineage.sources.file_names import governing_rank
from lineage.sources.git.objects import visible
from lineage.sources.git.reader import GitReader

#: Names of files that hold data, or say how a program is to run, by their endings.
DATA = frozenset(
    [
        ".csv",
        ".tsv",
        ".parquet",
        ".jsonl",
        ".ndjson",
        ".arrow",
        ".feather",
        ".orc",
        ".avro",
        ".npy",
        ".npz",
        ".h5",
        ".hdf5",
        ".pkl",
        ".pickle",
        ".joblib",
        ".onnx",
        ".pt",
        ".pth",
        ".safetensors",
        ".xlsx",
        ".xls",
        ".sqlite",
        ".db",
        ".mat",
        ".rds",
        ".zarr",
        ".gz",
        ".zip",
    ]
)
CONFIGURATION = frozenset([".yaml", ".yml", ".toml", ".json", ".ini", ".cfg"])
#: Files of data and configuration that are listed of one commit, and of all commits together.
MOST_OF_COMMIT, MOST_FILES = 500, 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFile:
    """A file or folder as a commit has it: the identifier of its version. ``contains`` is the path
    that was asked for where it lies inside the folder that is meant.
    """

    id: str
    path: str
    oid: str | None = None
    contains: str | None = None


class CommitFiles:
    """The files of some commits of one repository, oldest first, and the records of those that are asked
    for.
    """

    def __init__(self, repository: GitReader, commits: Collection[str], tally: Tally) -> None:
        self._repository, self._tally = repository, tally
        self._trees = repository.snapshots(commits)
        self._dvc = tracked(repository, self._trees, tally)
        self._digests: dict[str, Mapping[str, str]] = {}
        self._first: dict[str, Mapping[str, str]] = {}
        self._lock_files: dict[str, dict[str, list[tuple[int, str, str]]]] = {}

    @property
    def commits(self) -> Collection[str]:
        """The commits whose files are known."""
        return self._trees.commits

    @cached_property
    def names(self) -> frozenset[str]:
        """What the folder of the project is called: here, and where it was cloned from."""
        here = PurePosixPath(self._repository.layout.where).name
        origin = (self._repository.origin or "").rstrip("/").rpartition("/")[2]
        return frozenset({here.removesuffix(".git"), origin.removesuffix(".git")} - {""})

    @property
    def root(self) -> str:
        """The folder of the repository on this machine."""
        return self._repository.layout.where

    # --- paths ------------------------------------------------------------------------------------

    def holds(self, commit: str, path: str) -> bool:
        """Whether a commit has a file or folder at a path, in git or tracked by DVC."""
        return self.held(commit, path) is not None

    def held(self, commit: str, path: str) -> HeldFile | None:
        """The version that a path means at a commit. What DVC tracks goes before what git has: DVC
        knows it by the digest that its stages are locked with.
        """
        table = self._dvc.get(commit, {})
        if path in table:
            return HeldFile(id=table[path].id, path=path)
        if (entry := self._trees.at(commit, path)) is not None and not entry.is_folder:
            return HeldFile(id=self.version_id(path, entry.oid), path=path, oid=entry.oid)
        if (whole := _around(table, path)) is not None:
            return HeldFile(id=table[whole].id, path=whole, contains=path)
        return None

    def folder_of(self, commit: str, path: str) -> str | None:
        """The folder that a path is, or that the file at it lies in; ``None`` where a commit has neither."""
        path = posixpath.normpath(path.replace("\\", "/")).lstrip("/")
        if path == ".":
            return ""
        entry = self._trees.at(commit, path)
        if entry is None:
            return None
        return path if entry.is_folder else posixpath.dirname(path)

    def version_id(self, path: str, oid: str) -> str:
        """The identifier of a file of git: its path, and the object that it is."""
        return ids.dataset_version_id(self._repository.namespace, path, "git", oid)

    def governing_lock(self, commit: str, folder: str) -> HeldFile | None:
        """The lock file that says what a program in a folder is run with: the nearest one upwards,
        the most exact one where several lie together.
        """
        whole = PurePosixPath(folder)
        for place in (whole, *whole.parents):
            here = self._locks(commit).get("" if place == _ROOT else str(place), ())
            if here:
                _, path, oid = min(here)
                return HeldFile(id=self.version_id(path, oid), path=path, oid=oid)
        return None

    def lock_folders(self, commit: str) -> Collection[str]:
        """The folders that have a lock file at a commit."""
        return self._locks(commit).keys()

    def _locks(self, commit: str) -> Mapping[str, Sequence[tuple[int, str, str]]]:
        if commit not in self._lock_files:
            found = self._lock_files[commit] = {}
            for path, oid in self._trees.files(commit, _is_lock):
                rank = governing_rank(posixpath.basename(path))
                found.setdefault(posixpath.dirname(path), []).append((rank or 0, path, oid))
        return self._lock_files[commit]

    def listed(self) -> Iterator[HeldFile]:
        """The files of data and configuration that DVC does not track, each version once."""
        seen: set[tuple[str, str]] = set()
        for commit in self._trees.commits:
            tracked_here = self._dvc.get(commit, {})
            files = self._trees.files(commit, _is_data_or_configuration)
            found = [(path, oid) for path, oid in files if path not in tracked_here]
            left = max(0, len(found) - MOST_OF_COMMIT)
            reason = f"only the first {MOST_OF_COMMIT} of a commit are listed"
            self._tally.lose("files of data and configuration", reason, count=left, first=commit)
            for path, oid in found[:MOST_OF_COMMIT]:
                if (path, oid) in seen:
                    continue
                if len(seen) >= MOST_FILES:
                    reason = f"only the first {MOST_FILES:,} are listed"
                    self._tally.lose("files of data and configuration", reason, first=path)
                    return
                seen.add((path, oid))
                yield HeldFile(id=self.version_id(path, oid), path=path, oid=oid)

    def digests(self, oids: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
        """Object -> algorithm -> hex digest of its bytes, where it is in this copy and no larger than
        64 MiB.
        """
        todo = sorted(set(oids) - self._digests.keys())
        for oid, data in self._repository.blobs(todo) if todo else ():
            self._digests[oid] = {} if data is None else _digests(data)
        return self._digests

    def differs(self, oid: str, algorithm: str, digest: str) -> bool:
        """Whether bytes with a digest are known to be others than those of an object, for more than the
        line ends of text, which git changes on some machines.
        """
        known = self.digests([oid]).get(oid, {}).get(algorithm)
        if known is None or known == digest:
            return False
        data = self._bytes(oid) or b""
        unix = data.replace(b"\r\n", b"\n")
        texts = () if b"\0" in data else (unix, unix.replace(b"\n", b"\r\n"))
        taken = _HASHES.get(algorithm, _md5)
        return digest not in {taken(text) for text in texts}

    # --- records ----------------------------------------------------------------------------------

    def files(self, wanted: Iterable[HeldFile]) -> Iterator[Record]:
        """The records of files of git, each with the first of the commits that has it."""
        by_oid: dict[str, list[HeldFile]] = {}
        for file in wanted:
            if file.oid is not None:
                by_oid.setdefault(file.oid, []).append(file)
        for oid, data in self._repository.blobs(by_oid):
            for file in by_oid[oid]:
                yield from self._file(self._first_commits(file.path)[oid], file, data)

    def _first_commits(self, path: str) -> Mapping[str, str]:
        """Object at a path -> the first of the commits that has it there."""
        if path not in self._first:
            found: dict[str, str] = {}
            for commit in self._trees.commits:
                if (entry := self._trees.at(commit, path)) is not None:
                    found.setdefault(entry.oid, commit)
            self._first[path] = found
        return self._first[path]

    def _file(self, commit: str, file: HeldFile, data: bytes | None) -> Iterator[Record]:
        is_data = PurePosixPath(file.path).suffix.lower() in DATA
        noun = kinds.DatasetVersion if is_data else kinds.Artifact
        yield noun(
            id=file.id,
            label=f"{visible(file.path)}@{(file.oid or '')[:8]}",
            name=file.path,
            digest=f"git:{file.oid}",
            size=None if data is None else _size(data),
        ).node()
        if is_data:
            namespace = self._repository.namespace
            whole = ids.dataset_id(namespace, file.path)
            label = visible(file.path) or None
            yield kinds.Dataset(id=whole, label=label, name=file.path, namespace=namespace).node()
            yield Edge(relation="specializationOf", effect=file.id, cause=whole)
        yield Edge(
            relation="wasInfluencedBy",
            effect=file.id,
            cause=ids.commit_id(commit),
            attributes={"prov:role": "recorded-in"},
        )
        if data is None:
            reason = "larger than 64 MiB or not in this copy: known by git's digest alone"
            self._tally.lose("digests of files", reason, first=file.path)
            return
        for algorithm, digest in _digests(data).items():
            nodes, ties = content(file.id, algorithm, digest, _size(data))
            yield from nodes
            yield from ties

    def environment(self, commit: str, lock: HeldFile) -> tuple[str | None, list[Record]]:
        """The environment that a lock file describes, and its records; ``None`` where it cannot be
        read, or describes several.
        """
        folder = posixpath.dirname(lock.path)

        def include(inner: str) -> bytes | None:
            path = posixpath.normpath(posixpath.join(folder, inner))
            entry = self._trees.at(commit, path)
            return None if entry is None or entry.is_folder else self._bytes(entry.oid)

        data = self._bytes(lock.oid or "")
        where = f"{lock.path} at {commit[:12]}"
        if data is None:
            self._tally.lose("lock files", "too large, or not in this copy", first=where)
            return None, []
        try:
            found = environments_in(posixpath.basename(lock.path), data, Tally(), include)
        except LineageError as error:
            self._tally.lose("lock files", error.what, first=where)
            return None, []
        if len(found) != 1:
            reason = f"{len(found)} environments: which one was used is not known"
            self._tally.lose("lock files", reason, first=where)
            return None, []
        return records.environment_id(found[0]), list(records.records(found[0], [lock.id], Tally()))

    def _bytes(self, oid: str) -> bytes | None:
        [(_, data)] = self._repository.blobs([oid])
        return data


def _size(data: bytes) -> int:
    """How many bytes a file has; of a pointer of Git LFS, the object that it stands for."""
    pointer = git_lfs.pointer(data)
    return len(data) if pointer is None else pointer.size


def _digests(data: bytes) -> Mapping[str, str]:
    """The digests of a file; of a pointer of Git LFS, those that are known of its object."""
    if (pointer := git_lfs.pointer(data)) is not None:
        return {"sha256": pointer.sha256}
    found = {algorithm: taken(data) for algorithm, taken in _HASHES.items()}
    if b"\r\n" in data and b"\0" not in data:
        # What DVC before 3 knows it by where it was committed with the line ends of Windows.
        found["md5-dos2unix"] = _md5(data.replace(b"\r\n", b"\n"))
    return found


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


_HASHES: Mapping[str, Callable[[bytes], str]] = {"sha256": ids.sha256, "md5": _md5}


#: The root of a repository, of which the name is empty.
_ROOT = PurePosixPath()


def _around(table: Mapping[str, TrackedVersion], path: str) -> str | None:
    """The folder tracked by DVC in which a path lies."""
    for above in map(str, PurePosixPath(path).parents):
        if above in table and table[above].is_folder:
            return above
    return None


def _is_lock(name: str) -> bool:
    return governing_rank(name) is not None


def _is_data_or_configuration(name: str) -> bool:
    suffix = PurePosixPath(name).suffix.lower()
    return suffix in DATA or (suffix in CONFIGURATION and not name.startswith("."))

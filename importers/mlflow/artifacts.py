# SPDX-License-Identifier: Apache-2.0
"""The files that runs and models left beside the store: listed and hashed, never loaded."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from importers.mlflow.values import Tally, split_url, storable
from lineage.sources import git_lfs

#: A run with more files keeps the first of them.
MOST_FILES = 1_000
#: Larger files are not hashed, and without a digest a version has no name.
LARGEST = 256 * 1024 * 1024
_PIECE = 1024 * 1024
#: The files in which MLflow says what a logged model is run with.
DESCRIBE_ENVIRONMENT = frozenset({"conda.yaml", "python_env.yaml", "requirements.txt"})
#: A drive, or a share of another machine.
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\[^\\]")
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file by its path below the folder of its run or model, under two digests: sha256 names it,
    by md5 it meets what DVC and others know. The md5 of what Git LFS left as a pointer is not known.
    ``data`` are the bytes of a small file that describes the environment of a model.
    """

    path: str
    digest: str
    md5: str | None
    size: int
    data: bytes | None = field(default=None, repr=False)


class ArtifactFolders:
    """The folders in which a store may keep artifacts. Nothing outside ``base`` is opened.

    What MLflow recorded is where the files once were: a store that was moved is found again by
    the part of the path that MLflow builds itself (``tail``: experiment, run, ``artifacts``).
    """

    def __init__(self, base: Path, roots: Sequence[Path], tally: Tally) -> None:
        self._base = base.resolve()
        self._roots = roots
        self._tally = tally

    def files(self, recorded: str | None, tail: Sequence[str]) -> Iterator[File]:
        """The files of one run or model, in the order of their paths."""
        folder = self._locate(recorded, tail) if recorded else None
        if folder is None:
            return
        for number, path in enumerate(self._walk(folder)):
            if number == MOST_FILES:
                reason = f"only the first {MOST_FILES} files are listed"
                self._tally.lose("artifact folders", reason, first=str(folder))
                return
            self._tally.seen["artifacts"] += 1
            file = self._hashed(path, storable(path.relative_to(folder).as_posix()))
            if file is not None:
                yield file

    def _locate(self, recorded: str, tail: Sequence[str]) -> Path | None:
        if not all(_is_name(part) for part in tail):
            self._refuse(recorded)
            return None
        path = _local_path(recorded)
        if path is None:
            self._elsewhere(recorded)
            return None
        if ".." in path.parts or "\0" in str(path):
            self._refuse(recorded)
            return None
        stands = [root.joinpath(*tail) for root in self._roots]
        if tail[-2] in path.parts:
            stands.insert(0, self._base / path)
        there = [folder.resolve() for folder in stands if folder.is_dir()]
        inside = [folder for folder in there if folder.is_relative_to(self._base)]
        if not inside and there:
            self._refuse(recorded)
        elif not inside and not any(root.joinpath(tail[0]).is_dir() for root in self._roots):
            self._elsewhere(recorded)
        return inside[0] if inside else None

    def _refuse(self, recorded: str) -> None:
        reason = "the path leaves the folder of the store; not opened"
        self._tally.lose("artifact folders", reason, first=recorded)

    def _elsewhere(self, recorded: str) -> None:
        reason = "not in the folder of the store; their files are not listed"
        shown = self._tally.attribute("artifact_uri", recorded, "artifact folders")
        self._tally.lose("artifact folders", reason, first=shown)

    def _walk(self, folder: Path) -> Iterator[Path]:
        for at, folders, files in os.walk(folder):
            folders.sort()
            for name in sorted(folders + files):
                path = Path(at, name)
                if path.is_symlink():
                    self._tally.lose("symbolic links", "they are not followed", first=str(path))
                elif name in files:
                    yield path

    def _hashed(self, path: Path, name: str) -> File | None:
        digest, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        size, head = 0, b""
        try:
            with os.fdopen(os.open(path, _OPEN), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    self._tally.lose("artifacts", "they are no ordinary files", first=str(path))
                    return None
                if status.st_size > LARGEST:
                    reason = f"larger than {LARGEST} bytes, not hashed"
                    self._tally.lose("artifacts", reason, first=str(path))
                    return None
                while piece := file.read(_PIECE):
                    head = head or piece
                    size += len(piece)
                    digest.update(piece)
                    md5.update(piece)
        except OSError as error:
            self._tally.lose("artifacts", "they cannot be read", first=f"{path}: {error.strerror}")
            return None
        if size == len(head) and (found := git_lfs.pointer(head)) is not None:
            reason = "not known of what Git LFS left as pointers; git lfs pull brings the files"
            self._tally.lose("md5 digests", reason, first=str(path))
            return File(path=name, digest=found.sha256, md5=None, size=found.size)
        data = head if path.name in DESCRIBE_ENVIRONMENT and size == len(head) else None
        return File(path=name, digest=digest.hexdigest(), md5=md5.hexdigest(), size=size, data=data)


def _local_path(recorded: str) -> Path | None:
    """The path that an artifact address means on this machine, decoded once; ``None`` for others.

    A server's own address (``mlflow-artifacts:/1/run/artifacts``) has its files beside the store
    when that store is the server's.
    """
    if _WINDOWS.match(recorded):
        return Path(recorded.replace("\\", "/"))
    parts = split_url(recorded)
    if parts is None or parts.scheme not in {"", "file", "mlflow-artifacts"}:
        return None
    if parts.scheme == "":
        return Path(recorded)
    if parts.query or parts.fragment or parts.netloc not in {"", "localhost"}:
        return None
    path = unquote(parts.path)
    return Path(path.lstrip("/")) if parts.scheme == "mlflow-artifacts" else Path(path)


def _is_name(part: str) -> bool:
    return part not in {"", ".", ".."} and not set(part) & {"/", "\\", "\0"}

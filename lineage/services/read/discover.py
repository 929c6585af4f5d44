# SPDX-License-Identifier: Apache-2.0
"""Finds what in a project folder an importer can read, and says what else was seen there."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import importers
from importers.base import Importer, Source
from lineage import formats
from lineage.progress import Progress, silent
from lineage.services.summary import counted
from lineage.sources.git import layout

#: Folders that hold other people's code or tools' own files.
_SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "mlartifacts", "venv", "env"})
#: Files and folders that are looked at, and seconds, before it stops.
MOST, SECONDS = 200_000, 60.0
#: Larger files are not opened to see what they are (bytes).
_LARGEST = 64 * 1024 * 1024
#: Endings of files that hold no provenance, however they begin.
_NEVER = frozenset(
    [
        ".avi",
        ".bmp",
        ".c",
        ".cpp",
        ".css",
        ".csv",
        ".feather",
        ".gif",
        ".go",
        ".gz",
        ".h",
        ".h5",
        ".htm",
        ".html",
        ".ipynb",
        ".java",
        ".jpeg",
        ".jpg",
        ".js",
        ".md",
        ".mp3",
        ".mp4",
        ".npy",
        ".npz",
        ".onnx",
        ".parquet",
        ".pdf",
        ".pickle",
        ".pkl",
        ".png",
        ".pt",
        ".pth",
        ".py",
        ".pyc",
        ".r",
        ".rmd",
        ".rst",
        ".safetensors",
        ".scss",
        ".sh",
        ".so",
        ".svg",
        ".tar",
        ".tgz",
        ".tif",
        ".tiff",
        ".ts",
        ".tsv",
        ".tsx",
        ".wav",
        ".webp",
        ".whl",
        ".xlsx",
    ]
)
#: Endings of PROV documents.
_DOCUMENTS = tuple(suffix for row in formats.BUILTIN.values() for suffix in row.suffixes)
#: Importers that read everything of their sort below a folder, and those whose folder is all theirs.
_WHOLE = frozenset({"git", "dvc", "decisions"})
_CLOSED = frozenset({"rocrate"})

#: What tools leave in a project that nothing here reads yet: the name of a file or folder -> the tool.
_UNREAD: Mapping[str, str] = {
    "wandb": "W&B runs",
    ".aim": "Aim runs",
    ".guild": "Guild runs",
    ".metaflow": "Metaflow runs",
    ".neptune": "Neptune runs",
    ".noworkflow": "noWorkflow trials",
    ".smt": "Sumatra records",
    ".snakemake": "Snakemake runs",
    ".nextflow": "Nextflow runs",
    ".zen": "ZenML pipelines",
    "dbt_project.yml": "dbt project",
    "packrat.lock": "R environment of packrat",
    "Manifest.toml": "Julia environment",
}
#: A folder of a run of Sacred has all of these.
_SACRED = frozenset({"run.json", "config.json", "cout.txt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Something that was recognised and is not read: what it is, where, and what to do."""

    what: str
    path: str
    reason: str
    command: str | None = None

    def to_dict(self) -> dict[str, str | None]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What was found in a folder: (importer, source) in the order to import them, what was seen and is
    not read, and why not everything was looked at, where it was not.
    """

    found: tuple[tuple[str, Source], ...]
    unread: tuple[Unread, ...]
    cut: str | None = None


def discover(
    root: Path,
    *,
    submodules: bool = False,
    most: int = MOST,
    seconds: float = SECONDS,
    progress: Progress = silent,
) -> Discovery:
    """Look through a folder and all below it. Repositories inside a repository are projects of their
    own: they are named, and with ``submodules`` looked into.
    """
    return _Search(root, submodules, most, seconds, progress).done()


@dataclass(slots=True)
class _Search:
    """One look through a folder."""

    root: Path
    submodules: bool
    most: int
    seconds: float
    progress: Progress
    found: list[tuple[str, Source]] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    sacred: list[Path] = field(default_factory=list)
    large: list[Path] = field(default_factory=list)

    def done(self) -> Discovery:
        """Look level by level: what is near the top is found before the bounds are reached."""
        end, left = time.monotonic() + self.seconds, self.most
        level: list[tuple[Path, frozenset[str]]] = [(self.root, frozenset())]
        cut = None
        while level and cut is None:
            below: list[tuple[Path, frozenset[str]]] = []
            for folder, covered in level:
                try:
                    names, files = _listed(folder)
                except OSError as error:
                    self._cannot_open(folder, error)
                    continue
                self.progress("looking at files", self.most - left, None)
                left -= len(names) + len(files) + 1
                if left < 0 or time.monotonic() > end:
                    why = (
                        f"{self.most:,} files and folders"
                        if left < 0
                        else f"{self.seconds:g} seconds"
                    )
                    cut = f"stopped after {why}, before {self._shown(folder)}"
                    break
                below += self._folder(folder, names, files, covered)
            level = below
        if self.sacred:
            self._see("Sacred runs", self.sacred[0].parent, counted(len(self.sacred), "run"))
        if self.large:
            self._too_large(self.large)
        return Discovery(found=tuple(self.found), unread=tuple(self.unread), cut=cut)

    def _folder(
        self, folder: Path, names: list[str], files: list[str], covered: frozenset[str]
    ) -> Iterator[tuple[Path, frozenset[str]]]:
        """Look at one folder and its files: the folders below that are looked at next, each with the
        importers that read it already.
        """
        source = Source.of(folder)
        here = [i for i in importers.available() if i.name not in covered and i.sniffs(source)]
        self.found += [(importer.name, source) for importer in here]
        for name in (*names, *files):
            if name in _UNREAD:
                self._see(_UNREAD[name], folder / name)
        if set(files) >= _SACRED:
            self.sacred.append(folder)
        mine = covered | {importer.name for importer in here}
        if layout.is_bare(folder):
            return
        self._files(folder, files, mine)
        if any(i.name in _CLOSED or _is_all_of(i, folder) for i in here):
            return
        below = frozenset(name for name in mine if name in _WHOLE)
        for name in names:
            inner = folder / name
            if name.startswith(".") or name in _SKIPPED or ("mlflow" in mine and name == "mlruns"):
                continue
            if "git" in mine and layout.looks(inner):
                if self.submodules:
                    yield inner, frozenset()
                else:
                    self._project(inner)
                continue
            yield inner, frozenset() if layout.looks(inner) else below

    def _files(self, folder: Path, names: list[str], covered: frozenset[str]) -> None:
        """The files of a folder that nothing read for the folder covers."""
        # A folder with a store of MLflow may hold other stores, under names of their own.
        readers = [i for i in importers.available() if i.name not in covered - {"mlflow"}]
        for name in names:
            path = folder / name
            if name.startswith(".") or path.suffix.lower() in _NEVER:
                continue
            if name == "mlflow.db" and "mlflow" in covered:
                continue
            if _is_large(path):
                self.large.append(path)
                continue
            source = Source.of(path)
            reader = next(
                (i.name for i in readers if i.sniffs(source) and _may_read(i, name)), None
            )
            if reader is not None:
                self.found.append((reader, source))

    def _project(self, inner: Path) -> None:
        self.unread.append(
            Unread(
                what="repository",
                path=self._shown(inner),
                reason="it is a project of its own",
                command=_import(inner),
            )
        )

    def _cannot_open(self, folder: Path, error: OSError) -> None:
        reason = f"it cannot be opened: {error.strerror or error}"
        self.unread.append(Unread(what="folder", path=self._shown(folder), reason=reason))

    def _too_large(self, files: Sequence[Path]) -> None:
        more = f", like {counted(len(files) - 1, 'other')}" if len(files) > 1 else ""
        self.unread.append(
            Unread(
                what="large file",
                path=self._shown(files[0]),
                reason=f"what has more than 64 MiB is not opened to see what it is{more}",
                command=_import(files[0]),
            )
        )

    def _see(self, what: str, path: Path, reason: str | None = None) -> None:
        said = "nothing here reads it yet" + (f" ({reason})" if reason else "")
        self.unread.append(Unread(what=what, path=self._shown(path), reason=said))

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def _import(path: Path) -> str:
    """The command that imports one thing by itself."""
    return f"lineage import {shlex.quote(os.path.relpath(path))}"


def _listed(folder: Path) -> tuple[list[str], list[str]]:
    """The folders and files in a folder, sorted; links are not entered. Raises ``OSError``."""
    folders, files = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif entry.is_file():
                files.append(entry.name)
    return sorted(folders), sorted(files)


def _is_large(path: Path) -> bool:
    try:
        return path.stat().st_size > _LARGEST
    except OSError:
        return False


def _is_all_of(importer: Importer, folder: Path) -> bool:
    """Whether a folder itself is what an importer reads: a store, a virtual environment."""
    if importer.name == "mlflow":
        return not (folder / "mlruns").is_dir() and not (folder / "mlflow.db").is_file()
    return importer.name == "lockfile" and (folder / "pyvenv.cfg").is_file()


def _may_read(importer: Importer, name: str) -> bool:
    """Whether what looks like a document is named like one: other files begin like RDF or XML too."""
    return importer.name != "document" or name.lower().endswith(_DOCUMENTS)

# SPDX-License-Identifier: Apache-2.0
"""Finds the files of decision records, in the history of a repository and in a working folder."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from importers.base import Options
from importers.tally import Tally
from lineage.progress import told
from lineage.sources.decision_records import record
from lineage.sources.file_names import OF_DECISIONS, is_of_decisions
from lineage.sources.git import layout
from lineage.sources.git.objects import CommitObject, Identity
from lineage.sources.git.reader import GitReader
from lineage.sources.git.working_tree import blob_name
from lineage.sources.small_files import small_file

#: A working folder with more entries than this is not looked through to its end.
_MOST_ENTRIES = 500_000
_MOST_TIPS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class FileVersion:
    """One state of a file: at a path, since a commit or (without one) in the working folder only. ``name`` is what git
    calls its bytes, ``before`` what the parents of the commit had at the path.
    """

    path: str
    name: str
    commit: str | None = None
    before: tuple[str | None, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """A commit took a file away at one path and brought it in at another."""

    commit: str
    old: str
    new: str


class Files:
    """The files of records below a folder (or one file), with the history of the repository around it."""

    def __init__(
        self,
        root: Path,
        asked: Path,
        repository: GitReader | None,
        options: Options,
        tally: Tally,
    ) -> None:
        self._root = root
        #: What was asked for, for people.
        self.where = str(asked)
        self._repository = repository
        self._options = options
        self._tally = tally
        inner = asked.relative_to(root).as_posix()
        self._inner = "" if inner == "." or (asked.is_file() and root == asked) else inner
        #: Of a folder that is asked for by its name every file may be a record, whatever it is called.
        self._named = bool(self._inner) or is_of_decisions(f"{root.name}/x.md")
        self._file = asked.name if asked.is_file() else None
        self.namespace = self._namespace()

    def _namespace(self) -> str:
        if self._repository is not None and self._repository.tips:
            if self._repository.layout.shallow:
                reason = "history is shallow: git fetch --unshallow completes it"
                self._tally.lose("earlier history", reason)
            return self._repository.namespace
        folder = self._root.parent if self._root.is_file() else self._root
        return folder.name or "folder"

    def _is_ours(self, path: str) -> bool:
        if self._file is not None:
            return path == (self._inner or self._file)
        if self._inner and not path.startswith(f"{self._inner}/"):
            return False
        return path.lower().endswith(".md") and (self._named or is_of_decisions(path))

    # --- the history ------------------------------------------------------------------------------

    @cached_property
    def _history(self) -> tuple[Sequence[FileVersion], Sequence[Move], Mapping[str, str]]:
        """Every state of the files in the history, newest first, moves of files, and the commits that removed them."""
        found: list[FileVersion] = []
        moves: list[Move] = []
        removed: dict[str, str] = {}
        if self._repository is None:
            return found, moves, removed
        patterns = OF_DECISIONS if not self._named else ("*.md",)
        history = self._repository.history(*patterns, revisions=self._options.revisions)
        for sha, changes in told(history, self._options.progress, "looking for decision records"):
            ours = [c for c in changes if self._is_ours(c.path) and not c.submodule]
            gone = {c.path: next(filter(None, c.before), None) for c in ours if c.after is None}
            for path in gone:
                removed.setdefault(path, sha)
            for change in ours:
                if change.after is None:
                    continue
                if gone and not any(change.before):
                    moves += _moved(sha, change.path, change.after, gone)
                found.append(
                    FileVersion(
                        path=change.path, name=change.after, commit=sha, before=change.before
                    )
                )
        return found, moves, removed

    @property
    def versions(self) -> Sequence[FileVersion]:
        """Every state in the history, oldest first, then those of the working folder that no commit has."""
        committed = [*reversed(self._history[0])]
        known = {(one.path, one.name) for one in committed}
        worked = () if self._options.revisions is not None else self._worked
        return [*committed, *(one for one in worked if (one.path, one.name) not in known)]

    @property
    def moves(self) -> Sequence[Move]:
        """Moves of files, oldest first."""
        return [*reversed(self._history[1])]

    @property
    def removed(self) -> Mapping[str, str]:
        """Path -> the newest commit that removed the file there."""
        return self._history[2]

    @cached_property
    def current(self) -> Mapping[str, str] | None:
        """Path -> the name of its bytes, of the files that are there now: in the working folder, or (of a bare
        repository) in the newest commit; ``None`` where only a part of the history is read.
        """
        if self._options.revisions is not None:
            return None
        if self._repository is None or (self._root / ".git").exists():
            return {one.path: one.name for one in self._worked}
        head = self._repository.head
        entries = () if head is None else self._repository.tree(head)
        return {entry.path: entry.oid for entry in entries if self._is_ours(entry.path)}

    # --- the working folder -----------------------------------------------------------------------

    @cached_property
    def _worked(self) -> Sequence[FileVersion]:
        algorithm = "sha1" if self._repository is None else self._repository.layout.algorithm
        found = []
        for path in self._paths():
            data = self._data(path)
            if data is None:
                self._tally.lose(
                    "files", "cannot be read, or are too large for a record", first=path
                )
                continue
            found.append(FileVersion(path=path, name=blob_name(data, algorithm)))
        return found

    def _data(self, path: str) -> bytes | None:
        root = self._root.parent if self._root.is_file() else self._root
        return small_file(root, path, record.LARGEST)

    def _paths(self) -> Iterator[str]:
        if self._file is not None:
            yield self._inner or self._file
            return
        start = self._root / self._inner
        entries = 0
        for place, folders, files in os.walk(start):
            entries += len(folders) + len(files)
            if entries > _MOST_ENTRIES:
                reason = (
                    f"the folder has over {_MOST_ENTRIES:,} entries: not all were looked through"
                )
                self._tally.lose("working folder", reason, first=place)
                return
            folders[:] = sorted(
                x for x in folders if x[0] != "." and not os.path.lexists(Path(place, x, ".git"))
            )
            for file in sorted(files):
                path = Path(place, file).relative_to(self._root).as_posix()
                if self._is_ours(path):
                    yield path

    # --- bytes and people -------------------------------------------------------------------------

    def read(self, versions: Iterable[FileVersion]) -> Iterator[tuple[FileVersion, bytes | None]]:
        """The bytes of some states; ``None`` for what is missing or too large."""
        asked = list(versions)
        committed = [one for one in asked if one.commit is not None]
        if self._repository is not None and committed:
            names = dict.fromkeys(one.name for one in committed)
            held = dict(self._repository.blobs(names))
            yield from ((one, held.get(one.name)) for one in committed)
        for one in asked:
            if one.commit is None:
                yield one, self._data(one.path)

    def people(self) -> Mapping[str, tuple[CommitObject, Identity | None]]:
        """Commit -> the commit and its author as the mailmap corrects it, of commits that changed records."""
        if self._repository is None:
            return {}
        shas = dict.fromkeys(one.commit for one in self._history[0] if one.commit)
        commits = [c for c in self._repository.commits(shas) if isinstance(c, CommitObject)]
        authors = list(dict.fromkeys(c.author for c in commits if c.author))
        corrected = self._repository.mailmap(authors)
        return {
            c.sha: (c, None if c.author is None else corrected.get(c.author, c.author))
            for c in commits
        }


def holds_records(path: Path) -> bool:
    """Whether records lie in a folder, or in the history of the repository there. Raises ``OSError`` and errors of
    repositories.
    """
    start = path.name if is_of_decisions(f"{path.name}/x.md") else ""
    if any(_found(path, start)):
        return True
    if not layout.looks(path):
        return False
    with GitReader.open(path) as repository:
        return repository.touched(*OF_DECISIONS)


def _found(path: Path, start: str) -> Iterator[Path]:
    """Files that may be records, in a folder called so and not too far below it."""
    patterns = [f"{above}{pattern}" for pattern in OF_DECISIONS for above in ("", "*/", "*/*/")]
    if start:
        patterns += ["*.md"]
    for pattern in patterns:
        for one in islice(path.glob(pattern.replace("**/", "")), 100):
            if one.is_file() and record.may_be_record(one.name):
                yield one


def _moved(sha: str, path: str, name: str, gone: Mapping[str, str | None]) -> Iterator[Move]:
    """The file that a new one was before: one with the same bytes, else one of the same folder or name without number."""
    same = [old for old, before in gone.items() if before == name]
    alike = [old for old in gone if _slug(old) == _slug(path)]
    for old in (same or alike)[:1]:
        yield Move(commit=sha, old=old, new=path)


def _slug(path: str) -> str:
    return re.sub(r"^\d+[-_. ]+", "", posixpath.basename(path)).lower()

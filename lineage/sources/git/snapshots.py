# SPDX-License-Identifier: Apache-2.0
"""Looks up files at many commits at once: each folder that they share is read once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lineage.errors import LimitExceeded

#: Folders of all commits together that are read; more are refused.
MOST_TREES = 1_000_000
_TREE = "40000"
#: Submodules, and links, whose content is where they lead.
_ELSEWHERE = frozenset({"160000", "120000"})


class Entry(NamedTuple):
    """A file or folder as git lists it, with its mode."""

    path: str
    oid: str
    mode: str


#: Reads folders by name: what lies directly in each.
Read = Callable[[Iterable[str]], Iterator[tuple[str, Sequence[Entry] | None]]]
#: Whether a file of this name is asked for.
Wanted = Callable[[str], bool]


class TreeEntry(NamedTuple):
    """A file or folder at a commit, by the object it is."""

    oid: str
    is_folder: bool


class Snapshots:
    """The folders of some commits. A commit that cannot be read is not in ``commits``."""

    def __init__(self, read: Read, commits: Collection[str]) -> None:
        self._folders: dict[str, Mapping[str, TreeEntry]] = {}
        self._found: dict[tuple[str, Wanted], tuple[tuple[str, str], ...]] = {}
        asked = {f"{sha}^{{tree}}": sha for sha in commits}
        self._fill(read, asked)
        self._roots = {sha: name for name, sha in asked.items() if name in self._folders}

    def _fill(self, read: Read, level: Collection[str]) -> None:
        """Read every folder once, level by level."""
        while level:
            if len(self._folders) + len(level) > MOST_TREES:
                raise LimitExceeded(f"these commits have more than {MOST_TREES:,} folders")
            below: dict[str, None] = {}
            for name, listed in read(level):
                if listed is None:
                    continue
                entries = dict(_entries(listed))
                self._folders[name] = entries
                below.update(dict.fromkeys(e.oid for e in entries.values() if e.is_folder))
            level = [oid for oid in below if oid not in self._folders]

    @property
    def commits(self) -> Collection[str]:
        """The commits whose files are known."""
        return self._roots.keys()

    def at(self, commit: str, path: str) -> TreeEntry | None:
        """The file or folder at a path (``a/b.csv``, no ``..``); ``None`` where there is none."""
        oid = self._roots.get(commit)
        found = None if oid is None else TreeEntry(oid, is_folder=True)
        for name in path.split("/"):
            if found is None or not found.is_folder:
                return None
            found = self._folders.get(found.oid, {}).get(name)
        return found

    def files(self, commit: str, wanted: Wanted) -> Iterator[tuple[str, str]]:
        """(path, object) of the files at a commit whose name is wanted, by path. ``wanted`` is asked
        once for a name in a folder, however many commits have it: it may depend on the name alone.
        """
        oid = self._roots.get(commit)
        yield from () if oid is None else self._below(oid, wanted)

    def _below(self, root: str, wanted: Wanted) -> tuple[tuple[str, str], ...]:
        if (root, wanted) in self._found:
            return self._found[root, wanted]
        # Depth first without recursion: names of folders can be nested deeper than Python's stack.
        waiting = [root]
        while waiting:
            oid = waiting[-1]
            folders = [e.oid for e in self._folders.get(oid, {}).values() if e.is_folder]
            if left := [one for one in folders if (one, wanted) not in self._found]:
                waiting += left
                continue
            waiting.pop()
            self._found[oid, wanted] = tuple(self._listed(oid, wanted))
        return self._found[root, wanted]

    def _listed(self, oid: str, wanted: Wanted) -> Iterator[tuple[str, str]]:
        for name, entry in sorted(self._folders.get(oid, {}).items()):
            if not entry.is_folder:
                if wanted(name):
                    yield name, entry.oid
                continue
            for path, file in self._found[entry.oid, wanted]:
                yield f"{name}/{path}", file


def _entries(listed: Iterable[Entry]) -> Iterator[tuple[str, TreeEntry]]:
    """What lies in a folder, without submodules and links."""
    for entry in listed:
        if entry.mode.lstrip("0") not in _ELSEWHERE:
            yield entry.path, TreeEntry(entry.oid, entry.mode.lstrip("0") == _TREE)

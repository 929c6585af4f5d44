# SPDX-License-Identifier: Apache-2.0
"""Joins files with the folders they lie in, as DVC does: by path, at the commit that locked both."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias

from importers.dvc.contents import Cache
from importers.dvc.files import Version, named
from importers.dvc.locked import Item, Key, digest_of_folder
from importers.dvc.places import Place, lies_in
from importers.dvc.reading import Found
from importers.tally import Tally
from lineage.sources.git.reader import GitReader

#: By the list that DVC keeps of a folder, or by the path alone where there is no list.
Method = Literal["list", "path"]
#: Commit (``None``: the working folder) and path of a file -> what it holds there.
States: TypeAlias = dict[tuple[str | None, str], tuple[Item, ...]]


class Part(NamedTuple):
    """A file or folder in a folder, and how that is known.

    ``out`` is true where the whole was made or tracked, and false where it was read, over outputs.
    """

    part: Item
    whole: Item
    method: Method
    out: bool


class Parts:
    """One look for what the stages read of the folders that others made, and the other way round."""

    def __init__(
        self, found: Found, repository: GitReader | None, cache: Cache, tally: Tally
    ) -> None:
        self._found = found
        self._outs = found.outs
        self._repository = repository
        self._cache = cache
        self._tally = tally
        #: Where anything was ever made or tracked -> the files that said so.
        self._said: dict[Place, set[str]] = {}
        for (path, _), outs in self._outs.items():
            for item in outs:
                self._said.setdefault(item.place, set()).add(path)
        self._places = sorted((place.namespace or "", place.path) for place in self._said)

    def found(self) -> tuple[Part, ...]:
        """Every part of a whole that a stage joins, once, in the order of the stages."""
        asked = [
            (version, dep, (*above, *below))
            for version, stage in self._found.introduced
            for dep in stage.deps
            for above, below in ((tuple(self._above(dep.place)), tuple(self._below(dep))),)
            if above or below
        ]
        states = self._states(
            (version, path)
            for version, dep, places in asked
            for place in (dep.place, *places)
            for path in self._said.get(place, ())
        )
        parts: dict[tuple[Key, Key], Part] = {}
        for version, dep, places in asked:
            if self._held(version, dep.place, states):
                continue
            for place in places:
                for item in self._held(version, place, states):
                    if (part := self._joined(dep, item)) is not None:
                        parts.setdefault((part.part.key, part.whole.key), part)
        return tuple(parts.values())

    def _held(self, version: Version, place: Place, states: States) -> list[Item]:
        """What is made or tracked at a place, in the state that a version belongs to."""
        return [
            item
            for path in sorted(self._said.get(place, ()))
            for item in states.get((version.commit, path), ())
            if item.place == place
        ]

    def _above(self, place: Place) -> Iterator[Place]:
        """The folders around a place that were made or tracked as wholes."""
        path, below = posixpath.dirname(place.path), place.path
        # Above the root of a share (``//nas``) is that root again.
        while path and path != below:
            if (above := Place(place.namespace, path)) in self._said:
                yield above
            path, below = posixpath.dirname(path), path

    def _below(self, dep: Item) -> Iterator[Place]:
        """What was made or tracked inside a folder that was read."""
        if not dep.digest.endswith(".dir"):
            return
        namespace, start = dep.place.namespace or "", posixpath.join(dep.place.path, "")
        if dep.place.path == ".":
            start = ""
        for at in range(bisect_left(self._places, (namespace, start)), len(self._places)):
            name, path = self._places[at]
            if name != namespace or not path.startswith(start):
                return
            yield Place(dep.place.namespace, path)

    def _states(self, asked: Iterable[tuple[Version, str]]) -> States:
        """What files hold at the commits of versions."""
        states: States = {}
        names: dict[str, list[tuple[str | None, str]]] = {}
        for version, path in asked:
            state = (version.commit, path)
            if state in states:
                continue
            worked = version.name if version.path == path else f":{path}"
            if version.path == path or (version.commit is None and (path, worked) in self._outs):
                states[state] = self._outs[path, worked]
                continue
            states[state] = ()
            commit = version.commit or (self._repository.head if self._repository else None)
            if commit and (name := named(commit, path)):
                names.setdefault(name, []).append(state)
        if self._repository is not None:
            for name, oid in self._repository.oids(names):
                for state in names[name]:
                    states[state] = self._outs.get((state[1], oid or ""), ())
        return states

    def _joined(self, dep: Item, out: Item) -> Part | None:
        """One of the two in the other; nothing where the folder is known to hold other bytes."""
        whole, part = (out, dep) if lies_in(dep.place, out.place) else (dep, out)
        listed = self._listed(whole, part)
        if listed is False:
            reason = "the folder that was locked with it holds other bytes there"
            self._tally.lose("parts of folders", reason, first=part.place.path)
            return None
        return Part(part, whole, "list" if listed else "path", whole is out)

    def _listed(self, whole: Item, part: Item) -> bool | None:
        """Whether a folder holds an item, by its list; ``None`` where that cannot be known."""
        files = self._cache.files(whole)
        if files is None:
            return None
        if part.digest.endswith(".dir"):
            return digest_of_folder(part.place, inside(files.values(), part.place)) == part.digest
        one = files.get(part.place.path)
        if one is not None and one.algorithm != part.algorithm:
            return None
        return one is not None and one.digest == part.digest


def inside(files: Iterable[Item], folder: Place) -> list[Item]:
    """Those of a folder's files that lie in a folder inside it."""
    return [item for item in files if lies_in(item.place, folder)]

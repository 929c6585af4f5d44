# SPDX-License-Identifier: Apache-2.0
"""Lists folders that lie in git or in the working folder, where what lies there has their digest.

DVC keeps no list of an output with ``cache: false``: its files are in git.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from importers.dvc.contents import Cache
from importers.dvc.files import Files, named
from importers.dvc.locked import Item, digest_of_folder
from importers.dvc.places import Place, lies_in
from importers.dvc.reading import Run
from lineage.sources.small_files import inside

#: A folder with more files, or folders in folders, is not looked through.
_MOST_FILES, _DEEPEST = 2_000, 10
#: Commits at which one folder is looked for.
_MOST_COMMITS = 3
_TREE = "40000"


def _unix(data: bytes) -> bytes:
    return data if b"\0" in data else data.replace(b"\r\n", b"\n")


def _windows(data: bytes) -> bytes:
    return data if b"\0" in data else _unix(data).replace(b"\n", b"\r\n")


#: The ways in which the same text may lie there and have been hashed: see ``contents.fits``.
_FORMS: tuple[Callable[[bytes], bytes], ...] = (bytes, _unix, _windows)


def learn(runs: Iterable[Run], files: Files, cache: Cache) -> None:
    """Let the cache know the files of folders that are outputs with metrics in them."""
    wanted: dict[tuple[str | None, str], list[Item]] = {}
    for run in runs:
        metrics = [place for place, role in run.roles.items() if role == "metric"]
        for item in run.stage.outs:
            if _is_unknown(item, metrics, cache):
                commits = sorted(run.seen_at, key=lambda commit: commit not in run.commits)
                for commit in commits[:_MOST_COMMITS]:
                    wanted.setdefault((commit, item.place.path), []).append(item)
    for where, listed in _listed(wanted, files):
        for item in wanted[where]:
            for hashed in listed:
                if (
                    cache.files(item) is None
                    and digest_of_folder(item.place, hashed) == item.digest
                ):
                    cache.learn(item, [_as(one, item) for one in hashed])


def _is_unknown(item: Item, metrics: Iterable[Place], cache: Cache) -> bool:
    if not item.digest.endswith(".dir") or item.place.namespace or not inside(item.place.path):
        return False
    measured = any(place == item.place or lies_in(place, item.place) for place in metrics)
    return measured and cache.files(item) is None


def _as(one: Item, folder: Item) -> Item:
    return Item(place=one.place, algorithm=folder.algorithm, digest=one.digest, size=one.size)


def _listed(
    wanted: Iterable[tuple[str | None, str]], files: Files
) -> Iterator[tuple[tuple[str | None, str], list[list[Item]]]]:
    """The files of each folder there is, hashed in each of the forms."""
    folders = {where: dict(_worked(files.folder, where[1])) for where in wanted if not where[0]}
    folders |= _committed([where for where in wanted if where[0]], files)
    names = {name for paths in folders.values() for name in paths.values()}
    hashed = {
        name: [hashlib.md5(form(data), usedforsecurity=False).hexdigest() for form in _FORMS]
        for name, data in files.read(sorted(names))
        if data is not None
    }
    for where, paths in folders.items():
        if paths and all(name in hashed for name in paths.values()):
            yield (
                where,
                [
                    [
                        Item(
                            place=Place(None, path),
                            algorithm="md5",
                            digest=hashed[paths[path]][form],
                        )
                        for path in sorted(paths)
                    ]
                    for form in range(len(_FORMS))
                ],
            )


def _worked(root: Path | None, folder: str) -> Iterator[tuple[str, str]]:
    """Paths and names of the files of a folder on disk; nothing where there are too many."""
    found: dict[str, str] = {}
    for place, _, names in os.walk(root / folder) if root is not None else ():
        for name in names:
            path = Path(place, name).relative_to(root or "").as_posix()
            found[path] = f":{path}"
        if len(found) > _MOST_FILES:
            return
    yield from found.items()


def _committed(
    wanted: Iterable[tuple[str | None, str]], files: Files
) -> Mapping[tuple[str | None, str], dict[str, str]]:
    """Paths and objects of the files of folders at commits."""
    found: dict[tuple[str | None, str], dict[str, str]] = {}
    if files.repository is None:
        return found
    todo = {
        name: [(where, where[1])]
        for where in wanted
        if (name := named(*where)) is not None and "\n" not in name
    }
    for _ in range(_DEEPEST):
        below: dict[str, list[tuple[tuple[str | None, str], str]]] = {}
        for name, entries in files.repository.trees(todo):
            for where, folder in todo[name]:
                paths = found.setdefault(where, {})
                for entry in entries or ():
                    path = posixpath.join(folder, entry.path)
                    if entry.mode == _TREE:
                        below.setdefault(entry.oid, []).append((where, path))
                    elif len(paths) <= _MOST_FILES:
                        paths[path] = entry.oid
        todo = below
    deeper = {where for places in todo.values() for where, _ in places}
    return {w: x for w, x in found.items() if len(x) <= _MOST_FILES and w not in deeper}

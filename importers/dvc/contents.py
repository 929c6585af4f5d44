# SPDX-License-Identifier: Apache-2.0
"""Looks into bytes that DVC has digests of: lists of folders in its cache, and metrics."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from importers.dvc import values
from importers.dvc.files import Files, named
from importers.dvc.locked import Item, Key, digest_of, member
from importers.dvc.places import lies_in, within
from importers.dvc.reading import Run
from importers.dvc.values import MOST_VALUES
from importers.tally import Tally
from lineage.errors import BadInput
from lineage.sources import yaml_reader
from lineage.sources.small_files import small_file

_MOST_MEMBERS = 200_000
_LARGEST_METRICS = 1024 * 1024
#: Names of the formats that metrics are read from end like this.
_READ = frozenset({".json", ".toml", ".yaml", ".yml"})


class Cache:
    """The caches of DVC there are: bytes by digest, checked."""

    def __init__(self, roots: Iterable[Path], tally: Tally) -> None:
        self._roots = [root for root in roots if root.is_dir()]
        self._tally = tally
        self._lists: dict[Key, dict[str, Item] | None] = {}
        self._missing: set[Key] = set()

    def read(self, item: Item, limit: int = yaml_reader.LARGEST) -> bytes | None:
        """Read the bytes of an item; ``None`` when they are not here, or not what the digest says."""
        if item.algorithm.startswith("md5"):
            for root in self._roots:
                data = small_file(root, _path(item), limit)
                if data is not None and fits(item, data):
                    return data
        return None

    def size(self, item: Item) -> int | None:
        """How many bytes a cache has of an item."""
        for root in self._roots if item.algorithm.startswith("md5") else ():
            try:
                return (root / _path(item)).lstat().st_size
            except (OSError, ValueError):
                continue
        return None

    def members(self, item: Item) -> tuple[Item, ...]:
        """List the files of a folder; nothing for what is no folder, and where there is no list."""
        if item.members or not item.digest.endswith(".dir"):
            return item.members
        files = self.files(item)
        if files is None and item.key not in self._missing:
            self._missing.add(item.key)
            reason = "their lists of files are not in a cache beside: dvc fetch brings them"
            self._tally.lose("files of folders", reason, first=item.place.path)
        return tuple((files or {}).values())

    def files(self, folder: Item) -> dict[str, Item] | None:
        """The files of a folder by their paths, out of the list that DVC keeps; ``None`` without."""
        if folder.key not in self._lists:
            self._lists[folder.key] = self._list(folder)
        return self._lists[folder.key]

    def learn(self, folder: Item, members: Iterable[Item]) -> None:
        """Take files as those of a folder: they have its digest."""
        self._lists[folder.key] = {item.place.path: item for item in members}

    def _list(self, item: Item) -> dict[str, Item] | None:
        if item.members:
            return {one.place.path: one for one in item.members}
        data = self.read(item) if item.digest.endswith(".dir") else None
        listed = _loaded(data) if data is not None else None
        if not isinstance(listed, list):
            return None
        found = {one.place.path: one for one in self._inside(item, listed)}
        left = len(listed) - len(found)
        reason = "in no form that is known, outside the folder, or too many"
        self._tally.lose("files of folders", reason, count=left, first=item.place.path)
        return found

    def _inside(self, folder: Item, listed: list[Any]) -> Iterator[Item]:
        found: dict[str, Item] = {}
        for said in listed[:_MOST_MEMBERS]:
            if not isinstance(said, dict):
                continue
            style = {**said, "hash": "md5" if folder.algorithm == "md5" else None}
            one = member(folder.place, said.get("relpath"), digest_of(style), {})
            if one is not None:
                found[one.place.path] = one
        for path in sorted(found):
            one = found[path]
            size = self.size(one)
            yield one if size is None else _sized(one, size)


def _sized(item: Item, size: int) -> Item:
    return Item(place=item.place, algorithm=item.algorithm, digest=item.digest, size=size)


def _path(item: Item) -> str:
    """Where the cache has the bytes of a digest (dvc_data/hashfile/db/local.py)."""
    inner = "files/md5/" if item.algorithm == "md5" else ""
    return f"{inner}{item.digest[:2]}/{item.digest[2:]}"


def fits(item: Item, data: bytes) -> bool:
    """Whether bytes are those of an item: what lies in git may be older than what was locked."""
    digest = item.digest.removesuffix(".dir")
    hashed = hashlib.sha256 if item.algorithm == "sha256" else hashlib.md5
    if item.digest.endswith(".dir") or b"\0" in data:
        texts = [data]
    else:
        # DVC 2 hashed text with the line ends of Unix; on Windows git keeps it with these, and DVC 3
        # hashes what lies in the folder.
        unix = data.replace(b"\r\n", b"\n")
        texts = [data, unix, unix.replace(b"\n", b"\r\n")]
    return any(hashed(text, usedforsecurity=False).hexdigest() == digest for text in texts)


# --- metrics --------------------------------------------------------------------------------------


def metrics(
    runs: Iterable[Run], files: Files, cache: Cache, tally: Tally
) -> dict[Key, dict[str, float]]:
    """Read the numbers in metrics files by item, out of git at a commit that locked them, else the
    cache.
    """
    runs = list(runs)
    measured = {run.stage.key: tuple(_measured(run, cache, tally)) for run in runs}
    items = {item.key: item for found in measured.values() for item in found}
    found: dict[Key, dict[str, float]] = {}
    for introducing in (True, False):
        wanted: dict[str, list[Item]] = {}
        for run in runs:
            if left := _missing(measured[run.stage.key], found):
                for name, item in _places(run, left, introducing=introducing):
                    wanted.setdefault(name, []).append(item)
        for name, data in files.read(wanted):
            for item in wanted[name] if data and len(data) <= _LARGEST_METRICS else ():
                if item.key not in found and fits(item, data or b""):
                    found[item.key] = _numbers(item, data or b"", tally)
    for key in sorted(items.keys() - found.keys()):
        if (data := cache.read(items[key], _LARGEST_METRICS)) is not None:
            found[key] = _numbers(items[key], data, tally)
        else:
            reason = "neither git nor the cache has the bytes that were locked"
            tally.lose("metrics files", reason, first=items[key].place.path)
    _tell_unmade(runs, tally)
    return found


def _measured(run: Run, cache: Cache, tally: Tally) -> Iterator[Item]:
    """The metrics files of a run: outputs, and files of folders that are outputs."""
    places = [place for place, role in run.roles.items() if role == "metric"]
    for item in run.stage.outs:
        if not item.digest.endswith(".dir"):
            if item.place in places:
                yield item
            continue
        inner = [place for place in places if lies_in(place, item.place) or place == item.place]
        listed = cache.files(item) if inner else None
        for place in inner:
            if listed is None:
                reason = "lie in a folder whose list of files is not in a cache beside"
                tally.lose("metrics files", reason, first=place.path)
                continue
            found = [x for x in listed.values() if x.place == place or lies_in(x.place, place)]
            yield from (
                x for x in found if x.place == place or values.suffix(x.place.path) in _READ
            )
            if not found:
                reason = "are not in the folder that was locked"
                tally.lose("metrics files", reason, first=place.path)


def _places(run: Run, items: Iterable[Item], *, introducing: bool) -> Iterator[tuple[str, Item]]:
    """Where metrics may lie in git: at the commits that brought the run in, or at the others."""
    for commit in run.seen_at:
        if (commit is None or commit in run.commits) is introducing:
            for item in items:
                name = named(commit, item.place.path)
                if item.place.namespace is None and name is not None:
                    yield name, item


def _tell_unmade(runs: Iterable[Run], tally: Tally) -> None:
    """Count metrics files that dvc.yaml names, and that no stage makes."""
    runs = list(runs)
    made = {item.place for run in runs for item in run.stage.outs}
    named_ = {p: run for run in runs for p, role in run.roles.items() if role == "metric"}
    for place in sorted(p for p in named_ if not within(p, made)):
        reason = "no stage that was run made them: they belong to no run"
        tally.lose("metrics files", reason, first=place.path)


def _missing(items: Iterable[Item], found: Mapping[Key, object]) -> list[Item]:
    return [item for item in items if item.key not in found]


def _numbers(item: Item, data: bytes, tally: Tally) -> dict[str, float]:
    value = _loaded(data, item.place.path)
    if value is None:
        tally.lose("metrics files", "are no JSON, YAML or TOML", first=item.place.path)
        return {}
    found: dict[str, float] = {}
    for name, leaf in _leaves(value):
        number = isinstance(leaf, int | float) and not isinstance(leaf, bool)
        if not number or not name or not name.isprintable():
            tally.lose("values of metrics files", "are no numbers", first=item.place.path)
        elif len(found) >= MOST_VALUES:
            tally.lose("metrics", f"over {MOST_VALUES} of one file", first=item.place.path)
            break
        else:
            found[name] = leaf
    return found


def _leaves(value: Any) -> Iterator[tuple[str, Any]]:
    """The leaves of mappings and lists under dotted names."""
    todo: list[tuple[str, Any]] = [("", value)]
    while todo:
        name, item = todo.pop()
        inner = f"{name}." if name else ""
        if isinstance(item, Mapping):
            todo += [(f"{inner}{key}", item[key]) for key in reversed(item)]
        elif isinstance(item, list):
            todo += [(f"{inner}{at}", item[at]) for at in reversed(range(len(item)))]
        else:
            yield name, item


def _loaded(data: bytes, path: str = "list.json") -> Any:
    """A small data file as values; ``None`` for what is none."""
    try:
        return values.load(data, path) if values.suffix(path) in _READ else None
    except BadInput:
        return None

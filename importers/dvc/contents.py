# SPDX-License-Identifier: Apache-2.0
"""Looks into bytes that DVC has digests of: lists of folders in its cache, and metrics."""

from __future__ import annotations

import hashlib
import json
import posixpath
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from importers.dvc.files import Files, named, small_file
from importers.dvc.locked import Item, Key, digest_of, member
from importers.dvc.reading import Run
from importers.dvc.values import MOST_VALUES
from importers.tally import Tally
from lineage.errors import BadInput
from lineage.sources import yaml_reader

_MOST_MEMBERS = 200_000
_LARGEST_METRICS = 1024 * 1024
_DEEPEST = 50


class Cache:
    """The cache of DVC in a working folder, where there is one: bytes by digest, checked."""

    def __init__(self, root: Path | None, tally: Tally) -> None:
        self._root = root
        self._tally = tally
        self._listed: dict[Key, tuple[Item, ...]] = {}

    def read(self, item: Item, limit: int = yaml_reader.LARGEST) -> bytes | None:
        """Read the bytes of an item; ``None`` when they are not here, or not what the digest says."""
        if self._root is None or not item.algorithm.startswith("md5"):
            return None
        data = small_file(self._root, _path(item), limit)
        return data if data is not None and fits(item, data) else None

    def size(self, item: Item) -> int | None:
        """How many bytes the cache has of an item."""
        if self._root is None or not item.algorithm.startswith("md5"):
            return None
        try:
            return (self._root / _path(item)).lstat().st_size
        except (OSError, ValueError):
            return None

    def members(self, item: Item) -> tuple[Item, ...]:
        """List the files of a folder, out of the list that DVC keeps of them; nothing for what is no
        folder, and where there is no list.
        """
        if item.members or not item.digest.endswith(".dir"):
            return item.members
        if item.key not in self._listed:
            self._listed[item.key] = self._list(item)
        return self._listed[item.key]

    def _list(self, item: Item) -> tuple[Item, ...]:
        data = self.read(item)
        listed = _loaded(data) if data is not None else None
        if not isinstance(listed, list):
            reason = "their lists of files are not in a cache beside: dvc fetch brings them"
            self._tally.lose("files of folders", reason, first=item.place.path)
            return ()
        found = tuple(self._inside(item, listed))
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
    root = ".dvc/cache/files/md5" if item.algorithm == "md5" else ".dvc/cache"
    return f"{root}/{item.digest[:2]}/{item.digest[2:]}"


def fits(item: Item, data: bytes) -> bool:
    """Whether bytes are those of an item: what lies in git may be older than what was locked."""
    digest = item.digest.removesuffix(".dir")
    if item.algorithm == "sha256":
        return hashlib.sha256(data).hexdigest() == digest
    if item.algorithm == "md5-dos2unix" and not item.digest.endswith(".dir"):
        return digest in {_md5(data.replace(b"\r\n", b"\n")), _md5(data)}
    return _md5(data) == digest


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


# --- metrics --------------------------------------------------------------------------------------


def metrics(
    runs: Iterable[Run], files: Files, cache: Cache, tally: Tally
) -> dict[Key, dict[str, float]]:
    """Read the numbers in metrics files by item, out of git at a commit that locked them, else the
    cache.
    """
    runs = list(runs)
    items = {item.key: item for run in runs for item in _measured(run)}
    found: dict[Key, dict[str, float]] = {}
    for places in (_places(runs, introducing=True), _places(runs, introducing=False)):
        wanted = {name: left for name, x in places.items() if (left := _missing(x, found))}
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
    return found


def _measured(run: Run) -> Iterator[Item]:
    return (item for item in run.stage.outs if run.roles.get(item.place) == "metric")


def _places(runs: Iterable[Run], *, introducing: bool) -> dict[str, list[Item]]:
    """Where metrics may lie in git: at the commits that brought the run in, or at the others."""
    places: dict[str, list[Item]] = {}
    for run in runs:
        for commit in run.seen_at:
            if (commit is None or commit in run.commits) is introducing:
                for item in _measured(run):
                    name = named(commit, item.place.path)
                    if item.place.namespace is None and name is not None:
                        places.setdefault(name, []).append(item)
    return places


def _missing(items: Iterable[Item], found: Mapping[Key, object]) -> list[Item]:
    return [item for item in items if item.key not in found]


def _numbers(item: Item, data: bytes, tally: Tally) -> dict[str, float]:
    value = _loaded(data, posixpath.splitext(item.place.path)[1])
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


def _loaded(data: bytes, suffix: str = ".json") -> Any:
    """A small data file as values; ``None`` for what is none."""
    try:
        if suffix == ".json":
            return json.loads(data)
        if suffix == ".toml":
            return tomllib.loads(data.decode())
        return yaml_reader.load(data, where="") if suffix in {".yaml", ".yml"} else None
    except (ValueError, RecursionError, BadInput):
        return None

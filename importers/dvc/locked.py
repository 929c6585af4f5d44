# SPDX-License-Identifier: Apache-2.0
"""Parses what DVC has locked: dvc.lock and *.dvc files, as bytes at paths, without opening any."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from importers.dvc.places import LONGEST_PATH, Place, is_text, joined, place_of
from importers.dvc.values import parameters
from importers.tally import Tally
from lineage import ids
from lineage.access.secret_patterns import scrub
from lineage.model.value import Value, wire
from lineage.sources import dvc_folder
from lineage.sources.git.layout import normalised

_LONGEST_COMMAND = 20_000

_DIGESTS = ("md5", "sha256", "etag", "checksum")
_HEX = {
    "md5": re.compile(r"[0-9a-f]{32}(?:\.dir)?"),
    "md5-dos2unix": re.compile(r"[0-9a-f]{32}(?:\.dir)?"),
    "sha256": re.compile(r"[0-9a-f]{64}(?:\.dir)?"),
}
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
#: What an entry may say besides; none of it says where bytes came from.
_OPTIONS = frozenset({"hash", "size", "nfiles", "isexec", "path", "cache", "persist", "remote"})
_OPTIONS_TOO = frozenset({"push", "desc", "metric", "plot", "files", "repo", "params", "type"})
_OF_CLOUDS = frozenset({"version_id", "cloud"})
_OF_MEMBERS = frozenset({"relpath", "size", "isexec", "hash"})


#: What makes an item a version: where, and by which digest.
Key: TypeAlias = tuple[str, str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One dependency or output: where, and the digest by which DVC knows its bytes."""

    place: Place
    algorithm: str
    digest: str
    size: int | None = None
    files: int | None = None
    members: tuple[Item, ...] = ()
    #: Attribute -> the version of the object in a cloud, where the entry says it.
    objects: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> Key:
        """What makes it a version."""
        return (self.place.namespace or "", self.place.path, self.algorithm, self.digest)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One locked stage: what was run, on what, and what came out."""

    address: str
    name: str
    command: str
    deps: tuple[Item, ...]
    outs: tuple[Item, ...]
    params: Mapping[str, Value]
    #: Roles that the file itself gives to outputs (files of DVC before 1.0).
    roles: Mapping[Place, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Sixteen hex digits that the same stage, locked with the same bytes, has everywhere."""
        said = {
            "stage": self.address,
            "cmd": self.command,
            "deps": sorted(item.key for item in self.deps),
            "outs": sorted(item.key for item in self.outs),
            "params": wire(self.params),
        }
        return ids.sha256(ids.canonical(said))[:16]


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """Where tracked data was taken from: another repository at a commit, or an address."""

    item: Item | None
    namespace: str | None = None
    path: str = ""
    commit: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracked:
    """What a *.dvc file tracks."""

    outs: tuple[Item, ...]
    imports: tuple[Import, ...]
    description: str | None


class Folder(NamedTuple):
    """Where entries are relative to, and where what is wrong with them is counted."""

    path: str
    tally: Tally
    where: str

    def within(self, inner: str) -> Folder:
        """The folder of a ``wdir``."""
        return self._replace(path=joined(self.path, inner))


def stage(name: str, said: Mapping[str, Any], address: str, folder: Folder) -> Stage | None:
    """Read a locked stage; ``None`` for one that locks nothing."""
    command = said.get("cmd")
    lines = command if isinstance(command, list) else [command]
    text = "\n".join(str(line) for line in lines if line is not None)
    outs, deps = _several(said.get("outs")), _several(said.get("deps"))
    params = {**_object(said.get("params"))}
    for entry in deps:
        if isinstance(entry.get("params"), dict):
            params[str(entry.get("path"))] = entry["params"]
    found = Stage(
        address=address,
        name=name,
        command=scrub(text)[:_LONGEST_COMMAND],
        deps=_items([x for x in deps if "params" not in x], folder),
        outs=_items(outs, folder),
        params=parameters(params, folder.tally, folder.where),
        roles=_own_roles(outs, folder.path),
    )
    if not (found.deps or found.outs or found.command):
        folder.tally.lose("stages", "lock neither a command nor any file", first=folder.where)
        return None
    return found


def tracked(data: Mapping[str, Any], folder: Folder) -> Tracked:
    """Read what a *.dvc file without a command tracks."""
    description = data.get("desc")
    return Tracked(
        outs=_items(_several(data.get("outs")), folder),
        imports=tuple(_imports(_several(data.get("deps")), folder)),
        description=scrub(description) if isinstance(description, str) else None,
    )


def _imports(entries: list[dict[str, Any]], folder: Folder) -> Iterator[Import]:
    for entry in entries:
        repo = _object(entry.get("repo"))
        if not repo:
            for item in _items([entry], folder):
                yield Import(item=item)
            continue
        commit = str(repo.get("rev_lock") or repo.get("rev") or "")
        url = repo.get("url")
        if not _COMMIT.fullmatch(commit) or not isinstance(url, str):
            reason = "no commit of the other repository is locked"
            folder.tally.lose("imports", reason, first=folder.where)
            continue
        path = joined("", str(entry.get("path", "."))[:LONGEST_PATH])
        yield Import(item=None, namespace=normalised(url), path=path, commit=commit)


def _several(value: Any) -> list[dict[str, Any]]:
    return [x for x in value if isinstance(x, dict)] if isinstance(value, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


# --- files ----------------------------------------------------------------------------------------


def _items(entries: list[dict[str, Any]], folder: Folder) -> tuple[Item, ...]:
    found = (_item(entry, folder) for entry in entries)
    unique = {item.key: item for item in found if item is not None}
    return tuple(unique[key] for key in sorted(unique))


def _item(entry: Mapping[str, Any], folder: Folder) -> Item | None:
    place = place_of(entry.get("path"), folder.path)
    if place is None:
        folder.tally.lose("files", "an entry has no usable path", first=folder.where)
        return None
    members = _listed(entry, place, folder)
    known = digest_of(entry) or _of_members(place, members) or _of_object(entry)
    if known is None:
        reason = "no valid digest is locked, so there is no version to name"
        folder.tally.lose("files", reason, first=f"{place.path} in {folder.where}")
        return None
    _tell_odd(entry.keys() - _OPTIONS - _OPTIONS_TOO, folder)
    return Item(
        place=place,
        algorithm=known[0],
        digest=known[1],
        size=_count(entry.get("size")),
        files=_count(entry.get("nfiles")),
        members=members,
        objects=_objects(entry),
    )


def _objects(entry: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The version that a cloud gave to the object, and what the remotes say that it was pushed to."""
    said = {"version_id": entry.get("version_id")}
    for remote, about in _object(entry.get("cloud")).items():
        for name in ("etag", "version_id"):
            said[f"{name}.{remote}"] = _object(about).get(name)
    return tuple(
        (name, str(found)[:LONGEST_PATH])
        for name, found in sorted(said.items())
        if isinstance(found, str | int) and str(found).isprintable() and name.isprintable()
    )


def digest_of(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    """Algorithm and digest. Without ``hash: md5`` the md5 is that of DVC 2, over text whose line
    ends were made those of Unix (dvc/cachemgr.py, LEGACY_HASH_NAMES).
    """
    for name in _DIGESTS:
        value = entry.get(name)
        if not isinstance(value, str) or not value.strip('" '):
            continue
        algorithm = "md5-dos2unix" if name == "md5" and entry.get("hash") != "md5" else name
        if algorithm not in _HEX:
            return algorithm, ids.segment(value.strip('" ')[:LONGEST_PATH])
        if _HEX[algorithm].fullmatch(value.lower()):
            return algorithm, value.lower()
    return None


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _of_object(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    """What names a version where no digest does: the version of the object in a cloud."""
    found = dict(_objects(entry)).get("version_id")
    return None if found is None else ("version_id", ids.segment(found))


def _tell_odd(keys: Iterable[str], folder: Folder) -> None:
    if odd := {*keys} - {*_DIGESTS} - _OF_CLOUDS:
        what = f"{min(map(str, odd))} of {folder.where}"
        folder.tally.lose("settings of files", "say nothing of lineage", first=what)


def _listed(entry: Mapping[str, Any], place: Place, folder: Folder) -> tuple[Item, ...]:
    """The files of a folder that is stored by the versions of a cloud (``files:``)."""
    found: dict[Key, Item] = {}
    for said in _several(entry.get("files")):
        known = digest_of({**said, "hash": "md5"}) or _of_object(said)
        item = member(place, said.get("relpath"), known, said)
        if item is None:
            reason = "in no form that is known, or outside the folder"
            folder.tally.lose("files of folders", reason, first=f"{place.path} in {folder.where}")
            continue
        found[item.key] = item
        _tell_odd(said.keys() - _OF_MEMBERS, folder)
    return tuple(found[key] for key in sorted(found))


def member(
    folder: Place, relpath: Any, known: tuple[str, str] | None, said: Mapping[str, Any]
) -> Item | None:
    """A file of a folder; ``None`` when its path leaves the folder or it has no digest."""
    if not isinstance(relpath, str) or known is None or not is_text(relpath):
        return None
    inner = joined("", relpath)
    if inner.startswith(("/", "../")) or inner in {".", ".."} or len(inner) > LONGEST_PATH:
        return None
    path = posixpath.join(folder.path, inner)
    return Item(
        place=Place(folder.namespace, path),
        algorithm=known[0],
        digest=known[1],
        size=_count(said.get("size")),
        objects=_objects(said),
    )


def _of_members(folder: Place, members: tuple[Item, ...]) -> tuple[str, str] | None:
    """The digest of a folder from those of its files. DVC has none where theirs are not md5: it
    gets one of the same sort as theirs, which is never taken for one of bytes.
    """
    if not members:
        return None
    algorithms = sorted({item.algorithm for item in members} - {"md5"})
    return algorithms[0] if algorithms else "md5", digest_of_folder(folder, members)


def digest_of_folder(folder: Place, members: Iterable[Item]) -> str:
    """The digest DVC gives a folder: md5 over the sorted list of its files."""
    start = len(posixpath.join(folder.path, ""))
    return dvc_folder.digest((item.place.path[start:], item.digest) for item in members)


def _own_roles(outs: list[dict[str, Any]], folder: str) -> dict[Place, str]:
    roles: dict[Place, str] = {}
    for entry in outs:
        place = place_of(entry.get("path"), folder)
        role = "metric" if entry.get("metric") else "plot" if entry.get("plot") else None
        if place is not None and role is not None:
            roles[place] = role
    return roles


# --- values ---------------------------------------------------------------------------------------

# SPDX-License-Identifier: Apache-2.0
"""The files of a run: versions by their digests, and how the run came by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from importers.locations import of_address
from lineage import ids
from lineage.model import kinds, terms
from lineage.model.identity import content
from lineage.model.record import Edge, Record
from lineage.model.value import Value, clean
from lineage.sources.git.objects import visible

Facts = Mapping[str, Any]

#: By which digest a version of a file is called, and one of a folder.
_NAMED = ("sha256", "md5")
#: Others that are told beside: by these two the versions of most tools meet already.
_BESIDE = ("sha1", "git")


class Files:
    """The files that a run used and made, as they were before and after it."""

    def __init__(self, run: str, before: Facts, after: Facts) -> None:
        self._run = run
        self._before, self._after = before, after
        self._places = [
            (str(one["root"]), str(one["namespace"]))
            for one in before.get("source", {}).get("repositories") or ()
            if one.get("root") and one.get("namespace")
        ]
        self._host = f"file://{before.get('machine', {}).get('hostname') or 'localhost'}"
        self._records: list[Record] = []

    def records(self) -> Sequence[Record]:
        """All of them with their links to the run."""
        later = {_key(file): file for file in _listed(self._after, "inputs")}
        used: dict[str, str] = {}
        for file in _listed(self._before, "inputs"):
            version = self._version(file)
            if version is None:
                continue
            used[_key(file)] = version
            said: dict[str, Value] = {"prov:role": "input", terms.WITNESS: "declared"}
            now = self._name(later.get(_key(file)))
            if now is not None and now != version:
                said["changed_during_run"] = True
            self._link("used", self._run, version, said)
        former = {_key(file): file for file in _listed(self._before, "outputs")}
        for file in _listed(self._after, "outputs"):
            earlier = self._name(former.get(_key(file)))
            if earlier is not None and earlier == self._name(file):
                continue  # it was there before, and is the same
            version = self._version(file)
            if version is None:
                continue
            said = {"prov:role": "output", terms.WITNESS: "declared"}
            self._link("wasGeneratedBy", version, self._run, said)
            if (read := used.get(_key(file))) is not None and read != version:
                self._link("wasDerivedFrom", version, read, {})
        return self._records

    def _name(self, file: Facts | None) -> str | None:
        """The identifier of a version of a file; ``None`` where its bytes are not known."""
        digests = (file or {}).get("digests") or {}
        named = next((name for name in _NAMED if name in digests), None)
        if file is None or named is None:
            return None
        namespace, path = self._place(file)
        return ids.dataset_version_id(namespace, path, named, digests[named])

    def _place(self, file: Facts) -> tuple[str, str]:
        """In whose names a path is: those of the repository that it is in, else those of the host."""
        target = PurePosixPath(str(file["path"]))
        for root, namespace in self._places:
            if target.is_relative_to(root):
                return namespace, target.relative_to(root).as_posix()
        return self._host, target.as_posix()

    def _version(self, file: Facts) -> str | None:
        if "address" in file:
            return self._addressed(str(file["address"]))
        ident = self._name(file)
        if ident is None:
            return None
        self._say(file, ident)
        for inner in file.get("files") or () if file.get("complete") else ():
            path = {**inner, "path": f"{file['path']}/{inner['path']}"}
            member = self._name(path)
            if member is not None:
                self._say(path, member)
                self._link("hadMember", ident, member, {})
        return ident

    def _say(self, file: Facts, ident: str) -> None:
        digests: Mapping[str, str] = file["digests"]
        _, path = self._place(file)
        named = next(name for name in _NAMED if name in digests)
        version = kinds.Artifact(
            id=ident,
            label=f"{visible(path)}@{digests[named][:8]}",
            name=visible(path),
            digest=f"{named}:{digests[named]}",
            size=file.get("size"),
            files=len(file["files"]) if "files" in file else None,
            more=clean({name: digests.get(name) for name in _BESIDE}),
        )
        self._records.append(version.node())
        for name in _NAMED:
            if name in digests:
                nodes, ties = content(ident, name, digests[name], file.get("size"))
                self._records += [*nodes, *ties]

    def _addressed(self, address: str) -> str:
        """Data that lies at an address: which bytes were read there is not known."""
        parts = urlsplit(address)
        namespace, name = of_address(parts.scheme, parts.netloc, parts.path)
        ident = ids.dataset_id(namespace, name)
        self._records.append(
            kinds.Dataset(id=ident, label=visible(name), name=name, namespace=namespace).node()
        )
        return ident

    def _link(self, relation: str, effect: str, cause: str, said: Mapping[str, Value]) -> None:
        self._records.append(
            Edge(relation=relation, effect=effect, cause=cause, attributes=dict(said))
        )


def _listed(facts: Facts, name: str) -> Iterator[Facts]:
    yield from (facts.get(name) or {}).get("files") or ()


def _key(file: Facts) -> str:
    return str(file.get("address") or file["path"])

# SPDX-License-Identifier: Apache-2.0
"""The files of a run: versions by their digests, and how the run came by them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
_BESIDE = ("md5", "sha1", "git")


class Files:
    """The files that a run used and made, in whose names they are by where the run's repositories lie."""

    def __init__(self, facts: Facts, host: str | None) -> None:
        self._places = [
            (str(one["root"]), str(one["namespace"]))
            for one in (facts.get("source") or {}).get("repositories") or ()
            if one.get("root") and one.get("namespace")
        ]
        self._host = f"file://{host or 'localhost'}"
        self._records: list[Record] = []

    def declared(self, run: str, before: Facts, after: Facts) -> Sequence[Record]:
        """What was declared before a run started, as it was then and when the run had ended."""
        self._records = []
        later = {_key(file): file for file in _listed(after, "inputs")}
        used: dict[str, str] = {}
        for file in _listed(before, "inputs"):
            version = self._version(file)
            if version is None:
                continue
            used[_key(file)] = version
            said = _said("input", file)
            now = self._name(later.get(_key(file)))
            if now is not None and now != version:
                said["changed_during_run"] = True
            self._link("used", run, version, said)
        former = {_key(file): file for file in _listed(before, "outputs")}
        for file in _listed(after, "outputs"):
            earlier = self._name(former.get(_key(file)))
            if earlier is not None and earlier == self._name(file):
                continue  # it was there before, and is the same
            self._made(run, file, used.get(_key(file)))
        return self._records

    def noted(self, run: str, notes: Iterable[Facts]) -> Sequence[Record]:
        """What the program itself said that it read and wrote, or was seen to, as it was then."""
        self._records = []
        used: dict[str, str] = {}
        for note in notes:
            for file in note.get("inputs") or ():
                version = self._version(file)
                if version is not None:
                    used[_key(file)] = version
                    self._link("used", run, version, _said(file.get("role") or "input", file))
            for file in note.get("outputs") or ():
                self._made(run, file, used.get(_key(file)))
        return self._records

    def _made(self, run: str, file: Facts, read: str | None) -> None:
        """A file that a run wrote; where it had read it before, the one came of the other."""
        version = self._version(file)
        if version is None:
            return
        said = _said("output", file)
        self._link("wasGeneratedBy", version, run, said)
        if read is not None and read != version:
            self._link("wasDerivedFrom", version, read, {})
        if name := file.get("model"):
            namespace = self.place(file)[0]
            model = ids.model_id(namespace, name)
            told = kinds.Model(id=model, label=visible(name), name=name, namespace=namespace)
            self._records.append(told.node())
            self._link("specializationOf", version, model, {})

    def _name(self, file: Facts | None) -> str | None:
        """The identifier of a version of a file; ``None`` where its bytes are not known."""
        digests = (file or {}).get("digests") or {}
        named = next((name for name in _NAMED if name in digests), None)
        if file is None or named is None:
            return None
        namespace, path = self.place(file)
        return ids.dataset_version_id(namespace, path, named, digests[named])

    def place(self, file: Facts) -> tuple[str, str]:
        """In whose names the path of a file is: those of the repository that it is in, else those of the host."""
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
        _, path = self.place(file)
        named = next(name for name in _NAMED if name in digests)
        version = kinds.Artifact(
            id=ident,
            label=f"{visible(path)}@{digests[named][:8]}",
            name=visible(path),
            digest=f"{named}:{digests[named]}",
            size=file.get("size"),
            files=len(file["files"]) if "files" in file else None,
            more=clean({name: digests.get(name) for name in _BESIDE if name != named}),
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


def _said(role: str, file: Facts) -> dict[str, Value]:
    """What a link to a file says: the file's role, and by whom it was witnessed."""
    return clean({"prov:role": role, terms.WITNESS: file.get("witness") or "declared"})


def _key(file: Facts) -> str:
    return str(file.get("address") or file["path"])

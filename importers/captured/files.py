# SPDX-License-Identifier: Apache-2.0
"""The files and remote objects of a run: versions by their digests, and how the run came by them."""

from __future__ import annotations

import base64
import json
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
from lineage.sources import dvc_folder
from lineage.sources.git.objects import visible

Facts = Mapping[str, Any]

#: By which digest a version of a file is called, and one of a folder.
_NAMED = ("sha256", "md5")
#: What a store calls the version of an object of which it keeps no others, and a checksum of all bytes of an object.
_UNVERSIONED, _WHOLE = "null", "FULL_OBJECT"
#: What of a column is its schema.
_OF_SCHEMA = ("name", "type")
#: Others that are told beside: by these two the versions of most tools meet already.
_BESIDE = ("md5", "sha1", "git")


class Files:
    """The files that a run used and made, in whose names they are by where the run's repositories lie. ``notes`` are
    what was seen of the run: a remote object that was declared is the version that was read or written.
    """

    def __init__(
        self,
        facts: Facts,
        host: str | None,
        notes: Sequence[Facts],
        tables: Iterable[Facts] = (),
    ) -> None:
        self._places = [
            (str(one["root"]), str(one["namespace"]))
            for one in (facts.get("source") or {}).get("repositories") or ()
            if one.get("root") and one.get("namespace")
        ]
        self._host = f"file://{host or 'localhost'}"
        self._records: list[Record] = []
        #: The remote objects that were seen to be read or written, by their places.
        self._seen: dict[str, dict[tuple[str, str], list[Facts]]] = {"inputs": {}, "outputs": {}}
        for role, seen in self._seen.items():
            for file in (file for note in notes for file in note.get(role) or ()):
                if "key" in file:
                    seen.setdefault(self.place(file), []).append(file)
        self._is_all_seen = all(note.get("objects_complete", True) for note in notes)
        #: What is in tables, by path, size and time: of a version that was there before it is not known.
        self._tables = {_version_of(table): table for table in tables}

    def declared(self, run: str, before: Facts, after: Facts) -> Sequence[Record]:
        """What was declared before a run started, as it was then and when the run had ended."""
        self._records = []
        later = {_key(file): file for file in _listed(after, "inputs")}
        used: dict[str, str] = {}
        for file in _listed(before, "inputs"):
            version = self._version(file, "inputs")
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
                version = self._version(file, "inputs")
                if version is not None:
                    used[_key(file)] = version
                    self._link("used", run, version, _said(file.get("role") or "input", file))
            for file in note.get("modules") or ():
                version = None if file.get("is_committed") else self._version(file, "inputs")
                if version is not None:
                    self._link("used", run, version, _said(terms.MODULE, file))
            for file in note.get("outputs") or ():
                self._made(run, file, used.get(_key(file)))
        return self._records

    def _made(self, run: str, file: Facts, read: str | None) -> None:
        """A file that a run wrote; where it had read it before, the one came of the other."""
        version = self._version(file, "outputs")
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
        """In whose names the path of a file is: those of the repository that it is in, else those of the host; of what
        lies at an address, those of the store there.
        """
        if "key" in file:
            return of_address(str(file["scheme"]), str(file["host"]), f"/{file['key']}")
        if "address" in file:
            parts = urlsplit(str(file["address"]))
            return of_address(parts.scheme, parts.netloc, parts.path)
        target = PurePosixPath(str(file["path"]))
        for root, namespace in self._places:
            if target.is_relative_to(root):
                return namespace, target.relative_to(root).as_posix()
        return self._host, target.as_posix()

    def undeclared(self, declared: Sequence[Facts]) -> Iterator[str]:
        """The addresses of the objects that a run read besides what was declared, where anything was."""
        within = [self.place(file) for file in declared if "address" in file]
        for namespace, name in self._seen["inputs"] if declared else ():
            if not any(namespace == n and _is_within(name, at) for n, at in within):
                yield f"{namespace}/{name}"

    def _version(self, file: Facts, role: str) -> str | None:
        if "key" in file:
            return self._object(file)
        if "address" in file:
            return self._addressed(file, self._seen[role])
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
            more=clean({name: digests.get(name) for name in _BESIDE if name != named})
            | _profile(self._tables.get(_version_of(file))),
        )
        self._records.append(version.node())
        for name in _NAMED:
            if name in digests:
                nodes, ties = content(ident, name, digests[name], file.get("size"))
                self._records += [*nodes, *ties]

    def _addressed(self, file: Facts, seen: Mapping[tuple[str, str], Sequence[Facts]]) -> str:
        """Data that lies at an address: the version of it that was read or written, where that was seen; else its name
        alone.
        """
        namespace, name = self.place(file)
        versions = seen.get((namespace, name), ())
        if len(versions) == 1:
            return self._object(versions[0])
        inside = {
            path: versions
            for (of, path), versions in seen.items()
            if of == namespace and _is_within(path, name)
        }
        return self._prefix(namespace, name, inside) or self._dataset(namespace, name)

    def _dataset(self, namespace: str, name: str) -> str:
        ident = ids.dataset_id(namespace, name)
        self._records.append(
            kinds.Dataset(id=ident, label=visible(name), name=name, namespace=namespace).node()
        )
        return ident

    def _object(self, file: Facts) -> str:
        """A version of an object as the importer of DVC names it: by its etag, else by the identifier that its store
        gave it. An etag is no digest of bytes: what it is made of differs from store to store, and with encryption.
        """
        namespace, name = self.place(file)
        dataset = self._dataset(namespace, name)
        version, etag = file.get("version_id"), file.get("etag")
        if etag is None and version in (None, _UNVERSIONED):
            return dataset
        known = ("version_id", version) if etag is None else ("etag", etag)
        algorithm, digest = known[0], ids.segment(str(known[1]))
        ident = ids.dataset_version_id(namespace, name, algorithm, digest)
        checksums: Mapping[str, str] = file.get("checksums") or {}
        said: dict[str, Any] = {f"checksum.{name}": value for name, value in checksums.items()}
        said |= {"version_id": version, "checksum_type": file.get("checksum_type")}
        node = kinds.DatasetVersion(
            id=ident,
            label=f"{visible(name)}@{digest[:8]}",
            name=name,
            digest=f"{algorithm}:{digest}",
            size=file.get("size"),
            more=clean(said),
        )
        self._records.append(node.node())
        self._link("specializationOf", ident, dataset, {})
        for algorithm in _NAMED if file.get("checksum_type") == _WHOLE else ():
            if algorithm in checksums:
                digest = base64.b64decode(checksums[algorithm]).hex()
                nodes, ties = content(ident, algorithm, digest, file.get("size"))
                self._records += [*nodes, *ties]
        return ident

    def _prefix(
        self, namespace: str, name: str, inside: Mapping[str, Sequence[Facts]]
    ) -> str | None:
        """The objects below a prefix that were read or written, as the importer of DVC names a folder of objects;
        ``None`` where there are none, where not all are known, and where one of them has no etag, or several.
        """
        members = {path: versions[0] for path, versions in inside.items() if len(versions) == 1}
        is_known = all("etag" in one for one in members.values())
        if not self._is_all_seen or not members or len(members) < len(inside) or not is_known:
            return None
        start = len(f"{name}/") if name else 0
        listed = sorted((path[start:], ids.segment(one["etag"])) for path, one in members.items())
        digest = dvc_folder.digest(listed)
        ident = ids.dataset_version_id(namespace, name, "etag", digest)
        sizes = [one.get("size") for one in members.values()]
        version = kinds.DatasetVersion(
            id=ident,
            label=f"{visible(name)}@{digest[:8]}",
            name=name,
            digest=f"etag:{digest}",
            size=None if None in sizes else sum(size for size in sizes if size is not None),
            files=len(members),
            more={"members": "those that the run read or wrote"},
        )
        self._records.append(version.node())
        self._link("specializationOf", ident, self._dataset(namespace, name), {})
        for one in members.values():
            self._link("hadMember", ident, self._object(one), {})
        return ident

    def _link(self, relation: str, effect: str, cause: str, said: Mapping[str, Value]) -> None:
        self._records.append(
            Edge(relation=relation, effect=effect, cause=cause, attributes=dict(said))
        )


def _version_of(file: Facts) -> tuple[Any, ...]:
    return file.get("path"), file.get("size"), file.get("changed")


def _profile(table: Facts | None) -> dict[str, Value]:
    """What is in a table, in the words of MLflow's datasets: ``schema``, and a ``profile`` of its columns."""
    if table is None:
        return {}
    columns = table["columns"]
    profile = {
        one["name"]: {k: v for k, v in one.items() if k not in _OF_SCHEMA} for one in columns
    }
    if "looked_at" in table:
        profile = {f"of the first {table['looked_at']:,} rows": profile}
    return clean(
        {
            "rows": table.get("rows"),
            "columns": [one["name"] for one in columns],
            "schema": json.dumps([{name: one[name] for name in _OF_SCHEMA} for one in columns]),
            "profile": json.dumps(profile),
        }
    )


def _listed(facts: Facts, name: str) -> Iterator[Facts]:
    yield from (facts.get(name) or {}).get("files") or ()


def _said(role: str, file: Facts) -> dict[str, Value]:
    """What a link to a file says: the file's role, and by whom it was witnessed."""
    witness = file.get("witness") or "declared"
    return clean({"prov:role": role, terms.WITNESS: witness, "endpoint": file.get("endpoint")})


def _is_within(path: str, folder: str) -> bool:
    """Whether the name of an object is one, or lies below it."""
    return not folder or path == folder or path.startswith(f"{folder}/")


def _key(file: Facts) -> str:
    return str(file.get("address") or file["path"])

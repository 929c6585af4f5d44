# SPDX-License-Identifier: Apache-2.0
"""Turns what DVC locked and tracked into records: runs, versions, contents, names, commits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from importers.dvc.locked import Import, Item, Key
from importers.dvc.parts import Method, Part, inside
from importers.dvc.places import Place, within
from importers.dvc.reading import Data, Found, Run
from lineage import ids
from lineage.model import copies, kinds, terms
from lineage.model.identity import content
from lineage.model.record import Edge, Node, line
from lineage.model.value import Value, clean
from lineage.sources.git.objects import visible

#: Digests of bytes. What servers call an etag or a checksum names bytes on that server only.
_OF_BYTES = frozenset({"md5", "md5-dos2unix", "sha256"})

#: Links from the files of folders to the runs that made them: a folder with many files that many runs
#: made alike would have too many.
MOST_INNER = 200_000


class Graph:
    """The records of one reading, each once, in an order that depends on nothing but them."""

    def __init__(
        self,
        namespace: str,
        found: Found,
        members: Callable[[Item], tuple[Item, ...]],
        parts: Iterable[Part],
        experiments: Mapping[str, Sequence[str]],
    ) -> None:
        self._namespace = namespace
        self._found = found
        self._members = members
        self._experiments = experiments
        self._parts: dict[Key, list[Part]] = {}
        for part in parts:
            self._parts.setdefault(part.whole.key, []).append(part)
        self._nodes: dict[str, Node] = {}
        self._edges: dict[bytes, Edge] = {}
        self._generated = {item.place for run in found.runs.values() for item in run.stage.outs}
        self._tracked = {data.item.place for data in found.data.values()}
        self._left = MOST_INNER
        #: How many files of folders are not told by which run they were made.
        self.untold = 0
        self._sizes: dict[tuple[str, str], int] = {}
        self._files: dict[tuple[str, str], int] = {}
        self._objects: dict[Key, dict[str, set[str]]] = {}
        #: Experiment -> what its stages read.
        self._read: dict[str, set[Place]] = {}
        for run in found.runs.values() if experiments else ():
            for name in self._named(run):
                deps = self._read.setdefault(name, set())
                deps |= {item.place for item in run.stage.deps}
        self._measure()
        self._descriptions = {
            data.item.key: data.descriptions for data in found.data.values() if data.descriptions
        }

    def records(self, metrics: Mapping[Key, Mapping[str, float]]) -> tuple[list[Node], list[Edge]]:
        """Everything, sorted."""
        for run in self._found.runs.values():
            self._run(run, metrics)
        for data in self._found.data.values():
            self._data(data)
        nodes = [self._nodes[ident] for ident in sorted(self._nodes)]
        return nodes, copies.retied(self._edges[text] for text in sorted(self._edges))

    @property
    def versions(self) -> int:
        """How many versions of files and folders there are."""
        return sum(node.kind in {"DatasetVersion", "Artifact"} for node in self._nodes.values())

    # --- runs -------------------------------------------------------------------------------------

    def _run(self, run: Run, metrics: Mapping[Key, Mapping[str, float]]) -> None:
        stage = run.stage
        ident = ids.run_id("dvc", self._namespace, f"{stage.name}@{stage.key}")
        more: dict[str, Value] = {f"param.{name}": value for name, value in stage.params.items()}
        for item in (one for out in stage.outs for one in (out, *self._members(out))):
            for name, value in metrics.get(item.key, {}).items():
                key = f"metric.{name}"
                if key in more and more[key] != value:
                    key = f"metric.{item.place.path}:{name}"
                more[key] = value
        node = kinds.Run(
            id=ident,
            label=visible(self._called(run)) or None,
            name=stage.name,
            command=stage.command or None,
            tracker="dvc",
            more={
                "stage": stage.address,
                **clean({"experiment": self._named(run)}),
                **clean({"locked": [f"{self._namespace}/{one}" for one in sorted(run.entries)]}),
            }
            | more,
        )
        self._add(node.node())
        for item in stage.deps:
            self._tie("used", ident, self._version(item), "dep")
        for item in stage.outs:
            role = run.roles.get(item.place, "out")
            self._tie("wasGeneratedBy", self._version(item), ident, role)
            for part, method in self._inside(item):
                role = run.roles.get(part.place, "out")
                self._tie("wasGeneratedBy", self._version(part), ident, role, method)
        for sha in sorted(run.commits):
            self._tie("used", ident, self._commit(sha), "recorded-in")

    def _named(self, run: Run) -> list[str]:
        """The experiments that a run is part of."""
        return sorted({name for sha in run.commits for name in self._experiments.get(sha, ())})

    def _called(self, run: Run) -> str:
        """The name of a run. The last stage of an experiment is what people call by its name."""
        for name in self._named(run):
            used: Collection[Place] = self._read.get(name, set())
            if not any(item.place in used for item in run.stage.outs):
                return name
        return run.stage.name

    def _commit(self, sha: str) -> str:
        """A commit by its hash alone: git's importer says what is in it."""
        ident = ids.commit_id(sha)
        self._add(Node(id=ident, kind="Commit"))
        return ident

    # --- data -------------------------------------------------------------------------------------

    def _data(self, data: Data) -> None:
        version = self._version(data.item)
        for sha in sorted(data.commits):
            self._tie("wasInfluencedBy", version, self._commit(sha), "recorded-in")
        sources = [self._source(source) for source in data.imports]
        for source in sources:
            self._tie("wasDerivedFrom", version, source, "import")
        if data.item.place in self._generated:
            return
        dataset = self._dataset(data.item.place)
        self._link("specializationOf", version, dataset)
        for part in self._parts.get(data.item.key, ()):
            for source in (dataset, *sources) if part.out else ():
                self._tie("wasDerivedFrom", self._version(part.part), source, "part", part.method)

    def _dataset(self, place: Place) -> str:
        namespace = place.namespace or self._namespace
        ident = ids.dataset_id(namespace, place.path)
        label = visible(place.path) or None
        self._add(kinds.Dataset(id=ident, label=label, name=place.path, namespace=namespace).node())
        return ident

    def _source(self, source: Import) -> str:
        """Where tracked data was imported from; of another repository, the path at a commit."""
        if source.item is not None:
            return self._version(source.item)
        namespace, commit = source.namespace or "", source.commit or ""
        ident = ids.dataset_version_id(namespace, source.path, "commit", commit)
        label = f"{visible(source.path)}@{commit[:8]}"
        self._add(
            kinds.DatasetVersion(
                id=ident, label=label, name=source.path, more={"repository": namespace}
            ).node()
        )
        self._tie("wasDerivedFrom", ident, self._commit(commit), "source")
        return ident

    # --- versions ---------------------------------------------------------------------------------

    def _version(self, item: Item) -> str:
        """A file or folder at a digest; the same one is the same node wherever it is met."""
        place = item.place
        namespace = place.namespace or self._namespace
        ident = ids.dataset_version_id(namespace, place.path, item.algorithm, item.digest)
        if ident in self._nodes:
            return ident
        size = self._sizes.get((item.algorithm, item.digest))
        external = place.namespace is not None or place.path.startswith("../")
        # What nobody tracked as data is a file of the repository: a script, a lockfile.
        data = external or (within(place, self._tracked) and not within(place, self._generated))
        kind = kinds.DatasetVersion if data else kinds.Artifact
        version = kind(
            id=ident,
            label=f"{visible(place.path)}@{item.digest[:8]}",
            name=place.path,
            digest=f"{item.algorithm}:{item.digest}",
            size=size,
            files=self._files.get((item.algorithm, item.digest)),
            more=clean(
                {
                    "external": external or None,
                    "description": sorted(self._descriptions.get(item.key, ())),
                    **{k: sorted(v) for k, v in self._objects.get(item.key, {}).items()},
                }
            ),
        )
        self._add(version.node())
        if item.algorithm in _OF_BYTES:
            nodes, ties = content(ident, item.algorithm, item.digest, size)
            for node in nodes:
                self._add(node)
            for edge in ties:
                self._put(edge)
        if place.namespace is not None and "://" in place.namespace:
            # What lies at an address is known to others by the address.
            self._link("specializationOf", ident, self._dataset(place))
        for name in sorted(self._found.models.get(place, ())):
            model = ids.model_id(self._namespace, name)
            self._add(
                kinds.Model(
                    id=model, label=visible(name) or None, name=name, namespace=self._namespace
                ).node()
            )
            self._link("specializationOf", ident, model)
        listed = self._members(item)
        for one in listed:
            self._link("hadMember", ident, self._version(one))
        self._hold(item, ident, listed)
        return ident

    def _hold(self, whole: Item, ident: str, listed: Collection[Item]) -> None:
        """What a stage read of a folder, or under the folder that it read, lies in the folder."""
        known = {item.key for item in listed}
        for part in self._parts.get(whole.key, ()):
            if part.part.key in known:
                continue
            inner = self._version(part.part)
            said = {terms.METHOD: part.method}
            self._put(Edge(relation="hadMember", effect=ident, cause=inner, attributes=said))
            for one in inside(listed, part.part.place):
                self._link("hadMember", inner, self._version(one))

    def _inside(self, whole: Item) -> Iterator[tuple[Item, Method]]:
        """What lies in a folder that was made: what made the folder made it."""
        listed = self._members(whole)
        if len(listed) > self._left:
            self.untold += len(listed)
        else:
            self._left -= len(listed)
            for item in listed:
                yield item, "list"
        known = {item.key for item in listed}
        for part in self._parts.get(whole.key, ()):
            if part.out and (part.part.key not in known or self.untold):
                yield part.part, part.method

    def _measure(self) -> None:
        """Size and number of files by digest: not every entry states what is known of the bytes."""
        runs = self._found.runs.values()
        todo = [item for run in runs for item in (*run.stage.deps, *run.stage.outs)]
        for data in self._found.data.values():
            todo += [
                data.item,
                *(source.item for source in data.imports if source.item is not None),
            ]
        while todo:
            item = todo.pop()
            todo += item.members
            for name, version in item.objects:
                named = self._objects.setdefault(item.key, {})
                named.setdefault(name, set()).add(version)
            bytes_ = (item.algorithm, item.digest)
            if item.size is not None:
                self._sizes[bytes_] = min(item.size, self._sizes.get(bytes_, item.size))
            if files := item.files or len(item.members):
                self._files[bytes_] = max(files, self._files.get(bytes_, 0))

    # --- putting down -----------------------------------------------------------------------------

    def _add(self, node: Node) -> None:
        self._nodes.setdefault(node.id, node)

    def _tie(
        self, relation: str, effect: str, cause: str, role: str, method: str | None = None
    ) -> None:
        said: dict[str, Value] = {"prov:role": role}
        if method is not None:
            said[terms.METHOD] = method
        self._put(Edge(relation=relation, effect=effect, cause=cause, attributes=said))

    def _link(self, relation: str, effect: str, cause: str) -> None:
        self._put(Edge(relation=relation, effect=effect, cause=cause))

    def _put(self, edge: Edge) -> None:
        self._edges[line(edge)] = edge

# SPDX-License-Identifier: Apache-2.0
"""Maps MLflow to PROV: runs with what they used and made, models with where they came from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from importers.mlflow.artifacts import File
from importers.mlflow.entities import (
    Dataset,
    DatasetInput,
    LoggedModel,
    ModelVersion,
    RegisteredModel,
    Run,
)
from importers.mlflow.values import Tally, is_loopback, key, split_url, storable
from lineage import ids
from lineage.ids import Id
from lineage.model import kinds
from lineage.model.identity import content
from lineage.model.record import Edge, Record
from lineage.model.value import Attributes, Ref

_COMMIT = "mlflow.source.git.commit"
_PARENT = "mlflow.parentRunId"
_USER = "mlflow.user"
_NAME = "mlflow.runName"
_FULL_SHA = re.compile(r"(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})")
_LOGGED = re.compile(r"models:/(m-[^/@]+)(?:/.*)?")
_REGISTERED = re.compile(r"models:/([^/@]+)/([0-9]+)(?:/.*)?")
_RUN_FOLDER = re.compile(r"runs:/([^/]+)/(.+)")

#: What describes an environment is written alike for every model of one kind: were it tied by its
#: bytes, each such model would be connected with all others.
_SAME_EVERYWHERE = frozenset({"conda.yaml", "python_env.yaml", "requirements.txt"})


class Mapper:
    """Turns entities into records. A thing that several entities mention is described once."""

    def __init__(self, instance: str, tally: Tally) -> None:
        self._instance = instance
        self._tally = tally
        self._described: set[tuple[str, str | None]] = set()
        self._datasets: dict[Dataset, Id] = {}
        self._generated: set[tuple[str, str]] = set()

    # --- runs ------------------------------------------------------------------------------------

    def run(self, run: Run) -> Iterator[Record]:
        """A run, who ran it, and what it used and made."""
        ident = self._run(run.id)
        commit = self._commit(run)
        kept = dict(run.tags)
        for name in (_NAME, _PARENT, _USER, *((_COMMIT,) if commit else ())):
            kept.pop(name, None)
        name = run.tags.get(_NAME) or run.name
        where = f"run {run.id}"
        yield kinds.Run(
            id=ident,
            label=name or run.id[:12],
            name=name,
            status=run.status.lower() if run.status else None,
            started=self._tally.moment(run.started, where),
            ended=self._tally.moment(run.ended, where),
            experiment=run.experiment.name,
            tracker="mlflow",
            more={
                **_deleted(run.deleted or run.experiment.deleted),
                **self._texts("param", run.params, where),
                **{key("metric", metric): value for metric, value in run.metrics.items()},
                **self._texts("tag", kept, where),
            },
        ).node()
        yield from self._responsible(ident, run.tags.get(_USER) or run.user, commit)
        if commit:
            yield from self._once(kinds.Commit(id=commit))
            yield _edge("used", ident, commit, {"prov:role": "source"})
        if parent := run.tags.get(_PARENT):
            yield _edge("wasInformedBy", ident, self._run(parent))
        for used in run.datasets:
            yield from self._dataset_input(ident, used)
        for model in run.models_used:
            yield _edge("used", ident, self._logged(model), {"prov:role": "model"})
        for output in run.models_made:
            if output.step or (output.model, run.id) not in self._generated:
                at: Attributes = {"step": output.step} if output.step else {}
                yield _edge("wasGeneratedBy", self._logged(output.model), ident, at)

    def _commit(self, run: Run) -> Id | None:
        sha = run.tags.get(_COMMIT, "").strip()
        if _FULL_SHA.fullmatch(sha):
            return ids.commit_id(sha)
        if sha:
            reason = "no full hash, so it names no commit; kept as a tag"
            self._tally.lose("source commits", reason, first=f"{sha!r} of run {run.id}")
        return None

    def _responsible(self, run: Id, user: str | None, commit: Id | None) -> Iterator[Record]:
        if user:
            person = self._person(user)
            yield from self._once(person)
            plan: Attributes = {"prov:plan": Ref(commit)} if commit else {}
            yield _edge("wasAssociatedWith", run, person.id, plan)

    def _person(self, user: str) -> kinds.Person:
        return kinds.Person(id=ids.thing_id("user", self._instance, user), label=user, name=user)

    # --- datasets --------------------------------------------------------------------------------

    def _dataset_input(self, run: Id, used: DatasetInput) -> Iterator[Record]:
        if not (used.dataset.name and used.dataset.digest):
            self._tally.lose("dataset inputs", "they have no name or no digest", first=run)
            return
        if used.dataset not in self._datasets:
            yield from self._dataset(used.dataset)
        role: Attributes = {"prov:role": used.context} if used.context else {}
        yield _edge("used", run, self._datasets[used.dataset], role)

    def _dataset(self, dataset: Dataset) -> Iterator[Record]:
        uri = _uri(dataset.source)
        namespace, name = _public_name(uri) or (self._instance, dataset.name)
        whole = ids.dataset_id(namespace, name)
        version = ids.dataset_version_id(namespace, name, "mlflow", ids.segment(dataset.digest))
        self._datasets[dataset] = version
        yield from self._once(
            kinds.Dataset(id=whole, label=dataset.name, name=name, namespace=namespace)
        )
        yield self._dataset_version(version, dataset, uri).node()
        yield _edge("specializationOf", version, whole)

    def _dataset_version(
        self, ident: Id, dataset: Dataset, uri: str | None
    ) -> kinds.DatasetVersion:
        where = f"dataset {dataset.name}"
        more = {
            "uri": uri,
            "source_type": dataset.source_type,
            "schema": dataset.schema,
            "profile": dataset.profile,
        }
        return kinds.DatasetVersion(
            id=ident,
            label=f"{dataset.name}@{dataset.digest}",
            name=dataset.name,
            digest=f"mlflow:{dataset.digest}",
            more={
                name: self._tally.attribute(name, text, where)
                for name, text in more.items()
                if text
            },
        )

    # --- models ----------------------------------------------------------------------------------

    def logged_model(self, model: LoggedModel) -> Iterator[Record]:
        """A model as a run wrote it. Asked before the runs, which name it as their output again."""
        ident, where = self._logged(model.id), f"logged model {model.id}"
        created = self._tally.moment(model.created, where)
        yield kinds.Artifact(
            id=ident,
            label=model.name or model.id,
            name=model.name,
            more={
                **_known(created=created, status=model.status, model_type=model.model_type),
                "experiment": model.experiment.name,
                **_deleted(model.deleted or model.experiment.deleted),
                **self._texts("param", model.params, where),
                **{key("metric", metric): tuple(last) for metric, last in model.metrics.items()},
                **self._texts("tag", model.tags, where),
            },
        ).node()
        if model.run:
            self._generated.add((model.id, model.run))
            yield _edge(
                "wasGeneratedBy", ident, self._run(model.run), _known(**{"prov:time": created})
            )

    def registered_model(
        self, model: RegisteredModel, files: Mapping[str, Sequence[File]]
    ) -> Iterator[Record]:
        """A name in the registry and its versions; ``files`` are those of runs, by run."""
        registry, where = self._registry(model), f"model {model.name}"
        ident = ids.model_id(registry, model.name)
        yield kinds.Model(
            id=ident,
            label=model.name,
            name=model.name,
            namespace=registry,
            more={
                **_known(created=self._tally.moment(model.created, where)),
                **self._texts("tag", model.tags, where),
                **self._described_as(model.description, where),
            },
        ).node()
        for version in model.versions:
            found = ids.model_version_id(registry, model.name, version.version)
            yield from self._version(found, model, version)
            yield _edge("specializationOf", found, ident)
            yield from self._origin(found, registry, version, files)

    def _version(
        self, ident: Id, model: RegisteredModel, version: ModelVersion
    ) -> Iterator[Record]:
        label = f"{model.name}@v{version.version}"
        created = self._tally.moment(version.created, label)
        source = version.source and self._tally.attribute("uri", version.source, label)
        yield kinds.ModelVersion(
            id=ident,
            label=label,
            name=model.name,
            version=version.version,
            aliases=", ".join(version.aliases) or None,
            stage=version.stage if version.stage != "None" else None,
            more={
                **_known(created=created, uri=source),
                **_known(status=version.status and version.status.lower()),
                **self._texts("tag", version.tags, label),
                **self._described_as(version.description, label),
            },
        ).node()
        if version.run:
            at = _known(**{"prov:time": created})
            yield _edge("wasGeneratedBy", ident, self._run(version.run), at)
        if version.user:
            person = self._person(version.user)
            yield from self._once(person)
            yield _edge("wasAttributedTo", ident, person.id)

    def _origin(
        self, ident: Id, registry: str, version: ModelVersion, files: Mapping[str, Sequence[File]]
    ) -> Iterator[Record]:
        """What a version was registered from: a logged model, another version, files of a run."""
        source = version.source or ""
        if logged := _LOGGED.fullmatch(source):
            yield _edge("wasDerivedFrom", ident, self._logged(logged[1]))
        elif other := _REGISTERED.fullmatch(source):
            cause = ids.model_version_id(registry, unquote(other[1]), other[2])
            yield _edge("wasDerivedFrom", ident, cause)
        for run, folder in _folders(source, version.run):
            for file in files.get(run, ()):
                if file.path == folder or file.path.startswith(f"{folder}/"):
                    yield _edge("hadMember", ident, self._file(run, file))

    # --- files -----------------------------------------------------------------------------------

    def files_of_run(self, run: str, files: Iterable[File]) -> Iterator[Record]:
        """The artifacts of a run."""
        for file in files:
            yield from self._artifact(run, file)
            yield _edge("wasGeneratedBy", self._file(run, file), self._run(run))

    def files_of_model(self, model: LoggedModel, files: Iterable[File]) -> Iterator[Record]:
        """The files that a logged model is made of."""
        for file in files:
            yield from self._artifact(model.id, file)
            yield _edge("hadMember", self._logged(model.id), self._file(model.id, file))
            if model.run:
                yield _edge("wasGeneratedBy", self._file(model.id, file), self._run(model.run))

    def _artifact(self, owner: str, file: File) -> Iterator[Record]:
        ident = self._file(owner, file)
        yield kinds.Artifact(
            id=ident,
            label=file.path,
            name=file.path,
            digest=f"sha256:{file.digest}",
            size=file.size,
        ).node()
        if file.path.rpartition("/")[2] not in _SAME_EVERYWHERE:
            for algorithm, digest in (("sha256", file.digest), ("md5", file.md5)):
                nodes, ties = content(ident, algorithm, digest, file.size)
                yield from nodes
                yield from ties

    # --- names -----------------------------------------------------------------------------------

    def _run(self, run: str) -> Id:
        return ids.run_id("mlflow", self._instance, run)

    def _logged(self, model: str) -> Id:
        return ids.thing_id("logged-model", self._instance, model)

    def _file(self, owner: str, file: File) -> Id:
        return ids.dataset_version_id(self._instance, f"{owner}/{file.path}", "sha256", file.digest)

    def _registry(self, model: RegisteredModel) -> str:
        if model.workspace in {None, "None", "default"}:
            return self._instance
        return f"{self._instance}/{model.workspace}"

    # --- attributes ------------------------------------------------------------------------------

    def _texts(self, prefix: str, values: Mapping[str, str], where: str) -> dict[str, str]:
        return {
            key(prefix, name): self._tally.attribute(name, value, where)
            for name, value in values.items()
        }

    def _described_as(self, text: str | None, where: str) -> dict[str, str]:
        return {"description": self._tally.attribute("description", text, where)} if text else {}

    def _once(self, noun: kinds.Noun) -> Iterator[Record]:
        if (noun.id, noun.label) not in self._described:
            self._described.add((noun.id, noun.label))
            yield noun.node()


def _edge(relation: str, effect: str, cause: str, attributes: Attributes | None = None) -> Edge:
    return Edge(relation=relation, effect=effect, cause=cause, attributes=attributes or {})


def _known(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _deleted(deleted: bool) -> dict[str, str]:
    return {"lifecycle": "deleted"} if deleted else {}


def _uri(source: str | None) -> str | None:
    """Where a dataset came from, as MLflow's source types write it."""
    try:
        said: Any = storable(json.loads(source or ""))
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    found = next((said[name] for name in ("uri", "url", "path") if said.get(name)), None)
    return found if isinstance(found, str) else None


def _public_name(uri: str | None) -> tuple[str, str] | None:
    """Namespace and name of a dataset out of its address, as OpenLineage writes them, where the
    address means the same everywhere: no file of some machine, no query, nothing on loopback.
    """
    parts = split_url(uri) if uri else None
    if parts is None or parts.query or parts.fragment or parts.scheme in {"", "file"}:
        return None
    host, name = parts.netloc.rpartition("@")[2], parts.path.strip("/")
    if is_loopback(parts.hostname) or not name:
        return None
    return f"{parts.scheme}://{host}", name


def _folders(source: str, run: str | None) -> Iterator[tuple[str, str]]:
    """The run and the folder in it that a version was registered from, before MLflow 3."""
    if found := _RUN_FOLDER.fullmatch(source):
        yield found[1], found[2].strip("/")
    elif run and f"/{run}/artifacts/" in source:
        yield run, source.partition(f"/{run}/artifacts/")[2].strip("/")

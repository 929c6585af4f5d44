# SPDX-License-Identifier: Apache-2.0
"""Maps the model registry: names, their versions, and what each version was registered from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

from importers.mlflow.artifacts import File
from importers.mlflow.entities import ModelVersion, RegisteredModel
from importers.mlflow.naming import Naming, edge, known
from lineage import ids
from lineage.ids import Id
from lineage.model import kinds
from lineage.model.record import Record

_LOGGED = re.compile(r"models:/(m-[^/@]+)(?:/.*)?")
_REGISTERED = re.compile(r"models:/([^/@]+)/([0-9]+)(?:/.*)?")
_RUN_FOLDER = re.compile(r"runs:/([^/]+)/(.+)")


class Registry:
    """Turns registered models into records."""

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self._tally = naming.tally

    def model(
        self, model: RegisteredModel, files: Mapping[str, Sequence[File]]
    ) -> Iterator[Record]:
        """A name in the registry and its versions; ``files`` are those of runs, by run."""
        naming, where = self._naming, f"model {model.name}"
        registry = self._registry(model)
        ident = ids.model_id(registry, model.name)
        yield kinds.Model(
            id=ident,
            label=model.name,
            name=model.name,
            namespace=registry,
            more={
                **known(created=self._tally.moment(model.created, where)),
                **naming.texts("tag", model.tags, where),
                **naming.described_as(model.description, where),
            },
        ).node()
        for version in model.versions:
            found = ids.model_version_id(registry, model.name, version.version)
            yield from self._version(found, model, version)
            yield edge("specializationOf", found, ident)
            yield from self._origin(found, registry, version, files)

    def _version(
        self, ident: Id, model: RegisteredModel, version: ModelVersion
    ) -> Iterator[Record]:
        naming, label = self._naming, f"{model.name}@v{version.version}"
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
                **known(created=created, uri=source),
                **known(status=version.status and version.status.lower()),
                **naming.texts("tag", version.tags, label),
                **naming.described_as(version.description, label),
            },
        ).node()
        if version.run:
            at = known(**{"prov:time": created})
            yield edge("wasGeneratedBy", ident, naming.run(version.run), at)
        if version.user:
            person = naming.person(version.user)
            yield from naming.once(person)
            yield edge("wasAttributedTo", ident, person.id)

    def _origin(
        self, ident: Id, registry: str, version: ModelVersion, files: Mapping[str, Sequence[File]]
    ) -> Iterator[Record]:
        """What a version was registered from: a logged model, another version, files of a run."""
        source = version.source or ""
        if logged := _LOGGED.fullmatch(source):
            yield edge("wasDerivedFrom", ident, self._naming.logged(logged[1]))
        elif other := _REGISTERED.fullmatch(source):
            cause = ids.model_version_id(registry, unquote(other[1]), other[2])
            yield edge("wasDerivedFrom", ident, cause)
        for run, folder in _folders(source, version.run):
            for file in files.get(run, ()):
                if file.path == folder or file.path.startswith(f"{folder}/"):
                    yield edge("hadMember", ident, self._naming.file(run, file))

    def _registry(self, model: RegisteredModel) -> str:
        if model.workspace in {None, "None", "default"}:
            return self._naming.instance
        return f"{self._naming.instance}/{model.workspace}"


def _folders(source: str, run: str | None) -> Iterator[tuple[str, str]]:
    """The run and the folder in it that a version was registered from, before MLflow 3."""
    if found := _RUN_FOLDER.fullmatch(source):
        yield found[1], found[2].strip("/")
    elif run and f"/{run}/artifacts/" in source:
        yield run, source.partition(f"/{run}/artifacts/")[2].strip("/")

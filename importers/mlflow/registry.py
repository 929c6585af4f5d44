# SPDX-License-Identifier: Apache-2.0
"""Maps the model registry: names, their versions, and what each version was registered from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from importers.mlflow.artifacts import File
from importers.mlflow.entities import ModelVersion, RegisteredModel
from importers.mlflow.naming import Naming, edge, known, lifecycle
from importers.mlflow.origins import Known, Origins, deleted
from importers.mlflow.prompts import Prompts, is_prompt
from importers.mlflow.sources import REDACTED
from lineage import ids
from lineage.ids import Id
from lineage.model import kinds
from lineage.model.record import Record


class Registry:
    """Turns registered models into records; ``files`` are those of runs, by run."""

    def __init__(
        self,
        naming: Naming,
        known: Known,
        registered: Sequence[RegisteredModel],
        files: Mapping[str, Sequence[File]],
    ) -> None:
        self._naming = naming
        self._tally = naming.tally
        shelf = {(self._registry(model), model.name): model.versions for model in registered}
        self._origins = Origins(naming, known, shelf, files)
        self._prompts = Prompts(naming)

    def registered(self, model: RegisteredModel) -> Iterator[Record]:
        """A name in the registry and its versions: a model, or a prompt."""
        what = "prompt" if is_prompt(model) else "model"
        self._tally.seen[f"registered {what}s"] += 1
        self._tally.seen[f"{what} versions"] += len(model.versions)
        if what == "prompt":
            return self._prompts.prompt(model, self._registry(model))
        return self._model(model)

    def _model(self, model: RegisteredModel) -> Iterator[Record]:
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
            yield from self._origins.of(found, registry, model.name, version)

    def _version(
        self, ident: Id, model: RegisteredModel, version: ModelVersion
    ) -> Iterator[Record]:
        naming, label = self._naming, f"{model.name}@v{version.version}"
        created = self._tally.moment(version.created, label)
        places = (version.source, version.storage)
        source = next((place for place in places if place and place not in REDACTED), None)
        source = source and self._tally.attribute("uri", source, label)
        yield kinds.ModelVersion(
            id=ident,
            label=label,
            name=model.name,
            version=version.version,
            aliases=", ".join(version.aliases) or None,
            stage=version.stage if version.stage != "None" and not deleted(version) else None,
            more={
                **lifecycle(deleted=deleted(version)),
                **known(created=created, uri=source),
                **known(status=version.status and version.status.lower()),
                **naming.texts("tag", version.tags, label),
                **naming.described_as(version.description, label),
            },
        ).node()
        if version.user:
            person = naming.person(version.user)
            yield from naming.once(person)
            yield edge("wasAttributedTo", ident, person.id)

    def _registry(self, model: RegisteredModel) -> str:
        if model.workspace in {None, "None", "default"}:
            return self._naming.instance
        return f"{self._naming.instance}/{model.workspace}"

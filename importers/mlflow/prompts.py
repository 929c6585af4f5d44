# SPDX-License-Identifier: Apache-2.0
"""Maps prompts, which MLflow keeps in its model registry: texts that runs and models use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from importers.mlflow.entities import ModelVersion, RegisteredModel
from importers.mlflow.naming import Naming, edge, known, lifecycle
from importers.mlflow.origins import deleted
from lineage import ids
from lineage.ids import Id
from lineage.model import kinds
from lineage.model.record import Record

_IS_PROMPT = "mlflow.prompt.is_prompt"
#: Run ids with commas between, on a version that they logged.
_RUNS = "mlflow.prompt.associatedRunIds"
#: On a run or logged model: a JSON list of names and versions.
LINKED = "mlflow.linkedPrompts"


def is_prompt(model: RegisteredModel) -> bool:
    """Whether what the registry lists is a prompt and no model."""
    return model.tags.get(_IS_PROMPT, "").lower() == "true"


class Prompts:
    """Turns prompts into records."""

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self._tally = naming.tally

    def prompt(self, prompt: RegisteredModel, registry: str) -> Iterator[Record]:
        """A prompt with its versions, and the runs that say they used one."""
        naming, where = self._naming, f"prompt {prompt.name}"
        ident = ids.thing_id("prompt", registry, prompt.name)
        yield kinds.Entity(
            id=ident,
            label=prompt.name,
            more={
                "name": prompt.name,
                "type": "prompt",
                **known(created=self._tally.moment(prompt.created, where)),
                **naming.texts("tag", prompt.tags, where),
                **naming.described_as(prompt.description, where),
            },
        ).node()
        for version in prompt.versions:
            found = _version(registry, prompt.name, version.version)
            yield self._described(found, prompt.name, version).node()
            yield edge("specializationOf", found, ident)
            for run in filter(None, map(str.strip, version.tags.get(_RUNS, "").split(","))):
                yield edge("used", naming.run(run), found, {"prov:role": "prompt"})

    def _described(self, ident: Id, name: str, version: ModelVersion) -> kinds.Artifact:
        label = f"{name}@v{version.version}"
        return kinds.Artifact(
            id=ident,
            label=label,
            name=name,
            more={
                "type": "prompt",
                "version": version.version,
                **lifecycle(deleted=deleted(version)),
                **known(created=self._tally.moment(version.created, label)),
                **known(aliases=", ".join(version.aliases)),
                **self._naming.texts("tag", version.tags, label),
                **self._naming.described_as(version.description, label),
            },
        )

    def linked(self, relation: str, ident: Id, text: str, where: str) -> Iterator[Record]:
        """The prompts that a run or logged model names as those it works with."""
        for name, version in self._named(text, where):
            prompt = _version(self._naming.instance, name, version)
            yield edge(relation, ident, prompt, {"prov:role": "prompt"})

    def _named(self, text: str, where: str) -> Iterator[tuple[str, str]]:
        try:
            found: Any = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        for item in found if isinstance(found, list) else (None,):
            said = item if isinstance(item, dict) else {}
            name, version = said.get("name"), said.get("version")
            if isinstance(name, str) and name and isinstance(version, str | int):
                yield name, str(version)
            else:
                self._tally.lose("linked prompts", "not a name and a version", first=where)


def _version(registry: str, name: str, version: str) -> Id:
    return ids.thing_id("prompt-version", registry, f"{name}@{version}")

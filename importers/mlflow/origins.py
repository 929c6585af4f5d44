# SPDX-License-Identifier: Apache-2.0
"""What a version of a registered model was registered from, as far as this store knows it."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from importers.mlflow import sources
from importers.mlflow.artifacts import File
from importers.mlflow.entities import Milliseconds, ModelVersion
from importers.mlflow.naming import Naming, edge
from importers.mlflow.sources import Folder, Version
from lineage import ids
from lineage.ids import Id
from lineage.model import terms
from lineage.model.record import Record
from lineage.model.value import Attributes

#: How an edge out of a source is known, where the source does not name the cause itself.
_BY_PATH: Attributes = {terms.METHOD: "artifact path"}

#: (registry, name) -> the versions there.
Shelf = Mapping[tuple[str, str], Sequence[ModelVersion]]


class Made(NamedTuple):
    """Which run made a logged model, and what it is called there."""

    run: str | None
    name: str | None


class Known:
    """The runs and logged models that the store holds, noted while they are read."""

    def __init__(self) -> None:
        self.runs: set[str] = set()
        self.logged: dict[str, Made] = {}
        self._of_runs: dict[Made, list[str]] = {}

    def add_logged(self, ident: str, made: Made) -> None:
        """Note a logged model."""
        self.logged[ident] = made
        self._of_runs.setdefault(made, []).append(ident)

    def only(self, run: str, name: str) -> str | None:
        """The one logged model of a run that has this name: what ``runs:/`` means since MLflow 3."""
        found = self._of_runs.get(Made(run, name), [])
        return found[0] if len(found) == 1 else None


class Origins:
    """Ties versions to what they were registered from."""

    def __init__(
        self, naming: Naming, known: Known, shelf: Shelf, files: Mapping[str, Sequence[File]]
    ) -> None:
        self._naming = naming
        self._known = known
        self._shelf = shelf
        self._files = files

    def of(self, ident: Id, registry: str, name: str, version: ModelVersion) -> Iterator[Record]:
        """The edges from a version to its causes; a version without any is counted."""
        found = False
        if version.run and version.run not in sources.REDACTED:
            created = self._naming.tally.moment(version.created, f"{name}@v{version.version}")
            at: Attributes = {"prov:time": created} if created else {}
            self._demand("runs", version.run, self._known.runs)
            yield edge("wasGeneratedBy", ident, self._naming.run(version.run), at)
            found = True
        for source in dict.fromkeys((version.source, version.storage)):
            if not source or source in sources.REDACTED:
                continue
            tied = list(self._tied(ident, registry, name, version, source))
            yield from tied
            if tied:
                found = True
                break
        if not found:
            self._unknown(name, version)

    def _tied(
        self, ident: Id, registry: str, name: str, version: ModelVersion, source: str
    ) -> Iterator[Record]:
        naming = self._naming
        if (logged := sources.logged_model(source)) is not None:
            self._demand("logged models", logged, self._known.logged)
            yield edge("wasDerivedFrom", ident, naming.logged(logged))
        elif (named := sources.version(source)) is not None:
            number = named.number or self._meant(registry, name, version, named)
            cause = number and ids.model_version_id(registry, named.model, number)
            if cause and cause != ident:
                numbers = {one.version for one in self._shelf.get((registry, named.model), ())}
                shown = f"{named.model}@v{number}"
                self._demand("model versions", shown, {f"{named.model}@v{n}" for n in numbers})
                yield edge("wasDerivedFrom", ident, cause, _how(named))
        elif (folder := sources.run_folder(source)) is not None:
            if (logged := self._known.only(folder.owner, folder.path)) is not None:
                yield edge("wasDerivedFrom", ident, naming.logged(logged))
            yield from self._in_run(ident, version, folder, {})
        else:
            yield from self._in_folder(ident, version, source)

    def _in_folder(self, ident: Id, version: ModelVersion, source: str) -> Iterator[Record]:
        for folder in sources.folders(source):
            if folder.owner in self._known.logged:
                logged = self._naming.logged(folder.owner)
                yield edge("wasDerivedFrom", ident, logged, _BY_PATH)
                return
            if folder.owner in self._known.runs or folder.owner == version.run:
                yield from self._in_run(ident, version, folder, _BY_PATH)
                return

    def _in_run(
        self, ident: Id, version: ModelVersion, folder: Folder, how: Attributes
    ) -> Iterator[Record]:
        if folder.owner != version.run:
            self._demand("runs", folder.owner, self._known.runs)
            yield edge("wasGeneratedBy", ident, self._naming.run(folder.owner), how)
        for file in self._files.get(folder.owner, ()):
            if not folder.path or f"{file.path}/".startswith(f"{folder.path}/"):
                yield edge("hadMember", ident, self._naming.file(folder.owner, file))

    def _demand(self, what: str, named: str, known: Container[str]) -> None:
        """Count what a version names as its source and the store does not hold."""
        if named not in known:
            reason = "a version was registered from them, and they are not in this store"
            self._naming.tally.lose(what, reason, first=named)

    def _meant(self, registry: str, name: str, version: ModelVersion, named: Version) -> str | None:
        """The number of the version that an alias, a stage or ``latest`` stood for, as far as the
        registry still shows it: never the version itself, nor one that is younger.
        """
        same = named.model == name
        found = [
            other
            for other in self._shelf.get((registry, named.model), ())
            if not deleted(other)
            and _before(other, version, same=same)
            and (named.alias is None or named.alias in other.aliases)
            and (named.stage is None or (other.stage or "").lower() == named.stage.lower())
        ]
        return max((other.version for other in found), key=_number, default=None)

    def _unknown(self, name: str, version: ModelVersion) -> None:
        label = f"{name}@v{version.version}"
        if deleted(version):
            reason = "deleted in MLflow, which took away where they came from"
            first = label
        elif not version.source:
            reason, first = "they name no source and no run", label
        else:
            reason = "their source names no run, logged model or version that this store holds"
            shown = self._naming.tally.attribute("uri", version.source, label)
            first = f"{shown} of {label}"
        self._naming.tally.lose("origins of model versions", reason, first=first)


def runs_of(version: ModelVersion) -> Iterator[str]:
    """The ids that a version may name as runs: what it is made of are their files."""
    if version.run:
        yield version.run
    for source in (version.source, version.storage):
        yield from sources.runs_named(source or "")


def deleted(version: ModelVersion) -> bool:
    """Whether a version was deleted: MLflow keeps its number."""
    return version.stage == "Deleted_Internal"


def _how(named: Version) -> Attributes:
    """What tells a number that was looked up from one that was named."""
    if named.number is not None:
        return {}
    return {terms.METHOD: "alias" if named.alias else "stage" if named.stage else "latest"}


def _before(other: ModelVersion, version: ModelVersion, *, same: bool) -> bool:
    if same:
        return _number(other.version) < _number(version.version)
    return _time(other.created) <= _time(version.created)


def _number(version: str) -> int:
    return int(version) if version.isdecimal() else 0


def _time(created: Milliseconds) -> int:
    return int(created) if str(created).isdecimal() else 0

# SPDX-License-Identifier: Apache-2.0
"""MLflow's file store, the folder ``mlruns``, which MLflow itself no longer opens by default."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from importers.mlflow import folder as disk
from importers.mlflow.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    LoggedModel,
    ModelOutput,
    ModelVersion,
    RegisteredModel,
    Run,
    intrinsic,
)
from importers.mlflow.values import Tally, storable
from lineage.errors import BadInput

#: The folders of an experiment that are no runs.
_NOT_RUNS = frozenset({"tags", "datasets", "traces", "models"})
_REGISTRY = "models"
_TRASH = ".trash"

#: ``RunStatus`` and ``LoggedModelStatus`` of MLflow's protocol: the file store writes numbers.
_RUN_STATUS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_LOGGED_STATUS = {1: "pending", 2: "ready", 3: "failed"}

_MODEL_METRICS = "metrics of logged models"

_T = TypeVar("_T")
_P = ParamSpec("_P")


class FileStore:
    """A folder of experiments.

    Symbolic links are not followed, and what cannot be read is counted. Raises ``BadInput`` where
    nothing is a readable experiment.
    """

    door = "files"

    def __init__(self, root: Path, tally: Tally) -> None:
        self._root = root
        self._tally = tally
        self._folders: list[tuple[Path, Experiment]] = []
        problems: list[BadInput] = []
        for folder in [*self._inside(root), *self._inside(root / _TRASH)]:
            if folder.name in {_REGISTRY, _TRASH} or not self._is_experiment(folder):
                continue
            try:
                experiment = _experiment(folder)
            except BadInput as error:
                problems.append(error)
                self._lose("experiments", error)
                # Its runs say what they say; of the experiment the id is left.
                experiment = Experiment(id=folder.name, name=folder.name)
            self._folders.append((folder, experiment))
        tally.seen["experiments"] += len(self._folders) - len(problems)
        if problems and len(problems) == len(self._folders):
            raise problems[0]
        self.instance = intrinsic([found for _, found in self._folders], self._earliest_run())

    def close(self) -> None:
        """Nothing is held open."""

    def runs(self) -> Iterator[Run]:
        """All runs by the ids of experiment and run."""
        for folder, experiment in self._folders:
            datasets = self._datasets(folder)
            for run in self._run_folders(folder):
                found = self._tried("runs", self._run, run, experiment, datasets)
                if found is not None:
                    yield found
            for name, reason in (
                ("traces", "they are not read"),
                ("tags", "an experiment is a name here"),
            ):
                lost = len(disk.names(folder / name))
                what = "experiment tags" if name == "tags" else name
                self._tally.lose(what, reason, count=lost)

    def logged_models(self) -> Iterator[LoggedModel]:
        """All logged models by the ids of experiment and model."""
        for folder, experiment in self._folders:
            for model in self._inside(folder / "models"):
                found = self._tried("logged models", self._logged_model, model, experiment)
                if found is not None:
                    yield found

    def registered_models(self) -> Iterator[RegisteredModel]:
        """The registry by name, which lies beside the experiments."""
        for folder in self._inside(self._root / _REGISTRY):
            if (folder / "meta.yaml").is_file():
                found = self._tried("registered models", self._registered, folder)
                if found is not None:
                    yield found

    # --- one thing each --------------------------------------------------------------------------

    def _run(self, folder: Path, experiment: Experiment, datasets: Mapping[str, Dataset]) -> Run:
        meta = disk.meta(folder)
        ident = str(meta.get("run_id") or meta.get("run_uuid") or "")
        if ident != folder.name:
            message = f"its meta.yaml names run {ident!r}, the folder another"
            raise BadInput(message, where=str(folder))
        inputs, used = self._inputs(folder / "inputs", datasets)
        status = meta.get("status")
        params, tags = self._texts(folder / "params"), self._texts(folder / "tags")
        self._tally.seen["params"] += len(params)
        self._tally.seen["tags"] += len(tags)
        return Run(
            id=ident,
            experiment=experiment,
            name=_text(meta.get("run_name") or meta.get("name")),
            status=_RUN_STATUS.get(status) if isinstance(status, int) else _text(status),
            user=_text(meta.get("user_id")),
            started=meta.get("start_time"),
            ended=meta.get("end_time"),
            deleted=meta.get("lifecycle_stage") == "deleted",
            artifacts=_text(meta.get("artifact_uri")),
            source_version=_text(meta.get("source_version")),
            params=params,
            metrics={
                name: last[-1].value
                for name, last in self._metrics(folder / "metrics", "metrics").items()
            },
            tags=tags,
            datasets=inputs,
            models_used=used,
            models_made=self._outputs(folder / "outputs"),
        )

    def _logged_model(self, folder: Path, experiment: Experiment) -> LoggedModel:
        meta = disk.meta(folder)
        status = meta.get("status")
        if str(meta.get("model_id")) != folder.name:
            raise BadInput("its meta.yaml names another model", where=str(folder))
        return LoggedModel(
            id=folder.name,
            experiment=experiment,
            name=_text(meta.get("name")),
            run=_text(meta.get("source_run_id")),
            created=meta.get("creation_timestamp"),
            status=_LOGGED_STATUS.get(status) if isinstance(status, int) else _text(status),
            model_type=_text(meta.get("model_type")),
            deleted=meta.get("lifecycle_stage") == "deleted",
            artifacts=_text(meta.get("artifact_location")),
            params=self._texts(folder / "params"),
            metrics={
                name: [point.value for point in last]
                for name, last in self._metrics(folder / "metrics", _MODEL_METRICS).items()
            },
            tags=self._texts(folder / "tags"),
        )

    def _registered(self, folder: Path) -> RegisteredModel:
        meta = disk.meta(folder)
        name = str(meta.get("name") or folder.name)
        aliases: dict[str, list[str]] = defaultdict(list)
        for alias, version in self._texts(folder / "aliases").items():
            aliases[version.strip()].append(alias)
        versions = []
        for inner in self._inside(folder):
            if inner.name.startswith("version-"):
                found = self._tried("model versions", self._version, inner, aliases)
                versions += [found] if found is not None else []
        return RegisteredModel(
            name=name,
            workspace=_text(meta.get("workspace")),
            created=meta.get("creation_timestamp"),
            description=_text(meta.get("description")),
            tags=self._texts(folder / "tags"),
            versions=sorted(versions, key=lambda version: (len(version.version), version.version)),
        )

    def _version(self, folder: Path, aliases: Mapping[str, Sequence[str]]) -> ModelVersion:
        meta = disk.meta(folder)
        version = str(meta.get("version") or folder.name.removeprefix("version-"))
        return ModelVersion(
            version=version,
            source=_text(meta.get("source")),
            storage=_text(meta.get("storage_location")),
            run=_text(meta.get("run_id")),
            created=meta.get("creation_timestamp"),
            description=_text(meta.get("description")),
            user=_text(meta.get("user_id")),
            stage=_text(meta.get("current_stage")),
            status=_text(meta.get("status")),
            aliases=sorted(aliases.get(version, ())),
            tags=self._texts(folder / "tags"),
        )

    def _datasets(self, experiment: Path) -> dict[str, Dataset]:
        found = {}
        for folder in self._inside(experiment / "datasets"):
            dataset = self._tried("datasets", _dataset, folder)
            if dataset is not None:
                found[folder.name] = dataset
        return found

    def _inputs(
        self, folder: Path, datasets: Mapping[str, Dataset]
    ) -> tuple[list[DatasetInput], list[str]]:
        """The datasets and models a run read. MLflow 3 writes the source into ``destination_id``
        too, so that only the path says which run it is.
        """
        inputs, used = [], []
        for entry in self._inside(folder):
            meta = self._tried("inputs", disk.meta, entry) or {}
            source = str(meta.get("source_id"))
            tags = meta.get("tags")
            if meta.get("source_type") == "MODEL":
                used.append(source)
            elif source in datasets:
                context = tags.get("mlflow.data.context") if isinstance(tags, dict) else None
                inputs.append(DatasetInput(dataset=datasets[source], context=_text(context)))
            elif meta:
                self._tally.lose("inputs", "the dataset is not in the store", first=str(entry))
        inputs.sort(key=lambda item: (item.dataset.name, item.dataset.digest, item.context or ""))
        return inputs, sorted(used)

    def _outputs(self, folder: Path) -> list[ModelOutput]:
        found = []
        for entry in self._inside(folder):
            meta = self._tried("outputs", disk.meta, entry) or {}
            step = meta.get("step")
            found.append(
                ModelOutput(
                    model=storable(entry.name), step=step if isinstance(step, int) else None
                )
            )
        return found

    # --- files -----------------------------------------------------------------------------------

    def _earliest_run(self) -> tuple[str, Any]:
        """Asked only where experiments have no creation time, which is so in old small stores."""
        if any(experiment.created for _, experiment in self._folders):
            return ("", 0)
        started = []
        for folder, _ in self._folders:
            for run in self._run_folders(folder):
                try:
                    at = disk.meta(run).get("start_time")
                except BadInput:
                    continue
                if isinstance(at, int):
                    started.append((at, run.name))
        return min(started)[::-1] if started else ("", 0)

    def _is_experiment(self, folder: Path) -> bool:
        """Whether a folder is an experiment, if only by its name or its runs."""
        return (
            (folder / "meta.yaml").is_file()
            or folder.name.isdecimal()
            or any((folder / name / "meta.yaml").is_file() for name in disk.names(folder))
        )

    def _run_folders(self, experiment: Path) -> Iterator[Path]:
        for folder in self._inside(experiment):
            if folder.name not in _NOT_RUNS:
                yield folder

    def _inside(self, folder: Path) -> list[Path]:
        """The folders in a folder by name; a link could lead anywhere, so it counts as lost."""
        found = []
        for name in disk.names(folder):
            entry = folder / name
            if entry.is_symlink():
                self._tally.lose("symbolic links", "they are not followed", first=str(entry))
            elif entry.is_dir():
                found.append(entry)
        return found

    def _files(self, folder: Path) -> Iterator[tuple[str, Path]]:
        """Names with ``/`` in them are kept as folders, so a name is the path of its file."""
        if folder.is_symlink():
            self._tally.lose("symbolic links", "they are not followed", first=str(folder))
            return
        for at, folders, files in os.walk(folder):
            folders.sort()
            for name in sorted(files):
                path = Path(at, name)
                yield storable(path.relative_to(folder).as_posix()), path

    def _texts(self, folder: Path) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, path in self._files(folder):
            text = self._tried(f"{folder.name} files", disk.read, path)
            if text is not None:
                found[name] = text
        return found

    def _metrics(self, folder: Path, counted: str) -> dict[str, list[disk.Point]]:
        """The last point of each metric on each dataset, the very last at the end."""
        found = {}
        for name, path in self._files(folder):
            last = self._tried("metric files", self._last_points, path, counted)
            if last:
                found[name] = sorted(last.values(), key=lambda point: point.rank)
        return found

    def _last_points(self, path: Path, counted: str) -> dict[str, disk.Point]:
        last: dict[str, disk.Point] = {}
        points = 0
        for number, line in disk.lines(path):
            try:
                point = disk.point(line)
            except (ValueError, OverflowError) as error:
                first = f"{path} line {number}: {error}"
                self._tally.lose("metric points", "the line is malformed", first=first)
                continue
            points += 1
            standing = last.get(point.dataset)
            if standing is None or point.rank >= standing.rank:
                last[point.dataset] = point
        self._tally.seen[counted] += points
        kept = len(last) if counted == _MODEL_METRICS else min(points, 1)
        reason = "the last value of each metric is kept, not its history"
        self._tally.lose("metric points before the last", reason, count=points - kept)
        return last

    def _tried(
        self, what: str, read: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T | None:
        """What a part says, or ``None`` with a loss: one bad file does not stop a store."""
        try:
            return read(*args, **kwargs)
        except BadInput as error:
            self._lose(what, error)
            return None

    def _lose(self, what: str, error: BadInput) -> None:
        self._tally.lose(what, "they cannot be read", first=f"{error.what} ({error.where})")


def looks_like_store(folder: Path) -> bool:
    """Whether a folder holds an experiment, read quickly and never raising."""
    try:
        with os.scandir(folder) as entries:
            return any(
                entry.is_dir(follow_symlinks=False)
                and (entry.name == _TRASH or entry.name.isdecimal())
                and (entry.name == _TRASH or Path(entry.path, "meta.yaml").is_file())
                for entry in entries
            )
    except OSError:
        return False


def _experiment(folder: Path) -> Experiment:
    meta = disk.meta(folder)
    if "experiment_id" not in meta or "name" not in meta:
        message = "it has no experiment_id or no name: half of it is missing"
        raise BadInput(message, where=str(folder / "meta.yaml"))
    return Experiment(
        id=str(meta["experiment_id"]),
        name=str(meta["name"]),
        created=meta.get("creation_time"),
        deleted=meta.get("lifecycle_stage") == "deleted",
    )


def _dataset(folder: Path) -> Dataset:
    meta = disk.meta(folder)
    if not (meta.get("name") and meta.get("digest")):
        raise BadInput("it has no name or no digest", where=str(folder))
    return Dataset(
        name=str(meta["name"]),
        digest=str(meta["digest"]),
        source_type=_text(meta.get("source_type")),
        source=_text(meta.get("source")),
        schema=_text(meta.get("schema")),
        profile=_text(meta.get("profile")),
    )


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)

# SPDX-License-Identifier: Apache-2.0
"""Reads a tracking server by MLflow's REST protocol, which is asked because the user named it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

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
from importers.mlflow.server import API, Object, Server, objects_of
from importers.mlflow.values import Tally
from lineage.errors import BadInput, EndpointMissing, LimitExceeded

_API_3 = "/api/3.0/mlflow"
#: Runs are asked for one by one where models are logged, for a search leaves out the models used.
_MOST_SINGLE = 10_000
_EXPERIMENTS_AT_ONCE = 100
#: What is counted only: how much at once, and of a hundred experiments.
_COUNTED_AT_ONCE, _MOST_COUNTED = 50, 10_000
#: A search of the registry leaves prompts out, unless it asks for them.
_PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"
_RUNS_AT_ONCE = 1_000
_MODELS_AT_ONCE = 100


class RestStore:
    """Reads a tracking server. Metric histories stay there: a search gives last values."""

    door = "server"

    def __init__(self, server: Server, tally: Tally, instance: str | None = None) -> None:
        self._server = server
        self._tally = tally
        found = server.pages(
            "experiments/search",
            "experiments",
            {"max_results": 1000, "view_type": "ALL"},
            post=True,
        )
        self._experiments = {
            experiment.id: experiment for experiment in sorted(map(_experiment, found), key=_id)
        }
        tally.seen["experiments"] += len(self._experiments)
        born = (server.address, 0)
        self.instance = instance or intrinsic(tuple(self._experiments.values()), born)
        self._models: list[LoggedModel] | None = None

    def close(self) -> None:
        """No connection is kept."""

    def runs(self) -> Iterator[Run]:
        """All runs by experiment, as the server lists them."""
        single = bool(self._logged())
        asked = 0
        for chunk in self._chunks():
            body = {
                "experiment_ids": chunk,
                "run_view_type": "ALL",
                "max_results": _RUNS_AT_ONCE,
                "order_by": ["attributes.start_time ASC"],
            }
            for found in self._server.pages("runs/search", "runs", body, post=True):
                whole, ident = found, _object(found, "info").get("run_id")
                if not ident:
                    self._tally.lose("runs", "the server gives them no id")
                    continue
                if single and asked < _MOST_SINGLE:
                    whole = _object(self._server.ask("runs/get", {"run_id": ident}), "run")
                elif single:
                    reason = f"models used are read of the first {_MOST_SINGLE} runs only"
                    self._tally.lose("runs", reason)
                asked += 1
                yield self._run(whole, str(ident))
        self._count("traces", "traces", "traces", API, post=False)
        self._count("evaluation sets", "datasets/search", "datasets", _API_3, post=True)

    def _count(self, what: str, path: str, under: str, api: str, *, post: bool) -> None:
        """Count what is not read; servers that do not have it say so, or do not know the search."""
        for chunk in self._chunks():
            asked = {"experiment_ids": chunk, "max_results": _COUNTED_AT_ONCE}
            found = self._server.pages(path, under, asked, post=post, api=api)
            count = 0
            try:
                for _ in islice(found, _MOST_COUNTED):
                    count += 1
            except (BadInput, LimitExceeded):
                if not count:
                    return
                self._tally.lose(what, "they are not read, nor counted to the end", count=count)
                continue
            more = (
                f"; only the first {_MOST_COUNTED} were counted" if count == _MOST_COUNTED else ""
            )
            self._tally.lose(what, f"they are not read{more}", count=count)

    def logged_models(self) -> Iterator[LoggedModel]:
        """All logged models by id."""
        yield from self._logged()

    def registered_models(self) -> Iterator[RegisteredModel]:
        """The registry by name."""
        models: dict[str, Object] = {}
        versions: dict[str, dict[str, Object]] = defaultdict(dict)
        for query in ({}, {"filter": _PROMPTS}):
            asked = {"max_results": _RUNS_AT_ONCE, **query}
            try:
                for model in self._server.pages(
                    "registered-models/search", "registered_models", asked
                ):
                    models[str(model.get("name"))] = model
                for version in self._server.pages("model-versions/search", "model_versions", asked):
                    versions[str(version.get("name"))][str(version.get("version"))] = version
            except EndpointMissing:
                self._tally.lose("registered models", "the server has no model registry")
                return
            except BadInput as error:
                if not query:
                    raise
                reason = "the server does not search for them"
                self._tally.lose("registered prompts", reason, first=error.what)
        for name, model in sorted(models.items()):
            yield _registered(model, tuple(versions[name].values()))

    def _chunks(self) -> Iterator[Sequence[str]]:
        listed = list(self._experiments)
        for start in range(0, len(listed), _EXPERIMENTS_AT_ONCE):
            yield listed[start : start + _EXPERIMENTS_AT_ONCE]

    def _logged(self) -> list[LoggedModel]:
        if self._models is None:
            self._models = sorted(self._ask_logged(), key=_id)
        return self._models

    def _ask_logged(self) -> Iterator[LoggedModel]:
        for chunk in self._chunks():
            body = {"experiment_ids": chunk, "max_results": _MODELS_AT_ONCE}
            try:
                for found in self._server.pages("logged-models/search", "models", body, post=True):
                    if _object(found, "info").get("model_id"):
                        yield self._logged_model(found)
                    else:
                        self._tally.lose("logged models", "the server gives them no id")
            except EndpointMissing:
                self._tally.lose("logged models", "the server is older than MLflow 3")
                return

    def _experiment(self, ident: Any) -> Experiment:
        return self._experiments.get(str(ident)) or Experiment(id=str(ident), name=str(ident))

    def _run(self, found: Object, ident: str) -> Run:
        info, data = _object(found, "info"), _object(found, "data")
        inputs, outputs = _object(found, "inputs"), _object(found, "outputs")
        metrics = self._metrics(data, f"run {ident}")
        params, tags = _pairs(data, "params"), _pairs(data, "tags")
        for what, number in (("params", params), ("tags", tags), ("metrics", metrics)):
            self._tally.seen[what] += len(number)
        reason = "a search gives the last value of each metric"
        self._tally.lose("metric histories", reason, count=len(metrics))
        return Run(
            id=ident,
            experiment=self._experiment(info.get("experiment_id")),
            name=_text(info.get("run_name")),
            status=_text(info.get("status")),
            user=_text(info.get("user_id")),
            started=info.get("start_time"),
            ended=info.get("end_time"),
            deleted=info.get("lifecycle_stage") == "deleted",
            artifacts=_text(info.get("artifact_uri")),
            source_version=_text(info.get("source_version")),
            params=params,
            metrics={name: last[-1] for name, last in metrics.items()},
            tags=tags,
            datasets=sorted(
                map(_dataset, objects_of(inputs, "dataset_inputs")),
                key=lambda item: (item.dataset.name, item.dataset.digest, item.context or ""),
            ),
            models_used=sorted(str(m.get("model_id")) for m in objects_of(inputs, "model_inputs")),
            models_made=[
                ModelOutput(model=str(m.get("model_id")), step=_whole(m.get("step")))
                for m in objects_of(outputs, "model_outputs")
            ],
        )

    def _logged_model(self, found: Object) -> LoggedModel:
        info, data = _object(found, "info"), _object(found, "data")
        status = _text(info.get("status"))
        metrics = self._metrics(data, f"logged model {info.get('model_id')}")
        self._tally.seen["metrics of logged models"] += sum(map(len, metrics.values()))
        return LoggedModel(
            id=str(info.get("model_id")),
            experiment=self._experiment(info.get("experiment_id")),
            name=_text(info.get("name")),
            run=_text(info.get("source_run_id")),
            created=info.get("creation_timestamp_ms"),
            status=status.removeprefix("LOGGED_MODEL_").lower() if status else None,
            model_type=_text(info.get("model_type")),
            artifacts=_text(info.get("artifact_uri")),
            params=_pairs(data, "params"),
            metrics=metrics,
            tags=_pairs(info, "tags"),
        )

    def _metrics(self, data: Object, where: str) -> dict[str, list[float]]:
        found: dict[str, list[float]] = defaultdict(list)
        for metric in sorted(objects_of(data, "metrics"), key=_place):
            name = str(metric.get("key"))
            value = self._tally.number(metric.get("value"), f"{name} of {where}")
            if value is not None:
                found[name].append(value)
        return found


def _registered(model: Object, versions: Sequence[Object]) -> RegisteredModel:
    aliases: dict[str, list[str]] = defaultdict(list)
    for alias in objects_of(model, "aliases"):
        aliases[str(alias.get("version"))].append(str(alias.get("alias")))
    return RegisteredModel(
        name=str(model.get("name")),
        created=model.get("creation_timestamp"),
        description=_text(model.get("description")),
        tags=_pairs(model, "tags"),
        versions=sorted(
            (_version(version, aliases) for version in versions),
            key=lambda version: (len(version.version), version.version),
        ),
    )


def _version(found: Object, aliases: Mapping[str, Sequence[str]]) -> ModelVersion:
    version = str(found.get("version"))
    return ModelVersion(
        version=version,
        source=_text(found.get("source")),
        run=_text(found.get("run_id")),
        created=found.get("creation_timestamp"),
        description=_text(found.get("description")),
        user=_text(found.get("user_id")),
        stage=_text(found.get("current_stage")),
        status=_text(found.get("status")),
        aliases=sorted(aliases.get(version, ())),
        tags=_pairs(found, "tags"),
    )


def _experiment(found: Object) -> Experiment:
    return Experiment(
        id=str(found.get("experiment_id")),
        name=str(found.get("name")),
        created=found.get("creation_time"),
        deleted=found.get("lifecycle_stage") == "deleted",
    )


def _dataset(found: Object) -> DatasetInput:
    dataset = _object(found, "dataset")
    return DatasetInput(
        dataset=Dataset(
            name=_text(dataset.get("name")) or "",
            digest=_text(dataset.get("digest")) or "",
            source_type=_text(dataset.get("source_type")),
            source=_text(dataset.get("source")),
            schema=_text(dataset.get("schema")),
            profile=_text(dataset.get("profile")),
        ),
        context=_text(_pairs(found, "tags").get("mlflow.data.context")),
    )


def _id(thing: Experiment | LoggedModel) -> str:
    return thing.id


def _place(metric: Object) -> tuple[str, int, int]:
    return (
        str(metric.get("key")),
        _whole(metric.get("step")) or 0,
        _whole(metric.get("timestamp")) or 0,
    )


def _whole(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 20 else None


def _object(found: Object, name: str) -> Object:
    value = found.get(name)
    return value if isinstance(value, dict) else {}


def _pairs(found: Object, name: str) -> dict[str, str]:
    return {
        str(pair.get("key")): str(pair.get("value", ""))
        for pair in sorted(objects_of(found, name), key=lambda pair: str(pair.get("key")))
    }


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)

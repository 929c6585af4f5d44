# SPDX-License-Identifier: Apache-2.0
"""MLflow's SQL tables, from the first schema (2019) to that of 3.17, read without MLflow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from importers.mlflow.database import Database, Unreadable
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
from importers.mlflow.schema import READ, UNREAD, Row, Tables
from importers.mlflow.values import Tally

_LOGGED_STATUS = {1: "pending", 2: "ready", 3: "failed"}

#: How many runs are asked for at once (SQLite allows 999 parameters in its oldest builds).
_CHUNK = 500


class SqlStore:
    """The tables of MLflow's SQL store.

    Its instance is intrinsic, or, on a PostgreSQL server with a name, the address: see
    ``importers.mlflow``. Raises ``InputTooNew`` or ``BadInput`` where the core tables are missing.
    """

    door = "tables"

    def __init__(self, database: Database, tally: Tally, instance: str | None = None) -> None:
        self._database = database
        self._tally = tally
        self._tables = Tables(database, tally)
        self._experiments = {
            str(row["experiment_id"]): _experiment(row)
            for row in self._tables.select(
                "experiments", "experiment_id", "name", "creation_time", "lifecycle_stage"
            )
        }
        tally.seen["experiments"] += len(self._experiments)
        self.instance = instance or intrinsic(
            tuple(self._experiments.values()), self._earliest_run()
        )

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def runs(self) -> Iterator[Run]:
        """All runs by id, read in chunks so that no lock is held for long."""
        self._count()
        left = self._tables.size("runs")
        for chunk in self._tables.pages(
            "runs",
            "run_uuid",
            *("run_uuid", "experiment_id", "name", "status", "user_id", "start_time"),
            *("end_time", "lifecycle_stage", "artifact_uri", "source_version"),
            size=_CHUNK,
        ):
            named = [row for row in chunk if self._named(row["run_uuid"])]
            unique = {row["run_uuid"]: row for row in named}
            left -= len(chunk) - len(named) + len(unique)
            yield from self._details(list(unique.values()))
        reason = "their id does not lead to them: it is empty, no text, or another's too"
        self._tally.lose("runs", reason, count=max(left, 0))

    def _named(self, ident: str) -> bool:
        """Whether the id of a run can be read; its parameters and metrics are found by it."""
        if isinstance(ident, Unreadable):
            self._tally.lose("runs", "their id is not UTF-8", first=str(ident))
        return not isinstance(ident, Unreadable)

    def logged_models(self) -> Iterator[LoggedModel]:
        """All logged models by id."""
        texts = {
            table: self._texts(table, "model_id", name, value)
            for table, name, value in (
                ("logged_model_params", "param_key", "param_value"),
                ("logged_model_tags", "tag_key", "tag_value"),
            )
        }
        metrics = self._model_metrics()
        for row in self._tables.select(
            "logged_models",
            *("model_id", "experiment_id", "name", "source_run_id", "creation_timestamp_ms"),
            *("status", "model_type", "lifecycle_stage", "artifact_location"),
            more='ORDER BY "model_id"',
        ):
            ident = str(row["model_id"])
            yield LoggedModel(
                id=ident,
                experiment=self._experiment(row["experiment_id"]),
                name=_text(row["name"]),
                run=_text(row["source_run_id"]),
                created=row["creation_timestamp_ms"],
                status=_LOGGED_STATUS.get(row["status"]),
                model_type=_text(row["model_type"]),
                deleted=row["lifecycle_stage"] == "deleted",
                artifacts=_text(row["artifact_location"]),
                params=texts["logged_model_params"].get(ident, {}),
                metrics=metrics.get(ident, {}),
                tags=texts["logged_model_tags"].get(ident, {}),
            )

    def registered_models(self) -> Iterator[RegisteredModel]:
        """The registry by workspace and name."""
        aliases: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for row in self._tables.select(
            "registered_model_aliases", "workspace", "name", "version", "alias"
        ):
            aliases[_model_key(row, "version")].append(str(row["alias"]))
        tags = self._tags("registered_model_tags")
        version_tags = self._tags("model_version_tags", "version")
        versions: dict[tuple[str, ...], list[ModelVersion]] = defaultdict(list)
        for row in self._tables.select(
            "model_versions",
            *("workspace", "name", "version", "source", "storage_location", "run_id"),
            *("creation_time", "description", "user_id", "current_stage", "status"),
            more='ORDER BY "name", "version"',
        ):
            at = _model_key(row, "version")
            versions[at[:-1]].append(_version(row, sorted(aliases[at]), version_tags.get(at, {})))
        for row in self._tables.select(
            "registered_models",
            *("workspace", "name", "creation_time", "description"),
            more='ORDER BY "name"',
        ):
            yield RegisteredModel(
                name=str(row["name"]),
                workspace=_text(row["workspace"]),
                created=row["creation_time"],
                description=_text(row["description"]),
                tags=tags.get(_model_key(row), {}),
                versions=versions[_model_key(row)],
            )

    def _count(self) -> None:
        """Count what is read, and lose what is in tables that this reader does not know."""
        for table in ("params", "metrics", "tags"):
            self._tally.seen[table] += self._tables.size(table)
        pairs = "SELECT count(*) FROM (SELECT DISTINCT run_uuid, key FROM metrics) AS pairs"
        lasts = self._tables.size("latest_metrics") or int(self._tables.rows(pairs)[0][0])
        reason = "the last value of each metric is kept, not its history"
        points = self._tally.seen["metrics"] - lasts
        self._tally.lose("metric points before the last", reason, count=max(points, 0))
        for table in sorted(self._tables.names - READ):
            what, reason = f"rows of {table}", "not lineage of runs"
            if table in UNREAD:
                what, reason = UNREAD[table], "they are not read"
            self._tally.lose(what, reason, count=self._tables.size(table))

    def _earliest_run(self) -> tuple[str, Any]:
        found = self._tables.rows(
            "SELECT run_uuid, start_time FROM runs WHERE start_time IS NOT NULL"
            " ORDER BY start_time, run_uuid LIMIT 1"
        )
        return (str(found[0][0]), found[0][1]) if found else ("", 0)

    def _experiment(self, ident: Any) -> Experiment:
        return self._experiments.get(str(ident)) or Experiment(id=str(ident), name=str(ident))

    def _details(self, chunk: Sequence[Row]) -> Iterator[Run]:
        keys = [row["run_uuid"] for row in chunk]
        params = self._texts("params", "run_uuid", "key", "value", keys)
        tags = self._texts("tags", "run_uuid", "key", "value", keys)
        metrics = self._metrics(keys)
        datasets = self._datasets(keys)
        used = self._links("RUN_INPUT", "MODEL_INPUT", keys)
        made = self._links("RUN_OUTPUT", "MODEL_OUTPUT", keys)
        for row in chunk:
            ident = str(row["run_uuid"])
            yield Run(
                id=ident,
                experiment=self._experiment(row["experiment_id"]),
                name=_text(row["name"]),
                status=_text(row["status"]),
                user=_text(row["user_id"]),
                started=row["start_time"],
                ended=row["end_time"],
                deleted=row["lifecycle_stage"] == "deleted",
                artifacts=_text(row["artifact_uri"]),
                source_version=_text(row["source_version"]),
                params=params.get(ident, {}),
                metrics=metrics.get(ident, {}),
                tags=tags.get(ident, {}),
                datasets=datasets.get(ident, ()),
                models_used=[link.model for link in used.get(ident, ())],
                models_made=made.get(ident, ()),
            )

    def _texts(
        self, table: str, owner: str, name: str, value: str, keys: Sequence[Any] | None = None
    ) -> dict[str, dict[str, str]]:
        """Names and texts by their owner; without ``keys``, of all owners."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        where = "" if keys is None else f'"{owner}" IN ({_marks(keys)})'
        order = f'ORDER BY "{owner}", "{name}"'
        for row in self._tables.select(
            table, owner, name, value, where=where, parameters=keys or (), more=order
        ):
            if row[value] is not None:
                found[str(row[owner])][str(row[name])] = str(row[value])
        return found

    def _metrics(self, keys: Sequence[Any]) -> dict[str, dict[str, float]]:
        """The last value of each metric: kept by MLflow itself since 1.4, found here before."""
        columns = ("run_uuid", "key", "value", "is_nan")
        where = f'"run_uuid" IN ({_marks(keys)})'
        if "latest_metrics" in self._tables.names:
            order = 'ORDER BY "run_uuid", "key"'
            rows = self._tables.select(
                "latest_metrics", *columns, where=where, parameters=keys, more=order
            )
        else:
            there = self._tables.columns("metrics")
            last = ", ".join(
                f'"{name}" DESC' for name in ("step", "timestamp", "value") if name in there
            )
            is_nan = '"is_nan"' if "is_nan" in there else "NULL"
            statement = (
                "SELECT run_uuid, key, value, nan FROM (SELECT run_uuid, key, value, "  # noqa: S608
                f"{is_nan} AS nan, ROW_NUMBER() OVER (PARTITION BY run_uuid, key ORDER BY {last})"
                f" AS place FROM metrics WHERE {where}) AS ranked WHERE place = 1"
                " ORDER BY run_uuid, key"
            )
            found = self._tables.rows(statement, keys)
            rows = [dict(zip(columns, row, strict=True)) for row in found]
        metrics: dict[str, dict[str, float]] = defaultdict(dict)
        for row in rows:
            run, name = str(row["run_uuid"]), str(row["key"])
            value = self._tally.number(
                row["value"], f"{name} of run {run}", is_nan=bool(row["is_nan"])
            )
            if value is not None:
                metrics[run][name] = value
        return metrics

    def _datasets(self, keys: Sequence[Any]) -> dict[str, list[DatasetInput]]:
        if not {"inputs", "datasets", "input_tags"} <= self._tables.names:
            return {}
        rows = self._tables.rows(
            "SELECT i.destination_id, d.name, d.digest, d.dataset_source_type, d.dataset_source,"  # noqa: S608
            " d.dataset_schema, d.dataset_profile, t.value FROM inputs i"
            " JOIN datasets d ON d.dataset_uuid = i.source_id LEFT JOIN input_tags t"
            " ON t.input_uuid = i.input_uuid AND t.name = 'mlflow.data.context'"
            " WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN'"
            f" AND i.destination_id IN ({_marks(keys)})"
            " ORDER BY i.destination_id, d.name, d.digest, t.value",
            keys,
        )
        found: dict[str, list[DatasetInput]] = defaultdict(list)
        for run, name, digest, source_type, source, schema, profile, context in rows:
            dataset = Dataset(
                name=str(name),
                digest=str(digest),
                source_type=_text(source_type),
                source=_text(source),
                schema=_text(schema),
                profile=_text(profile),
            )
            found[str(run)].append(DatasetInput(dataset=dataset, context=_text(context)))
        return found

    def _links(
        self, source: str, destination: str, keys: Sequence[Any]
    ) -> dict[str, list[ModelOutput]]:
        found: dict[str, list[ModelOutput]] = defaultdict(list)
        for row in self._tables.select(
            "inputs",
            *("source_id", "destination_id", "step"),
            where='"source_type" = ? AND "destination_type" = ?'
            f' AND "source_id" IN ({_marks(keys)})',
            parameters=(source, destination, *keys),
            more='ORDER BY "source_id", "destination_id"',
        ):
            link = ModelOutput(model=str(row["destination_id"]), step=row["step"])
            found[str(row["source_id"])].append(link)
        return found

    # --- models ----------------------------------------------------------------------------------

    def _model_metrics(self) -> dict[str, dict[str, list[float]]]:
        """The last value of each metric of each model on each dataset."""
        columns = (
            *("model_id", "metric_name", "dataset_name", "dataset_digest"),
            *("metric_step", "metric_timestamp_ms", "metric_value"),
        )
        order = "ORDER BY " + ", ".join(f'"{name}"' for name in columns)
        last: dict[tuple[str, str, str], tuple[Any, Any]] = {}
        rows = self._tables.select("logged_model_metrics", *columns, more=order)
        for row in rows:
            on = f"{row['dataset_name']}@{row['dataset_digest']}"
            last[str(row["model_id"]), str(row["metric_name"]), on] = (
                row["metric_value"],
                row["metric_timestamp_ms"],
            )
        self._tally.seen["metrics of logged models"] += len(rows)
        reason = "the last value of each metric is kept, not its history"
        self._tally.lose("metric points before the last", reason, count=len(rows) - len(last))
        metrics: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        not_numbers = self._model_nans() if last else frozenset()
        for at, (raw, when) in last.items():
            model, name, _ = at
            is_nan = (model, name, when) in not_numbers
            value = self._tally.number(raw, f"{name} of {model}", is_nan=is_nan)
            if value is not None:
                metrics[model][name].append(value)
        return metrics

    def _model_nans(self) -> frozenset[tuple[str, str, Any]]:
        """The model metrics that are NaN: MLflow writes 0 there, and the flag only at the run."""
        found = self._tables.rows(
            "SELECT m.model_id, m.metric_name, m.metric_timestamp_ms FROM logged_model_metrics m"
            " JOIN metrics r ON r.run_uuid = m.run_id AND r.key = m.metric_name"
            " AND r.timestamp = m.metric_timestamp_ms AND r.step = m.metric_step WHERE r.is_nan"
        )
        return frozenset((str(model), str(name), when) for model, name, when in found)

    def _tags(self, table: str, *more: str) -> dict[tuple[str, ...], dict[str, str]]:
        found: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
        for row in self._tables.select(
            table, "workspace", "name", *more, "key", "value", more='ORDER BY "name", "key"'
        ):
            if row["value"] is not None:
                found[_model_key(row, *more)][str(row["key"])] = str(row["value"])
        return found


def _experiment(row: Row) -> Experiment:
    return Experiment(
        id=str(row["experiment_id"]),
        name=str(row["name"]),
        created=row["creation_time"],
        deleted=row["lifecycle_stage"] == "deleted",
    )


def _version(row: Row, aliases: Sequence[str], tags: Mapping[str, str]) -> ModelVersion:
    return ModelVersion(
        version=str(row["version"]),
        source=_text(row["source"]),
        storage=_text(row["storage_location"]),
        run=_text(row["run_id"]),
        created=row["creation_time"],
        description=_text(row["description"]),
        user=_text(row["user_id"]),
        stage=_text(row["current_stage"]),
        status=_text(row["status"]),
        aliases=aliases,
        tags=tags,
    )


def _model_key(row: Row, *more: str) -> tuple[str, ...]:
    return (str(row["workspace"]), str(row["name"]), *(str(row[name]) for name in more))


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))

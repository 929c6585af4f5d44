# SPDX-License-Identifier: Apache-2.0
"""What a tracking store holds, in MLflow's own words, whichever way it was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol

#: Times are milliseconds since 1970 as MLflow writes them, checked when they become attributes.
Milliseconds = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A group of runs."""

    id: str
    name: str
    created: Milliseconds = None
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A dataset as a run logged it; ``source`` is JSON that says where it came from."""

    name: str
    digest: str
    source_type: str | None = None
    source: str | None = None
    schema: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInput:
    """A dataset in its role for one run, such as training."""

    dataset: Dataset
    context: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOutput:
    """A logged model that a run wrote, at a step of its training."""

    model: str
    step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run; ``metrics`` holds the last value of each."""

    id: str
    experiment: Experiment
    name: str | None = None
    status: str | None = None
    user: str | None = None
    started: Milliseconds = None
    ended: Milliseconds = None
    deleted: bool = False
    artifacts: str | None = None
    #: The commit, in stores of the first versions of MLflow.
    source_version: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: Sequence[DatasetInput] = ()
    models_used: Sequence[str] = ()
    models_made: Sequence[ModelOutput] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedModel:
    """A model that a run wrote (MLflow 3). A metric has one last value per dataset."""

    id: str
    experiment: Experiment
    name: str | None = None
    run: str | None = None
    created: Milliseconds = None
    status: str | None = None
    model_type: str | None = None
    deleted: bool = False
    artifacts: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Sequence[float]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A version of a registered model. ``storage`` is where MLflow found the files of ``source``
    when it registered them, where that is told.
    """

    version: str
    source: str | None = None
    storage: str | None = None
    run: str | None = None
    created: Milliseconds = None
    description: str | None = None
    user: str | None = None
    stage: str | None = None
    status: str | None = None
    aliases: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """A name in the model registry. Names are unique within a workspace."""

    name: str
    workspace: str | None = None
    created: Milliseconds = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    versions: Sequence[ModelVersion] = ()


class TrackingStore(Protocol):
    """One place where MLflow keeps runs. Everything is listed in an order of its own ids."""

    #: How it is read: one store shows more to a reader of its files than its server does.
    door: str
    #: The namespace of what the store names: see ``intrinsic``.
    instance: str

    def registered_models(self) -> Iterator[RegisteredModel]:
        """The model registry."""
        ...

    def runs(self) -> Iterator[Run]:
        """All runs, the deleted ones too."""
        ...

    def logged_models(self) -> Iterator[LoggedModel]:
        """All logged models."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def intrinsic(experiments: Sequence[Experiment], first_run: tuple[str, Milliseconds]) -> str:
    """The name of a store out of what it holds, which a copy, a move or another way to read it does
    not change: the id and creation time of its earliest experiment.

    Never its name, which people change. Stores from before MLflow 1.30 have no creation times
    there; their earliest run (id and start) takes the place.
    """
    dated = [(int(e.created), e.id) for e in experiments if _is_time(e.created)]
    born = min(dated) if dated else first_run
    return f"mlflow-{sha256(f'{born[0]}/{born[1]}'.encode()).hexdigest()[:16]}"


def _is_time(value: Milliseconds) -> bool:
    return str(value).isdecimal() and len(str(value)) < 20 and int(value) > 0

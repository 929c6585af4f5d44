# SPDX-License-Identifier: Apache-2.0
"""Maps MLflow to PROV: runs with what they used and made, models with where they came from."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from importers.base import EnvironmentReader
from importers.mlflow.artifacts import DESCRIBE_ENVIRONMENT, File
from importers.mlflow.datasets import SPARK_TABLES, Datasets
from importers.mlflow.entities import LoggedModel, RegisteredModel, Run
from importers.mlflow.naming import Naming, edge, known, lifecycle
from importers.mlflow.origins import Known, Made
from importers.mlflow.prompts import LINKED, Prompts
from importers.mlflow.registry import Registry
from importers.mlflow.values import Tally, key
from lineage import ids
from lineage.ids import Id
from lineage.model import kinds
from lineage.model.identity import content
from lineage.model.record import Record
from lineage.model.terms import BY_LOGGED, METHOD
from lineage.model.value import Attributes, Ref, Value
from lineage.sources.captured_runs import MLFLOW_TAG, is_key

#: Where MLflow has kept the commit: its own, a Databricks Repo's, that of old plugins.
_COMMITS = ("mlflow.source.git.commit", "mlflow.databricks.gitRepoCommit", "mlflow.gitCommit")
#: No tag: a field of a run, which stays an attribute where it names no commit.
_VERSION = "source_version"
_IMAGE = ("mlflow.docker.image.uri", "mlflow.docker.image.id")
_PARENT = "mlflow.parentRunId"
_USER = "mlflow.user"
_NAME = "mlflow.runName"
_FULL_SHA = re.compile(r"(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})")


class Mapper:
    """Turns entities into records."""

    def __init__(
        self, instance: str, tally: Tally, environment: EnvironmentReader | None = None
    ) -> None:
        self._environment = environment
        self._naming = Naming(instance, tally)
        self._tally = tally
        self._datasets = Datasets(self._naming)
        self._prompts = Prompts(self._naming)
        self._known = Known()
        self._generated: set[tuple[str, str]] = set()

    # --- runs ------------------------------------------------------------------------------------

    def run(self, run: Run) -> Iterator[Record]:
        """A run, who ran it, and what it used and made."""
        naming = self._naming
        self._known.runs.add(run.id)
        ident = naming.run(run.id)
        commits = self._commits(run)
        captured = self._captured(run.tags, f"run {run.id}")
        told = {_NAME, _PARENT, _USER, *captured}.union(*commits.values())
        kept = {name: text for name, text in run.tags.items() if name not in told}
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
                **lifecycle(deleted=run.deleted or run.experiment.deleted),
                **naming.parameters(run.params, where),
                **{key("metric", metric): value for metric, value in run.metrics.items()},
                **naming.texts("tag", kept, where),
                **({} if _VERSION in told else known(source_version=run.source_version)),
            },
        ).node()
        yield from self._responsible(ident, run.tags.get(_USER) or run.user, [*commits])
        for commit in commits:
            yield from naming.once(kinds.Commit(id=commit))
            yield edge("used", ident, commit, {"prov:role": "source"})
        yield from self._container(ident, run.tags, where)
        if parent := run.tags.get(_PARENT):
            yield edge("wasInformedBy", ident, naming.run(parent))
        for around in captured.values():
            yield edge("wasInformedBy", ident, around)
        for used in run.datasets:
            yield from self._datasets.used(ident, used)
        if tables := run.tags.get(SPARK_TABLES):
            yield from self._datasets.tables(ident, tables)
        if prompts := run.tags.get(LINKED):
            yield from self._prompts.linked("used", ident, prompts, where)
        for model in run.models_used:
            yield edge("used", ident, naming.logged(model), {"prov:role": "model"})
        for output in run.models_made:
            if output.step or (output.model, run.id) not in self._generated:
                at: Attributes = {"step": output.step} if output.step else {}
                yield edge("wasGeneratedBy", naming.logged(output.model), ident, at)

    def _container(self, ident: Id, tags: Mapping[str, str], where: str) -> Iterator[Record]:
        """The image of Docker that a project was run in (mlflow/utils/mlflow_tags.py)."""
        said = self._naming.texts("image", {n: tags[n] for n in _IMAGE if tags.get(n)}, where)
        if not said:
            return
        image, digest = (said.get(key("image", name)) for name in _IMAGE)
        environment = kinds.Environment(
            id=ids.environment_id({"image": digest or image}),
            label=image or digest,
            # A name may be another image tomorrow.
            more={**known(image=image, digest=digest)}
            | ({} if digest else {"reproducible": False}),
        )
        yield from self._naming.once(environment)
        yield edge("used", ident, environment.id, {"prov:role": "environment"})

    def _commits(self, run: Run) -> dict[Id, list[str]]:
        """The commits that a run names, each with the tags that name it."""
        found: dict[Id, list[str]] = {}
        said = [(name, run.tags[name].strip()) for name in _COMMITS if name in run.tags]
        if run.source_version:
            said.append((_VERSION, run.source_version.strip()))
        for name, sha in said:
            if _FULL_SHA.fullmatch(sha):
                found.setdefault(ids.commit_id(sha), []).append(name)
            elif sha and name != _VERSION:
                reason = "no full hash, so it names no commit; kept as a tag"
                self._tally.lose("source commits", reason, first=f"{sha!r} of run {run.id}")
        return found

    def _captured(self, tags: Mapping[str, str], where: str) -> dict[str, Id]:
        """The captured run in which something was made, with the tag that names it."""
        said = tags.get(MLFLOW_TAG)
        if said is None:
            return {}
        if not is_key(said):
            reason = "no identifier of a captured run, so it names none; kept as a tag"
            self._tally.lose("captured runs", reason, first=f"that of {where}")
            return {}
        return {MLFLOW_TAG: ids.captured_run_id(said)}

    def _responsible(self, run: Id, user: str | None, commits: Sequence[Id]) -> Iterator[Record]:
        if user:
            person = self._naming.person(user)
            yield from self._naming.once(person)
            # Of several plans nobody knows which was followed.
            plan: Attributes = {"prov:plan": Ref(commits[0])} if len(commits) == 1 else {}
            yield edge("wasAssociatedWith", run, person.id, plan)

    # --- models ----------------------------------------------------------------------------------

    def logged_model(self, model: LoggedModel) -> Iterator[Record]:
        """A model as a run wrote it. Asked before the runs, which name it as their output again."""
        naming = self._naming
        self._known.add_logged(model.id, Made(model.run, model.name))
        ident, where = naming.logged(model.id), f"logged model {model.id}"
        created = self._tally.moment(model.created, where)
        # Of a model that a run of MLflow logged, the run says it.
        captured = {} if model.run else self._captured(model.tags, where)
        kept = {name: text for name, text in model.tags.items() if name not in captured}
        yield kinds.Artifact(
            id=ident,
            label=model.name or model.id,
            name=model.name,
            more={
                **known(created=created, status=model.status, model_type=model.model_type),
                "experiment": model.experiment.name,
                **lifecycle(deleted=model.deleted or model.experiment.deleted),
                **naming.parameters(model.params, where),
                **{key("metric", metric): tuple(last) for metric, last in model.metrics.items()},
                **naming.texts("tag", kept, where),
            },
        ).node()
        if prompts := model.tags.get(LINKED):
            yield from self._prompts.linked("wasDerivedFrom", ident, prompts, where)
        at = known(**{"prov:time": created})
        if model.run:
            self._generated.add((model.id, model.run))
            yield edge("wasGeneratedBy", ident, naming.run(model.run), at)
        for around in captured.values():
            yield edge("wasGeneratedBy", ident, around, at)

    def registry(
        self, registered: Sequence[RegisteredModel], files: Mapping[str, Sequence[File]]
    ) -> Registry:
        """What maps the registry, once all runs and logged models were read; ``files`` are those of
        runs, by run.
        """
        return Registry(self._naming, self._known, registered, files)

    # --- files -----------------------------------------------------------------------------------

    def files_of_run(self, run: str, files: Sequence[File]) -> Iterator[Record]:
        """The artifacts of a run, and the environments that models among them were logged with."""
        for file in files:
            yield from self._artifact(run, file)
            yield edge("wasGeneratedBy", self._naming.file(run, file), self._naming.run(run))
        yield from self._environments(run, files)

    def files_of_model(self, model: LoggedModel, files: Sequence[File]) -> Iterator[Record]:
        """The files that a logged model is made of, and the environment that its run used."""
        naming = self._naming
        if model.run:
            yield from self._environments(model.run, files)
        for file in files:
            yield from self._artifact(model.id, file)
            yield edge("hadMember", naming.logged(model.id), naming.file(model.id, file))
            if model.run:
                yield edge("wasGeneratedBy", naming.file(model.id, file), naming.run(model.run))

    def _environments(self, run: str, files: Sequence[File]) -> Iterator[Record]:
        """The environments that MLflow wrote down beside models: those of their run."""
        if self._environment is None:
            return
        models = {posixpath.dirname(file.path) for file in files if _is_model(file)}
        for folder in sorted(models):
            said = {
                posixpath.basename(file.path): file.data
                for file in files
                if file.data is not None and posixpath.dirname(file.path) == folder
            }
            found = self._environment(said) if said else None
            if found is not None:
                ident, records = found
                yield from records
                logged: dict[str, Value] = {METHOD: BY_LOGGED, "prov:role": "environment"}
                yield edge("used", self._naming.run(run), ident, logged)

    def _artifact(self, owner: str, file: File) -> Iterator[Record]:
        ident = self._naming.file(owner, file)
        yield kinds.Artifact(
            id=ident,
            label=file.path,
            name=file.path,
            digest=f"sha256:{file.digest}",
            size=file.size,
        ).node()
        # What describes an environment is written alike for every model of one kind: were it tied by its
        # bytes, each such model would be connected with all others.
        if file.path.rpartition("/")[2] not in DESCRIBE_ENVIRONMENT:
            for algorithm, digest in (("sha256", file.digest), ("md5", file.md5)):
                if digest is not None:
                    nodes, ties = content(ident, algorithm, digest, file.size)
                    yield from nodes
                    yield from ties


def _is_model(file: File) -> bool:
    """Whether a file says of its folder that it is a model."""
    return posixpath.basename(file.path) == "MLmodel"

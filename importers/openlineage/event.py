# SPDX-License-Identifier: Apache-2.0
"""One OpenLineage event (2-0-2) as a batch: it asserts only what holds whatever else arrives.

A START says when a run began, a terminal event when and how it ended; nothing says what state a run
is in now. So events may come in any order, twice, or in parts, and give one graph.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from importers.openlineage import facets
from importers.openlineage.datasets import Datasets
from importers.openlineage.graph import Graph
from lineage import ids
from lineage.access.secret_patterns import scrub
from lineage.errors import Rejected
from lineage.model import kinds
from lineage.model.record import Batch
from lineage.sources.json_values import Conflict

_HINT = "Events are described at openlineage.io: RunEvent, DatasetEvent or JobEvent of 2-0-2."
#: The facet of the run that started a run; the second is its name before OpenLineage 0.14.
_PARENTS = frozenset({"parent", "parentRun"})
_TWICE = "Which of the two is meant, nobody knows: send the event with one of them."
#: How a run ended, by the type of its terminal event.
_ENDED = {"COMPLETE": "finished", "FAIL": "failed", "ABORT": "killed"}
_TYPES = frozenset({"START", "RUNNING", "OTHER", *_ENDED})
#: Inputs, and outputs, of one event.
_MOST = 10_000
_SHA = re.compile(r"[0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?")


def batch_of(event: Any, *, person_key: bytes) -> Batch:
    """Read what one event says, parsed from JSON; ``losses`` says what of it is missing or not
    kept.

    Raises ``Rejected`` for what names no run, job or dataset, or is no event at all.
    """
    if isinstance(event, Conflict):
        message = f"{event.key!r} appears twice in one object, with different contents"
        raise Rejected(message, where=event.key, hint=_TWICE)
    if not isinstance(event, dict):
        raise Rejected(f"an event is an object, not a {type(event).__name__}", hint=_HINT)
    parts = {name: _part(event, name) for name in ("run", "job", "dataset")}
    if parts == {"run": None, "job": None, "dataset": None}:
        keys = ", ".join(sorted(map(repr, event))[:5]) or "nothing"
        raise Rejected(f"the event names no run, job or dataset (it has {keys[:200]})", hint=_HINT)
    graph = Graph(person_key)
    graph.seen["events"] = 1
    try:
        _Reading(graph, event, parts).read()
    except UnicodeEncodeError as error:
        raise Rejected("a name holds a lone surrogate", hint=_HINT) from error
    if not graph.nodes:
        raise Rejected("nothing in the event has a name", hint=_HINT)
    return graph.batch()


def _part(event: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    value = event.get(name)
    if value is not None and not isinstance(value, dict):
        raise Rejected(
            f"{name!r} is a {type(value).__name__}, not an object", where=name, hint=_HINT
        )
    return value


class _Reading:
    """One event being read into a graph."""

    def __init__(
        self,
        graph: Graph,
        event: Mapping[str, Any],
        parts: Mapping[str, Mapping[str, Any] | None],
    ) -> None:
        self._graph = graph
        self._datasets = Datasets(graph)
        self._tally = graph.tally
        self._event = event
        self._parts = parts
        self._time = self._moment(event.get("eventTime"))

    def read(self) -> None:
        """Everything the event says."""
        job = self._job(self._parts["job"])
        run = self._run(self._parts["run"])
        if job is None and run is None and self._parts["dataset"] is None:
            raise Rejected("neither the run nor the job of the event has a name", hint=_HINT)
        if self._parts["dataset"] is not None:
            self._datasets.take(self._parts["dataset"], run=run, job=job, time=self._time)
        for key, output in (("inputs", False), ("outputs", True)):
            found = self._event.get(key)
            if found is not None and not isinstance(found, list):
                self._tally.lose(key, "not a list")
                continue
            if found is not None and len(found) > _MOST:
                raise Rejected(f"{len(found)} {key}, more than {_MOST}", where=key, hint=_HINT)
            for item in found or ():
                self._datasets.take(item, run=run, job=job, output=output, time=self._time)
        if job is not None and self._parts["job"] is not None:
            self._job_facets(self._parts["job"], job, run)
        if run is not None:
            self._run_said(run, job)

    def _moment(self, value: Any) -> str | None:
        """The time of the event in UTC; without a zone it is read as UTC."""
        try:
            moment = datetime.fromisoformat(value)
            utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (TypeError, ValueError, OverflowError):
            self._tally.lose("eventTime", "missing, or no time")
            return None
        return utc.isoformat().replace("+00:00", "Z")

    def _job(self, job: Mapping[str, Any] | None) -> str | None:
        if job is None:
            if self._parts["run"] is not None:
                self._tally.lose("job", "missing")
            return None
        return self._graph.job(job)

    def _run(self, run: Mapping[str, Any] | None) -> str | None:
        if run is None:
            return None
        return self._graph.run(run, self._parts["job"])

    def _run_said(self, run: str, job: str | None) -> None:
        """When and how it began or ended, who reported it, and its facets."""
        graph, said = self._graph, self._event.get("eventType")
        kind = said if isinstance(said, str) else None
        if kind not in _TYPES:
            self._tally.lose("eventType", "missing, or none of the standard")
        if kind == "START" and self._time:
            graph.say(kinds.Run(id=run, started=self._time))
        if kind in _ENDED:
            graph.say(kinds.Run(id=run, ended=self._time, status=_ENDED[kind]))
        graph.associate(run, self._event.get("producer"), job)
        assert self._parts["run"] is not None
        for name, facet in facets.of(self._parts["run"], "facets", self._tally):
            self._run_facet(run, name, facet)

    def _run_facet(self, run: str, name: str, facet: Mapping[str, Any]) -> None:
        graph, tally = self._graph, self._tally
        if name in _PARENTS:
            self._parents(run, facet)
        elif name == "jobDependencies":
            for item in facets.listed(facet, "upstream", tally):
                graph.informed(run, item, "dependency")
            for item in facets.listed(facet, "downstream", tally):
                graph.informs(run, item, "dependency")
        elif name == "tags":
            graph.say(kinds.Run(id=run, more=facets.tags(facet, tally)))
        elif name == "environmentVariables":
            found = facets.pairs("env", facets.listed(facet, name, tally), tally)
            graph.say(kinds.Run(id=run, more=found))
        elif name == "executionParameters":
            found = facets.pairs("param", facets.listed(facet, "parameters", tally), tally)
            graph.say(kinds.Run(id=run, more=found))
        else:
            graph.say(kinds.Run(id=run, more=facets.attributes(name, facet, tally)))

    def _parents(self, run: str, facet: Mapping[str, Any]) -> None:
        parent = self._graph.informed(run, facet, "parent")
        if parent is None:
            self._tally.lose("parents", "no run and no job is named")
        root = facet.get("root")
        if isinstance(root, dict):
            known = {run, parent}
            self._graph.informed(run, root, "root", unless=known)

    def _job_facets(self, said: Mapping[str, Any], job: str, run: str | None) -> None:
        graph, tally = self._graph, self._tally
        for name, facet in facets.of(said, "facets", tally):
            if name == "ownership":
                graph.owned(job, facet)
            elif name == "sourceCodeLocation":
                self._source(job, run, facet)
            elif name == "lineage":
                self._datasets.entries(facet, job=job, run=run)
            elif name == "tags":
                graph.say(kinds.Entity(id=job, more=facets.tags(facet, tally)))
            elif name in facets.JOB or run is None:
                graph.say(kinds.Entity(id=job, more=facets.attributes(name, facet, tally)))
            else:
                graph.say(kinds.Run(id=run, more=facets.attributes(name, facet, tally)))

    def _source(self, job: str, run: str | None, facet: Mapping[str, Any]) -> None:
        """Where the code lies, and the commit that ran."""
        told = {
            f"source.{key}": scrub(value)
            for key in ("type", "url", "repoUrl", "path", "branch", "tag", "pullRequestNumber")
            if isinstance(value := facet.get(key), str)
        }
        version = facet.get("version")
        if isinstance(version, str) and _SHA.fullmatch(version):
            commit = kinds.Commit(id=ids.commit_id(version), label=version[:12])
            self._graph.say(commit)
            if run is None:
                self._graph.edge("wasInfluencedBy", job, commit.id, role="source")
            else:
                self._graph.edge("used", run, commit.id, role="source")
        elif isinstance(version, str):
            told["source.version"] = version
        if run is None:
            self._graph.say(kinds.Entity(id=job, more=told))
        else:
            self._graph.say(kinds.Run(id=run, more=told))

# SPDX-License-Identifier: Apache-2.0
"""The records of one event: runs, jobs and datasets by OpenLineage's names, and their relations."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from importers.locations import normal
from importers.openlineage import facets
from importers.tally import Tally
from lineage import ids
from lineage.access.secret_patterns import scrub
from lineage.model import identity, kinds, namespaces
from lineage.model.kinds import Noun
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Ref, Value
from lineage.sources import captured_runs

#: Owners are written as ``<kind>:<name>``.
_OWNERS: Mapping[str, type[Noun]] = {
    "application": kinds.SoftwareAgent,
    "group": kinds.Organization,
    "organization": kinds.Organization,
    "service": kinds.SoftwareAgent,
    "team": kinds.Organization,
}
_PEOPLE = frozenset({"person", "user"})
_PLAN = Ref(namespaces.PROV + "Plan")
#: Names longer than this (characters, with their namespace) are not remembered.
_SHORT = 500


T = TypeVar("T")


def _remembered(make: Callable[[str, str], T]) -> Callable[[str, str], T]:
    """Events name the same few things again and again; long names are not kept."""
    kept = lru_cache(maxsize=4096)(make)
    return lambda one, two: (kept if len(one) + len(two) <= _SHORT else make)(one, two)


@_remembered
def _job(namespace: str, name: str) -> Node:
    namespace, name = scrub(namespace), scrub(name)
    more: dict[str, Value] = {"name": name, "namespace": namespace, "prov:type": _PLAN}
    ident = ids.thing_id("job", namespace, name)
    return kinds.Entity(id=ident, label=name, more=more).node()


@_remembered
def _dataset(namespace: str, name: str) -> tuple[Node, tuple[str, str]]:
    namespace, name = named = normal(scrub(namespace), scrub(name))
    ident = ids.dataset_id(namespace, name)
    return kinds.Dataset(id=ident, label=name, name=name, namespace=namespace).node(), named


@_remembered
def _producer(space: str, name: str) -> Node:
    name = scrub(name)
    ident = ids.thing_id("producer", space, name)
    return kinds.SoftwareAgent(id=ident, label=name, name=name).node()


def _captured(run: Any, job: Any) -> str | None:
    """The captured run that a producer was told to name as its parent."""
    if not isinstance(run, dict) or not isinstance(job, dict):
        return None
    key, name = run.get("runId"), (job.get("namespace"), job.get("name"))
    if name != captured_runs.JOB or not isinstance(key, str) or not captured_runs.is_key(key):
        return None
    return ids.captured_run_id(key)


class Graph:
    """Collects what an event says; one statement a fact, so that a fact said again is the same."""

    def __init__(self, person_key: bytes) -> None:
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.seen: Counter[str] = Counter()
        self.tally = Tally()
        self._key = person_key

    def batch(self) -> Batch:
        """Everything collected."""
        return Batch(
            nodes=tuple(self.nodes),
            edges=tuple(self.edges),
            seen=dict(self.seen),
            losses=self.tally.losses(),
        )

    def say(self, noun: Noun) -> None:
        """Add one statement, unless it says nothing."""
        node = noun.node()
        if node.attributes or node.label is not None:
            self.nodes.append(node)

    def edge(self, relation: str, effect: str, cause: str, /, **told: Value | None) -> None:
        """Add one relation; ``role`` and ``time`` are PROV's."""
        names = {"role": "prov:role", "time": "prov:time"}
        attributes = {names.get(k, k): v for k, v in told.items() if v is not None}
        self.edges.append(
            Edge(relation=relation, effect=effect, cause=cause, attributes=attributes)
        )

    # --- things by name ---

    def _named(self, said: Any, what: str) -> tuple[str, str] | None:
        """Namespace and name; one without a name is counted as lost."""
        name = said.get("name") if isinstance(said, dict) else None
        if not isinstance(name, str) or not name:
            self.tally.lose(what, "no name")
            return None
        namespace = said.get("namespace")
        if not isinstance(namespace, str) or not namespace:
            self.tally.lose("namespaces", "missing or empty", first=what)
            namespace = ""
        return namespace, name

    def job(self, said: Any) -> str | None:
        """Add a job: the plan that its runs follow."""
        if (named := self._named(said, "jobs")) is None:
            return None
        node = _job(*named)
        self.nodes.append(node)
        self.seen["jobs"] += 1
        return node.id

    def run(self, said: Any, job: Any) -> str | None:
        """Add a run, called as its job is; ``None`` where it has no identifier."""
        key = said.get("runId") if isinstance(said, dict) else None
        if not isinstance(key, str) or not key.strip():
            self.tally.lose("runs", "no runId")
            return None
        try:
            key = str(uuid.UUID(key))
        except ValueError:
            self.tally.lose("runIds", "kept, but no UUID")
        ident = ids.thing_id("run", "openlineage", key)
        name = job.get("name") if isinstance(job, dict) else None
        namespace = job.get("namespace") if isinstance(job, dict) else None
        label = scrub(name) if isinstance(name, str) and name else None
        more: dict[str, Any] = {
            "namespace": scrub(namespace) if isinstance(namespace, str) else None
        }
        self.say(kinds.Run(id=ident, label=label, name=label, tracker="openlineage", more=more))
        self.seen["runs"] += 1
        return ident

    def dataset(self, said: Any) -> tuple[str, tuple[str, str]] | None:
        """Add a dataset by name: its identifier, and namespace and name in their normal form."""
        if (named := self._named(said, "datasets")) is None:
            return None
        node, normal_name = _dataset(*named)
        self.nodes.append(node)
        return node.id, normal_name

    # --- runs and who answers for them ---

    def associate(self, run: str, producer: Any, job: str | None) -> None:
        """Add who reported the run, and the job as the plan that was followed."""
        if isinstance(producer, str) and producer:
            node = _producer("openlineage", producer)
            self.nodes.append(node)
            agent = node.id
        else:
            self.tally.lose("producer", "missing")
            agent = ids.unknown_id({"association": run})
        plan = {} if job is None else {"prov:plan": Ref(job)}
        self.edge("wasAssociatedWith", run, agent, **plan)

    def informed(
        self, run: str, said: Mapping[str, Any], role: str, unless: Collection[str | None] = ()
    ) -> str | None:
        """Add the run or job that came before a run."""
        other, is_run = self._other(said)
        if other is not None and other not in unless:
            self.edge("wasInformedBy" if is_run else "wasInfluencedBy", run, other, role=role)
        return other

    def informs(self, run: str, said: Mapping[str, Any], role: str) -> None:
        """Add the run or job that comes after a run."""
        other, is_run = self._other(said)
        if other is not None:
            self.edge("wasInformedBy" if is_run else "wasInfluencedBy", other, run, role=role)

    def _other(self, said: Mapping[str, Any]) -> tuple[str | None, bool]:
        """A run where its identifier is told, else its job."""
        run, job = said.get("run"), said.get("job")
        if (captured := _captured(run, job)) is not None:
            return captured, True
        if isinstance(run, dict) and (ident := self.run(run, job)) is not None:
            return ident, True
        return (self.job(job) if isinstance(job, dict) else None), False

    def owned(self, ident: str, facet: Mapping[str, Any]) -> None:
        """Add who answers for a job or dataset."""
        for owner in facets.listed(facet, "owners", self.tally):
            name = owner.get("name")
            if not isinstance(name, str) or not name.strip():
                self.tally.lose("owners", "no name")
                continue
            agent = self._owner(name)
            self.nodes.append(agent)
            role = owner.get("type")
            self.edge(
                "wasAttributedTo", ident, agent.id, role=role if isinstance(role, str) else None
            )

    def _owner(self, text: str) -> Node:
        kind, colon, name = text.partition(":")
        if not colon or not name or kind.lower() not in {*_OWNERS, *_PEOPLE}:
            kind, name = "", text
        if kind.lower() in _PEOPLE or ("@" in name and not kind):
            return identity.person(name, name if "@" in name else "", self._key)
        noun = _OWNERS.get(kind.lower(), kinds.Agent)
        ident = ids.thing_id("agent", "openlineage", text)
        return noun(id=ident, label=name, more={"name": name}).node()

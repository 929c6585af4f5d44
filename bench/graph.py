# SPDX-License-Identifier: Apache-2.0
"""A synthetic lineage graph of any size: runs over versions of data, with the diamonds, hubs and
fine-tuning chains that real ones have. Seeded, so that every run measures the same graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from lineage.model.record import Batch, Edge, Node

#: Records a batch, as importers yield them.
RECORDS = 4_000


@dataclass(slots=True)
class Graph:
    """The records, and where to ask: models for upstream, one dataset a third hangs on."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    hub: str = ""

    def batches(self) -> Iterator[Batch]:
        """In the order in which things happened, each batch whole: nodes with their edges."""
        out: dict[str, list[Edge]] = {}
        for edge in self.edges:
            out.setdefault(edge.effect, []).append(edge)
        nodes: list[Node] = []
        edges: list[Edge] = []
        for node in self.nodes:
            nodes.append(node)
            edges += out.pop(node.id, ())
            if len(nodes) + len(edges) >= RECORDS:
                yield Batch(nodes=tuple(nodes), edges=tuple(edges))
                nodes, edges = [], []
        yield Batch(nodes=tuple(nodes), edges=tuple(edges))


def make(edges: int, seed: int = 7) -> Graph:
    """A graph of about so many edges."""
    random = Random(seed)
    graph = Graph()
    make = _Maker(graph, random, projects=max(20, edges // 16_000))
    while len(graph.edges) < edges:
        make.run()
    return graph


class _Maker:
    def __init__(self, graph: Graph, random: Random, projects: int) -> None:
        self._graph, self._random = graph, random
        self._count = 0
        self._people = [self._node("Person", f"person-{n}") for n in range(40)]
        self._environments = [self._node("Environment", f"env-{n}") for n in range(60)]
        self._commits = [self._node("Commit", "commit-0")]
        graph.hub = self._node("DatasetVersion", "raw-0")
        self._versions = [
            [self._node("DatasetVersion", f"raw-{n}")] for n in range(1, projects + 1)
        ]
        self._models: list[list[str]] = [[] for _ in range(projects)]

    def _node(self, kind: str, name: str) -> str:
        self._count += 1
        random = self._random
        ident = f"urn:bench:{kind.lower()}:{self._count:08d}-{random.getrandbits(48):012x}"
        attributes = {
            "name": name,
            "status": random.choice(("finished", "finished", "failed")),
            "metric.score": random.randrange(1_000_000),
            "owner": f"team-{random.randrange(30)}",
        }
        self._graph.nodes.append(Node(id=ident, kind=kind, label=name, attributes=attributes))
        return ident

    def _edge(self, relation: str, effect: str, cause: str, role: str | None = None) -> None:
        attributes = {"prov:role": role} if role else {}
        self._graph.edges.append(
            Edge(relation=relation, effect=effect, cause=cause, attributes=attributes)
        )

    def run(self) -> None:
        """One training run in some project, now and then preparing its data anew first."""
        random = self._random
        project = random.randrange(len(self._versions))
        versions = self._versions[project]
        if random.random() < 0.15:
            self._prepare(project, versions)
        if random.random() < 0.2:
            commit = self._node("Commit", f"commit-{len(self._commits)}")
            self._edge("wasAttributedTo", commit, random.choice(self._people), "author")
            self._commits.append(commit)
        run = self._node("Run", f"run-{self._count}")
        for used in {random.choice(versions[-6:]) for _ in range(random.randint(2, 5))}:
            self._edge("used", run, used, "train")
        self._edge("used", run, self._commits[-1], "source")
        self._edge("used", run, self._often(self._environments))
        self._edge("wasAssociatedWith", run, self._often(self._people))
        models = self._models[project]
        # One project in twenty trains on and on from its last model.
        if models and (project % 20 == 0 or random.random() < 0.6):
            self._edge("used", run, models[-1] if project % 20 == 0 else random.choice(models[-8:]))
        model = self._node("ModelVersion", f"model-{project}@{len(models)}")
        models.append(model)
        self._graph.models.append(model)
        self._edge("wasGeneratedBy", model, run)
        for _ in range(random.randint(0, 2)):
            self._edge("wasGeneratedBy", self._node("Artifact", "report"), run)

    def _prepare(self, project: int, versions: list[str]) -> None:
        """A new version out of two or three, with both the derivations and the activity."""
        random = self._random
        activity = self._node("Activity", f"prepare-{self._count}")
        version = self._node("DatasetVersion", f"data-{project}@{len(versions)}")
        self._edge("wasGeneratedBy", version, activity)
        sources = {random.choice(versions[-3:]) for _ in range(3)}
        if project % 3 == 0 and len(versions) < 3:
            sources.add(self._graph.hub)
        for source in sorted(sources):
            self._edge("used", activity, source)
            self._edge("wasDerivedFrom", version, source)
        versions.append(version)

    def _often(self, things: list[str]) -> str:
        """The first of them half of the time: an environment and a person that are hubs."""
        return things[0] if self._random.random() < 0.5 else self._random.choice(things)

# SPDX-License-Identifier: Apache-2.0
"""A synthetic lineage graph of any size: runs over versions of data, with the diamonds, hubs and
fine-tuning chains that real ones have. Seeded, so that every run measures the same graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from lineage.model.record import Batch, Edge, Node

#: Records a batch, as importers yield them.
RECORDS = 4_000


@dataclass(slots=True, eq=False)
class Graph:
    """A graph and where to ask it: models for upstream, one dataset that a third hangs on, and the
    environment that has the most links.

    Its batches are in memory, for what is written again and again and timed; or are made anew each time
    that somebody reads them, as of a graph that is too large: then counts and models are known when they
    have been read to the end.
    """

    size: int
    seed: int
    nodes: int = 0
    edges: int = 0
    models: list[str] = field(default_factory=list)
    hub: str = ""
    busiest: str = ""
    _held: tuple[Batch, ...] = ()

    @property
    def records(self) -> int:
        """Nodes and edges together."""
        return self.nodes + self.edges

    @property
    def told(self) -> str:
        """How large it is, for people."""
        return f"{self.nodes:,} nodes, {self.edges:,} edges"

    def batches(self) -> Iterator[Batch]:
        """In the order in which things happened, each batch whole: nodes with their edges."""
        return iter(self._held) if self._held else self._made()

    def hold(self) -> None:
        """Keep the batches in memory."""
        self._held = tuple(self._made())

    def _made(self) -> Iterator[Batch]:
        maker = _Maker(self)
        nodes: list[Node] = []
        edges: list[Edge] = []
        for node, its_edges in maker.all():
            nodes.append(node)
            edges += its_edges
            if len(nodes) + len(edges) >= RECORDS:
                yield Batch(nodes=tuple(nodes), edges=tuple(edges))
                nodes, edges = [], []
        yield Batch(nodes=tuple(nodes), edges=tuple(edges))
        self.nodes, self.edges = maker.count, maker.edges
        self.models, self.hub, self.busiest = maker.made, maker.hub, maker.busiest


def make(edges: int, seed: int = 7) -> Graph:
    """A graph of about so many edges, in memory (some 0.5 GB a million edges)."""
    graph = stream(edges, seed)
    graph.hold()
    return graph


def stream(edges: int, seed: int = 7) -> Graph:
    """The same graph without its batches in memory."""
    return Graph(edges, seed)


class _Maker:
    """Makes the records; the edges of a node are made in the same step as the node."""

    def __init__(self, graph: Graph) -> None:
        self._size, self._random = graph.size, Random(graph.seed)
        self.count = self.edges = 0
        self.made: list[str] = []
        #: What the step has made: nodes, and by its effect each edge.
        self._nodes: list[Node] = []
        self._of: dict[str, list[Edge]] = {}
        projects = max(20, graph.size // 16_000)
        self._people = [self._node("Person", f"person-{n}") for n in range(40)]
        self._environments = [self._node("Environment", f"env-{n}") for n in range(60)]
        self.busiest = self._environments[0]
        self._commits = [self._node("Commit", "commit-0")]
        self.hub = self._node("DatasetVersion", "raw-0")
        self._versions = [
            [self._node("DatasetVersion", f"raw-{n}")] for n in range(1, projects + 1)
        ]
        self._models: list[list[str]] = [[] for _ in range(projects)]

    def all(self) -> Iterator[tuple[Node, Sequence[Edge]]]:
        """Every node with the edges whose effect it is."""
        yield from self._taken()
        while self.edges < self._size:
            self._run()
            yield from self._taken()

    def _taken(self) -> list[tuple[Node, Sequence[Edge]]]:
        done = [(node, self._of.pop(node.id, ())) for node in self._nodes]
        self._nodes = []
        return done

    def _node(self, kind: str, name: str) -> str:
        self.count += 1
        random = self._random
        ident = f"urn:bench:{kind.lower()}:{self.count:08d}-{random.getrandbits(48):012x}"
        attributes = {
            "name": name,
            "status": random.choice(("finished", "finished", "failed")),
            "metric.score": random.randrange(1_000_000),
            "owner": f"team-{random.randrange(30)}",
        }
        self._nodes.append(Node(id=ident, kind=kind, label=name, attributes=attributes))
        return ident

    def _edge(self, relation: str, effect: str, cause: str, role: str | None = None) -> None:
        attributes = {"prov:role": role} if role else {}
        edge = Edge(relation=relation, effect=effect, cause=cause, attributes=attributes)
        self._of.setdefault(effect, []).append(edge)
        self.edges += 1

    def _run(self) -> None:
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
        run = self._node("Run", f"run-{self.count}")
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
        self.made.append(model)
        self._edge("wasGeneratedBy", model, run)
        for _ in range(random.randint(0, 2)):
            self._edge("wasGeneratedBy", self._node("Artifact", "report"), run)

    def _prepare(self, project: int, versions: list[str]) -> None:
        """A new version out of two or three, with both the derivations and the activity."""
        random = self._random
        activity = self._node("Activity", f"prepare-{self.count}")
        version = self._node("DatasetVersion", f"data-{project}@{len(versions)}")
        self._edge("wasGeneratedBy", version, activity)
        sources = {random.choice(versions[-3:]) for _ in range(3)}
        if project % 3 == 0 and len(versions) < 3:
            sources.add(self.hub)
        for source in sorted(sources):
            self._edge("used", activity, source)
            self._edge("wasDerivedFrom", version, source)
        versions.append(version)

    def _often(self, things: list[str]) -> str:
        """The first of them half of the time: an environment and a person that are hubs."""
        return things[0] if self._random.random() < 0.5 else self._random.choice(things)

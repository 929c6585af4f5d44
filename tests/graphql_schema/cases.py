# SPDX-License-Identifier: Apache-2.0
"""A small store with one of everything that answers show, and a way to ask it in-process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import lineage
from graphql_schema import Session
from lineage import Batch, Edge, Literal, Node, Ref
from lineage.access.tokens import Role
from lineage.app import Lineage
from tests.conftest import KEY, clock

_DIGEST = "sha256:" + "ab" * 32
_HOLDOUT = "sha256:" + "cd" * 32


def _tie(one: str, other: str) -> list[Edge]:
    by = {"method": "digest"}
    return [
        Edge(relation="alternateOf", effect=one, cause=other, attributes=by),
        Edge(relation="alternateOf", effect=other, cause=one, attributes=by),
    ]


def _run(number: int, lr: float, auc: float) -> tuple[list[Node], list[Edge]]:
    run, model = f"urn:t:run:{number}", f"urn:t:model:{number}"
    nodes = [
        Node(
            id=run,
            kind="Run",
            label=f"train-{number}",
            attributes={"status": "finished", "param.lr": lr, "metric.auc": auc},
        ),
        Node(id=model, kind="ModelVersion", label=f"fraud@v{number}", attributes={"version": "1"}),
    ]
    plan = {"prov:plan": Ref("urn:t:commit"), "prov:role": "author"}
    edges = [
        Edge(relation="used", effect=run, cause="urn:t:data", attributes={"prov:role": "train"}),
        Edge(relation="used", effect=run, cause="urn:t:test", attributes={"prov:role": "test"}),
        Edge(relation="used", effect=run, cause="urn:t:commit", attributes={"prov:role": "source"}),
        Edge(relation="used", effect=run, cause="urn:t:env"),
        Edge(relation="wasAssociatedWith", effect=run, cause="urn:t:ana", attributes=plan),
        Edge(
            relation="wasGeneratedBy",
            effect=model,
            cause=run,
            attributes={"prov:time": "2026-01-02T00:00:00Z"},
            id=f"urn:t:generation:{number}",
        ),
    ]
    return nodes, edges


def batch() -> Batch:
    """Two runs over the same data, one of which is known under two names."""
    nodes = [
        Node(
            id="urn:t:data",
            kind="DatasetVersion",
            label="data/train.csv@1",
            attributes={"name": "data/train.csv", "digest": _DIGEST, "size": 5_000_000_000},
        ),
        Node(id="urn:t:copy", kind="DatasetVersion", label="copy.csv@1", attributes={}),
        Node(id="urn:t:bytes", kind="Content", attributes={"digest": _DIGEST}),
        Node(id="urn:t:test", kind="DatasetVersion", label="t@1", attributes={"digest": _HOLDOUT}),
        Node(id="urn:t:commit", kind="Commit", label="fix"),
        Node(id="urn:t:env", kind="Environment", label="py", attributes={"python": "3.11"}),
        Node(id="urn:t:numpy", kind="Package", label="numpy", attributes={"name": "numpy"}),
        Node(id="urn:t:ana", kind="Person", label="Ana", attributes={"name": ("Ana", "A. B.")}),
        Node(
            id="urn:t:odd",
            kind="Entity",
            attributes={
                "http://example.org/x": Literal("grün", language="de"),
                "name": Literal("1.50", "xsd:decimal"),
            },
        ),
    ]
    edges = [
        *_tie("urn:t:data", "urn:t:bytes"),
        *_tie("urn:t:copy", "urn:t:bytes"),
        Edge(relation="hadMember", effect="urn:t:env", cause="urn:t:numpy"),
        Edge(relation="wasDerivedFrom", effect="urn:t:data", cause="urn:t:odd"),
    ]
    for number, lr, auc in ((1, 0.1, 0.91), (2, 0.2, 0.93)):
        more, links = _run(number, lr, auc)
        nodes += more
        edges += links
    return Batch(nodes=tuple(nodes), edges=tuple(edges))


def small(url: str = "memory:") -> Lineage:
    """A store that holds the batch."""
    store = lineage.open(url, clock=clock, person_key=KEY, actor="tester", durability="fast")
    store.ingest(batch(), source="test")
    return store


def session(store: Lineage, role: Role = Role.admin) -> Session:
    """A caller, whose calls run where they stand."""

    class Here:
        async def read(self, work: Callable[[Any], Any]) -> Any:
            return work(store.context)

        write = read

        async def prepare(self, work: Callable[[], Any]) -> Any:
            return work()

        @asynccontextmanager
        async def growth(self) -> AsyncIterator[asyncio.Event]:
            yield asyncio.Event()

        def admit(self) -> None: ...

        def spend(self, points: int) -> None: ...

    return Session(server=Here(), role=role)

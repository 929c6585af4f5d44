# SPDX-License-Identifier: Apache-2.0
"""Batches the reads of nested fields: one a level, for all nodes, all edges and all evidence of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from strawberry.dataloader import DataLoader

from lineage.query.plan import Toward
from lineage.services.context import Context
from lineage.services.read.show import Claimed, evidence
from lineage.store.base import Hop, View
from lineage.store.rows import EdgeRow, NodeRow

K = TypeVar("K", bound=Hashable)


class Node(NamedTuple):
    """A node asked for."""

    id: str
    view: View


class Links(NamedTuple):
    """The links asked for on one side of a node."""

    id: str
    toward: Toward
    relations: frozenset[str] | None
    view: View


class Loaders:
    """The loaders of one operation; what was loaded once is not asked for again."""

    def __init__(self, read: Callable[[Callable[[Context], Any]], Awaitable[Any]]) -> None:
        self._read = read
        self.nodes: DataLoader[Node, NodeRow | None] = DataLoader(self._nodes)
        self.links: DataLoader[Links, list[EdgeRow]] = DataLoader(self._links)
        self.evidence: DataLoader[Node, list[Claimed]] = DataLoader(self._evidence)

    async def _nodes(self, keys: list[Node]) -> Sequence[NodeRow | None]:
        def work(ctx: Context) -> dict[View, Mapping[str, NodeRow]]:
            return {
                view: ctx.store.get({key.id for key in asked}, view)
                for view, asked in _grouped(keys, lambda key: key.view).items()
            }

        found = await self._read(work)
        return [found[key.view].get(key.id) for key in keys]

    async def _links(self, keys: list[Links]) -> list[list[EdgeRow]]:
        found: list[list[EdgeRow]] = await self._read(lambda ctx: _links(ctx, keys))
        return found

    async def _evidence(self, keys: list[Node]) -> list[list[Claimed]]:
        found: list[list[Claimed]] = await self._read(lambda ctx: _evidence(ctx, keys))
        return found


def _grouped(keys: Iterable[Any], by: Callable[[Any], K]) -> dict[K, list[Any]]:
    groups: dict[K, list[Any]] = {}
    for key in keys:
        groups.setdefault(by(key), []).append(key)
    return groups


def _links(ctx: Context, keys: Sequence[Links]) -> list[list[EdgeRow]]:
    found: dict[Links, list[EdgeRow]] = {key: [] for key in keys}
    for (toward, relations, view), asked in _grouped(keys, lambda key: key[1:]).items():
        hop = Hop(toward=toward, relations=relations)
        near = {key.id: found[key] for key in asked}
        for row in ctx.store.edges(list(near), hop, view):
            near[row.effect if toward == "causes" else row.cause].append(row)
    return [found[key] for key in keys]


def _evidence(ctx: Context, keys: Sequence[Node]) -> list[list[Claimed]]:
    found = {
        view: evidence(ctx, {key.id for key in asked}, view)
        for view, asked in _grouped(keys, lambda key: key.view).items()
    }
    return [found[key.view][key.id] for key in keys]

# SPDX-License-Identifier: Apache-2.0
"""Lists the nodes of each kind, a page at a time, behind the identifier of the last one seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import strawberry

from graphql_schema import rows
from graphql_schema.arguments import (
    At,
    Chosen,
    Commits,
    OfDataset,
    OfEnvironment,
    OfPackage,
    Text,
)
from graphql_schema.context import Asked, pin
from graphql_schema.limits import page_size
from graphql_schema.types import KIND_TYPES, After, First, PageInfo, leaf
from lineage.model import kinds
from lineage.query import ast
from lineage.query.parse import parse
from lineage.services.as_of import view_at
from lineage.services.context import Context
from lineage.services.read.ask import page_of
from lineage.store.base import Filter, Page, Slice, View

#: Kind -> the field of its list.
FIELDS: Mapping[str, str] = {name: kind.plural for name, kind in kinds.KINDS.items()}


class _Found:
    """One page of one kind."""

    def __init__(self, found: Slice, after: str | None) -> None:
        self.nodes = rows.Rows(found.rows)
        self.edges = self.nodes
        self.page_info = PageInfo(
            has_next_page=found.after is not None,
            has_previous_page=after is not None,
            start_cursor=_cursor(found.rows[0]) if found.rows else None,
            end_cursor=_cursor(found.rows[-1]) if found.rows else None,
        )


def _cursor(row: Any) -> str:
    return rows.written("node", row[0])


def _itself(row: Any) -> Any:
    return row


def _connection(kind: str) -> Any:
    """The connection type of a kind, with its edge type."""
    name = rows.kind_type(kind)
    node = KIND_TYPES[kind]
    body: dict[str, Any] = {
        "cursor": leaf("cursor", _cursor, str, "Its place in the list."),
        "node": leaf("node", _itself, node, f"The {name}."),
        "__module__": __name__,
    }
    words = f"A {name}, and its place in a list."
    edge = strawberry.type(type(f"{name}Edge", (), body), description=words)
    body = {
        "__annotations__": {"page_info": PageInfo, "nodes": list[node], "edges": list[edge]},  # type: ignore[valid-type] # made here
        "nodes": strawberry.field(description="The nodes of this page."),
        "edges": strawberry.field(description="The same, each with its place."),
        "page_info": strawberry.field(description="Where this page stands."),
        "__module__": __name__,
    }
    words = f"Nodes of kind {kind}, a page at a time, by identifier."
    return strawberry.type(type(f"{name}Connection", (), body), description=words)


def connections() -> dict[str, Any]:
    """Make the fields of all kinds, by name."""
    fields = {FIELDS[kind]: _field(kind) for kind in kinds.KINDS if kind != "Run"}
    return {FIELDS["Run"]: _runs(), **fields}


def _field(kind: str) -> Any:
    async def resolve(
        info: Asked, text: Text = None, first: First = 20, after: After = None, at: At = None
    ) -> Any:
        where = Filter(kinds=frozenset({kind}), text=text or None)
        return await _listed(
            info, lambda *call: call[0].store.find(where, *call[1:]), first, after, at
        )

    return _list_field(kind, resolve)


def _runs() -> Any:
    async def resolve(  # noqa: PLR0913 - one parameter an argument of the field
        info: Asked,
        *,
        commits: Commits = None,
        dataset: OfDataset = None,
        environment: OfEnvironment = None,
        package: OfPackage = None,
        where: Chosen = None,
        first: First = 20,
        after: After = None,
        at: At = None,
    ) -> Any:
        words = {"commit": commits, "dataset": dataset, "env": environment, "package": package}
        parts: list[ast.Expression] = [ast.Match("kind", "run")]
        parts += [ast.Match(word, value) for word, value in words.items() if value]
        if where:
            parts.append(parse(where).of)
        selected = ast.And(tuple(parts)) if len(parts) > 1 else parts[0]
        return await _listed(
            info, lambda *call: page_of(call[0], selected, *call[1:]), first, after, at
        )

    return _list_field("Run", resolve)


async def _listed(
    info: Asked,
    look: Callable[[Context, Page, View], Slice],
    first: int,
    after: str | None,
    at: str | None,
) -> _Found:
    """One page of a list, in the view asked for."""
    page = Page(limit=page_size(first), after=rows.read("node", after) if after else None)

    def work(ctx: Context) -> tuple[Slice, int]:
        view = view_at(ctx, at)
        return look(ctx, page, view), view.as_of or 0

    found, as_of = await info.context.read(work)
    pin(info, at, as_of)
    return _Found(found, after)


def _list_field(kind: str, resolve: Any) -> Any:
    resolve.__annotations__["return"] = _connection(kind) | None
    words = f"Nodes of kind {kind}, by identifier. {kinds.describe(kind)}"
    return strawberry.field(resolver=resolve, name=FIELDS[kind], description=words)

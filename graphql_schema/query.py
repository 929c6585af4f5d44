# SPDX-License-Identifier: Apache-2.0
"""The questions as fields: each is one call of a service, with the certificate of its answer."""

from __future__ import annotations

from typing import Any, cast

import strawberry

from graphql_schema.answer import Answer, flat
from graphql_schema.arguments import (
    At,
    Count,
    Depth,
    Going,
    Id,
    Ids,
    Kinds,
    Limit,
    Ref,
    Selected,
    Size,
    Text,
)
from graphql_schema.comparison import Comparison
from graphql_schema.context import Asked, pin
from graphql_schema.entries import EntryConnection, ledger
from graphql_schema.limits import answer_size, page_size
from graphql_schema.pages import connections
from graphql_schema.scalars import JSON
from graphql_schema.types import After, Evidence, First, Node, Via
from lineage.services import ask as asking
from lineage.services import compare as comparing
from lineage.services import produced as producing
from lineage.services import show as showing
from lineage.services import trace as tracing
from lineage.services import why as connecting
from lineage.services.answer import Answer as Answered
from lineage.services.context import Context
from lineage.services.resolve import resolve
from lineage.services.when import view_at
from lineage.store.base import NOW


@strawberry.type(description="How much there is now.")
class Stats:
    """How much there is now."""

    nodes: int = strawberry.field(description="Nodes.")
    edges: int = strawberry.field(description="Edges.")
    entries: int = strawberry.field(description="Entries of the ledger.")
    root: str = strawberry.field(description="The root of the ledger, in hex.")
    kinds: JSON = strawberry.field(description="How many nodes there are of each kind.")


@strawberry.type(description="How a selection is understood and carried out.")
class Explanation:
    """How a selection is understood and carried out."""

    query: str = strawberry.field(description="The selection in its canonical form.")
    meaning: list[str] = strawberry.field(description="What it means, as a tree, line by line.")
    plan: list[str] = strawberry.field(description="What the engine does, in the same form.")
    engine: str = strawberry.field(description="Which engine.")


def _names(chosen: Any) -> list[str] | None:
    """The words of enum values; none where none were named."""
    return [item.value for item in chosen] if chosen else None


async def _answer(info: Asked, at: str | None, work: Any) -> Answer:
    """A service's answer, worked out and put in order on its thread, in one hop."""

    def ordered(ctx: Context) -> Answer:
        found: Answered = work(ctx)
        return flat(found)

    answer: Answer = await info.context.read(ordered)
    pin(info, at, answer.certificate.as_of)
    return answer


async def _rows(info: Asked, at: str | None, work: Any) -> Any:
    """Rows from the store in the view asked for."""

    def viewed(ctx: Context) -> tuple[Any, int]:
        view = view_at(ctx, at)
        return work(ctx, view), view.as_of or 0

    found, as_of = await info.context.read(viewed)
    pin(info, at, as_of)
    return found


async def _node(info: Asked, id: Id, at: At = None) -> Node | None:  # noqa: A002 - Relay's word
    found = await _rows(info, at, lambda ctx, view: ctx.store.get([id], view))
    node: Node | None = found.get(id)
    return node


async def _nodes(info: Asked, ids: Ids, at: At = None) -> list[Node | None]:
    found = await _rows(info, at, lambda ctx, view: ctx.store.get(set(ids), view))
    return [found.get(ident) for ident in ids]


async def _resolve(info: Asked, ref: Ref, at: At = None) -> Node | None:
    found: Node = await _rows(info, at, lambda ctx, view: resolve(ctx, ref, view))
    return found


async def _select(
    info: Asked, query: Selected, first: Size = 1_000, after: Going = None, at: At = None
) -> Answer | None:
    chosen: Any = {"limit": answer_size(first), "cursor": after, "at": at}
    return await _answer(info, at, lambda ctx: asking.ask(ctx, query, **chosen))


async def _explain(info: Asked, query: Selected, at: At = None) -> Explanation | None:
    return Explanation(**await info.context.read(lambda ctx: asking.explain(ctx, query, at)))


async def _trace(
    info: Asked,
    ref: Ref,
    depth: Depth = None,
    limit: Limit = 10_000,
    via: Via = None,
    at: At = None,
) -> Answer | None:
    chosen: Any = {"depth": depth, "limit": answer_size(limit), "via": _names(via), "at": at}
    return await _answer(info, at, lambda ctx: tracing.trace(ctx, ref, **chosen))


async def _impact(
    info: Asked,
    ref: Ref,
    depth: Depth = None,
    limit: Limit = 10_000,
    via: Via = None,
    at: At = None,
) -> Answer | None:
    chosen: Any = {"depth": depth, "limit": answer_size(limit), "via": _names(via), "at": at}
    return await _answer(info, at, lambda ctx: tracing.impact(ctx, ref, **chosen))


async def _why(
    info: Asked, a: Ref, b: Ref, k: Count = 1, via: Via = None, at: At = None
) -> Answer | None:
    names = _names(via)
    return await _answer(info, at, lambda ctx: connecting.why(ctx, a, b, k=k, via=names, at=at))


async def _produced(
    info: Asked,
    ref: Ref,
    depth: Depth = None,
    limit: Limit = 10_000,
    via: Via = None,
    at: At = None,
) -> Answer | None:
    chosen: Any = {"depth": depth, "limit": answer_size(limit), "via": _names(via), "at": at}
    return await _answer(info, at, lambda ctx: producing.produced(ctx, ref, **chosen))


async def _show(info: Asked, ref: Ref, at: At = None) -> Answer | None:
    return await _answer(info, at, lambda ctx: showing.show(ctx, ref, at))


async def _find(
    info: Asked,
    text: Text = None,
    kinds: Kinds = None,
    first: First = 50,
    after: After = None,
    at: At = None,
) -> Answer | None:
    chosen: Any = {"limit": page_size(first), "after": after, "at": at}
    chosen["kinds"] = frozenset(_names(kinds) or ()) or None
    return await _answer(info, at, lambda ctx: showing.find(ctx, text, **chosen))


async def _compare(info: Asked, a: Ref, b: Ref, at: At = None) -> Comparison | None:
    found = await info.context.read(lambda ctx: comparing.compare(ctx, a, b, at))
    return cast("Comparison", found)


async def _evidence(info: Asked, ref: Ref, at: At = None) -> list[Evidence] | None:
    found = await info.context.read(lambda ctx: showing.show(ctx, ref, at))
    return [Evidence(**said) for said in found.extra["evidence"]]


async def _stats(info: Asked) -> Stats | None:
    return cast("Stats", await info.context.read(lambda ctx: ctx.store.stats(NOW)))


@strawberry.type(name="Query", description="What can be asked.")
class Questions:
    """What can be asked, beside the lists of each kind."""

    node = strawberry.field(
        resolver=_node, description="A thing by its identifier; null where there is none."
    )
    nodes = strawberry.field(
        resolver=_nodes, description="Things by their identifiers, in that order, null for none."
    )
    resolve = strawberry.field(
        resolver=_resolve, description="The thing that a short reference means."
    )
    select = strawberry.field(
        resolver=_select,
        description="What a selection selects, a page at a time, with the edges among the selected.",
    )
    explain = strawberry.field(
        resolver=_explain, description="How a selection is understood and carried out."
    )
    trace = strawberry.field(
        resolver=_trace, description="What produced this: everything upstream."
    )
    impact = strawberry.field(
        resolver=_impact, description="What depends on this: everything downstream."
    )
    why = strawberry.field(
        resolver=_why, description="How two things are connected: the shortest connections."
    )
    produced = strawberry.field(
        resolver=_produced,
        description="What produced this, grouped and as a tree, one line a thing.",
    )
    show = strawberry.field(
        resolver=_show, description="One thing in full: its nearest, and who says so."
    )
    find = strawberry.field(
        resolver=_find, description="Search identifiers and labels, a page at a time."
    )
    compare = strawberry.field(
        resolver=_compare,
        description="What differs between two runs or model versions, and whether the comparison is fair.",
    )
    evidence = strawberry.field(
        resolver=_evidence, description="Who says what of a thing and of its causes."
    )
    stats = strawberry.field(resolver=_stats, description="How much there is now.")
    ledger: EntryConnection | None = strawberry.field(
        resolver=ledger, description="The entries of the ledger, in order."
    )


#: The questions, and a list for each kind.
Query = strawberry.type(
    type("Query", (Questions,), {"__annotations__": {}, **connections()}),
    name="Query",
    description="What can be asked.",
)

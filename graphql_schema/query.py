# SPDX-License-Identifier: Apache-2.0
"""The query fields: each is one call of a service, with the certificate of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter, Signature
from typing import Annotated, Any

import strawberry

from graphql_schema import answer
from graphql_schema.arguments import At, Id, Ids, Ref
from graphql_schema.audit import Audit
from graphql_schema.comparison import Bisection, Comparison
from graphql_schema.context import Asked, pin
from graphql_schema.decisions import (
    Contributions,
    DecisionLog,
    DecisionRecord,
    DecisionStory,
    LessonOffers,
)
from graphql_schema.entries import EntryConnection, ledger
from graphql_schema.limits import within
from graphql_schema.pages import connections
from graphql_schema.scalars import JSON, Kind, Relation
from graphql_schema.types import Evidence, Node
from lineage.services.answer import Answer
from lineage.services.as_of import view_at
from lineage.services.context import Context
from lineage.services.read import (
    ask,
    bisect,
    compare,
    owner_list,
    trace,
)
from lineage.services.read.audit import report
from lineage.services.read.decisions import contributions, lessons, stories, summaries
from lineage.services.read.decisions import show as decision_show
from lineage.services.read.resolve import resolve
from lineage.services.read.show import ShowRequest
from lineage.services.request import Field, Request, answer_of, fields_of
from lineage.store import base
from lineage.verbs import REQUESTS


@strawberry.type(description="How much there is now.")
class Stats:
    """How much there is now."""

    nodes: int = strawberry.field(description="Nodes.")
    edges: int = strawberry.field(description="Edges.")
    entries: int = strawberry.field(description="Entries of the ledger.")
    root: str = strawberry.field(description="The root of the ledger, in hex.")
    kinds: JSON = strawberry.field(description="How many nodes there are of each kind.")


@strawberry.type(description="What is within reach of a thing, by identifiers or by numbers.")
class Reached:
    """What is within reach of a thing, by identifiers or by numbers."""

    ids: list[strawberry.ID] | None = strawberry.field(
        description="The identifiers, in order; null where only numbers were asked for."
    )
    kinds: JSON = strawberry.field(description="How many things there are of each kind.")
    total: int = strawberry.field(description="How many things there are.")
    certificate: answer.Certificate = strawberry.field(description="Whether this is all.")
    start: list[strawberry.ID] = strawberry.field(description="What was asked about.")


@strawberry.type(description="How a selection is understood and carried out.")
class Explanation:
    """How a selection is understood and carried out."""

    query: str = strawberry.field(description="The selection in its canonical form.")
    meaning: list[str] = strawberry.field(description="What it means, as a tree, line by line.")
    plan: list[str] = strawberry.field(description="What the engine does, in the same form.")
    engine: str = strawberry.field(description="Which engine.")


def _shown(found: Any) -> Any:
    """What a service answered, in the types of the schema."""
    if isinstance(found, Answer):
        return answer.flat(found)
    return Explanation(**found.to_dict()) if isinstance(found, ask.Explanation) else found


#: Answer of a service -> the type that shows it.
_TYPES: Mapping[type, Any] = {
    **answer.SHOWN,
    ask.Explanation: Explanation,
    compare.Comparison: Comparison,
    bisect.Bisection: Bisection,
    base.Stats: Stats,
    summaries.DecisionList: DecisionLog,
    decision_show.DecisionShown: DecisionRecord,
    lessons.Offers: LessonOffers,
    stories.Story: DecisionStory,
    trace.Reached: Reached,
    owner_list.OwnerList: answer.OwnerList,
    report.Audit: Audit,
    contributions.Contributions: Contributions,
}
_ENUMS: Mapping[str, Any] = {"Relation": Relation, "Kind": Kind}


def _argument(field: Field) -> Parameter:
    """An argument out of a field of a request."""
    enum = _ENUMS.get(field.says.enum or "")
    held: Any = field.scalar if enum is None else list.__class_getitem__(enum)
    default = field.says.sized[0] if field.says.sized else field.default
    if default is None:
        held |= None
    words = field.says.text
    if field.says.sized:
        words += f" At most {field.says.sized[1]:,}."
    return Parameter(
        field.argument,
        Parameter.KEYWORD_ONLY,
        default=Parameter.empty if field.required else default,
        annotation=Annotated[held, strawberry.argument(description=words)],
    )


def _given(field: Field, value: Any) -> Any:
    """The value of a field out of its argument."""
    if field.says.sized:
        return within(field.argument, value, field.says.sized[1])
    if field.says.enum:
        return [item.value for item in value] if value else None
    return value


def asked(request: type[Request[Any]]) -> Any:
    """Make the field that answers a request, worked out and put in order on its thread, in one hop."""
    known = fields_of(request)

    async def resolve(info: Asked, **arguments: Any) -> Any:
        info.context.demand(request.demands)
        given = {f.name: _given(f, arguments[f.argument]) for f in known}
        made = request(**given)
        found = await info.context.read(lambda ctx: _shown(made.answer(ctx)))
        if isinstance(found, answer.Answer):
            pin(info, given.get("at"), found.certificate.as_of)
        return found

    parameters = [Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=Asked)]
    parameters += [_argument(field) for field in known]
    returned = _TYPES[answer_of(request)] | None
    # Strawberry reads the signature, and the annotations of what has one.
    vars(resolve)["__signature__"] = Signature(parameters, return_annotation=returned)
    resolve.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": returned}
    words = " ".join((request.__doc__ or "").split())
    return strawberry.field(resolver=resolve, description=words)


async def _rows(info: Asked, at: str | None, work: Any) -> Any:
    """Rows from the store in the view asked for."""

    def viewed(ctx: Context) -> tuple[Any, int]:
        view = view_at(ctx, at)
        return work(ctx, view), view.as_of or 0

    found, as_of = await info.context.read(viewed)
    pin(info, at, as_of)
    return found


async def _node(info: Asked, id: Id) -> Node | None:  # noqa: A002 - Relay's word
    return await _node_at(info, id)


async def _node_at(info: Asked, id: Id, at: At = None) -> Node | None:  # noqa: A002 - as node has it
    found = await _rows(info, at, lambda ctx, view: ctx.store.get([id], view))
    node: Node | None = found.get(id)
    return node


async def _nodes(info: Asked, ids: Ids, at: At = None) -> list[Node | None]:
    found = await _rows(info, at, lambda ctx, view: ctx.store.get(set(ids), view))
    return [found.get(ident) for ident in ids]


async def _resolve(info: Asked, ref: Ref, at: At = None) -> Node | None:
    found: Node = await _rows(info, at, lambda ctx, view: resolve(ctx, ref, view))
    return found


async def _evidence(info: Asked, ref: Ref, at: At = None) -> list[Evidence] | None:
    found = await info.context.read(ShowRequest(ref, at=at).answer)
    return [Evidence(**said.to_dict()) for said in found.evidence]


@strawberry.type(name="Query", description="What can be asked.")
class Questions:
    """What can be asked, beside the lists of each kind."""

    node = strawberry.field(
        resolver=_node, description="A thing by its identifier; null where there is none."
    )
    node_at = strawberry.field(
        resolver=_node_at,
        description="A thing as it was at an entry or a time. Relay allows node no argument but id.",
    )
    nodes = strawberry.field(
        resolver=_nodes, description="Things by their identifiers, in that order, null for none."
    )
    resolve = strawberry.field(
        resolver=_resolve, description="The thing that a short reference means."
    )
    evidence = strawberry.field(
        resolver=_evidence, description="Who says what of a thing and of its causes."
    )
    ledger: EntryConnection | None = strawberry.field(
        resolver=ledger, description="The entries of the ledger, in order."
    )


#: The questions, those that requests answer, and a list for each kind.
Query = strawberry.type(
    type(
        "Query",
        (Questions,),
        {
            "__annotations__": {},
            **{r.graphql: asked(r) for r in REQUESTS.values() if r.graphql},
            **connections(),
        },
    ),
    name="Query",
    description="What can be asked.",
)

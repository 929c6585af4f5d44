# SPDX-License-Identifier: Apache-2.0
"""The mutations: each has one input, and gives problems as data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, cast

import strawberry

from graphql_schema import payloads
from graphql_schema.context import Asked
from graphql_schema.payloads import Problem, Receipt
from graphql_schema.scalars import JSON
from graphql_schema.types import KIND_TYPES
from lineage import formats
from lineage.access.tokens import Role
from lineage.errors import BadInput, LineageError
from lineage.services.context import Context
from lineage.services.request import Field, Request, fields_of, input_name
from lineage.services.write import authority, push, record
from lineage.services.write.decide import DecideRequest, LinkRequest
from lineage.services.write.deliberate import (
    DeliberateRequest,
    ReviewRequest,
    SupersedeRequest,
)
from lineage.services.write.deploy import DeployRequest, RetireRequest
from lineage.services.write.lessons import LessonRequest
from lineage.services.write.ownership import (
    SetOwnerRequest,
    TransferOwnerRequest,
)
from lineage.store.base import NOW

_KEY = "Any text of yours: the same call again with the same key changes nothing."


@strawberry.input(description="A PROV document.")
class IngestInput:
    """A PROV document."""

    document: str = strawberry.field(description="Its text.")
    format: str | None = strawberry.field(
        default=None, description="Its format, such as json; without it, what it looks like."
    )
    source: str | None = strawberry.field(
        default=None,
        description="The part of your own source that asserts it, such as a partner's name.",
    )
    key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.type(description="What became of a document.")
class IngestPayload:
    """What became of a document."""

    receipt: Receipt | None = strawberry.field(description="What was written.")
    problems: list[Problem] = strawberry.field(description="Why nothing was written.")


@strawberry.input(description="Something a run read: either ref or id.")
class UsedInput:
    """Something a run read."""

    ref: str | None = strawberry.field(default=None, description="A reference to what is here.")
    id: strawberry.ID | None = strawberry.field(
        default=None, description="An identifier, which may be new here."
    )
    role: str | None = strawberry.field(default=None, description="The part it played.")


@strawberry.input(description="Something a run made.")
class GeneratedInput:
    """Something a run made."""

    name: str = strawberry.field(description="Its path or name.")
    digest: str | None = strawberry.field(
        default=None, description="algorithm:hex of its bytes, by which others find it."
    )
    role: str | None = strawberry.field(default=None, description="The part it played.")


@strawberry.input(description="A run, with what it read and made.")
class RecordRunInput:
    """A run, with what it read and made."""

    name: str = strawberry.field(description="What to call it.")
    status: str | None = strawberry.field(default=None, description="finished, failed, ...")
    started: str | None = strawberry.field(default=None, description="ISO 8601.")
    ended: str | None = strawberry.field(default=None, description="ISO 8601.")
    parameters: JSON | None = strawberry.field(
        default=None, description="An object: names to texts, numbers or truths."
    )
    metrics: JSON | None = strawberry.field(
        default=None, description="An object: names to numbers."
    )
    used: list[UsedInput] = strawberry.field(default_factory=list, description="What it read.")
    generated: list[GeneratedInput] = strawberry.field(
        default_factory=list, description="What it made."
    )
    commit: str | None = strawberry.field(default=None, description="Full hash or reference.")
    environment: str | None = strawberry.field(default=None, description="A reference.")
    key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.type(description="What became of a run.")
class RecordRunPayload:
    """What became of a run."""

    run: Any = strawberry.field(graphql_type=KIND_TYPES["Run"] | None, description="The run.")
    receipt: Receipt | None = strawberry.field(description="What was written.")
    problems: list[Problem] = strawberry.field(description="Why nothing was written.")


async def _tried(
    info: Asked, work: Callable[[Context], Any], demands: Role = Role.contributor
) -> tuple[Any, list[Problem]]:
    """What a write gave, or why it could not. Raises ``Denied`` where the caller's role does not allow it."""
    info.context.demand(demands)
    try:
        return await info.context.server.write(work), []
    except LineageError as error:
        return None, [Problem(**cast("dict[str, Any]", error.to_caller()))]


async def _ingest(
    info: Asked,
    input: Annotated[IngestInput, strawberry.argument(description="The document.")],  # noqa: A002 - the convention
) -> IngestPayload:
    def work(ctx: Context) -> record.Done:
        data = input.document.encode("utf-8", "surrogatepass")
        chosen = formats.named(input.format) if input.format else formats.sniff(data)
        if chosen is None:
            raise BadInput("the document looks like no format known", where="document")
        batch = chosen.loads(data)
        source = authority.source(ctx, "document", input.source or "")
        return record.assert_once(ctx, batch, source=source, key=input.key)

    done, problems = await _tried(info, work)
    return IngestPayload(receipt=cast("Receipt | None", done), problems=problems)


def _mapping(name: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadInput(f"{name} is no object", hint='Write {"lr": 0.1}.', where=name)
    return value


async def _record_run(
    info: Asked,
    input: Annotated[RecordRunInput, strawberry.argument(description="The run.")],  # noqa: A002 - the convention
) -> RecordRunPayload:
    def work(ctx: Context) -> tuple[Any, record.Done]:
        draft = record.RunInput(
            name=input.name,
            status=input.status,
            started=input.started,
            ended=input.ended,
            parameters=_mapping("parameters", input.parameters),
            metrics=_mapping("metrics", input.metrics),
            used=[record.Input(role=u.role, ref=u.ref, id=u.id) for u in input.used],
            generated=[
                record.Output(name=g.name, digest=g.digest, role=g.role) for g in input.generated
            ],
            commit=input.commit,
            environment=input.environment,
        )
        ident, done = record.record_run(ctx, draft, input.key)
        return ctx.store.get([ident], NOW).get(ident), done

    found, problems = await _tried(info, work)
    run, done = found or (None, None)
    return RecordRunPayload(run=run, receipt=cast("Receipt | None", done), problems=problems)


@strawberry.input(description="A run that was captured.")
class TakeRunInput:
    """A run that was captured."""

    file: str = strawberry.field(
        description="The text of its run file: all events so far, of which the last may be cut off."
    )


@strawberry.type(description="What became of a run that was captured.")
class TakeRunPayload:
    """What became of a captured run."""

    receipt: Receipt | None = strawberry.field(description="What was written.")
    problems: list[Problem] = strawberry.field(description="Why nothing was written.")


async def _take_run(
    info: Asked,
    input: Annotated[TakeRunInput, strawberry.argument(description="The run.")],  # noqa: A002 - the convention
) -> TakeRunPayload:
    def work(ctx: Context) -> record.Done:
        [report] = push.received(ctx, input.file.encode("utf-8", "surrogatepass"))
        return payloads.receipt_of(report)

    done, problems = await _tried(info, work)
    return TakeRunPayload(receipt=cast("Receipt | None", done), problems=problems)


def _told(request: type[Request[Any]], answers: type, payload: Callable[..., Any]) -> Any:
    """Make the field that carries out a request, whose input has the fields of the request."""
    words = " ".join((request.__doc__ or "").split())
    known = fields_of(request)
    name = input_name(str(request.mutation))
    body: dict[str, Any] = {"__annotations__": {}, "__doc__": words, "__module__": __name__}
    for field in known:
        held: Any = list[str] if field.many else field.scalar
        if not field.required and field.default is None:
            held |= None
        body["__annotations__"][field.name] = held
        may: dict[str, Any] = {} if field.required else _default(field)
        body[field.name] = strawberry.field(name=field.argument, description=field.says.text, **may)
    made: Any = strawberry.input(type(name, (), body), name=name, description=words)

    async def resolve(info: Asked, input: Any) -> Any:  # noqa: A002 - the convention
        def work(ctx: Context) -> Any:
            return request(**{field.name: getattr(input, field.name) for field in known}).answer(
                ctx
            )

        return payload(*await _tried(info, work, request.demands))

    given = Annotated[made, strawberry.argument(description="What is said.")]
    resolve.__annotations__ = {"info": Asked, "input": given, "return": answers}
    role = f"Needs the role {request.demands.name}."
    return strawberry.field(resolver=resolve, description=f"{words} {role}")


def _default(field: Field) -> dict[str, Any]:
    return {"default_factory": list} if field.many else {"default": field.default}


@strawberry.type(description="What can be changed: things are added, nothing is edited.")
class Mutation:
    """What can be changed."""

    deploy = _told(DeployRequest, payloads.DeployPayload, payloads.deployed)
    retire = _told(RetireRequest, payloads.DeployPayload, payloads.deployed)
    decide = _told(DecideRequest, payloads.DeliberatePayload, payloads.deliberated)
    link_decision = _told(LinkRequest, payloads.DeliberatePayload, payloads.deliberated)
    deliberate = _told(DeliberateRequest, payloads.DeliberatePayload, payloads.deliberated)
    review_decision = _told(ReviewRequest, payloads.DeliberatePayload, payloads.deliberated)
    supersede = _told(SupersedeRequest, payloads.DeliberatePayload, payloads.deliberated)
    tell_lesson = _told(LessonRequest, payloads.LessonPayload, payloads.learnt)
    set_owner = _told(SetOwnerRequest, payloads.SetOwnerPayload, payloads.owner_set)
    transfer_owner = _told(
        TransferOwnerRequest, payloads.TransferOwnerPayload, payloads.owner_transferred
    )
    ingest = strawberry.field(
        resolver=_ingest,
        description="Assert a PROV document. Needs the role contributor; where it invalidates what "
        "others state, the role steward.",
    )
    take_run = strawberry.field(
        resolver=_take_run,
        description="Take in a run that was captured (lineage run, lineage push); twice is once. Needs the role "
        "contributor.",
    )
    record_run = strawberry.field(
        resolver=_record_run, description="Record a run. Needs the role contributor."
    )

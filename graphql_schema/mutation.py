# SPDX-License-Identifier: Apache-2.0
"""The mutations: each has one input, and gives problems as data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, cast

import strawberry

from graphql_schema.answer import DeploymentStatus, OwnedThing
from graphql_schema.context import Asked
from graphql_schema.decisions import DecisionSummary
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
    Deliberated,
    DeliberateRequest,
    ReviewRequest,
    SupersedeRequest,
)
from lineage.services.write.deploy import Deployed, DeployRequest, RetireRequest
from lineage.services.write.ingest import Report
from lineage.services.write.lessons import Learnt, LessonRequest
from lineage.services.write.ownership import (
    OwnerSet,
    OwnerTransfer,
    SetOwnerRequest,
    TransferOwnerRequest,
)
from lineage.store.base import NOW

_KEY = "Any text of yours: the same call again with the same key changes nothing."


@strawberry.type(description="Why something was not done.")
class Problem:
    """Why something was not done."""

    code: str = strawberry.field(description="A word that does not change between releases.")
    message: str = strawberry.field(description="One sentence with the value in it.")
    hint: str = strawberry.field(description="The next step.")
    where: str | None = strawberry.field(description="The place in the input.")
    status: int = strawberry.field(description="The HTTP status that it stands for.")
    retry_after: int | None = strawberry.field(
        name="retry_after", description="Seconds until asking again may help."
    )


@strawberry.type(description="What was written, now or when the key was used first.")
class Receipt:
    """What was written."""

    source: str = strawberry.field(description="Under which source it is asserted.")
    entries: list[int] = strawberry.field(description="The entries of the ledger that hold it.")
    things: int = strawberry.field(description="How many things are new here.")
    records: int = strawberry.field(description="How many records these asserted.")
    unchanged: int = strawberry.field(description="How many more its source had asserted before.")


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
        return _done(report)

    done, problems = await _tried(info, work)
    return TakeRunPayload(receipt=cast("Receipt | None", done), problems=problems)


@strawberry.type(description="What became of a deployment, and what was written.")
class DeployPayload:
    """What became of a deployment, and what was written."""

    deployment: DeploymentStatus | None = strawberry.field(
        description="The deployment, as it is now."
    )
    rolls_back: strawberry.ID | None = strawberry.field(
        description="The deployment that it rolls back."
    )
    receipt: Receipt | None = strawberry.field(description="What was written.")
    problems: list[Problem] = strawberry.field(description="Why nothing was written.")


@strawberry.type(description="What a decision is after a step, and what was written.")
class DeliberatePayload:
    """What a decision is after a step, and what was written."""

    decision: DecisionSummary | None = strawberry.field(description="The decision, as it is now.")
    entries: list[int] = strawberry.field(description="The entries of the ledger that hold it.")
    problems: list[Problem] = strawberry.field(description="Why nothing was written.")


@strawberry.type(description="A lesson as it was taken down.")
class LessonPayload:
    """A lesson as it was taken down."""

    id: strawberry.ID | None = strawberry.field(description="The lesson.")
    text: str | None = strawberry.field(description="What was learnt.")
    of: strawberry.ID | None = strawberry.field(description="What it was learnt from.")
    about: list[strawberry.ID] = strawberry.field(description="What it is about besides.")
    tags: list[str] = strawberry.field(description="Words by which it is found.")
    entries: list[int] = strawberry.field(description="The entries of the ledger that hold it.")
    problems: list[Problem] = strawberry.field(description="Why nothing was written.")


def _payload(done: Deployed | None, problems: list[Problem]) -> DeployPayload:
    if done is None:
        return DeployPayload(deployment=None, rolls_back=None, receipt=None, problems=problems)
    return DeployPayload(
        deployment=cast("DeploymentStatus", done.deployment),
        rolls_back=cast("strawberry.ID | None", done.rolls_back),
        receipt=cast("Receipt", _done(done.report)),
        problems=problems,
    )


def _done(report: Report) -> record.Done:
    return record.Done(
        source=report.source,
        entries=report.entries,
        things=report.things,
        records=report.added,
        unchanged=report.unchanged,
    )


def _deliberated(done: Deliberated | None, problems: list[Problem]) -> DeliberatePayload:
    if done is None:
        return DeliberatePayload(decision=None, entries=[], problems=problems)
    return DeliberatePayload(
        decision=cast("DecisionSummary", done.decision),
        entries=list(done.entries),
        problems=problems,
    )


def _learnt(done: Learnt | None, problems: list[Problem]) -> LessonPayload:
    if done is None:
        return LessonPayload(
            id=None, text=None, of=None, about=[], tags=[], entries=[], problems=problems
        )
    return LessonPayload(**done.to_dict(), problems=problems)


@strawberry.type(description="Who answers for a thing from now on, and what was written.")
class SetOwnerPayload:
    """Who answers for a thing from now on, and what was written."""

    thing: OwnedThing | None = strawberry.field(description="The thing, with its owners.")
    receipt: Receipt | None = strawberry.field(description="What was written.")
    problems: list[Problem] = strawberry.field(description="Why nothing was written.")


def _set(done: OwnerSet | None, problems: list[Problem]) -> SetOwnerPayload:
    if done is None:
        return SetOwnerPayload(thing=None, receipt=None, problems=problems)
    receipt = cast("Receipt", _done(done.report))
    return SetOwnerPayload(thing=cast("OwnedThing", done.thing), receipt=receipt, problems=problems)


@strawberry.type(description="What was handed over, or would be, and what was written.")
class TransferOwnerPayload:
    """What was handed over, or would be, and what was written."""

    from_: str | None = strawberry.field(name="from", description="Who answered for it before.")
    to: str | None = strawberry.field(description="Who does now.")
    counts: JSON | None = strawberry.field(description="How many things there are of each sort.")
    things: list[OwnedThing] = strawberry.field(description="The first hundred of them.")
    left: int | None = strawberry.field(description="How many more there are.")
    dry_run: bool | None = strawberry.field(description="Whether nothing was to be written.")
    receipt: Receipt | None = strawberry.field(description="What was written.")
    problems: list[Problem] = strawberry.field(description="Why nothing was written.")


def _transferred(done: OwnerTransfer | None, problems: list[Problem]) -> TransferOwnerPayload:
    held = {
        name: getattr(done, name, None) for name in ("from_", "to", "counts", "left", "dry_run")
    }
    things = [] if done is None else list(done.things)
    receipt = None if done is None else _done(done.report)
    return TransferOwnerPayload(
        **cast("Any", held),
        things=cast("list[OwnedThing]", things),
        receipt=cast("Receipt | None", receipt),
        problems=problems,
    )


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

    deploy = _told(DeployRequest, DeployPayload, _payload)
    retire = _told(RetireRequest, DeployPayload, _payload)
    decide = _told(DecideRequest, DeliberatePayload, _deliberated)
    link_decision = _told(LinkRequest, DeliberatePayload, _deliberated)
    deliberate = _told(DeliberateRequest, DeliberatePayload, _deliberated)
    review_decision = _told(ReviewRequest, DeliberatePayload, _deliberated)
    supersede = _told(SupersedeRequest, DeliberatePayload, _deliberated)
    tell_lesson = _told(LessonRequest, LessonPayload, _learnt)
    set_owner = _told(SetOwnerRequest, SetOwnerPayload, _set)
    transfer_owner = _told(TransferOwnerRequest, TransferOwnerPayload, _transferred)
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

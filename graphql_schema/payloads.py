# SPDX-License-Identifier: Apache-2.0
"""What mutations answer: what was written, or why nothing was."""

from __future__ import annotations

from typing import Any, cast

import strawberry

from graphql_schema.answer import DeploymentStatus, OwnedThing
from graphql_schema.decisions import DecisionSummary
from graphql_schema.scalars import JSON
from lineage.services.write import record
from lineage.services.write.deliberate import Deliberated
from lineage.services.write.deploy import Deployed
from lineage.services.write.ingest import Report
from lineage.services.write.lessons import Learnt
from lineage.services.write.ownership import OwnerSet, OwnerTransfer


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


def deployed(done: Deployed | None, problems: list[Problem]) -> DeployPayload:
    """What a deployment became."""
    if done is None:
        return DeployPayload(deployment=None, rolls_back=None, receipt=None, problems=problems)
    return DeployPayload(
        deployment=cast("DeploymentStatus", done.deployment),
        rolls_back=cast("strawberry.ID | None", done.rolls_back),
        receipt=cast("Receipt", receipt_of(done.report)),
        problems=problems,
    )


def receipt_of(report: Report) -> record.Done:
    """What an import wrote."""
    return record.Done(
        source=report.source,
        entries=report.entries,
        things=report.things,
        records=report.added,
        unchanged=report.unchanged,
    )


def deliberated(done: Deliberated | None, problems: list[Problem]) -> DeliberatePayload:
    """What a decision became."""
    if done is None:
        return DeliberatePayload(decision=None, entries=[], problems=problems)
    return DeliberatePayload(
        decision=cast("DecisionSummary", done.decision),
        entries=list(done.entries),
        problems=problems,
    )


def learnt(done: Learnt | None, problems: list[Problem]) -> LessonPayload:
    """What was learnt."""
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


def owner_set(done: OwnerSet | None, problems: list[Problem]) -> SetOwnerPayload:
    """Who answers for a thing."""
    if done is None:
        return SetOwnerPayload(thing=None, receipt=None, problems=problems)
    receipt = cast("Receipt", receipt_of(done.report))
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


def owner_transferred(done: OwnerTransfer | None, problems: list[Problem]) -> TransferOwnerPayload:
    """What was handed over."""
    held = {
        name: getattr(done, name, None) for name in ("from_", "to", "counts", "left", "dry_run")
    }
    things = [] if done is None else list(done.things)
    receipt = None if done is None else receipt_of(done.report)
    return TransferOwnerPayload(
        **cast("Any", held),
        things=cast("list[OwnedThing]", things),
        receipt=cast("Receipt | None", receipt),
        problems=problems,
    )

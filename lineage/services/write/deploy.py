# SPDX-License-Identifier: Apache-2.0
"""Records deployments: what was put into use where, that it failed, that it was taken out of use."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any

from lineage import ids
from lineage.access.tokens import Role
from lineage.errors import NotFound, Usage
from lineage.model import kinds
from lineage.model.record import Batch, Edge, Node, Record
from lineage.services.context import Context
from lineage.services.read import deployments
from lineage.services.read.deployments import Deployment, DeploymentStatus
from lineage.services.read.resolve import resolve
from lineage.services.request import Request, Says, reference
from lineage.services.write import authority
from lineage.services.write.ingest import Report, ingest
from lineage.store.base import NOW
from lineage.store.rows import NodeRow

#: States of what can be taken out of use without naming the deployment.
_LEFT = deployments.IN_USE | {"requested"}
#: Characters of the name of a target.
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A deployment as it stands now, the one that it rolls back (an identifier), and what was written."""

    deployment: DeploymentStatus
    rolls_back: str | None
    report: Report

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage deploy``."""
        return {
            "deployment": self.deployment.to_dict(),
            "rolls_back": self.rolls_back,
            "entries": list(self.report.entries),
        }


@dataclass(frozen=True, slots=True)
class DeployRequest(
    Request[Deployed],
    demands=Role.contributor,
    mutation="deploy",
    examples=(
        "deploy model:fraud@v2 --to prod --url https://fraud.example.org",
        'deploy model:fraud@v2 --to prod --failed "the health check does not answer"',
    ),
):
    """Say that a model version, or anything else, was deployed and is live. It takes the place of the version
    of the same model that was live at that target. With a failure, say that this deployment failed; where
    another one came after it, or it has ended, a new one is recorded that failed at once. A version that was
    live there before another one is a roll back: it names the deployment that it takes back.
    """

    reference: Annotated[str, reference("What was deployed; with a failure, also a deployment")]
    _: KW_ONLY
    to: Annotated[str, Says(text="Where: the name of a place, such as prod.", metavar="TARGET")]
    url: Annotated[str | None, Says(text="Where it can be reached.")] = None
    reason: Annotated[str | None, Says(text="Why it was deployed.")] = None
    failed: Annotated[str | None, Says(text="That it failed, and why.", metavar="REASON")] = None

    def answer(self, ctx: Context) -> Deployed:
        """See ``Request.answer``. Raises ``Usage`` for what cannot be deployed, and the errors of
        references.
        """
        target, row = _target(self.to), resolve(ctx, self.reference)
        failure = None if self.failed is None else _said(self.failed)
        group = _group(ctx, row, target)
        if failure is not None:
            known = _open(row, target, group)
            if known is not None:
                facts = {"failed_at": ctx.recorded(), "failure": failure}
                asked = {"url": self.url, "reason": self.reason}
                facts |= {name: value for name, value in asked.items() if value is not None}
                return _written(ctx, known.id, target, [_fact(known.id, facts)])
        _demand_version(row)
        ident = ids.thing_id("deployment", "lineage", ids.uuid7())
        before = _before(row, group)
        records = list(self._records(ctx, ident, row, target, before, failure))
        return _written(ctx, ident, target, records)

    def _records(
        self,
        ctx: Context,
        ident: str,
        row: NodeRow,
        target: str,
        before: tuple[Deployment, bool] | None,
        failure: str | None,
    ) -> Iterator[Record]:
        moment = ctx.recorded()
        yield kinds.Deployment(
            id=ident,
            label=f"{row.title} to {target}",
            target=target,
            url=self.url,
            reason=self.reason,
            requested_at=moment,
            live_at=moment if failure is None else None,
            failed_at=None if failure is None else moment,
            failure=failure,
        ).node()
        used = {"prov:role": deployments.DEPLOYED}
        yield Edge(relation="used", effect=ident, cause=row.id, attributes=used)
        # Whether it is a person or a program that acts is not known of its name.
        agent = ids.thing_id("agent", "lineage", ctx.actor)
        yield kinds.Agent(id=agent, label=ctx.actor).node()
        yield Edge(relation="wasAssociatedWith", effect=ident, cause=agent)
        if before is not None:
            other, rolls_back = before
            role = {"prov:role": deployments.ROLLBACK} if rolls_back else {}
            yield Edge(relation="wasInformedBy", effect=ident, cause=other.id, attributes=role)


@dataclass(frozen=True, slots=True)
class RetireRequest(
    Request[Deployed],
    demands=Role.contributor,
    mutation="retire",
    examples=('retire model:fraud@v1 --from prod --reason "replaced by rules"',),
):
    """Say that something deployed was taken out of use: what is live of it there, or the deployment that is
    named.
    """

    reference: Annotated[str, reference("What was deployed, or a deployment")]
    _: KW_ONLY
    from_: Annotated[
        str,
        Says(text="Where it was deployed.", flag="--from", metavar="TARGET", graphql="from"),
    ]
    reason: Annotated[str | None, Says(text="Why it was taken out of use.")] = None

    def answer(self, ctx: Context) -> Deployed:
        """See ``Request.answer``. Raises ``NotFound`` where no deployment of it there is recorded,
        ``Usage`` where it is not live there, and the errors of references.
        """
        target, row = _target(self.from_), resolve(ctx, self.reference)
        group = [one for one in _group(ctx, row, target) if row.id in {one.id, one.deployed}]
        if not group:
            raise NotFound(
                f"no deployment of {row.title} to {target} is recorded",
                hint=f"'lineage impact {shlex.quote(self.reference)}' says where it is live.",
            )
        by_id = {one.id: one for one in group}
        known = by_id.get(row.id)
        if known is None:
            # What may be live is retired as well: that says that it is not.
            states = deployments.statuses(ctx, by_id.keys(), [target], NOW)
            left = [one.id for one in states if one.state in _LEFT]
            known = next((one for one in group if one.id in left), None)
        if known is None or "retired_at" in known.facts:
            raise Usage(
                f"{row.title} is not live at {target}",
                hint="'lineage show' of a deployment says what became of it.",
            )
        facts = {"retired_at": ctx.recorded()}
        if self.reason is not None:
            facts["retirement"] = _said(self.reason)
        return _written(ctx, known.id, target, [_fact(known.id, facts)])


def _target(text: str) -> str:
    target = text.strip()
    if not 0 < len(target) <= _LONGEST or not target.isprintable():
        raise Usage(f"a target has 1 to {_LONGEST} characters on one line, not {text!r}")
    return target


def _said(text: str) -> str:
    if not (said := text.strip()):
        raise Usage("it needs a reason", hint="Say why, in a few words.")
    return said


def _demand_version(row: NodeRow) -> None:
    if kinds.family(row.kind) != "Entity":
        raise Usage(
            f"{row.title} is a {row.kind}, and cannot be deployed",
            hint="Name a model version, or another thing that was made.",
        )
    if row.kind in kinds.NAMES:
        raise Usage(
            f"{row.title} is the name of a {row.kind}, and has versions",
            hint=f"Name the version that was deployed: 'lineage find {row.title}' lists them.",
        )


def _group(ctx: Context, row: NodeRow, target: str) -> Sequence[Deployment]:
    """The deployments at a target of a thing and of what has the same name, or beside a deployment; the
    newest first.
    """
    name = deployments.name_of(ctx, [row.id], NOW)[row.id]
    for group in deployments.groups(ctx, [target], NOW):
        if any(row.id == one.id or name == one.name for one in group):
            return group
    return ()


def _open(row: NodeRow, target: str, group: Sequence[Deployment]) -> Deployment | None:
    """The deployment that a failure is of: the one that is named, or the newest one there if it is of the
    thing and is neither failed nor retired.
    """
    if row.kind == deployments.KIND:
        known = next((one for one in group if one.id == row.id), None)
        if known is None or {"failed_at", "retired_at"} & known.facts.keys():
            what = "is not at" if known is None else "has failed or is retired already at"
            raise Usage(
                f"{row.title} {what} {target}",
                hint="'lineage show' of a deployment says what became of it.",
            )
        return known
    newest = next(iter(group), None)
    if newest is None or newest.deployed != row.id:
        return None
    return None if {"failed_at", "retired_at"} & newest.facts.keys() else newest


def _before(row: NodeRow, group: Sequence[Deployment]) -> tuple[Deployment, bool] | None:
    """The deployment that a new one follows from, and whether that rolls it back: the newest one there,
    where it is of another version and this one was live before, or where it failed.
    """
    newest = next(iter(group), None)
    if newest is None:
        return None
    was_live = any(one.deployed == row.id and "live_at" in one.facts for one in group)
    if newest.deployed != row.id and was_live:
        return newest, True
    return (newest, False) if "failed_at" in newest.facts else None


def _fact(ident: str, facts: dict[str, Any]) -> Node:
    return Node(id=ident, kind=deployments.KIND, attributes=facts)


def _written(ctx: Context, ident: str, target: str, records: Sequence[Record]) -> Deployed:
    nodes = tuple(record for record in records if isinstance(record, Node))
    edges = tuple(record for record in records if isinstance(record, Edge))
    source = authority.source(ctx, "api", "deployments")
    report = ingest(ctx, Batch(nodes=nodes, edges=edges), source=source)
    [status] = deployments.statuses(ctx, {ident}, [target], NOW)
    rolls_back = next(
        (e.cause for e in edges if e.attributes.get("prov:role") == deployments.ROLLBACK), None
    )
    return Deployed(deployment=status, rolls_back=rolls_back, report=report)

# SPDX-License-Identifier: Apache-2.0
"""Says what is live where: the state of deployments, computed from what was recorded of them.

What was requested, went live, failed and was retired are facts of their own, each from its own entry. Of
those of one model at one target, the one that went live last is live until it fails or is retired. Order
is that of the ledger: the clocks of those who deploy may differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from lineage import ids
from lineage.model.value import each
from lineage.query import condition as c
from lineage.services.context import Context
from lineage.services.summary import readable
from lineage.store.base import Filter, Hop, Subgraph, View
from lineage.store.claims import Statement
from lineage.store.paging import find_pages
from lineage.store.rows import NodeRow

KIND = "Deployment"
#: The role in which a deployment used what it put into use, and in which one was informed by the deployment
#: that it takes back.
DEPLOYED, ROLLBACK = "deployed", "rollback"
State = Literal["requested", "live", "failed", "retired", "superseded", "unknown"]
#: States in which something may be in use.
IN_USE: frozenset[State] = frozenset({"live", "unknown"})
_KINDS = frozenset({KIND})
_USES = Hop(relations=frozenset({"used"}))
_NAMES = Hop(relations=frozenset({"specializationOf"}))
#: Deployments of one model at one target that are put in the order of the ledger: by the clock, the last.
_LAST = 100
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentStatus:
    """What became of a deployment. ``deployed`` is what was put into use at ``target``, ``title`` what
    people call that; ``since`` when the state began, where that is known. ``unknown``: it was live, what
    replaced it failed, and nothing says what is live since.
    """

    id: str
    target: str
    deployed: str
    title: str
    state: State
    since: str | None = None
    url: str | None = None

    @property
    def told(self) -> str:
        """In words, on one line."""
        words = f"{self.target}: {self.title}, {_WORDS[self.state]}"
        words += f" {self.since}" if self.since else ""
        return f"{words}, {self.url}" if self.url else words

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of docs/reference/answers.md."""
        return asdict(self)


_WORDS: Mapping[State, str] = {
    "requested": "requested, not known to be live,",
    "live": "live since",
    "failed": "failed",
    "retired": "retired",
    "superseded": "superseded",
    "unknown": "not known to be live: what replaced it failed",
}


class Deployment(NamedTuple):
    """A deployment as it was recorded: what it used, the name whose versions take each other's place, the
    facts by their attributes; the entries that say of it first, and that it went live.
    """

    id: str
    target: str
    deployed: str
    name: str
    facts: Mapping[str, str]
    first: int = 0
    live: int | None = None

    @property
    def moment(self) -> datetime:
        """When it went live, or else was requested, by the clock of who recorded it."""
        text = self.facts.get("live_at") or self.facts.get("requested_at") or ""
        return c.instant(text) or _NEVER


def statuses(
    ctx: Context, wanted: Collection[str], targets: Iterable[str], view: View
) -> list[DeploymentStatus]:
    """What became of some deployments at these targets, by target and by what was deployed."""
    found = [
        (one, state, since)
        for group in groups(ctx, targets, view)
        for one, state, since in _states(group)
        if one.id in wanted
    ]
    rows = ctx.store.get({one.deployed for one, *_ in found}, view)
    said = [
        DeploymentStatus(
            id=one.id,
            target=one.target,
            deployed=one.deployed,
            title=rows[one.deployed].title if one.deployed in rows else ids.short(one.deployed),
            state=state,
            since=since,
            url=one.facts.get("url"),
        )
        for one, state, since in found
    ]
    return sorted(said, key=lambda status: (status.target, status.title, status.id))


def in_use(ctx: Context, found: Subgraph, view: View) -> list[DeploymentStatus]:
    """What is or may be in use of what a walk toward effects found: deployments of things that are in the
    answer themselves, and not those that only followed from another deployment.
    """
    rows = {row.id: row for row in found.node_rows if row.kind == KIND}
    if not rows:
        return []
    used = {
        row.effect
        for row in found.edge_rows
        if row.relation == "used" and row.effect in rows and _is_deployed(row.edge().attributes)
    }
    targets = {target for ident in used if (target := _target(rows[ident]))}
    return [one for one in statuses(ctx, used, targets, view) if one.state in IN_USE]


def of(ctx: Context, row: NodeRow, view: View) -> DeploymentStatus | None:
    """What became of a deployment; ``None`` for anything else, and where nobody says what was deployed
    where.
    """
    target = _target(row) if row.kind == KIND else None
    return next(iter(statuses(ctx, {row.id}, [target], view)), None) if target else None


def groups(ctx: Context, targets: Iterable[str], view: View) -> Iterator[Sequence[Deployment]]:
    """The deployments at some targets: for each target and name all, that of the last entry first."""
    for target in sorted(set(targets)):
        by_name: dict[str, list[Deployment]] = {}
        for one in _at(ctx, target, view):
            by_name.setdefault(one.name, []).append(one)
        for found in by_name.values():
            yield _in_order(ctx, found, view)


def name_of(ctx: Context, idents: Collection[str], view: View) -> Mapping[str, str]:
    """The names that things are versions of, by the things: of what has none, itself."""
    found = {ident: ids.versions_of(ident) or ident for ident in idents}
    for edge in sorted(ctx.store.edges(list(idents), _NAMES, view), reverse=True):
        found[edge.effect] = edge.cause
    return found


def _at(ctx: Context, target: str, view: View) -> Iterator[Deployment]:
    where = Filter(kinds=_KINDS, also=c.Compares("target", "=", target))
    for found in find_pages(ctx.store, where, view):
        rows = {row.id: row for row in found if _target(row) == target}
        used = {
            edge.effect: edge.cause
            for edge in sorted(ctx.store.edges(list(rows), _USES, view), reverse=True)
            if _is_deployed(edge.edge().attributes)
        }
        names = name_of(ctx, set(used.values()), view)
        for ident, thing in used.items():
            yield Deployment(ident, target, thing, names[thing], _facts(rows[ident]))


def _in_order(ctx: Context, found: list[Deployment], view: View) -> Sequence[Deployment]:
    by_clock = sorted(found, key=lambda one: (one.moment, one.id), reverse=True)
    last = by_clock[:_LAST]
    held = ctx.store.held([one.id for one in last], view)
    placed = []
    for one in last:
        said = [
            claim for claim in held[one.id].said(view.as_of) if isinstance(claim.what, Statement)
        ]
        live = [claim.since for claim in said if '"live_at":' in claim.what.attributes]
        first = min((claim.since for claim in said), default=0)
        placed.append(one._replace(first=first, live=min(live, default=None)))
    placed.sort(key=lambda one: (one.first, one.moment, one.id), reverse=True)
    return [*placed, *by_clock[_LAST:]]


def _states(group: Sequence[Deployment]) -> Iterator[tuple[Deployment, State, str | None]]:
    """The state of each deployment of a group, and since when: those that went live last come first."""
    order = sorted(group, key=lambda one: (one.live or 0, one.moment, one.id), reverse=True)
    # Of those that went live later: when the next one did, and when the last one failed, if all did.
    replaced: str | None = None
    failed: str | None = None
    ended = False
    for one in order:
        facts = one.facts
        if "retired_at" in facts:
            yield one, "retired", facts["retired_at"]
        elif "failed_at" in facts:
            yield one, "failed", facts["failed_at"]
        elif "live_at" not in facts:
            yield one, "requested", facts.get("requested_at")
        elif replaced is None:
            yield one, "live", facts["live_at"]
        elif failed is not None and not ended:
            yield one, "unknown", failed
        else:
            yield one, "superseded", replaced
        if "live_at" in facts:
            replaced, failed = (
                facts["live_at"],
                max(failed or "", facts.get("failed_at", "")) or None,
            )
            ended |= "failed_at" not in facts or "retired_at" in facts


def _facts(row: NodeRow) -> Mapping[str, str]:
    """The facts of a deployment; where several sources say when, the first."""
    held = row.node().attributes
    names = ("requested_at", "live_at", "failed_at", "retired_at", "url")
    return {n: min(str(readable(v)) for v in each(held[n])) for n in names if n in held}


def _target(row: NodeRow) -> str | None:
    held = row.node().attributes.get("target")
    return held if isinstance(held, str) else None


def _is_deployed(attributes: Mapping[str, Any]) -> bool:
    return DEPLOYED in each(attributes.get("prov:role", ()))

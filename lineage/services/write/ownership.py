# SPDX-License-Identifier: Apache-2.0
"""Says who answers for things, and hands over all that somebody answers for.

What is said is an entry of the ledger, with who said it and why, and goes before what files say; no file is touched. Who
answered for something before stays in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Annotated, Any

from lineage import ids
from lineage.access.mask import masked
from lineage.access.tokens import Role
from lineage.errors import LimitExceeded, NotFound, Usage
from lineage.ledger.log import Draft
from lineage.model import terms
from lineage.model.identity import agent
from lineage.model.record import Batch, Edge, Node, Record
from lineage.model.value import Value, clean
from lineage.services.context import Context
from lineage.services.read.decisions.state import Decisions
from lineage.services.read.owner_list import Held, OwnedThing, held_by, listed, sort_of
from lineage.services.read.owners import NOBODY, OWNED, OWNER, STATED_SOURCE, role_of
from lineage.services.read.people import shown, who
from lineage.services.read.resolve import resolve
from lineage.services.request import Request, Says, reference
from lineage.services.write.ingest import Report
from lineage.services.write.owners import one_or_all, settle
from lineage.store.base import NOW
from lineage.store.rows import NodeRow

_IMPORTER = "steward"
#: Things that are handed over in one entry, and those of them that an answer lists.
_MOST, _LISTED = 10_000, 100
_WHO = "a name, @login, e-mail address, ORCID, @organization/team or identifier"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """What is said of a thing: who has a role from now on; nobody, where there are none."""

    row: NodeRow
    role: str
    people: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerSet:
    """A thing with those who answer for it from now on, and what was written."""

    thing: OwnedThing
    report: Report

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"thing": self.thing.to_dict(), "entries": list(self.report.entries)}


@dataclass(frozen=True, slots=True)
class SetOwnerRequest(
    Request[OwnerSet],
    demands=Role.steward,
    mutation="setOwner",
    examples=(
        "owner set dataset:data/train.csv @lab/data-team",
        'owner set model:fraud nobody --reason "it is kept for the record only"',
    ),
):
    """Say who answers for a dataset, a model, one of their versions, a file, a project or a decision from now on; or that
    nobody does, which nothing from above replaces. It goes before what CODEOWNERS or a catalog of Backstage says of it.
    """

    reference: Annotated[str, reference("What it is about")]
    who: Annotated[str, Says(text=f"Who: {_WHO}; or nobody.", metavar="WHO")]
    _: KW_ONLY
    reason: Annotated[str | None, Says(text="Why.")] = None

    def answer(self, ctx: Context) -> OwnerSet:
        """See ``Request.answer``. Raises ``Usage`` for what nobody can own, and the errors of references and people."""
        row = _thing(ctx, self.reference)
        people: dict[str, str] = {}
        if self.who.strip().lower() == NOBODY:
            if row.kind == "Decision":
                raise Usage(
                    f"{row.title} is a decision: somebody answers for it",
                    hint="Say who, or close it with 'lineage decision close'.",
                )
        else:
            first = next(iter(_taking(ctx, self.who).values()))
            people = {first.id: shown(first)}
        word = _Word(row=row, role=OWNER, people=people)
        report = _say(ctx, [word], self.reason)
        thing = OwnedThing(
            id=row.id,
            title=row.title,
            sort=sort_of(row),
            owners=tuple(people.values()),
            evidence=terms.STATED,
        )
        return OwnerSet(thing=thing, report=report)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerTransfer:
    """What was handed over, or (``dry_run``) would be: how many of each sort, some of the things, how many more there
    are; from whom and to whom, and what was written.
    """

    from_: str
    to: str
    counts: Mapping[str, int]
    things: tuple[OwnedThing, ...]
    left: int
    dry_run: bool
    report: Report

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "from": self.from_,
            "to": self.to,
            "counts": dict(self.counts),
            "things": [one.to_dict() for one in self.things],
            "left": self.left,
            "dry_run": self.dry_run,
            "entries": list(self.report.entries),
        }


@dataclass(frozen=True, slots=True)
class TransferOwnerRequest(
    Request[OwnerTransfer],
    demands=Role.steward,
    mutation="transferOwner",
    examples=(
        'owner transfer ana --to @lab/data-team --reason "she leaves in May" --dry-run',
        'owner transfer ana --to @lab/data-team --reason "she leaves in May"',
    ),
):
    """Hand over all that a person or team answers for now: datasets, models, files, projects, decisions, and requests for
    reviews that are open, in one entry with the reason. What they did, closed reviews included, keeps their name. The files
    of CODEOWNERS, of catalogs and of decisions are not touched: correct them, or the person is named again for what comes.
    """

    person: Annotated[str, Says(text=f"Who hands over: {_WHO}.", metavar="WHO", graphql="from")]
    _: KW_ONLY
    to: Annotated[str, Says(text=f"Who takes over: {_WHO}.", metavar="WHO")]
    reason: Annotated[str, Says(text="Why.")]
    dry_run: Annotated[bool, Says(text="Only say what would be handed over.", graphql="dryRun")] = (
        False
    )

    def answer(self, ctx: Context) -> OwnerTransfer:
        """See ``Request.answer``. Raises ``Usage`` where both are one, ``LimitExceeded`` for over 10,000 things, and the
        errors of people.
        """
        if not self.reason.strip():
            raise Usage("it needs a reason", hint="Say why it is handed over.")
        left, taker = who(ctx, self.person), _taking(ctx, self.to)
        giver, heir = next(iter(left.values())), next(iter(taker.values()))
        if heir.id in left:
            raise Usage(f"{shown(giver)} and {shown(heir)} are one person", hint="Name another.")
        found = held_by(ctx, left)
        if len(found) > _MOST:
            raise LimitExceeded(
                f"{shown(giver)} answers for {len(found):,} things, more than {_MOST:,}",
                hint="Most are files that one line of CODEOWNERS or of a catalog names: change that line, then import again.",
            )
        report = _empty()
        if found and not self.dry_run:
            report = _say(ctx, [_handed(one, left, heir) for one in found], self.reason)
        told = listed([one.thing for one in found], _LISTED)
        return OwnerTransfer(
            from_=shown(giver),
            to=shown(heir),
            counts=told.counts,
            things=told.things,
            left=told.left,
            dry_run=self.dry_run,
            report=report,
        )


def _thing(ctx: Context, text: str) -> NodeRow:
    """What a reference means, where somebody can answer for it. Raises ``Usage``, and the errors of references."""
    row = resolve(ctx, text)
    if row.kind == "DecisionVersion":
        state = Decisions(ctx).of_version(row.id)
        return row if state is None else state.row
    if row.kind not in OWNED and not row.id.startswith(ids.PROJECT):
        raise Usage(
            f"{row.title} is a {row.kind}, and nobody answers for one",
            hint="Name a dataset, a model, a version or file of them, a project or a decision.",
        )
    return row


def _taking(ctx: Context, text: str) -> Mapping[str, NodeRow]:
    """Who is to answer for something: somebody who is here, or a team, which is named in full. Raises as ``who`` does."""
    try:
        return who(ctx, text)
    except NotFound:
        team = agent(text, ctx.person_key)
        if team.kind != "Organization":
            raise
        return {team.id: NodeRow(team.id, team.kind, team.label, "{}")}


def _handed(one: Held, left: Mapping[str, NodeRow], heir: NodeRow) -> _Word:
    """A thing with the same people, but for the one who leaves."""
    pairs = zip(one.holders, one.thing.owners, strict=True)
    people = dict((heir.id, shown(heir)) if i in left else (i, name) for i, name in pairs)
    return _Word(row=one.row, role=one.role, people=people)


def _say(ctx: Context, words: Sequence[_Word], reason: str | None) -> Report:
    """Write what is said in one entry, and take back what was said of the same before."""
    said = {(word.row.id, word.role) for word in words}
    gone = [r for r in ctx.store.asserted(STATED_SOURCE, NOW) if said & _about(r)]
    records = [record for word in words for record in _records(ctx, word, reason)]
    batch = Batch(
        nodes=tuple(record for record in records if isinstance(record, Node)),
        edges=tuple(record for record in records if isinstance(record, Edge)),
    )
    draft = Draft(
        source=STATED_SOURCE,
        importer=_IMPORTER,
        actor=ctx.actor,
        recorded=ctx.recorded(),
        note={"reason": reason.strip()} if reason and reason.strip() else {},
    )
    receipt = ctx.store.write(draft, masked(batch), gone)
    settled = settle(ctx)
    entries = () if receipt.seq is None else (receipt.seq,)
    return replace(
        _empty(),
        things=receipt.things,
        added=receipt.added,
        unchanged=receipt.unchanged,
        retracted=receipt.retracted,
        entries=(*entries, *(settled.entries if settled else ())),
    )


def _empty() -> Report:
    return Report(
        source=STATED_SOURCE,
        importer=_IMPORTER,
        added=0,
        unchanged=0,
        retracted=0,
        entries=(),
        seen={},
        losses=(),
    )


def _about(record: Record) -> set[tuple[str, str]]:
    """The thing and the role that something said before is about."""
    if isinstance(record, Node):
        return {(record.id, OWNER)} if "owner" in record.attributes else set()
    return {(record.effect, role_of(record.attributes))}


def _records(ctx: Context, word: _Word, reason: str | None) -> Iterator[Record]:
    row, why = word.row, (reason or "").strip() or None
    for ident, name in word.people.items():
        if name.startswith("@") and "/" in name:
            yield agent(name, ctx.person_key)
        attributes: dict[str, Value | None] = {
            "prov:role": word.role,
            terms.METHOD: terms.STATED,
            "stated_at": ctx.recorded(),
            "reason": why,
        }
        yield Edge(
            relation="wasAttributedTo", effect=row.id, cause=ident, attributes=clean(attributes)
        )
    # A decision has the owner that its record names as an attribute of its own.
    if word.role == OWNER and row.kind != "Decision":
        held = {
            "owner": one_or_all([*word.people.values()]) if word.people else NOBODY,
            "owner_evidence": terms.STATED,
            "owner_reason": why,
        }
        yield Node(id=row.id, kind=row.kind, attributes=clean(held))
    # Where a project has things of which somebody said so, one without an owner is a gap.
    namespace = row.node().attributes.get("namespace")
    if isinstance(namespace, str) and ids.iri_fault(project := ids.project_id(namespace)) is None:
        yield Node(id=project, kind="Entity", attributes={"namespace": namespace})

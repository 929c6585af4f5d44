# SPDX-License-Identifier: Apache-2.0
"""Says who is concerned by what depends on something: who answers for it, that deliberately nobody does, or that nothing
says so; and who is next in line where an owner cannot be asked.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from lineage.model.gaps import Gap
from lineage.services.context import Context
from lineage.services.read.owners import OWNED, Answering, Owner, Owners, are_said, unreachable
from lineage.services.summary import counted
from lineage.store.base import View
from lineage.store.rows import NodeRow

#: Things of one answer whose owners are looked up.
_MOST = 10_000
Answers = Literal["owner", "nobody", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """Somebody who answers for things of an answer (``answer`` is ``owner``): who that is, by what (a file and its line, or
    ``stated``), why they cannot be asked, if they cannot. For others ``answer`` is ``nobody``, where that is said (also by
    what), or ``unknown``, where nothing is. ``next`` is who is next in line then: who answers for the project.
    ``things`` are identifiers.
    """

    answer: Answers
    things: tuple[str, ...]
    owner: str | None = None
    name: str | None = None
    evidence: str | None = None
    unreachable: str | None = None
    next: str | None = None

    @property
    def told(self) -> str:
        """Who, in words."""
        if self.answer == "unknown":
            said = "nothing says who"
        elif self.answer == "nobody":
            said = f"nobody ({self.evidence})"
        else:
            why = "" if self.unreachable is None else f", {self.unreachable}"
            said = f"{self.name}{why} ({self.evidence})"
        return said if self.next is None else f"{said}; next in line: {self.next}"

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of docs/reference/answers.md."""
        shown = {name: getattr(self, name) for name in self.__slots__}
        return {**shown, "things": list(self.things)}


def concerned(
    ctx: Context, rows: Sequence[NodeRow], view: View
) -> tuple[list[Concerned] | None, list[Gap]]:
    """Who answers for some things, and what of that is missing; ``None`` where no project here has owners, and nobody said
    of anything who answers for it.
    """
    owned = [row for row in rows if row.kind in OWNED]
    if not owned or not are_said(ctx, view):
        return None, []
    owned.sort()
    looked_at = owned[:_MOST]
    owners = Owners(ctx, looked_at, view)
    said = {row.id: owners.of(row.id) for row in looked_at}
    stewards = {row.id: owners.stewards_of(row.id) for row in looked_at}
    everybody = {
        one.id: one
        for one in chain.from_iterable(
            (*(answering.owners for answering in said.values()), *stewards.values())
        )
    }
    lost = unreachable(ctx, everybody.values(), view)
    groups: dict[Concerned, list[str]] = {}
    for ident, answering in said.items():
        for one in _each(answering, stewards[ident], lost):
            groups.setdefault(one, []).append(ident)
    found = [_with(one, things) for one, things in groups.items()]
    found.sort(key=lambda one: (_ORDER.index(one.answer), one.name or "", one.evidence or ""))
    titles = {row.id: row.title for row in looked_at}
    gaps = [*_gaps(found, titles)]
    if len(owned) > _MOST:
        message = f"it was not looked up who answers for {len(owned) - _MOST:,} more things"
        gaps.append(Gap(code="owners-left-out", count=len(owned) - _MOST, message=message))
    return found, gaps


_ORDER = ("owner", "nobody", "unknown")


def _each(
    said: Answering, stewards: Sequence[Owner], lost: Mapping[str, str]
) -> Iterator[Concerned]:
    """Who is concerned by one thing."""
    able = [one.name for one in stewards if one.id not in lost]
    for owner in said.owners:
        why = lost.get(owner.id)
        others = any(one.id not in lost for one in said.owners)
        yield Concerned(
            answer="owner",
            things=(),
            owner=owner.id,
            name=owner.name,
            evidence=owner.evidence,
            unreachable=why,
            next=able[0] if why is not None and able and not others else None,
        )
    if not said.owners and said.nobody is not None:
        yield Concerned(answer="nobody", things=(), evidence=said.nobody)
    elif not said.owners:
        yield Concerned(answer="unknown", things=(), next=able[0] if able else None)


def _with(one: Concerned, things: Sequence[str]) -> Concerned:
    held = {name: getattr(one, name) for name in one.__slots__}
    return Concerned(**{**held, "things": tuple(things)})


def _gaps(found: Sequence[Concerned], titles: Mapping[str, str]) -> Iterator[Gap]:
    """What to know of the owners: each thing that nobody who can be asked answers for is in one of these."""
    unknown = [ident for one in found if one.answer == "unknown" for ident in one.things]
    if unknown:
        yield Gap(
            code="owner-unknown",
            count=len(unknown),
            message=f"nothing says who answers for {counted(len(unknown), 'thing')}",
            example=titles[unknown[0]],
            command=f"lineage owner set {shlex.quote(unknown[0])} WHO",
        )
    nobody = [ident for one in found if one.answer == "nobody" for ident in one.things]
    if nobody:
        yield Gap(
            code="owner-nobody",
            count=len(nobody),
            message=f"it is said that nobody answers for {counted(len(nobody), 'thing')}",
            example=titles[nobody[0]],
        )
    asked = {i for one in found if one.owner and one.unreachable is None for i in one.things}
    lost = [one for one in found if one.unreachable is not None and not asked >= {*one.things}]
    if lost:
        things = {ident for one in lost for ident in one.things} - asked
        more = len({one.owner for one in lost}) - 1
        others = f" and {counted(more, 'other')}" if more else ""
        yield Gap(
            code="owner-unreachable",
            count=len(things),
            message=f"who answers for {counted(len(things), 'thing')} cannot be asked: {lost[0].name}, "
            f"{lost[0].unreachable}{others}",
            example=titles[min(things)],
            command=f"lineage owner transfer {shlex.quote(str(lost[0].owner))} --to WHO --reason WHY",
        )

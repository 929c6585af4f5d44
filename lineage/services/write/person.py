# SPDX-License-Identifier: Apache-2.0
"""Makes people of several tools one person to every question, and suggests who may be one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import pairwise
from typing import Annotated

from lineage.access.tokens import Role
from lineage.errors import Usage
from lineage.model import kinds, terms
from lineage.model.record import Batch, Edge, Node
from lineage.services.context import Context
from lineage.services.read.decisions.contributions import OBJECTIONS
from lineage.services.read.people import who
from lineage.services.read.resolve import resolve
from lineage.services.request import Request, Says, reference
from lineage.services.write.ingest import Report, ingest, write_batches
from lineage.services.write.untie import UntieRequest, pair
from lineage.store.base import NOW, Filter, Hop, Page
from lineage.store.rows import NodeRow

_PEOPLE = Filter(kinds=frozenset({"Person"}))
_SAME = Hop(relations=frozenset({terms.SAME_PERSON}))
#: People that are looked at for suggestions, and suggestions that are made.
_MOST, _SUGGESTED = 10_000, 100


@dataclass(frozen=True, slots=True)
class TiePersonRequest(
    Request[Report],
    demands=Role.steward,
    examples=('person tie "Ana Lima" person:ana --because "her login at the tracking server"',),
):
    """Say that two people of the store are one person: whatever is asked of one is asked of both. The two
    stay two, each with what its source says; ``person untie`` takes it back.
    """

    one: Annotated[str, reference("The first", "a")]
    other: Annotated[str, reference("The second", "b")]
    _: KW_ONLY
    because: Annotated[str, Says(text="What shows that they are one person.")]

    def answer(self, ctx: Context) -> Report:
        """See ``Request.answer``. Raises ``Usage``, and the errors of references."""
        because = self.because.strip()
        if not because:
            raise Usage("it needs a reason", hint="Say what shows that they are one person.")
        rows = [resolve(ctx, text) for text in (self.one, self.other)]
        for row in rows:
            if kinds.family(row.kind) != "Agent":
                raise Usage(f"{row.title} is a {row.kind}, no person", hint="Name two people.")
        a, b = rows
        if a.id == b.id:
            raise Usage(f"{self.one!r} and {self.other!r} are one already: {a.id}")
        attributes = {terms.METHOD: "steward", "reason": because}
        edges = tuple(
            Edge(relation=terms.SAME_PERSON, effect=x, cause=y, attributes=attributes)
            for x, y in ((a.id, b.id), (b.id, a.id))
        )
        return ingest(ctx, Batch(edges=edges), source=f"steward:{ctx.actor}", importer="steward")


@dataclass(frozen=True, slots=True)
class UntiePersonRequest(
    Request[Report],
    demands=Role.steward,
    examples=('person untie "Ana Lima" person:ana --because "another Ana"',),
):
    """Take back that two people are one person; the reason stays in the ledger."""

    one: Annotated[str, reference("The first", "a")]
    other: Annotated[str, reference("The second", "b")]
    _: KW_ONLY
    because: Annotated[str, Says(text="Why they are two.")]

    def answer(self, ctx: Context) -> Report:
        """See ``Request.answer``. Raises as ``untie``."""
        return UntieRequest(self.one, self.other, reason=self.because).answer(ctx)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamePerson:
    """Two people who may be one: identifiers, what they are called, and why."""

    a: str
    b: str
    titles: tuple[str, str]
    reason: str

    def to_dict(self) -> dict[str, object]:
        """As JSON."""
        return {"a": self.a, "b": self.b, "titles": list(self.titles), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class SuggestPeopleRequest(
    Request[tuple[SamePerson, ...]], demands=Role.steward, examples=("person suggest",)
):
    """People who may be one person and were not tied: of one ORCID, of one name, or where the login of
    one is the e-mail address of the other. Nothing is tied by it.
    """

    def answer(self, ctx: Context) -> tuple[SamePerson, ...]:
        """See ``Request.answer``; at most 100, of the first 10,000 people by identifier."""
        rows = ctx.store.find(_PEOPLE, Page(limit=_MOST), NOW).rows
        tied = {
            pair(edge.effect, edge.cause)
            for edge in ctx.store.edges([row.id for row in rows], _SAME, NOW)
        }
        found: dict[tuple[str, str], SamePerson] = {}
        for reason, groups in _alike(rows):
            for group in groups.values():
                for a, b in pairwise(group):
                    key = pair(a.id, b.id)
                    if key not in tied and a.id != b.id:
                        found.setdefault(
                            key,
                            SamePerson(a=a.id, b=b.id, titles=(a.title, b.title), reason=reason),
                        )
        return tuple(found[key] for key in sorted(found))[:_SUGGESTED]


def _alike(
    rows: Sequence[NodeRow],
) -> Iterator[tuple[str, Mapping[str, Sequence[NodeRow]]]]:
    """Groups of people who have something in common, by what that is."""
    orcids: dict[str, list[NodeRow]] = {}
    names: dict[str, list[NodeRow]] = {}
    logins: dict[str, list[NodeRow]] = {}
    for row in rows:
        held = row.node().attributes
        name, email, orcid = held.get("name"), held.get("email"), held.get("orcid")
        if isinstance(orcid, str):
            orcids.setdefault(orcid.rstrip("/").rpartition("/")[2], []).append(row)
        if isinstance(name, str) and name.strip():
            names.setdefault(" ".join(name.lower().split()), []).append(row)
            logins.setdefault(name.strip().lower(), []).append(row)
        if isinstance(email, str):
            logins.setdefault(email.lower(), []).append(row)
            logins.setdefault(email.lower().partition("@")[0], []).append(row)
    yield "the same ORCID", orcids
    yield "the same name", names
    yield "the login of one is the e-mail address of the other, or begins it", logins


@dataclass(frozen=True, slots=True)
class ObjectRequest(
    Request[Report],
    demands=Role.contributor,
    examples=("person object ana@example.org", "person object ana@example.org --withdraw"),
):
    """Leave somebody out of the figures of ``person contributions``, because they object; or count them again. What they
    did stays in the ledger under their name, and in every other answer.
    """

    who: Annotated[str, Says(text="Who objects.", metavar="WHO", resolves=True)]
    _: KW_ONLY
    withdraw: Annotated[bool, Says(text="They do not object any more.")] = False

    def answer(self, ctx: Context) -> Report:
        """See ``Request.answer``. Raises ``NotFound`` and ``Ambiguous`` for the person."""
        known = who(ctx, self.who)
        first = next(iter(known.values()))
        standing = [one for one in ctx.store.asserted(OBJECTIONS, NOW) if isinstance(one, Node)]
        said = Node(id=first.id, kind=first.kind, attributes={"objects_to_figures": True})
        gone = [one for one in standing if one.id in known] if self.withdraw else []
        nodes = () if self.withdraw else (said,)
        return write_batches(ctx, OBJECTIONS, "steward", [Batch(nodes=nodes)], gone)

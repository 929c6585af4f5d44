# SPDX-License-Identifier: Apache-2.0
"""Finds people and teams: by what they are called, with all accounts that are one person's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from lineage.errors import Ambiguous, NotFound
from lineage.model import kinds, terms
from lineage.model.identity import agent
from lineage.query import condition as c
from lineage.services.context import Context
from lineage.services.read.resolve import nearest
from lineage.store.base import NOW, Filter, Hop, Page, View
from lineage.store.rows import NodeRow

_SAME = Hop(relations=frozenset({terms.SAME_PERSON}))
_KINDS = frozenset(name for name in kinds.KINDS if kinds.family(name) == "Agent")
#: People that are looked at for one name, and names that are looked at for those near one that is not there.
_MOST, _LOOKED_AT = 100, 5_000


def accounts(ctx: Context, idents: Collection[str], view: View = NOW) -> dict[str, NodeRow]:
    """Some people, and all who are tied to them."""
    found = set(idents)
    while True:
        tied = {edge.cause for edge in ctx.store.edges(list(found), _SAME, view)}
        if tied <= found:
            return dict(ctx.store.get(found, view))
        found |= tied


def names_of(row: NodeRow) -> set[str]:
    """What somebody is called, in small letters: name, e-mail address, and what that begins with (a login)."""
    held = row.node().attributes
    names = {str(x).lower() for x in (row.label, held.get("name"), held.get("email")) if x}
    logins = {name.partition("@")[0] for name in names if "@" in name[1:]}
    # GitHub writes 123+login@users.noreply.github.com.
    return names | logins | {login.partition("+")[2] for login in logins if "+" in login}


def shown(row: NodeRow) -> str:
    """What people call somebody: the label, else the e-mail address."""
    if row.label:
        return row.title
    return str(row.node().attributes.get("email") or row.title)


def called(ctx: Context, name: str, view: View = NOW) -> Iterator[NodeRow]:
    """Everybody who is called so, by one of ``names_of``."""
    wanted = name.strip().removeprefix("@").lower()
    by_name = (
        c.LabelIs(name),
        c.LabelIs(name.removeprefix("@")),
        c.Like("name", wanted),
        c.Like("email", wanted),
        c.Like("email", f"{wanted}@*"),
        c.Like("email", f"*+{wanted}@*"),
    )
    where = Filter(kinds=_KINDS, also=c.AnyOf(by_name))
    for row in ctx.store.find(where, Page(limit=_MOST), view).rows:
        if not {wanted, f"@{wanted}"}.isdisjoint(names_of(row)):
            yield row


def who(ctx: Context, text: str) -> Mapping[str, NodeRow]:
    """The accounts of the one person, team or program that a text names: an identifier, ORCID, e-mail address, a name,
    ``@login``, ``@organization/team``. The first is the one that was named. Raises ``NotFound`` naming who is near, and
    ``Ambiguous`` where it may be several people.
    """
    exact = agent(text, ctx.person_key)
    word, colon, rest = text.partition(":")
    name = rest if colon and word.lower() in {"person", "agent", "organization"} else text
    found: Sequence[NodeRow] = [
        row
        for row in ctx.store.get({text.strip(), exact.id}, NOW).values()
        if kinds.family(row.kind) == "Agent"
    ]
    found = found or [*called(ctx, name.strip())]
    known = [accounts(ctx, {row.id}) for row in found]
    groups = {frozenset(some): {row.id: row} | some for row, some in zip(found, known, strict=True)}
    if len(groups) > 1:
        listed = "\n".join(f"  {row.kind:<15} {shown(row)}  {row.id}" for row in found)
        raise Ambiguous(
            f"{text!r} may be any of {len(groups)} people:\n{listed}",
            hint="Name one by its identifier, or say with 'lineage person tie' that they are one.",
        )
    if not groups:
        rows = ctx.store.find(Filter(kinds=_KINDS), Page(limit=_LOOKED_AT), NOW).rows
        near = nearest(name, (shown(row) for row in rows))
        hint = f"The nearest: {', '.join(near)}." if near else "Nobody here is called like it."
        raise NotFound(f"nobody here is called {text!r}", hint=hint)
    return next(iter(groups.values()))

# SPDX-License-Identifier: Apache-2.0
"""Finds true and useful facts about a store, each with the command that shows more."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lineage import ids
from lineage.query import condition as c
from lineage.services.context import Context
from lineage.services.read import known_gaps
from lineage.services.summary import counted
from lineage.store.base import NOW, Filter, Hop, Page, Walk
from lineage.store.rows import NodeRow

#: Nodes of one kind that are looked at.
_MOST = 2_000
_MADE_BY = Hop(relations=frozenset({"wasGeneratedBy", "wasDerivedFrom", "alternateOf"}))
_OF_GIT = '"digest":"git:'
_USES = Hop(relations=frozenset({"used"}))
_WRITTEN_BY = Hop(relations=frozenset({"wasAttributedTo"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One sentence, and the command that shows more."""

    says: str
    command: str

    def to_dict(self) -> dict[str, str]:
        """As JSON."""
        return {"says": self.says, "command": self.command}


def facts(ctx: Context, count: int = 3) -> list[Fact]:
    """Find the first few facts that hold, the most telling first."""
    found: list[Fact] = []
    for look in _LOOKS:
        if len(found) < count:
            found += look(ctx)
    return found[:count]


def _rows(ctx: Context, *kinds: str) -> Sequence[NodeRow]:
    return ctx.store.find(Filter(kinds=frozenset(kinds)), Page(limit=_MOST), NOW).rows


def _name(row: NodeRow) -> str:
    return row.node().title


def _newest_model(ctx: Context) -> Iterator[Fact]:
    rows = _rows(ctx, "ModelVersion")
    if rows:
        last = max(rows, key=_age)
        found = ctx.store.walk(Walk(start=frozenset({last.id})), NOW)
        runs = sum(row.kind == "Run" for row in found.node_rows)
        data = sum(row.kind == "DatasetVersion" for row in found.node_rows)
        back = f"{counted(runs, 'run')} and {counted(data, 'dataset version')}"
        says = f"{_name(last)} goes back to {back}"
        yield Fact(says=says, command=f"lineage trace {shlex.quote(_name(last))}")


def _age(row: NodeRow) -> tuple[float, str]:
    """Versions of models in order, where they are numbers."""
    number = c.number(row.node().attributes.get("version"))
    return (-1 if number is None else number, row.id)


def _without_producer(ctx: Context) -> Iterator[Fact]:
    # Files of git are written by people: their commit says by whom.
    rows = [r for r in _rows(ctx, "Artifact", "ModelVersion") if _OF_GIT not in r.attributes]
    made = {row.effect for row in ctx.store.edges([r.id for r in rows], _MADE_BY, NOW)}
    lost = [row for row in rows if row.id not in made]
    if lost:
        says = f"{len(lost)} of {len(rows)} artifacts have no recorded producer, {_name(lost[0])} among them"
        yield Fact(says=says, command=f"lineage show {shlex.quote(lost[0].id)}")


def _runs_without_commit(ctx: Context) -> Iterator[Fact]:
    rows = _rows(ctx, "Run")
    edges = ctx.store.edges([row.id for row in rows], _USES, NOW)
    coded = {row.effect for row in edges if row.cause.startswith(ids.REVISION)}
    bare = [row for row in rows if row.id not in coded]
    if bare:
        says = f"{len(bare)} of {len(rows)} runs name no commit, {_name(bare[0])} among them"
        yield Fact(says=says, command=f"lineage show {shlex.quote(bare[0].id)}")


def _runs_without_environment(ctx: Context) -> Iterator[Fact]:
    known = known_gaps.read(ctx)
    if known is not None and (count := known.counts.get("environment", 0)):
        says = f"the environment of {count} of {counted(known.runs, 'run')} is not known"
        if example := known.examples.get("environment"):
            says += f", {example} among them"
        yield Fact(says=says, command="lineage import LOCKFILE --for RUN")


def _most_depended_on(ctx: Context) -> Iterator[Fact]:
    rows = _rows(ctx, "DatasetVersion")
    hop = Hop(toward="effects", relations=frozenset({"used"}))
    users: dict[str, int] = {}
    for edge in ctx.store.edges([row.id for row in rows], hop, NOW):
        users[edge.cause] = users.get(edge.cause, 0) + 1
    if users:
        ident = max(sorted(users), key=users.__getitem__)
        row = next(row for row in rows if row.id == ident)
        says = f"{_name(row)} is read by {counted(users[ident], 'run')}"
        yield Fact(says=says, command=f"lineage impact {shlex.quote(ident)}")


def _history(ctx: Context) -> Iterator[Fact]:
    commits = _rows(ctx, "Commit")
    if commits:
        edges = ctx.store.edges([row.id for row in commits], _WRITTEN_BY, NOW)
        people = len({edge.cause for edge in edges})
        who = f"by {people} people" if people != 1 else "by 1 person"
        if not people:
            who = "of which no repository was imported"
        more = "at least " if len(commits) == _MOST else ""
        says = f"{more}{counted(len(commits), 'commit')} {who}"
        yield Fact(says=says, command="lineage find --kind Commit")


def _packages(ctx: Context) -> Iterator[Fact]:
    rows = _rows(ctx, "Environment")
    if rows:
        held = ctx.store.edges([r.id for r in rows], Hop(relations=frozenset({"hadMember"})), NOW)
        largest = max(Counter(edge.effect for edge in held).values(), default=0)
        found = counted(len(rows), "environment")
        says = f"{found}, the largest with {counted(largest, 'package')}"
        yield Fact(says=says, command="lineage find --kind Environment")


def _anything(ctx: Context) -> Iterator[Fact]:
    stats = ctx.store.stats(NOW)
    says = f"{stats.nodes} things and {stats.edges} links are in the store"
    yield Fact(says=says, command="lineage stats")


_LOOKS: tuple[Callable[[Context], Iterator[Fact]], ...] = (
    _newest_model,
    _without_producer,
    _runs_without_commit,
    _runs_without_environment,
    _most_depended_on,
    _history,
    _packages,
    _anything,
)

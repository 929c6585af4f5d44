# SPDX-License-Identifier: Apache-2.0
"""Finds commits that runs used, also after rebase, cherry-pick, squash or amend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from lineage import ids
from lineage.errors import NotFound, Usage
from lineage.graph.reach import reachable
from lineage.model import kinds
from lineage.model.record import Edge, Node
from lineage.services.context import Context
from lineage.services.read.resolve import resolve
from lineage.services.request import Request, Says
from lineage.sources.git.rewrites import CommitFacts, Match, Rewrites, facts
from lineage.store.base import NOW, Filter, Hop
from lineage.store.paging import find_pages

_COMMITS = Filter(kinds=frozenset({"Commit"}))
_USED = Hop(toward="effects", relations=frozenset({"used"}))
_USES = Hop(relations=frozenset({"used"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedCommit:
    """A commit looked for: whether any branch still holds it, and where else its change is."""

    commit: str
    title: str
    used_by: tuple[str, ...]
    matches: tuple[Match, ...]

    @property
    def reachable(self) -> bool:
        """Whether a branch or tag still leads to the commit itself."""
        return any(match.method == "sha" for match in self.matches)

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage commit resolve``."""
        return {
            "commit": self.commit,
            "title": self.title,
            "used_by": list(self.used_by),
            "reachable": self.reachable,
            "matches": [
                {
                    "commit": ids.commit_id(match.sha),
                    "method": match.method,
                    "confidence": match.confidence,
                    "same_tree": match.tree,
                    "same_change": match.change,
                }
                for match in self.matches
            ],
        }


@dataclass(frozen=True, slots=True)
class CommitsRequest(
    Request[tuple[ResolvedCommit, ...]], examples=("commit resolve commit:1a2b3c4",)
):
    """Where a commit is today; without one, every commit that a run used. What was recorded of
    deleted branches is used too: a squash merge is found by it.
    """

    reference: Annotated[
        str | None,
        Says(
            text="A commit, or a run: the commits that it used. Without it, those of every run.",
            resolves=True,
        ),
    ] = None

    def answer(self, ctx: Context) -> tuple[ResolvedCommit, ...]:
        """See ``Request.answer``. Raises ``NotFound`` where the store holds no history, ``Usage`` for
        what is no commit and used none.
        """
        known, today, titles = _history(ctx)
        if not known:
            raise NotFound("no git history is in the store", hint="Import it: 'lineage import .'")
        rewrites = Rewrites(today, known)
        by_sha = {fact.sha: fact for fact in known}
        targets = sorted(set(_used(ctx))) if self.reference is None else _meant(ctx, self.reference)
        users = _users(ctx, targets)
        found = []
        for ident in targets:
            sha = ident.removeprefix(ids.REVISION)
            matches = rewrites.resolve(by_sha.get(sha) or CommitFacts(sha=sha))
            found.append(
                ResolvedCommit(
                    commit=ident,
                    title=titles.get(ident) or ids.short(ident),
                    used_by=tuple(users.get(ident, ())),
                    matches=tuple(matches),
                )
            )
        return tuple(found)


def _history(ctx: Context) -> tuple[list[CommitFacts], list[CommitFacts], dict[str, str]]:
    """All commits ever recorded, those that branches lead to today, and what they are called."""
    nodes: list[Node] = []
    parents: list[Edge] = []
    tips: list[str] = []
    for chunk in _pages(ctx, _COMMITS):
        for ident, held in ctx.store.held(chunk, NOW).items():
            records = [claim.record for claim in held.claims]
            nodes += [record for record in records if isinstance(record, Node)]
            parents += [r for r in records if isinstance(r, Edge) and r.relation == "parent"]
            if any(c.until is None and "refs" in c.record.attributes for c in held.claims):
                tips.append(ident)
    known = facts(nodes, parents)
    above: dict[str, list[str]] = {}
    for edge in parents:
        above.setdefault(edge.effect, []).append(edge.cause)
    reached = reachable(above, tips)
    today = [fact for fact in known if ids.REVISION + fact.sha in reached]
    return known, today, {node.id: node.label for node in nodes if node.label}


def _pages(ctx: Context, where: Filter) -> Iterator[list[str]]:
    for rows in find_pages(ctx.store, where):
        yield [row.id for row in rows]


def _meant(ctx: Context, reference: str) -> list[str]:
    """The commit that a reference means, or the commits that the run it means used."""
    row = resolve(ctx, reference)
    if row.id.startswith(ids.REVISION):
        return [row.id]
    causes = {edge.cause for edge in ctx.store.edges([row.id], _USES, NOW)}
    if commits := sorted(cause for cause in causes if cause.startswith(ids.REVISION)):
        return commits
    what = f"{row.kind} {ids.title(row.id, row.label)}"
    if kinds.family(row.kind) == "Activity":
        raise Usage(
            f"{what} is no commit, and no commit is known that it used",
            hint="Give a commit: 'lineage find --kind Commit' lists them.",
        )
    raise Usage(
        f"{what} is no commit",
        hint="Give a commit, or the run that used it: 'lineage trace' names the runs and commits "
        "behind a thing.",
    )


def _used(ctx: Context) -> Iterator[str]:
    """Commits that activities used."""
    for chunk in _pages(ctx, Filter(prefix=ids.REVISION)):
        yield from (row.cause for row in ctx.store.edges(chunk, _USED, NOW))


def _users(ctx: Context, commits: list[str]) -> dict[str, list[str]]:
    rows = sorted(ctx.store.edges(commits, _USED, NOW))
    nodes = ctx.store.get({row.effect for row in rows}, NOW)
    found: dict[str, list[str]] = {}
    for row in rows:
        user = nodes.get(row.effect)
        found.setdefault(row.cause, []).append((user and user.label) or ids.short(row.effect))
    return found

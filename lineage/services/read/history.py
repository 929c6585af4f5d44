# SPDX-License-Identifier: Apache-2.0
"""The commits that lead to one of two commits and not to the other, as git's ``a...b``."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from lineage.query import condition as c
from lineage.services.context import Context
from lineage.store.base import View, Walk
from lineage.store.rows import NodeRow

_PARENT = frozenset({"parent"})
#: How far back histories are read, nearest first, and how many commits of one.
_DEPTHS, _MOST = (32, 512), 5_000
#: Commits that are listed.
LISTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitBetween:
    """A commit that only one of two runs had: its subject, when it was committed, and which (``a``, ``b``)."""

    id: str
    subject: str | None
    committed: str | None
    side: Literal["a", "b"]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def commits_between(
    ctx: Context, a: str, b: str, view: View
) -> tuple[tuple[CommitBetween, ...], bool]:
    """The commits between two, oldest first, and whether that may not be all: histories are read back
    to where they meet, 512 commits at most, and 100 commits are listed.
    """
    if a == b:
        return (), False
    found: tuple[CommitBetween, ...] = ()
    for depth in _DEPTHS:
        found, whole = _between(ctx, a, b, depth, view)
        if whole:
            return found[-LISTED:], len(found) > LISTED
    return found[-LISTED:], True


def _between(
    ctx: Context, a: str, b: str, depth: int, view: View
) -> tuple[tuple[CommitBetween, ...], bool]:
    rows: dict[str, NodeRow] = {}
    parents: dict[str, list[str]] = {}
    read: set[str] = set()
    for start in (a, b):
        walk = Walk(start=frozenset({start}), relations=_PARENT, depth=depth, limit=_MOST)
        part = ctx.store.walk(walk, view)
        rows |= {row.id: row for row in part.node_rows}
        own: dict[str, list[str]] = {}
        for row in part.edge_rows:
            own.setdefault(row.effect, []).append(row.cause)
        parents |= {ident: [*parents.get(ident, ()), *some] for ident, some in own.items()}
        if part.cut is None or part.cut.reason == "depth":
            inside = depth if part.cut else len(rows)
            read |= {ident for ident, far in _back(start, own).items() if far < inside}
    mine, theirs = _back(a, parents), _back(b, parents)
    held = {ident: row.node().attributes for ident, row in rows.items()}
    told = [
        CommitBetween(
            id=ident,
            subject=_text(held[ident].get("message")),
            committed=_text(held[ident].get("committed")),
            side="a" if ident in mine else "b",
        )
        for ident in (mine.keys() ^ theirs.keys()) & rows.keys()
    ]
    told.sort(key=lambda one: (_time(one.committed), one.id))
    ends = {*mine, *theirs} - read
    return tuple(told), _met({*mine}, {*theirs}, ends, held)


def _back(start: str, parents: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """A commit with its history, as far as it was read: how far back each is."""
    seen, waiting = {start: 0}, deque([start])
    while waiting:
        near = waiting.popleft()
        for parent in parents.get(near, ()):
            if parent not in seen:
                seen[parent] = seen[near] + 1
                waiting.append(parent)
    return seen


def _met(
    mine: set[str], theirs: set[str], ends: set[str], held: Mapping[str, Mapping[str, Any]]
) -> bool:
    """Whether reading on would change nothing: the histories were imported and meet, none was left off
    before, and all that is of one alone is younger than where the common history was left off.
    """
    alone, common = mine ^ theirs, mine & theirs
    if not common or any("tree" not in held.get(i, {}) for i in alone) or ends & alone:
        return False
    young = max((_time(_text(held[i].get("committed"))) for i in ends & common), default=0.0)
    return all(_time(_text(held[i].get("committed"))) >= young for i in alone)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _time(text: str | None) -> float:
    moment = c.instant(text) if text else None
    return moment.timestamp() if moment is not None else 0.0

# SPDX-License-Identifier: Apache-2.0
"""Counts what a store holds, and lists its ledger, newest first."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any

from lineage.ledger.log import Header
from lineage.services.as_of import view_at
from lineage.services.context import Context
from lineage.services.request import Request, Says, When
from lineage.store.base import NOW, Stats


@dataclass(frozen=True, slots=True)
class StatsRequest(Request[Stats], graphql="stats", examples=("stats --json",)):
    """How much is in the store: nodes by kind, edges, entries, the ledger's root."""

    _: KW_ONLY
    at: When = None

    def answer(self, ctx: Context) -> Stats:
        """See ``Request.answer``. As of an entry it looks at every node there was."""
        return ctx.store.stats(view_at(ctx, self.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogAnswer:
    """Some entries of the ledger, newest first; ``more`` are how many stand before them."""

    entries: tuple[Header, ...]
    size: int
    root: str
    more: int

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage log``."""
        return {
            "entries": [entry.to_dict() for entry in self.entries],
            "size": self.size,
            "root": self.root,
            "more": self.more,
        }


@dataclass(frozen=True, slots=True)
class LogRequest(Request[LogAnswer], examples=("log -n 5",)):
    """The ledger, newest first: who asserted how much, from where, when."""

    _: KW_ONLY
    count: Annotated[int, Says(text="How many entries.", at_least=1, at_most=10_000, flag="-n")] = (
        20
    )
    before: Annotated[int | None, Says(text="Only entries before this one.", at_least=1)] = None

    def answer(self, ctx: Context) -> LogAnswer:
        """See ``Request.answer``."""
        head = ctx.store.head()
        last = head.size if self.before is None else min(head.size, self.before - 1)
        first = max(0, last - self.count)
        entries = ctx.store.headers(first, last - first, NOW) if last > first else ()
        return LogAnswer(
            entries=tuple(reversed(entries)), size=head.size, root=head.root.hex(), more=first
        )

# SPDX-License-Identifier: Apache-2.0
"""Turns an entry's number or a time into a view, and reads so that one answer sees one state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from lineage.errors import Usage
from lineage.ledger.merkle import Frontier
from lineage.services.context import Context
from lineage.store.base import NOW, View

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadState:
    """The state that an answer was read from: a view, and the ledger's head at that moment."""

    view: View
    head: Frontier

    @property
    def as_of(self) -> int:
        """The last entry that the answer is true of."""
        return self.head.size if self.view.as_of is None else self.view.as_of


def at_one_moment(
    ctx: Context, at: str | int | None, work: Callable[[View], T]
) -> tuple[T, ReadState]:
    """Run ``work``, and return what it finds with the state it was read from: an answer is never of
    two moments.

    Where somebody wrote while it was read as it stands now, it is read again as of an entry.
    """
    with ctx.store.moment() as moment:
        view = view_at(ctx, at)
        found = work(view)
    if moment.head is not None:
        return found, ReadState(view, moment.head)
    head = ctx.store.head()
    if view.as_of is None:
        view = View(as_of=head.size)
        found = work(view)
    return found, ReadState(view, head)


def view_at(ctx: Context, at: str | int | None) -> View:
    """The view of an entry or a time (ISO 8601, or as people write dates; without a zone it is UTC).

    Raises ``Usage`` for what is neither.
    """
    if at is None or at == "":
        return NOW
    if isinstance(at, int) or at.isdecimal():
        return View(as_of=min(int(at), ctx.store.head().size))
    from lineage.query import moments

    try:
        moment = datetime.fromisoformat(moments.iso(at) or at)
    except ValueError as error:
        hint = f"Write an entry's number, such as 41. {moments.HINT}"
        raise Usage(f"{at!r} is neither an entry nor a time", hint=hint) from error
    return View(as_of=_last_before(ctx, moment if moment.tzinfo else moment.replace(tzinfo=UTC)))


def _last_before(ctx: Context, moment: datetime) -> int:
    """The last entry recorded at or before a moment: sequence numbers order time, not clocks, so
    the search is for the first entry that is later.
    """
    low, high = 0, ctx.store.head().size
    while low < high:
        middle = (low + high) // 2
        (header,) = ctx.store.headers(middle, 1, NOW)
        if datetime.fromisoformat(header.recorded) <= moment:
            low = middle + 1
        else:
            high = middle
    return low

# SPDX-License-Identifier: Apache-2.0
"""As of when: an entry's number, or a time, as a view."""

from __future__ import annotations

from datetime import UTC, datetime

from lineage.errors import Usage
from lineage.services.context import Context
from lineage.store.base import NOW, View


def view_at(ctx: Context, at: str | int | None) -> View:
    """The store as of an entry or a time (ISO 8601; without a zone it is UTC).

    Raises ``Usage`` for what is neither.
    """
    if at is None or at == "":
        return NOW
    if isinstance(at, int) or at.isdecimal():
        return View(as_of=min(int(at), ctx.store.head().size))
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise Usage(
            f"{at!r} is neither an entry nor a time", hint="Write 41 or 2026-05-01T12:00Z."
        ) from error
    return View(as_of=_last_before(ctx, moment if moment.tzinfo else moment.replace(tzinfo=UTC)))


def _last_before(ctx: Context, moment: datetime) -> int:
    """The last entry recorded at or before a moment: sequence numbers order time, not clocks, so
    the search is for the first entry that is later.
    """
    low, high = 0, ctx.store.head().size
    while low < high:
        middle = (low + high) // 2
        entry = ctx.store.entries(middle, 1)[0]
        if datetime.fromisoformat(entry.recorded) <= moment:
            low = middle + 1
        else:
            high = middle
    return low

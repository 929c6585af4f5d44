# SPDX-License-Identifier: Apache-2.0
"""Counts what an importer met that did not become a record, while it reads."""

from __future__ import annotations

from collections import Counter

from lineage.model.record import Loss


class Tally:
    """Counts what did not become a record; keeps the first example of each reason."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], str] = {}

    def lose(self, what: str, reason: str, *, count: int = 1, first: str | None = None) -> None:
        """Count something lost."""
        if count:
            self._counts[what, reason] += count
            if first:
                self._first.setdefault((what, reason), first)

    def losses(self) -> tuple[Loss, ...]:
        """Everything lost, in the order it was met."""
        return tuple(
            Loss(what, count, f"{reason} (first: {first})" if first else reason)
            for (what, reason), count in self._counts.items()
            for first in (self._first.get((what, reason)),)
        )

# SPDX-License-Identifier: Apache-2.0
"""Limits how much work one caller, and all callers together, may cause by sending new queries to be read,
and how many requests a token may send that has a rate.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from lineage.errors import RateLimited

#: Points at first and at most, and what comes back a second. A point is a character of a query that
#: was not seen before: up to 4 us of parsing and validating.
MOST, BACK = 128 * 1024, 2 * 1024
#: How many callers may have a whole bucket each at one time. More callers share what so many buckets hold,
#: so that many senders of new queries cannot slow down those whose queries are known.
SHARES = 4
#: Seconds for which somebody who spent points, or had none left to spend, counts as one of them.
_RECENT = 10.0


class RateLimiter:
    """A token bucket for each caller, by name."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: dict[str, tuple[float, float]] = {}
        self._recent: dict[str, float] = {}
        self._counted = (0.0, 0)
        self._requests: dict[str, tuple[float, float]] = {}

    def count(self, token: str, rate: int | None) -> None:
        """Count a request of a token that may send ``rate`` a minute; as many may come at once. Raises
        ``RateLimited`` for one too many.
        """
        if rate is None:
            return
        now, back = self._clock(), rate / 60
        left, then = self._requests.get(token, (float(rate), now))
        left = min(float(rate), left + (now - then) * back)
        if left < 1:
            seconds = math.ceil((1 - left) / back)
            raise RateLimited(
                f"this token may send {rate} requests a minute; ask again in {seconds} s",
                hint="Send fewer, or ask for a token with a higher --rate.",
                retry_after=seconds,
            )
        self._requests[token] = (left - 1, now)

    def admit(self, who: str) -> None:
        """Raise ``RateLimited`` for a caller who has spent more points than there were."""
        points = self._points(who)
        if points < 0:
            self._note(who)
            seconds = math.ceil(-points / (BACK * self._share()))
            raise RateLimited(
                f"{who!r} had more new queries read than its share; ask again in {seconds} s",
                retry_after=seconds,
            )

    def spend(self, who: str, points: int) -> None:
        """Take points; an operation in progress may take more than there are."""
        if points:
            self._note(who)
            self._held[who] = (self._points(who) - points, self._clock())

    def _points(self, who: str) -> float:
        points, then = self._held.get(who, (MOST, 0.0))
        share = self._share()
        return min(MOST * share, points + (self._clock() - then) * BACK * share)

    def _share(self) -> float:
        """What part of a bucket each caller has now. The callers who share are counted once a second."""
        now = self._clock()
        counted, many = self._counted
        if now - counted >= 1:
            self._recent = {who: then for who, then in self._recent.items() if now - then < _RECENT}
            many = len(self._recent)
            self._counted = (now, many)
        return min(1.0, SHARES / max(1, many))

    def _note(self, who: str) -> None:
        """Count a caller among those who share, a new one at once."""
        if who not in self._recent:
            self._counted = (self._counted[0], len(self._recent) + 1)
        self._recent[who] = self._clock()

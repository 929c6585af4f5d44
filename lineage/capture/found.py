# SPDX-License-Identifier: Apache-2.0
"""What a probe found: facts as JSON has them, and what it could not see, with the reason."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TypeAlias

#: What JSON has. Bytes that are no UTF-8 are texts with surrogate escapes (PEP 383) until they are written.
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(slots=True)
class Found:
    """The facts of one probe, and what it could not see: ``what`` -> why. What is not known is left out of the
    facts or is ``None``, never 0 and never a guess.
    """

    facts: dict[str, Json] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)

    def miss(self, what: str, reason: str) -> None:
        """Note that something could not be seen, and why, in words that follow "could not be seen:"."""
        self.unseen.setdefault(what, reason)


class Budget:
    """Seconds that a probe may take: what it does not reach in the time it says that it did not see."""

    def __init__(self, seconds: float) -> None:
        self.seconds: float = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left, none where the time is over."""
        return max(0.0, self._end - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._end

# SPDX-License-Identifier: Apache-2.0
"""What long work says of itself while it goes on: readers and services tell, commands show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

#: Called with what is being done (*reading commits*), how many are done, and how many there are,
#: where that is known.
Progress = Callable[[str, int, int | None], None]
T = TypeVar("T")
#: How many things pass between two words about them.
_EVERY = 100


def silent(what: str, done: int, total: int | None) -> None:
    """Tell nobody."""
    del what, done, total


def prefixed(name: str, progress: Progress) -> Progress:
    """Progress that says who makes it."""
    return lambda what, done, total: progress(f"{name}: {what}", done, total)


def told(
    things: Iterable[T], progress: Progress, what: str, total: int | None = None
) -> Iterator[T]:
    """Pass things on, and tell how many have passed: at the first, then of each hundred."""
    for number, thing in enumerate(things):
        if number % _EVERY == 0:
            progress(what, number, total)
        yield thing

# SPDX-License-Identifier: Apache-2.0
"""Timing side by side: interleaved, medians, answers compared before any clock runs."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: ours, the rival's, and what was promised."""

    what: str
    ours: str
    rival: str
    ratio: float | None
    bound: str
    held: bool
    near: bool = False

    @property
    def verdict(self) -> str:
        """Whether the bound was held; nothing where none is set."""
        return judged(held=self.held, near=self.near) if self.bound else ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as its table shows it."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return self.what, self.ours, self.rival, ratio, self.bound, self.verdict


def judged(*, held: bool, near: bool) -> str:
    """What a table says of a bound; a figure ``near`` it (5 %) may be on its other side next time."""
    return ("held" if held else "**missed**") + (", by less than 5 %" if near else "")


def within(figure: float, bound: float, *, least: bool = False) -> tuple[bool, bool]:
    """Whether a figure is at most its bound, or at ``least``, and whether it is near it (5 %)."""
    held = figure >= bound if least else figure <= bound
    return held, abs(figure / bound - 1) < 0.05


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def clock(work: Callable[[], Any]) -> float:
    """Seconds that one call takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def together(
    questions: Sequence[Sequence[Callable[[], Any]]], repeat: int = 3
) -> tuple[list[float], ...]:
    """For each side, ours first, its medians for each question, asked in turns; the garbage collector
    works, as it does for users.
    """
    found: list[list[float]] = []
    for sides in questions:
        times = [[clock(work) for work in sides] for _ in range(repeat)]
        found.append([median(taken) for taken in zip(*times, strict=True)])
    return tuple(map(list, zip(*found, strict=True)))


def at_most(what: str, ours: float, rival: float, bound: float, unit: str = "ms") -> Row:
    """A row whose figure, in seconds or bytes, may be at most ``bound`` times the rival's."""
    ratio = ours / rival
    held = within(ratio, bound)
    return Row(what, shown(ours, unit), shown(rival, unit), ratio, f"<= {bound:g}x", *held)


def below(what: str, ours: float, limit: float, unit: str = "ms") -> Row:
    """A row whose figure, in seconds or bytes, has a limit of its own."""
    return Row(what, shown(ours, unit), "", None, _limit("<=", limit, unit), *within(ours, limit))


def above(what: str, ours: float, least: float, unit: str = "/s") -> Row:
    """A row whose figure, a number or a share, has a limit below."""
    held = within(ours, least, least=True)
    return Row(what, shown(ours, unit), "", None, _limit(">=", least, unit), *held)


def rate(what: str, ours: float, rival: float, bound: float) -> Row:
    """A row whose rate must be at least ``bound`` of the rival's."""
    ratio = ours / rival
    held = within(ratio, bound, least=True)
    return Row(what, shown(ours, "/s"), shown(rival, "/s"), ratio, f">= {bound:g}x", *held)


def reported(what: str, ours: str, rival: str = "") -> Row:
    """A row that has no bound."""
    return Row(what, ours, rival, None, "", held=True)


def shown(figure: float, unit: str) -> str:
    """A figure, of seconds, bytes or a number, in the unit of its table."""
    match unit:
        case "MiB":
            return f"{figure / 2**20:,.0f} MiB"
        case "B":
            return f"{figure:,.0f} B"
        case "/s":
            return f"{figure:,.0f}/s"
        case "%":
            return f"{figure:.0%}"
        case "s":
            return f"{figure:.2f} s"
        case "":
            return f"{figure:,.0f}"
    return f"{figure * 1000:,.{3 if figure < 1e-3 else 2}f} ms"


def _limit(word: str, figure: float, unit: str) -> str:
    number = {"ms": figure * 1000, "MiB": figure / 2**20, "%": figure * 100}.get(unit, figure)
    return f"{word} {number:,g}{'' if unit == '/s' else ' '}{unit}"


def settle() -> None:
    """Let the collector forget the bench's own graph: it should walk it on nobody's time."""
    gc.collect()
    gc.freeze()


#: What stands above rows; of every table the last column is the verdict, and the one before it the bound.
HEAD = ("what", "ours", "rival", "ratio", "bound", "")


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    return markdown(HEAD, [row.cells for row in rows])


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Cells as a Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines))


def say(text: str) -> None:
    """Progress, on stderr."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

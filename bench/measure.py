# SPDX-License-Identifier: Apache-2.0
"""Timing side by side: interleaved, medians, answers compared before any clock runs."""

from __future__ import annotations

import gc
import os
import platform
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
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
        """Whether the bound was held; a figure ``near`` it (5 %) may be on its other side next time."""
        return ("held" if self.held else "**missed**") + (", by less than 5 %" if self.near else "")


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
    pairs: Sequence[tuple[Callable[[], Any], Callable[[], Any]]], repeat: int = 3
) -> tuple[list[float], list[float]]:
    """The medians of ours and the rival's for each question, asked in turns; the garbage collector works,
    as it does for users.
    """
    ours: list[float] = []
    theirs: list[float] = []
    for mine, other in pairs:
        times = [(clock(mine), clock(other)) for _ in range(repeat)]
        ours.append(median(a for a, _ in times))
        theirs.append(median(b for _, b in times))
    return ours, theirs


def at_most(what: str, ours: float, rival: float, bound: float, unit: str = "ms") -> Row:
    """A row whose figure, in seconds or bytes, may be at most ``bound`` times the rival's."""
    ratio = ours / rival
    text = f"<= {bound:g}x"
    held, near = ratio <= bound, _near(ratio, bound)
    return Row(what, _shown(ours, unit), _shown(rival, unit), ratio, text, held, near)


def below(what: str, ours: float, limit: float, unit: str = "ms") -> Row:
    """A row whose time has a limit of its own."""
    bound = f"< {limit * 1000:g} ms" if unit == "ms" else f"< {limit:g} s"
    return Row(what, _shown(ours, unit), "", None, bound, ours <= limit, _near(ours, limit))


def rate(what: str, ours: float, rival: float, bound: float) -> Row:
    """A row whose rate must be at least ``bound`` of the rival's."""
    ratio = ours / rival
    text = f">= {bound:g}x"
    held, near = ratio >= bound, _near(ratio, bound)
    return Row(what, f"{ours:,.0f}/s", f"{rival:,.0f}/s", ratio, text, held, near)


def _near(figure: float, bound: float) -> bool:
    return abs(figure / bound - 1) < 0.05


def _shown(figure: float, unit: str) -> str:
    if unit == "MiB":
        return f"{figure / 2**20:.0f} MiB"
    return f"{figure * 1000:.2f} ms" if unit == "ms" else f"{figure:.2f} s"


def settle() -> None:
    """Let the collector forget the bench's own graph: it should walk it on nobody's time."""
    gc.collect()
    gc.freeze()


def control() -> float:
    """A fixed loop: tells a quiet machine from a busy one (seconds)."""
    return clock(lambda: sum(i * i for i in range(600_000)))


def machine() -> str:
    """The size of the machine and the versions, for the head of the table."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, Python "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | ours | rival | ratio | bound | |", "|---|---|---|---|---|---|"]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        shown = (row.what, row.ours, row.rival, ratio, row.bound, row.verdict)
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join(lines)


def say(text: str) -> None:
    """Progress, on stderr."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

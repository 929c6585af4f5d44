# SPDX-License-Identifier: Apache-2.0
"""On what was measured: the machine, the commit, and whether others worked there meanwhile."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: The share of the processors that others may have, and how far the control loop may drift, on a
#: machine that is called quiet; and for how many seconds others are watched.
OTHERS, DRIFT, WATCHED = 0.05, 0.15, 1.0


class Watch:
    """Looks at the machine before work and after it; it must not run while the work does."""

    def __init__(self) -> None:
        self._before = control(), others()

    def told(self) -> str:
        """In a sentence, whether the machine was quiet, and by what."""
        (before, busy), (after, still) = self._before, (control(), others())
        quiet = max(busy, still) <= OTHERS and abs(after / before - 1) <= DRIFT
        loop = f"control loop {before * 1000:.0f} ms before, {after * 1000:.0f} ms after"
        share = f"others had {busy:.0%} and {still:.0%} of the processors"
        return f"The machine was {'quiet' if quiet else '**not quiet**'}: {loop}; {share}."


def control() -> float:
    """A fixed loop, the best of five: tells a quick machine from a slow or busy one (seconds)."""
    taken = []
    for _ in range(5):
        begun = time.perf_counter()
        sum(i * i for i in range(600_000))
        taken.append(time.perf_counter() - begun)
    return min(taken)


def others() -> float:
    """What share of all processors is in use while this process sleeps."""
    idle, whole = _ticks()
    time.sleep(WATCHED)
    idle_then, whole_then = _ticks()
    return 1 - (idle_then - idle) / max(1, whole_then - whole)


def _ticks() -> tuple[int, int]:
    """Idle ticks and all of them, since the machine started (proc(5))."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def machine() -> str:
    """The size of the machine and the versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, Python "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def commit() -> str:
    """The commit that is measured, and whether files differ from it."""
    with suppress(OSError, subprocess.CalledProcessError):
        name = _git("rev-parse", "--short", "HEAD")
        # What the bench itself writes is no change of what it measures.
        changed = _git("status", "--porcelain", "--", ".", ":!docs/performance.md")
        return f"commit {name}{', with changes on top' if changed else ''}"
    return "no commit"


def today() -> str:
    """The day, as the document writes it."""
    now = datetime.now(UTC)
    return f"{now.day} {now:%B %Y}"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()

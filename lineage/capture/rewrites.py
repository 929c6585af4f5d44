# SPDX-License-Identifier: Apache-2.0
"""Writes down which commits git has rewritten, as the hook of ours is told: on the disk first, like a run."""

from __future__ import annotations

from pathlib import Path

from lineage.capture.record import Record, Warn
from lineage.sources.git import maps

#: Bytes that are read of what git tells: over 100,000 commits.
LONGEST = 1 << 23


def record(command: str, told: bytes, here: Path, warn: Warn) -> Path | None:
    """Write down the pairs of commits, old and new, that git tells of a ``command`` (amend, rebase); the file that
    they are in, ``None`` where there are none or nothing could be written. It warns of what it leaves out.
    """
    whole, cut = told[:LONGEST], len(told) > LONGEST
    if cut:
        whole = whole[: whole.rfind(b"\n") + 1]
    found = maps.parsed(command, whole.decode("utf-8", "replace"))
    if cut:
        warn(f"git rewrote more commits than {LONGEST >> 20} MiB name: the rest is not recorded")
    if found.odd:
        warn(f"{found.odd} of the lines that git told are no pair of commits")
    if not found.pairs:
        return None
    made = Record.new(here, warn)
    made.rewritten(command, found.pairs)
    return made.path

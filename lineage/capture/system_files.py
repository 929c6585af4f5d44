# SPDX-License-Identifier: Apache-2.0
"""Reads the small files in which a system says what it is; what cannot be read is said, never guessed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from lineage.capture.found import Found

#: The most that is read of one file (bytes): /proc/cpuinfo has 2 KiB a processor.
LARGEST = 8 * 1024 * 1024
_PIECE = 64 * 1024


def text(path: Path, found: Found, what: str) -> str | None:
    """The text of a file; ``None``, and ``what`` is noted as not seen, where it cannot be read."""
    said, reason = attempt(path)
    if said is None:
        found.miss(what, reason)
    return said


def attempt(path: Path) -> tuple[str | None, str]:
    """The text of a file, or why there is none."""
    try:
        with path.open("rb", buffering=0) as file:
            # A file below /proc/sys refuses a read that is large.
            pieces = iter(lambda: file.read(_PIECE), b"")
            data = b"".join(islice(pieces, LARGEST // _PIECE))
        return data.decode("utf-8", "backslashreplace").strip("\n\0 "), ""
    except OSError as error:
        return None, f"{path}: {error.strerror}"

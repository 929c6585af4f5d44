# SPDX-License-Identifier: Apache-2.0
"""Tells processes apart: their numbers come again, and so do those of machines that start anew."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def boot() -> str | None:
    """By what this start of the system is told from others (random(4))."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return None


def born(pid: int) -> int | None:
    """When a process was started, in ticks since the system was (proc(5)): with its number it is that process."""
    with suppress(OSError, ValueError, IndexError):
        about = Path(f"/proc/{pid}/stat").read_bytes()
        return int(about.rpartition(b")")[2].split()[19])
    return None

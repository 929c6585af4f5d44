# SPDX-License-Identifier: Apache-2.0
"""Sees what the control group of this process used and was refused so far: a look before a program and one after
it tell what it was held up by. A group may hold other programs too; a number is of all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lineage.capture.found import Found, Json
from lineage.capture.probes.cgroups import Groups, memberships, mounts
from lineage.capture.system_files import attempt

#: What is counted -> controller, and for either version the file, its line, and what makes it the unit of ours.
_COUNTED: Mapping[str, tuple[str, tuple[str, str, float], tuple[str, str, float]]] = {
    "throttled": ("cpu", ("cpu.stat", "nr_throttled", 1), ("cpu.stat", "nr_throttled", 1)),
    "throttled_seconds": (
        "cpu",
        ("cpu.stat", "throttled_time", 1e-9),
        ("cpu.stat", "throttled_usec", 1e-6),
    ),
    "memory_peak": ("memory", ("memory.max_usage_in_bytes", "", 1), ("memory.peak", "", 1)),
    "killed_for_memory": (
        "memory",
        ("memory.oom_control", "oom_kill", 1),
        ("memory.events", "oom_kill", 1),
    ),
}


def probe(*, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> Found:
    """See how often and how long (seconds) the group was throttled, the most memory that it had (bytes), and how
    many of its processes were killed for want of memory, all since the group was made.
    """
    found = Found()
    groups = Groups(sys, mounts(proc, found), memberships(proc, found))
    for name, (controller, *files) in _COUNTED.items():
        group = groups.of(controller)
        if group is None:
            found.miss(name.replace("_", " "), groups.why(controller))
            continue
        file, line, unit = files[group.version - 1]
        # The own group only: those above it count what their other members do.
        path = group.folders[0] / file
        said, reason = attempt(path)
        number = None if said is None else _number(said, line)
        if number is None:
            found.miss(name.replace("_", " "), reason or f"{path} does not state it")
            continue
        value: Json = number if unit == 1 else round(number * unit, 6)
        found.facts[name] = {"value": value, "file": str(path)}
    return found


def _number(said: str, line: str) -> int | None:
    """The number of a file, or that of one line of it."""
    words = (
        [said]
        if not line
        else [x.partition(" ")[2] for x in said.splitlines() if x.startswith(f"{line} ")]
    )
    return int(words[0]) if words and words[0].isdecimal() else None

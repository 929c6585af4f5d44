# SPDX-License-Identifier: Apache-2.0
"""Sees the limits that control groups set for this process, of either version, with the file of each.

What is limited is limited by every group above it too: the least counts. That there is no limit is the text
``unlimited``, which no number is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from lineage.capture.found import Found, Json
from lineage.capture.system_files import attempt, text
from lineage.paths import is_there

#: What stands for a limit that is none.
UNLIMITED = "unlimited"

#: Version 1 writes the largest number of pages that it can count, in bytes.
_NONE_IN_V1 = (1 << 63) - (1 << 16)
_ESCAPE = re.compile(r"\\([0-7]{3})")
#: A limit, and the file that it stands in; the limit is ``None`` where there is none.
Limit: TypeAlias = "tuple[float | None, Path]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A control group of this process: folders from its own up to the top of what is mounted."""

    version: int
    folders: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """A line of /proc/self/mountinfo (proc_pid_mountinfo(5))."""

    root: str
    point: str
    kind: str
    options: tuple[str, ...]


def mounts(proc: Path, found: Found) -> list[Mount]:
    """What is mounted where, as this process sees it."""
    said = text(proc / "self" / "mountinfo", found, "mounts") or ""
    read = []
    for line in said.splitlines():
        before, _, after = line.partition(" - ")
        fields, more = before.split(" "), after.split(" ")
        if len(fields) >= 6 and len(more) >= 3:
            root, point = (_ESCAPE.sub(lambda x: chr(int(x[1], 8)), y) for y in fields[3:5])
            options = (*fields[5].split(","), *more[2].split(","))
            read.append(Mount(root=root, point=point, kind=more[0], options=options))
    return read


def memberships(proc: Path, found: Found) -> dict[str, str]:
    """Controller -> the group that this process is in; that of version 2 under an empty name."""
    said = text(proc / "self" / "cgroup", found, "control groups") or ""
    read: dict[str, str] = {}
    for line in said.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        read |= dict.fromkeys(controllers.split(","), path)
    return read


def limits(
    sys: Path, mounted: list[Mount], member: dict[str, str], found: Found
) -> dict[str, Json]:
    """The limits of processor time, processors, memory and processes. ``sys`` stands for /sys."""
    groups = Groups(sys, mounted, member)
    said: dict[str, Json] = {}
    for name, controller, v1, v2 in (
        ("cpu", "cpu", _cpu_v1, _cpu_v2),
        ("memory", "memory", _number_in("memory.limit_in_bytes"), _number_in("memory.max")),
        ("memory_high", "memory", None, _number_in("memory.high")),
        ("swap", "memory", None, _number_in("memory.swap.max")),
        ("pids", "pids", _number_in("pids.max"), _number_in("pids.max")),
    ):
        group = groups.of(controller)
        read = None if group is None else (v1 if group.version == 1 else v2)
        if group is not None and read is None:
            continue
        found_limits = [] if group is None or read is None else [*_each(group, read)]
        if not found_limits:
            if name in {"cpu", "memory", "pids"}:
                found.miss(f"limit of {name}", groups.why(controller))
            continue
        said[name] = _least(found_limits, whole=name != "cpu")
    if (cpus := _cpuset(groups)) is not None:
        said["cpuset"] = cpus
    else:
        found.miss("limit of cpuset", groups.why("cpuset"))
    return said


class Groups:
    """Where the groups of this process lie."""

    def __init__(self, sys: Path, mounted: list[Mount], member: dict[str, str]) -> None:
        self._sys = sys
        self._mounted = mounted
        self._member = member

    def of(self, controller: str) -> Group | None:
        """The group that limits by this controller; a controller is in one hierarchy only."""
        if controller in self._member:
            for mount in self._mounted:
                if mount.kind == "cgroup" and controller in mount.options:
                    return Group(version=1, folders=self._folders(mount, self._member[controller]))
        for mount in self._mounted:
            if mount.kind == "cgroup2" and "" in self._member:
                folders = self._folders(mount, self._member[""])
                offered = (attempt(x / "cgroup.controllers")[0] for x in folders)
                if any(controller in (x or "").split() for x in offered):
                    return Group(version=2, folders=folders)
        return None

    def why(self, controller: str) -> str:
        """Why there is no limit to be seen."""
        if not self._member:
            return "this process is in no control group"
        if self.of(controller) is None:
            return f"no control group of {controller} is mounted"
        return f"the control group of {controller} has no such file"

    def _folders(self, mount: Mount, member: str) -> tuple[Path, ...]:
        """From the group of the process up. What is outside of the mount cannot be seen: its top then."""
        top = Path(mount.point)
        if top.is_relative_to("/sys"):
            top = self._sys / top.relative_to("/sys")
        group, root = PurePosixPath(member), PurePosixPath(mount.root)
        if not group.is_relative_to(root) or ".." in group.parts:
            return (top,)
        own = top / group.relative_to(root)
        return (*(x for x in (own, *own.parents) if x.is_relative_to(top)),)


def _each(group: Group, read: Callable[[Path], Limit | None]) -> Iterator[Limit]:
    """The limit of every group on the way up, of those that have one or say that they have none."""
    for folder in group.folders:
        if (limit := read(folder)) is not None:
            yield limit
    # The first group of all is never limited, and has no file that could say so (cgroups(7)).
    first = group.folders[-1]
    tells = first / "release_agent" if group.version == 1 else first / "cgroup.controllers"
    if is_there(tells) and not is_there(first / "cgroup.type"):
        yield None, first


def _least(read: list[Limit], *, whole: bool) -> Json:
    set_ = [(number, path) for number, path in read if number is not None]
    if not set_:
        return {"limit": UNLIMITED, "file": str(read[0][1])}
    number, path = min(set_, key=lambda x: x[0])
    return {"limit": int(number) if whole else round(number, 3), "file": str(path)}


def _cpu_v2(folder: Path) -> Limit | None:
    """Processors' worth of time: a quota a period, in microseconds each."""
    path = folder / "cpu.max"
    said = (attempt(path)[0] or "").split()
    if len(said) != 2 or not said[1].isdecimal():
        return None
    return _share(said[0], said[1], path)


def _cpu_v1(folder: Path) -> Limit | None:
    path = folder / "cpu.cfs_quota_us"
    quota, period = attempt(path)[0], attempt(folder / "cpu.cfs_period_us")[0]
    return None if quota is None or period is None else _share(quota, period, path)


def _share(quota: str, period: str, path: Path) -> Limit | None:
    if quota in {"max", "-1"}:
        return None, path
    if not quota.isdecimal() or not period.isdecimal() or not int(period):
        return None
    return int(quota) / int(period), path


def _number_in(name: str) -> Callable[[Path], Limit | None]:
    """Reads a file that holds a number, or says that there is none."""

    def read(folder: Path) -> Limit | None:
        path = folder / name
        said = attempt(path)[0]
        if said == "max" or (said and said.isdecimal() and int(said) >= _NONE_IN_V1):
            return None, path
        return (int(said), path) if said and said.isdecimal() else None

    return read


def _cpuset(groups: Groups) -> Json:
    """The processors that the process may run on, as the kernel lists them: ``0-3,8``."""
    group = groups.of("cpuset")
    if group is None:
        return None
    names = ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus")
    for folder in group.folders:
        for path in (folder / name for name in names):
            if said := attempt(path)[0]:
                return {"cpus": said, "file": str(path)}
    return None

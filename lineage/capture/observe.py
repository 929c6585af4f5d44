# SPDX-License-Identifier: Apache-2.0
"""Sees which files a Python program opens, by an audit hook (PEP 578): whatever opens them through Python is seen,
in this process and in those forked from it; what a library opens by itself, such as Arrow, is not.

Each file is written down when it is first opened, so that nothing is lost where a process dies. Its bytes are read
when the run ends: as long as size, times and inode are those of the moment of its opening, they are what was read.
"""

from __future__ import annotations

import os
import stat
import sys
import sysconfig
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from lineage.capture.found import Budget, Found, Json
from lineage.capture.probes import files
from lineage.capture.record import Record
from lineage.paths import expanded

#: The layer's name, as a witness.
WITNESS = "opened"
#: Files of one run that are written down.
MOST = 10_000
#: Seconds in which their bytes are read at the end.
_SECONDS = 60.0
#: What is no data of a run: code, what the system has of itself, caches, and what tools keep for themselves.
_CODE = (".py", ".pyc", ".pyi", ".pyd", ".so", ".pth", ".egg-link")
_ASIDE = frozenset(
    {".git", ".lineage", "__pycache__", ".ipynb_checkpoints", "site-packages", "dist-packages"}
)
_SYSTEM = (
    "/proc/",
    "/sys/",
    "/dev/",
    "/etc/",
    "/usr/",
    "/lib/",
    "/lib64/",
    "/bin/",
    "/sbin/",
    "/run/",
    "/var/lib/",
)
_WRITES = os.O_WRONLY | os.O_RDWR


class _Watch:
    """What is watched in this process: one hook for all runs, as a hook cannot be taken away."""

    def __init__(self) -> None:
        self.record: Record | None = None
        self.seen: set[Any] = set()
        self.number = 0
        self.busy = threading.local()
        self.skipped = _skipped()
        self.here = f"{Path.cwd()}/"

    def hook(self, event: str, given: tuple[Any, ...]) -> None:
        """Called for everything that Python audits: what is none of ours must cost next to nothing."""
        if self.record is None or event not in _EVENTS:
            return
        if getattr(self.busy, "is_ours", False):
            return
        self.busy.is_ours = True
        try:
            _EVENTS[event](self, given)
        except Exception:  # noqa: BLE001, S110 - whatever is wrong here, the program opens its file
            pass
        finally:
            self.busy.is_ours = False

    def opened(self, given: tuple[Any, ...]) -> None:
        path, mode, flags = given
        writes = (
            any(sign in mode for sign in "wax+") if isinstance(mode, str) else bool(flags & _WRITES)
        )
        if isinstance(path, int) or (path, writes) in self.seen:
            return
        text = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - as it was given, not where links lead
        if self.is_aside(text):
            self.seen.add((path, writes))
            return
        about = None
        with suppress(OSError):
            about = Path(text).stat()
        if about is None and not writes:
            return  # it is not there, and may be later
        if about is not None and not stat.S_ISREG(about.st_mode):
            return
        self.seen.add((path, writes))
        self.say(
            {"path": text, "writes": writes, "about": None if about is None else _about(about)}
        )

    def renamed(self, given: tuple[Any, ...]) -> None:
        before, after = (os.path.abspath(os.fsdecode(path)) for path in given[:2])  # noqa: PTH100
        if not self.is_aside(after):
            self.say({"path": after, "writes": True, "about": None, "was": before})

    def moved_to(self, _given: tuple[Any, ...]) -> None:
        """The working folder is another: the same relative path may mean another file."""
        self.seen.clear()

    def say(self, said: dict[str, Json]) -> None:
        self.number += 1
        if self.record is not None and self.number <= MOST:
            self.record.opened({"pid": os.getpid(), **said})

    def is_aside(self, text: str) -> bool:
        return (
            (text.startswith(self.skipped) and not text.startswith(self.here))
            or text.endswith(_CODE)
            or not _ASIDE.isdisjoint(text.split("/"))
        )


_EVENTS = {
    "open": _Watch.opened,
    "os.rename": _Watch.renamed,
    "os.chdir": _Watch.moved_to,
}


def _skipped() -> tuple[str, ...]:
    """What the folders of the system, of Python, of caches and of temporary files begin with; who works in one of
    them means that one.
    """
    own = {
        sys.base_prefix,
        *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
    }
    cache = expanded(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return (*_SYSTEM, *(f"{path}/" for path in (*own, str(cache), tempfile.gettempdir())))


_watch: _Watch | None = None


def start(record: Record) -> None:
    """Watch which files this process opens from now on, for a run."""
    global _watch  # noqa: PLW0603 - one hook a process
    if _watch is None:
        _watch = _Watch()
        sys.addaudithook(_watch.hook)
    _watch.seen.clear()
    _watch.number, _watch.record = 0, record


def stop() -> None:
    """Watch no longer."""
    if _watch is not None:
        _watch.record = None


def observed(record: Record) -> Found:
    """What all processes of the run opened, with the bytes that they read and wrote: files as ``files.probe`` tells
    them, ``{"inputs": [...], "outputs": [...], "witness": "opened"}``.
    """
    found, budget = Found(), Budget(_SECONDS)
    told = record.events("opened")
    if len(told) >= MOST:
        found.miss("files", f"only the first {MOST:,} that were opened are told")
    moved = {each["was"] for each in told if "was" in each}
    read = {each["path"]: each["about"] for each in reversed(told) if not each["writes"]}
    written = dict.fromkeys(each["path"] for each in told if each["writes"])
    first = {each["path"]: each["writes"] for each in reversed(told)}
    inputs, outputs = list[Json](), list[Json]()
    for path, about in read.items():
        if first[path]:
            continue  # its own
        if path not in written and _is_still(path, about):
            inputs += _bytes(path, found, budget)
        else:
            found.miss(f"bytes of {path}", "it was written to, or is gone, since it was read")
    for path in written:
        if path not in moved:
            outputs += _bytes(path, found, budget)
    found.facts = {"inputs": inputs, "outputs": outputs, "witness": WITNESS}
    return found


def _bytes(path: str, found: Found, budget: Budget) -> list[Json]:
    seen = files.probe([path], Path("/"), budget)
    found.unseen |= seen.unseen
    listed = seen.facts["files"]
    assert isinstance(listed, list)
    return [file for file in listed if isinstance(file, dict) and "missing" not in file]


def _is_still(path: str, about: Any) -> bool:
    """Whether a file is the one that was opened, as it was."""
    with suppress(OSError):
        return bool(_about(Path(path).stat()) == about)
    return False


def _about(found: os.stat_result) -> list[Json]:
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]

# SPDX-License-Identifier: Apache-2.0
"""Sees which files this process opens, by an audit hook (PEP 578): whatever opens them through Python is seen, here
and in processes forked from here; what a library opens by itself, such as Arrow, is not. And which modules it imports,
of those that are in no environment.

It stands alone, on the standard library: it is also loaded by its path into programs whose Python does not have this
package (``injected/sitecustomize.py``), and has to be quick there.
"""

from __future__ import annotations

import atexit
import os
import stat
import sys
import threading
import time

TYPE_CHECKING = False  # that of ``typing`` costs five milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    #: Told of each file when it is first opened.
    Say: TypeAlias = Callable[[dict[str, Any]], None]

#: Files of one run that are told, and modules of one process.
MOST, MOST_MODULES = 10_000, 1_000
#: What is no data of a run: code, what the system has of itself, caches, and what tools keep for themselves.
CODE = (".py", ".pyc", ".pyi", ".pyd", ".so", ".pth", ".egg-link")
ASIDE = frozenset(
    {
        *(".git", ".lineage", ".dvc", ".ipynb_checkpoints", "site-packages", "dist-packages"),
        *("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", "node_modules"),
    }
)
_SYSTEM = (
    *("/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/", "/run/"),
    *("/var/lib/", "/tmp/"),  # noqa: S108 - nothing is written there
)
_WRITES = os.O_WRONLY | os.O_RDWR
#: Seconds by which the time of a file, and that of the beginning of a process, may be too early.
_TICK = 0.01
#: Openings that are remembered: a program may open any number.
_KNOWN = 50_000


class Watch:
    """What is watched in this process: one hook for all runs, as a hook cannot be taken away."""

    def __init__(self) -> None:
        self._say: Say | None = None
        #: What is known of: path and whether it is written to, and what Python tells of such an opening.
        self._seen: set[Any] = set()
        self._told = 0
        self._busy = threading.local()
        self._skipped: tuple[str, ...] = ()
        self._here = ""
        #: The files of modules that are told, and the module that was imported last when it was looked.
        self._modules: set[str] = set()
        self._last: str | None = None
        self._looked = 0.0
        self._is_registered = False

    def start(self, say: Say) -> None:
        """Tell from now on which files are opened, each once for reading and once for writing."""
        # Who works in a folder that is skipped means that one.
        self._here = os.getcwd() + "/"  # noqa: PTH109 - pathlib takes milliseconds to load
        self._skipped = skipped()
        self._seen.clear()
        self._modules.clear()
        self._last, self._looked = None, _process_began()
        self._told, self._say = 0, say
        self._quietly()
        if not self._is_registered:
            self._is_registered = True
            atexit.register(self._quietly)

    def stop(self) -> None:
        """Tell no more."""
        self._quietly()
        self._say = None

    def _quietly(self) -> None:
        """Tell of modules, where nothing of the program depends on it."""
        self._busy.is_ours = True
        try:
            self._imported()
        except Exception:  # noqa: BLE001, S110 - whatever is wrong here, the program goes on
            pass
        finally:
            self._busy.is_ours = False

    def hook(self, event: str, given: tuple[Any, ...]) -> None:
        """Called for everything that Python audits: what is none of ours must cost next to nothing."""
        if self._say is None or event not in _EVENTS:
            return
        try:
            # What is given of an import are lists, which are in no set.
            if event != "import" and given in self._seen:
                return
            if getattr(self._busy, "is_ours", False):
                return
        except Exception:  # noqa: BLE001 - a path may be any object, which may fail to be compared
            return
        self._busy.is_ours = True
        try:
            _EVENTS[event](self, given)
        except Exception:  # noqa: BLE001, S110 - whatever is wrong here, the program opens its file
            pass
        finally:
            self._busy.is_ours = False

    def opened(self, given: tuple[Any, ...]) -> None:
        """A file is about to be opened."""
        self._imported()
        path, mode, flags = given
        writes = (
            any(sign in mode for sign in "wax+") if isinstance(mode, str) else bool(flags & _WRITES)
        )
        if isinstance(path, int) or (path, writes) in self._seen:
            self._know(given)
            return
        text = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - as it was given, not where links lead
        if self._is_aside(text):
            self._know((path, writes))
            return
        try:
            about = os.stat(text)  # noqa: PTH116
        except OSError:
            if not writes:
                return  # it is not there, and may be later
            about = None
        if about is not None and not stat.S_ISREG(about.st_mode):
            return
        self._know((path, writes))
        self._tell(text, writes, None if about is None else marks(about))

    def _know(self, what: tuple[Any, ...]) -> None:
        if len(self._seen) > _KNOWN:
            self._seen.clear()
        self._seen.add(what)

    def renamed(self, given: tuple[Any, ...]) -> None:
        """A file is about to get another name: what was written is that one."""
        before, after = (os.path.abspath(os.fsdecode(path)) for path in given[:2])  # noqa: PTH100
        if not self._is_aside(after):
            self._tell(after, True, None, before)

    def importing(self, _given: tuple[Any, ...]) -> None:
        """A module is about to be imported: those before it are there."""
        self._imported()

    def _imported(self) -> None:
        """Tell of the modules that came since it was looked last, or since the process began. Those whose files changed
        after that may have been others when they were imported.
        """
        if self._say is None:
            return
        since, self._looked = self._looked, time.time() - _TICK
        new: list[str] = []
        for name in reversed(sys.modules):
            if name == self._last:
                break
            new.append(name)
        if new:
            self._last = new[0]
        for name in (*new, "__main__"):
            path = _file_of(sys.modules.get(name))
            if path is None or path in self._modules or len(self._modules) >= MOST_MODULES:
                continue
            self._modules.add(path)
            if not is_installed(path, self._here, self._skipped):
                about = os.stat(path)  # noqa: PTH116
                said = {"event": "imported", "pid": os.getpid(), "path": path}
                said["about"] = marks(about) if about.st_ctime < since else None
                self._say(said)

    def moved_to(self, _given: tuple[Any, ...]) -> None:
        """The working folder is another: the same relative path may mean another file."""
        self._seen.clear()

    def _tell(self, path: str, writes: bool, about: Any, was: str | None = None) -> None:
        self._told += 1
        if self._say is not None and self._told <= MOST:
            said = {"event": "opened", "pid": os.getpid(), "path": path, "writes": writes}
            said["about"] = about
            self._say(said if was is None else {**said, "was": was})

    def _is_aside(self, text: str) -> bool:
        return is_aside(text, self._here, self._skipped)


_EVENTS = {
    "open": Watch.opened,
    "os.rename": Watch.renamed,
    "os.chdir": Watch.moved_to,
    "import": Watch.importing,
}


def _file_of(module: Any) -> str | None:
    """The file of a module; nothing is asked of one that may load itself when it is asked."""
    try:
        path = object.__getattribute__(module, "__dict__").get("__file__")
    except AttributeError:
        return None
    if not isinstance(path, str) or not path.endswith(CODE):
        return None
    return os.path.abspath(path)  # noqa: PTH100


def _process_began() -> float:
    """When this process was started, by the clock on the wall, to the tick: a Python takes longer than one to read."""
    try:
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        up = time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.time() - (up - ticks / os.sysconf("SC_CLK_TCK")) + _TICK
    except (OSError, AttributeError, ValueError, IndexError):
        return 0.0  # of no file it is known then


def is_installed(text: str, here: str, skipped: tuple[str, ...]) -> bool:
    """Whether the file of a module is of an environment, the system or a tool, and not of the program itself."""
    is_aside = text.startswith(skipped) and not text.startswith(here)
    return is_aside or not ASIDE.isdisjoint(text.split("/"))


def is_aside(text: str, here: str, skipped: tuple[str, ...]) -> bool:
    """Whether a file is no data of a run that works in the folder ``here`` (with a slash at its end)."""
    return (
        (text.startswith(skipped) and not text.startswith(here))
        or text.endswith(CODE)
        or not ASIDE.isdisjoint(text.split("/"))
    )


def marks(found: os.stat_result) -> list[int]:
    """By what a file is known to be the one that it was."""
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def watch() -> Watch:
    """The one of this process, whoever loaded it; its hook is there."""
    found = getattr(sys, _NAME, None)
    if found is None:
        found = Watch()
        setattr(sys, _NAME, found)
        sys.addaudithook(found.hook)
    made: Watch = found
    return made


#: Where the one of this process stands, so that two copies of this file are one.
_NAME = "_lineage_watch"


def skipped() -> tuple[str, ...]:
    """How paths begin that lead into the system, Python itself, caches, temporary files, and what tools keep in the
    user's home.
    """
    home = os.path.expanduser("~")  # noqa: PTH111
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")  # noqa: PTH118
    own = (sys.base_prefix, sys.prefix, cache, os.environ.get("TMPDIR", ""))
    folders = (f"{os.path.abspath(path)}/" for path in own if path)  # noqa: PTH100
    return (*_SYSTEM, *folders, f"{os.path.abspath(home)}/.")  # noqa: PTH100

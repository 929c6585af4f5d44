# SPDX-License-Identifier: Apache-2.0
"""Sees which files below some folders are opened and written while a program runs (inotify(7)): by programs that are
no Python too, and by libraries that open files themselves.

The system does not say which process it was. So while other runs go on in the same project, what is seen is nobody's:
it is counted, and not claimed. Of programs that no run stands for nothing is known.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import signal
import stat
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from lineage.capture import watch
from lineage.sources import run_file

if TYPE_CHECKING:
    from inotify_simple import INotify

#: The layer's name, as a witness.
WITNESS = "inotify"
#: Folders that are watched at most, and the seconds that finding them may take.
MOST_FOLDERS, _SECONDS = 10_000, 0.25
#: Seconds in which events gather before they are read: the same one many times over is one then.
_GATHERED = 0.02
#: Folders that are looked at before their events are: the system keeps some thousands.
_AT_ONCE = 1_000
#: Names in a message.
_SHOWN = 3
#: Folders that are no data of a run: environments of Python have this file.
_OF_AN_ENVIRONMENT = "pyvenv.cfg"


@dataclass(slots=True)
class Seen:
    """What was seen: ``files``, each ``{"path", "writes", "about", "by"}`` as ``watch`` tells them, in the order in
    which they were seen (no ``about`` where nobody looked then); and what was not, with the reason.
    """

    files: list[dict[str, Any]] = field(default_factory=list)
    unseen: dict[str, str] = field(default_factory=dict)
    #: The folders of which it was looked at whatever is opened in them.
    roots: Sequence[str] = ()


@dataclass(slots=True)
class _File:
    """One file: what it was when it was first opened, and what became of that."""

    about: list[int] | None = None
    read: bool = False
    written: bool = False
    #: Whether it was written before anybody had read it.
    own: bool = False
    #: Whether it was opened or written while other runs went on as well, and whether only then.
    shared: bool = False
    alone: bool = False
    #: Whether it is a device, a pipe or a socket.
    special: bool = False


class Folders:
    """The folders below ``roots``, watched from here until ``stop``. ``spool`` is where other runs of the project
    show, ``own`` the name of this run's file in it; ``others`` gives the names of those that go on already.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        spool: Path | None,
        own: str,
        others: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._began = time.time_ns()
        self._own, self._others = own, set[str]()
        self._files: dict[str, _File] = {}
        self._paths: dict[int, str] = {}
        #: Where the roots, and links that were followed, lead.
        self._met: set[str] = {os.path.realpath(root) for root in roots}
        self._cut = False
        #: Whether what is opened is somebody else's: our own looking, at first.
        self._is_paused = True
        self._seen = Seen()
        self._thread: Thread | None = None
        self._notify = self._opened(roots)
        if self._notify is None:
            return
        self._seen.roots = [str(root) for root in roots]
        self._masks = _masks()
        self._spool = self._add(str(spool)) if spool is not None else None
        # Behind the watch, so that none is missed that begins meanwhile.
        self._others.update(others())
        self._watch([str(root) for root in roots])
        self.resume()

    def _opened(self, roots: Sequence[Path]) -> INotify | None:
        below = f"files that libraries and other programs opened below {', '.join(map(str, roots))}"
        if sys.platform != "linux":
            self._seen.unseen[below] = "inotify is Linux's"
            return None
        try:
            import inotify_simple

            # It asks ldconfig where the C library is, which takes longer than all the rest.
            if getattr(inotify_simple, "_libc", self) is None:
                inotify_simple._libc = ctypes.CDLL(None, use_errno=True)  # noqa: SLF001
            return inotify_simple.INotify(nonblocking=True)
        except (ImportError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._seen.unseen[below] = f"inotify cannot be had: {reason}"
            return None

    def follow(self) -> None:
        """Look at what happens while it happens, in a thread. Without it the system keeps some thousands of events."""
        if self._notify is not None:
            self._wake, self._woken = os.pipe()
            self._thread = Thread(target=self._follow, name="lineage-inotify", daemon=True)
            # Signals are for the thread that hands them on: the system gives them to any that takes them.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            try:
                self._thread.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def look(self) -> None:
        """Look at what happened until now: the system keeps some thousands of events."""
        if self._notify is not None:
            self._handle()

    def pause(self) -> None:
        """Take what is opened from now on for somebody else's."""
        self.look()
        self._is_paused = True

    def resume(self) -> None:
        """Take what is opened from now on for the run's again."""
        self.look()
        self._is_paused = False

    def stop(self) -> Seen:
        """What was seen until now; nothing is watched any more."""
        if self._notify is None:
            return self._seen
        if self._thread is not None:
            os.write(self._woken, b"x")
            self._thread.join()
            os.close(self._wake)
            os.close(self._woken)
        self._handle()
        self._notify.close()
        self._tell()
        return self._seen

    def _tell(self) -> None:
        shared: list[str] = []
        for path, file in self._files.items():
            if file.special:
                continue
            if file.shared:
                shared.append(path)
            if file.alone and not (file.read or file.written):
                self._settle(path, file)
            said = {"path": path, "about": file.about, "by": WITNESS}
            read = [{**said, "writes": False}] if file.read else []
            written = [{**said, "writes": True}] if file.written else []
            self._seen.files += [*written, *read] if file.own else [*read, *written]
        if shared:
            names = ", ".join(sorted(shared)[:_SHOWN])
            count = f"{len(shared):,} {'file' if len(shared) == 1 else 'files'}"
            self._seen.unseen[f"who opened {count}"] = (
                f"other runs went on in this project, and inotify tells them not apart: {names}"
                + (", ..." if len(shared) > _SHOWN else "")
            )
        if self._cut:
            self._seen.unseen["more files"] = (
                f"only the first {watch.MOST:,} that were opened are told"
            )

    def _settle(self, path: str, file: _File) -> None:
        """A file that is still open, or was only linked: written, where it has changed since."""
        with suppress(OSError):
            changed = os.stat(path).st_ctime_ns >= self._began  # noqa: PTH116
            file.written, file.read = changed, not changed

    # --- what is watched ---

    def _watch(self, folders: Sequence[str], *, new: bool = False) -> None:
        """Watch folders and those below them, the upper ones first. In ``new`` ones everything was made meanwhile."""
        end, waiting = time.monotonic() + _SECONDS, deque(folders)
        while waiting:
            if len(self._paths) >= MOST_FOLDERS or (time.monotonic() > end and not new):
                reason = f"{len(self._paths):,} folders are watched, which is as many as there is time for"
                return self._miss(waiting[0], reason)
            folder = waiting.popleft()
            if not new and len(self._paths) % _AT_ONCE == 0:
                self._handle()  # each look at a folder is an event
            try:
                self._add(folder)
                inner = list(self._inside(folder, new=new))
            except OSError as error:
                if error.errno in _FULL:
                    return self._miss(
                        folder, f"the system watches no more folders: {error.strerror}"
                    )
                if not new:
                    self._miss(folder, error.strerror or str(error))
                continue
            waiting.extend(inner)
        return None

    def _miss(self, folder: str, reason: str) -> None:
        self._seen.unseen.setdefault(
            f"files below {folder} and others that inotify does not watch", reason
        )

    def _add(self, folder: str) -> int:
        assert self._notify is not None
        number: int = self._notify.add_watch(folder, self._masks.all)
        self._paths[number] = folder
        return number

    def _inside(self, folder: str, *, new: bool) -> Iterator[str]:
        """The folders in a folder that may hold data, each once, wherever links lead."""
        with os.scandir(folder) as entries:
            found = list(entries)
        if any(entry.name == _OF_AN_ENVIRONMENT for entry in found):
            return
        for entry in found:
            if entry.name in watch.ASIDE:
                continue
            with suppress(OSError):
                if entry.is_dir():
                    if not entry.is_symlink() or self._leads_out(entry.path):
                        yield entry.path
                elif new and not entry.name.endswith(watch.CODE):
                    self._written(entry.path)

    def _leads_out(self, link: str) -> bool:
        """Whether a link leads to a folder that is not watched otherwise: not below the roots, not above, not again."""
        target = os.path.realpath(link)
        if any(
            f"{target}/".startswith(f"{one}/") or one.startswith(f"{target}/") for one in self._met
        ):
            return False
        self._met.add(target)
        return True

    # --- what happens ---

    def _follow(self) -> None:
        """Read events until ``stop``."""
        assert self._notify is not None
        try:
            while True:
                ready, _, _ = select.select([self._notify, self._wake], [], [])
                if self._wake in ready or select.select([self._wake], [], [], _GATHERED)[0]:
                    return
                self._handle()
        except Exception as error:  # noqa: BLE001 - nobody catches it above, and the program goes on
            self._seen.unseen["files that were opened later"] = f"{type(error).__name__}: {error}"

    def _handle(self) -> None:
        assert self._notify is not None
        masks = self._masks
        for number, mask, _, name in self._notify.read(timeout=0):
            if mask & masks.lost:
                self._seen.unseen["more files"] = (
                    "they were opened faster than the system keeps events"
                )
                continue
            if number == self._spool:
                self._other(name, mask)
                continue
            folder = self._paths.get(number)
            if folder is None or not name:
                continue
            path = f"{folder}/{name}"
            if mask & masks.folder:
                if mask & masks.comes and name not in watch.ASIDE:
                    self._watch([path], new=True)
            elif not name.endswith(watch.CODE):
                self._happened(path, mask)

    def _happened(self, path: str, mask: int) -> None:
        masks = self._masks
        if mask & masks.comes:
            self._written(path)
            return
        file = self._file(path)
        if file is None or self._others:
            return
        if mask & masks.open and self._thread and file.about is None and not file.written:
            with suppress(OSError):
                about = os.stat(path)  # noqa: PTH116
                file.about, file.special = watch.marks(about), not stat.S_ISREG(about.st_mode)
        elif mask & masks.read:
            file.read = True
        elif mask & masks.wrote:
            self._written(path)

    def _written(self, path: str) -> None:
        file = self._file(path)
        if file is not None and not self._others:
            file.own = file.own or not file.read
            file.written = True

    def _file(self, path: str) -> _File | None:
        if self._is_paused:
            return None
        file = self._files.get(path)
        if file is None:
            if len(self._files) >= watch.MOST:
                self._cut = True
                return None
            file = self._files[path] = _File()
        if self._others:
            file.shared = True
        else:
            file.alone = True
        return file

    def _other(self, name: str, mask: int) -> None:
        """Another run of the project begins, or is over and delivered."""
        if name.endswith(run_file.SUFFIX) and name != self._own:
            if mask & self._masks.comes:
                self._others.add(name)
            elif mask & self._masks.goes:
                self._others.discard(name)


#: Where no more can be watched (inotify_add_watch(2)).
_FULL = (errno.ENOSPC, errno.ENOMEM)


@dataclass(frozen=True, slots=True)
class _Masks:
    """What events are asked for, and what they mean."""

    all: int
    open: int
    read: int
    wrote: int
    comes: int
    goes: int
    folder: int
    lost: int


def _masks() -> _Masks:
    from inotify_simple import flags

    comes, goes = flags.CREATE | flags.MOVED_TO, flags.DELETE | flags.MOVED_FROM
    asked = flags.OPEN | flags.CLOSE_WRITE | flags.CLOSE_NOWRITE | comes | goes
    return _Masks(
        all=asked | flags.ONLYDIR | flags.EXCL_UNLINK,
        open=flags.OPEN,
        read=flags.CLOSE_NOWRITE,
        wrote=flags.CLOSE_WRITE,
        comes=comes,
        goes=goes,
        folder=flags.ISDIR,
        lost=flags.Q_OVERFLOW,
    )

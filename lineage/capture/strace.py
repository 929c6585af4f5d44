# SPDX-License-Identifier: Apache-2.0
"""Sees what a program and all that it starts open, by ``strace``: each file and which process it was, at the cost of a
slower start of what opens many files. ``lineage run --strace`` asks for it.

``strace`` runs beside the program, not above it (``-DD``): the program is still the child of who starts it.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lineage.capture import watch
from lineage.capture.inotify import Seen

#: The layer's name, as a witness.
WITNESS = "strace"
#: Calls that open a file, or give one another name.
_CALLS = (
    *("open", "openat", "openat2", "creat", "execve", "execveat", "chdir", "fchdir"),
    *("rename", "renameat", "renameat2", "link", "linkat", "io_uring_setup"),
)
#: No strings are written but names of files (``-s 0``), as arguments may be secrets.
_OPTIONS = (
    "-DD",
    "-f",
    "--seccomp-bpf",
    "-q",
    "-y",
    "-s",
    "0",
    "-e",
    "signal=!SIGCHLD",
    "-e",
    f"trace={','.join(_CALLS)}",
)
#: Seconds that ``strace`` has to write down the end of a program that has ended.
_AFTER = 5.0

_LINE = re.compile(r"(?P<pid>\d+) +(?P<said>.*)")
_BEGUN = re.compile(r"(?P<said>.*) <unfinished \.\.\.>")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(?P<said>.*)")
_CALL = re.compile(r"(?P<call>\w+)\((?P<given>.*)\) += (?P<gave>-?\d+)(?:<(?P<path>.*)>)?(?: .*)?")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\.\.\.)?')
_FOLDER = re.compile(r"(?:AT_FDCWD|\d+)<((?:[^<>\\]|\\.)*)>")
_ESCAPED = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-f]{2})|(.))")
_SIGNS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}
_WRITES = re.compile(r"\bO_(?:WRONLY|RDWR)\b")


class Strace:
    """A program under ``strace``, which writes to the file ``log``."""

    def __init__(self, log: Path) -> None:
        self._log = log

    @staticmethod
    def refused() -> str | None:
        """Why a program cannot be run under it; ``None`` where it can."""
        try:
            tried = subprocess.run(
                ["strace", *_OPTIONS, "-o", os.devnull, "--", "true"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=10,
                check=False,
            )
        except FileNotFoundError:
            return "strace is not installed"
        except (OSError, subprocess.SubprocessError) as error:
            return f"strace does not work: {error}"
        if tried.returncode:
            return f"strace does not work: {(tried.stderr.strip().splitlines() or ['it says nothing'])[-1]}"
        return None

    def words(self, words: Sequence[str]) -> list[str]:
        """The command under ``strace``."""
        return ["strace", *_OPTIONS, "-o", str(self._log), "--", *words]

    def stop(self, pid: int, here: Path) -> Seen:
        """What the program with this number, which has ended, and its children opened until now: it started in the
        folder ``here``.
        """
        end, found = time.monotonic() + _AFTER, Seen()
        while not self._is_over(pid):
            if time.monotonic() > end:
                found.unseen["files that were opened last"] = (
                    "strace has not written down the end of the program"
                )
                break
            time.sleep(0.01)
        try:
            _Reading(found, str(here)).read(self._lines())
        except OSError as error:
            found.unseen["files that were opened"] = error.strerror or str(error)
        self._log.unlink(missing_ok=True)
        return found

    def _is_over(self, pid: int) -> bool:
        """Whether the end of a program is written down: among the last lines."""
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 65536))
                return re.search(rb"^%d +\+\+\+ " % pid, file.read(), re.MULTILINE) is not None
        except OSError:
            return False

    def _lines(self) -> Iterator[str]:
        with self._log.open("r", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            yield from file


class _Reading:
    """Files out of the lines of one log."""

    def __init__(self, found: Seen, here: str) -> None:
        self._found, self._here = found, here
        self._skipped = watch.skipped()
        #: What a process has not finished saying, and the folder that it is in.
        self._begun: dict[str, str] = {}
        self._folders: dict[str, str] = {}
        self._told: set[tuple[str, bool]] = set()

    def read(self, lines: Iterator[str]) -> None:
        """Read all of it."""
        for line in lines:
            about = _LINE.match(line.rstrip("\n"))
            if about is None:
                continue
            pid, said = about["pid"], about["said"]
            if begun := _BEGUN.fullmatch(said):
                self._begun[pid] = begun["said"]
                continue
            if resumed := _RESUMED.fullmatch(said):
                said = self._begun.pop(pid, "") + resumed["said"]
            if (call := _CALL.fullmatch(said)) and not call["gave"].startswith("-"):
                self._called(pid, call["call"], call["given"], call["path"])

    def _called(self, pid: str, call: str, given: str, path: str | None) -> None:
        names = [_plain(text) for text in _TEXT.findall(given)]
        folders = [_plain(text) for text in _FOLDER.findall(given)]
        if "AT_FDCWD<" in given:
            self._folders[pid] = folders[0]
        here = self._folders.get(pid, self._here)
        if call == "io_uring_setup":
            self._found.unseen["files that were opened by io_uring"] = "strace does not see them"
        elif call in {"chdir", "fchdir"}:
            self._folders[pid] = os.path.join(here, (names or folders)[0])  # noqa: PTH118
        elif call in {"execve", "execveat"}:
            self._tell(pid, os.path.join(*folders[:1] or [here], names[0]), writes=False)  # noqa: PTH118
        elif call.startswith(("rename", "link")):
            above = [*folders, here, here][:2] if len(folders) > 1 else [here, here]
            before, after = (os.path.join(*two) for two in zip(above, names, strict=False))  # noqa: PTH118
            was = {} if call.startswith("link") else {"was": os.path.normpath(before)}
            self._tell(pid, after, writes=True, **was)
        elif path is not None:
            self._tell(pid, _plain(path), writes=call == "creat" or bool(_WRITES.search(given)))

    def _tell(self, pid: str, path: str, *, writes: bool, **more: Any) -> None:
        path = os.path.normpath(path)
        if (path, writes) in self._told or watch.is_aside(path, f"{self._here}/", self._skipped):
            return
        if len(self._told) >= watch.MOST:
            self._found.unseen["more files"] = (
                f"only the first {watch.MOST:,} that were opened are told"
            )
            return
        self._told.add((path, writes))
        if not path.endswith(" (deleted)") and os.path.isfile(path):  # noqa: PTH113
            said = {"pid": int(pid), "path": path, "writes": writes, "about": None, "by": WITNESS}
            self._found.files.append(said | more)


def _plain(text: str) -> str:
    """A name as the system has it, out of how ``strace`` writes it."""
    if "\\" not in text:
        return text

    def sign(found: re.Match[bytes]) -> bytes:
        octal, digits, other = found.groups()
        if octal or digits:
            return bytes([int(octal, 8) & 255 if octal else int(digits, 16)])
        return _SIGNS.get(other, other)

    return os.fsdecode(_ESCAPED.sub(sign, os.fsencode(text)))

# SPDX-License-Identifier: Apache-2.0
"""Runs git over borrowed objects: an empty repository of our own, and nobody's settings.

A repository can make git run programs (fsmonitor, textconv, hooks, filters, includes). None of its
configuration, attributes or references is seen by any command here, only its objects.
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, TypeVar

from lineage.closeable import Closeable
from lineage.errors import BadInput, InputStalled, MissingExtra

#: A command that says nothing for so long is stopped (seconds).
OUTPUT_TIMEOUT = 60.0

#: A reader goes on behind so many objects at which git ends, then takes the rest for missing.
FAILURES = 200

#: Address space of one git process (bytes): a tree of ten thousand million names ends here.
MEMORY = 4 << 30

#: The longest single name or line accepted from git (bytes).
LONGEST = 1 << 20

#: The most that is read from git at once (bytes): what a work tree of a million files gives.
MOST = 1 << 28

#: Files beyond this are compared by their hash instead of line by line.
_BIG_FILE = "16m"

_SETTINGS = (
    "core.commitGraph=false",  # a shortcut the repository may have written falsely
    "core.quotePath=false",
    "core.packedGitLimit=1g",
    "core.packedGitWindowSize=64m",
    f"core.bigFileThreshold={_BIG_FILE}",
    "core.hooksPath=/dev/null",
    "protocol.allow=never",
    "gc.auto=0",
)
_EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_CHUNK = 1 << 18

_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")


def program() -> str:
    """Find git. Raises ``MissingExtra``."""
    path = shutil.which("git")
    if path is None:
        raise MissingExtra(
            "git is not installed", hint="Install git 2.39 or newer, then try again."
        )
    return path


@cache
def _version(path: str) -> tuple[int, int]:
    said = subprocess.run(
        [path, "--version"], capture_output=True, check=False, env={}, stdin=subprocess.DEVNULL
    )
    found = re.search(rb"(\d+)\.(\d+)", said.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


class Stream:
    """Reads what a command prints, by separators and by lengths. Raises ``InputStalled``."""

    def __init__(self, pipe: IO[bytes], where: str, deadline: float) -> None:
        self._pipe, self._where, self._deadline = pipe, where, deadline
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe, selectors.EVENT_READ)
        self._buffer = bytearray()
        self._at = 0
        self.ended: bool = False

    def close(self) -> None:
        """Close the pipe."""
        self._selector.close()
        self._pipe.close()

    def _more(self) -> bool:
        if self.ended:
            return False
        left = self._deadline - time.monotonic()
        if not self._selector.select(max(0.0, min(OUTPUT_TIMEOUT, left))):
            if left < OUTPUT_TIMEOUT:
                raise InputStalled("git was stopped when its time was over", where=self._where)
            message = f"git printed nothing for {OUTPUT_TIMEOUT:.0f} seconds and was stopped"
            raise InputStalled(message, where=self._where, hint="Run 'git fsck' in the repository.")
        data = os.read(self._pipe.fileno(), _CHUNK)
        if self._at > _CHUNK:
            del self._buffer[: self._at]
            self._at = 0
        self._buffer += data
        self.ended = not data
        return bool(data)

    def until(self, separator: bytes) -> bytes | None:
        """Read the bytes up to a separator, without it; ``None`` at the end."""
        scanned = self._at
        while (found := self._buffer.find(separator, scanned)) < 0:
            if len(self._buffer) - self._at > LONGEST:
                raise BadInput(f"git printed a name of over {LONGEST} bytes", where=self._where)
            unread = len(self._buffer) - self._at
            if not self._more():
                return None
            scanned = self._at + unread
        token = bytes(self._buffer[self._at : found])
        self._at = found + len(separator)
        return token

    def exactly(self, size: int) -> bytes | None:
        """Read the next bytes; ``None`` if there are fewer."""
        while len(self._buffer) - self._at < size:
            if not self._more():
                return None
        self._at += size
        return bytes(self._buffer[self._at - size : self._at])

    def skip(self, size: int) -> None:
        """Skip bytes without keeping them."""
        while size > 0:
            step = min(size, len(self._buffer) - self._at)
            self._at += step
            size -= step
            if size and not self._more():
                return

    def rest(self) -> bytes:
        """Read all that is left."""
        while self._more():
            if len(self._buffer) - self._at > MOST:
                raise BadInput(f"git printed over {MOST:,} bytes", where=self._where)
        read, self._at = bytes(self._buffer[self._at :]), len(self._buffer)
        return read

    def lines(self) -> Iterator[bytes]:
        """Yield every line that ends in a newline."""
        while (line := self.until(b"\n")) is not None:
            yield line


class Plumbing(Closeable):
    """Runs git commands that see the objects of a repository, and nothing else of it.

    ``deadline`` is a moment of the monotonic clock after which all commands are stopped.
    """

    def __init__(
        self,
        objects: Path,
        *,
        algorithm: str,
        where: str,
        shallow: Iterable[str] = (),
        deadline: float = float("inf"),
    ) -> None:
        self._git = program()
        self._where, self._deadline = where, deadline
        self._holder = TemporaryDirectory(prefix="lineage-git-")
        self._folder = Path(self._holder.name)
        (self._folder / "objects" / "info").mkdir(parents=True)
        (self._folder / "refs").mkdir()
        self._put("objects/info/alternates", quoted(os.fsencode(objects)) + b"\n")
        self._put("HEAD", b"ref: refs/heads/none\n")
        self._put("config", _config(algorithm))
        self._cwd = self._folder
        #: User and group that git runs as; ``None``: as this process.
        self._as: tuple[int, int] | None = None
        if boundary := sorted(shallow):
            self._put("shallow", "".join(f"{sha}\n" for sha in boundary).encode())
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C",
            "GIT_DIR": str(self._folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_ATTR_SOURCE": _EMPTY_TREE[algorithm],
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_PAGER": "cat",
        }

    @property
    def version(self) -> tuple[int, int]:
        """Which git it is: 2.39 and so on."""
        return _version(self._git)

    def _put(self, name: str, data: bytes) -> None:
        (self._folder / name).write_bytes(data)

    def close(self) -> None:
        """Remove our repository."""
        self._holder.cleanup()

    def teach(self, refs: Iterable[tuple[str, str]], head: str | None) -> None:
        """Make references known by name, so that people's revision syntax works."""
        self._put("packed-refs", "".join(f"{sha} {name}\n" for name, sha in refs).encode())
        if head:
            self._put("HEAD", f"{head}\n".encode())

    @contextmanager
    def stream(
        self, *commands: Sequence[str], lines: Iterable[str | bytes] = (), end: bytes = b"\n"
    ) -> Iterator[Stream]:
        """Run a pipeline of git commands, fed with lines and what ends each, and yield what it prints.

        Raises ``BadInput`` after the end of the output if one of them failed.
        """
        with ExitStack() as stack:
            feed = stack.enter_context(TemporaryFile(dir=self._folder))
            feed.writelines((x.encode() if isinstance(x, str) else x) + end for x in lines)
            feed.seek(0)
            complaints = stack.enter_context(TemporaryFile(dir=self._folder))
            running: list[subprocess.Popen[bytes]] = []
            stack.callback(_stop, running)
            source: IO[bytes] = feed
            for command in commands:
                process = self._start(command, source, complaints)
                source.close()
                running.append(process)
                assert process.stdout is not None
                source = process.stdout
            stream = Stream(source, self._where, self._deadline)
            stack.callback(stream.close)
            yield stream
            if stream.ended and any(process.wait() for process in running):
                raise BadInput(_complaint(complaints), where=self._where)

    def output(self, *command: str, lines: Iterable[str | bytes] = ()) -> list[bytes]:
        """Read the lines that one command prints."""
        with self.stream(command, lines=lines) as stream:
            return list(stream.lines())

    def _start(
        self, command: Sequence[str], source: IO[bytes], complaints: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        user, group = self._as or (None, None)
        process = subprocess.Popen(
            [self._git, "--no-pager", *settings, *command],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=complaints,
            cwd=self._cwd,
            env=self._environment,
            user=user,
            group=group,
            extra_groups=[] if self._as else None,
        )
        if sys.platform == "linux":
            import resource

            try:
                resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
            except OSError:  # it has ended already, or the system allows no limits
                return process
        return process


def resuming(
    names: Sequence[_Asked],
    run: Callable[[Sequence[_Asked]], Iterator[_Answer]],
    lost: Callable[[_Asked], _Answer],
) -> Iterator[_Answer]:
    """Yield one answer per name, in order; where git ends at a damaged object, go on behind it.

    Raises ``InputStalled`` when git has to be stopped a second time.
    """
    todo, attempts = names, FAILURES
    while todo and attempts > 0:
        done = 0
        try:
            for answer in run(todo):
                done += 1
                yield answer
        except InputStalled:
            attempts -= FAILURES // 2
            if attempts <= 0:
                raise
        except BadInput:
            attempts -= 1
        if done < len(todo):
            yield lost(todo[done])
        todo = todo[done + 1 :]
    yield from map(lost, todo)


def _stop(running: Iterable[subprocess.Popen[bytes]]) -> None:
    for process in running:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _complaint(file: IO[bytes]) -> str:
    """The last thing git said, in one short printable line."""
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - 2000))
    said = file.read().decode("utf-8", "replace").strip().splitlines()
    line = next((x for x in reversed(said) if x.startswith(("fatal:", "error:"))), "")
    text = "".join(c if c.isprintable() else "?" for c in line or (said[-1] if said else ""))
    return f"git could not read the repository: {text[:200] or 'it was stopped'}"


def _config(algorithm: str) -> bytes:
    if algorithm == "sha1":
        return b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
    extension = f"[extensions]\n\tobjectformat = {algorithm}\n".encode()
    return b"[core]\n\trepositoryformatversion = 1\n\tbare = true\n" + extension


def quoted(path: bytes) -> bytes:
    """A path in git's C-style quotes: a folder's name may hold a newline (gitrepository-layout)."""
    return (
        b'"' + b"".join(b"\\%03o" % x if x < 32 or x in b'"\\' else b"%c" % x for x in path) + b'"'
    )

# SPDX-License-Identifier: Apache-2.0
"""Run files: what capture knows of one run, on the disk before it is delivered anywhere.

A file is one run, event by event. An event is one line: how many bytes its JSON has, their CRC-32 as eight hex
digits, and the JSON, which has no line break. A line that a crash cut off, or that does not match its numbers, is
no event, and is counted. Events are only ever added: one ``write`` each, at the end of the file (``O_APPEND``), and
``fsync`` before whoever adds it goes on, but for notes that another event follows.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: How run files end, and the number of their format, which stands in the first event.
SUFFIX, FORMAT = ".run", 1
#: What the first bytes of an event look like: by them a file is recognised.
EVENT = rb"\d{1,9} [0-9a-f]{8} \{"


@dataclass(frozen=True, slots=True)
class RunFile:
    """The events of a file in order, and how many lines were damaged."""

    events: list[dict[str, Any]] = field(default_factory=list)
    damaged: int = 0


def line(event: Mapping[str, Any]) -> bytes:
    r"""An event as the line that it is in the file.

    >>> line({"event": "ended"})
    b'17 71188e78 {"event":"ended"}\n'
    """
    # Names of files need not be UTF-8: what Python makes of them is escaped, and comes back (PEP 383).
    text = json.dumps(event, separators=(",", ":"), allow_nan=False).encode("ascii")
    return b"%d %08x %s\n" % (len(text), zlib.crc32(text), text)


def append(
    path: Path, event: Mapping[str, Any], *, durable: bool = True, new: bool = False
) -> None:
    """Add an event to a file; a ``new`` one is made, which only its owner may read. ``durable`` waits until it is on
    the disk. Raises ``OSError``: ``FileExistsError`` where somebody else has made it, ``FileNotFoundError`` where it
    was delivered meanwhile.
    """
    made = os.O_CREAT | os.O_EXCL if new else 0
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | made, 0o600)
    try:
        said = line(event)
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            said = b"\n" + said  # the last one was cut off
        while said:
            said = said[os.write(file, said) :]
        if durable:
            os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep a file from others who want to hold it; who adds events is not kept from it. Raises ``OSError``."""
    import fcntl

    with path.open("rb") as file:
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def parse(data: bytes) -> RunFile:
    """The events in the bytes of a file."""
    events, damaged = [], 0
    for one in data.split(b"\n"):
        event = _event(one) if one else None
        if event is not None:
            events.append(event)
        elif one:
            damaged += 1
    return RunFile(events, damaged)


def _event(one: bytes) -> dict[str, Any] | None:
    size, _, rest = one.partition(b" ")
    crc, _, text = rest.partition(b" ")
    if not size.isdigit() or len(text) != int(size) or crc != b"%08x" % zlib.crc32(text):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None

# SPDX-License-Identifier: Apache-2.0
"""The server as people run it, and clients that cost little beside it: raw keep-alive sockets."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lineage
from lineage.access.tokens import Role
from lineage.services.operate import tokens

#: What a process says that waits for the others, and how many seconds after the last of them all begin.
_READY, _SOON = "ready\n", 0.5


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server listens, the tokens that open it (the honest ones', and others), its process."""

    port: int
    secret: str
    others: tuple[str, ...] = ()
    pid: int = 0


@contextmanager
def serving(store: Path, others: int = 0) -> Iterator[Target]:
    """``lineage serve`` on a free port, and so many more tokens; it must end cleanly."""
    with lineage.open(store) as opened:
        names = ["bench", *(f"other-{number}" for number in range(others))]
        secret, *more = [tokens.add(opened.context, name, Role.admin)[1] for name in names]
    command = [sys.executable, "-c", "from lineage.cli import main; main()"]
    command += ["--store", str(store), "serve", "--port", "0"]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ
    ) as popen:
        assert popen.stdout is not None
        said = popen.stdout.readline()
        found = re.search(r"listening on \S+:(\d+)$", said)
        assert found, said
        try:
            yield Target(int(found[1]), secret, tuple(more), popen.pid)
        finally:
            popen.send_signal(signal.SIGTERM)
            assert popen.wait(30) == 0


def request(method: str, path: str, secret: str, body: bytes = b"") -> bytes:
    """The bytes of one request."""
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {secret}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One keep-alive connection; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, data: bytes) -> tuple[int, bytes]:
        """Send one request; the status and body of its answer."""
        self._writer.write(data)
        head = await self._reader.readuntil(b"\r\n\r\n")
        size = re.search(rb"content-length: (\d+)", head)
        assert size is not None, head
        return int(head[9:12]), await self._reader.readexactly(int(size[1]))

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


def clients(module: str, count: int, *words: str, at_once: bool = False) -> list[Sequence[Any]]:
    """Run ``python -m module`` in so many processes at once; the JSON list that each prints. ``at_once``:
    each calls ``begin`` when it is ready, and all go on at the same time.
    """
    command = [sys.executable, "-m", module]
    begun = [
        subprocess.Popen(
            [*command, str(number), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    if at_once:
        _start(begun)
    found = []
    for popen in begun:
        out, _ = popen.communicate(timeout=600)
        assert popen.returncode == 0, out
        found.append(json.loads(out))
    return found


def _start(begun: Sequence[subprocess.Popen[str]]) -> None:
    for popen in begun:
        assert popen.stdout is not None
        assert popen.stdout.readline() == _READY
    start = time.time() + _SOON
    for popen in begun:
        assert popen.stdin is not None
        popen.stdin.write(f"{start}\n")
        popen.stdin.flush()


def begin() -> float:
    """Wait, in one of many processes, until all are ready; the time at which they begin."""
    print(_READY, end="", flush=True)
    start = float(sys.stdin.readline())
    time.sleep(max(0.0, start - time.time()))
    return start


async def paced(
    connection: Connection, asked: Sequence[bytes], every: float, begin: float
) -> list[float]:
    """Ask on a timetable that no slow answer delays (an open loop): seconds from when each request
    was due until its answer, so that waiting in line counts.
    """
    taken = []
    for number, data in enumerate(asked):
        due = begin + number * every
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        status, told = await connection.ask(data)
        assert status == 200, told
        assert b'"errors"' not in told, told
        taken.append(time.perf_counter() - due)
    return taken

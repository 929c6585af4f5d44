# SPDX-License-Identifier: Apache-2.0
"""A process for each SPARQL query, as the product has it, but forked from one that has loaded Python and
the engine already: that takes a tenth of the time. Run as a program, it is the one that forks.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import Self

FLAGS = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)


class WarmWorker:
    """Stands for ``subprocess`` where the worker of SPARQL is started."""

    TimeoutExpired = subprocess.TimeoutExpired

    def __init__(self, worker: Path, folder: Path) -> None:
        self.streams = [folder / name for name in ("asked", "told", "said")]
        command = [sys.executable, "-I", __file__, worker, *self.streams]
        self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.popen.communicate(timeout=20)

    def run(self, command, *, stdin, timeout, **_) -> subprocess.CompletedProcess:
        """As ``subprocess.run``: one query after the other."""
        asked, told, said = self.streams
        asked.write_bytes(stdin.read())
        self.popen.stdin.write(b"\n")
        self.popen.stdin.flush()
        child = int(self.popen.stdout.readline())
        late = threading.Timer(timeout, os.kill, (child, signal.SIGKILL))
        late.start()
        code = os.waitstatus_to_exitcode(int(self.popen.stdout.readline()))
        late.cancel()
        if code == -signal.SIGKILL:
            raise self.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(command, code, told.read_bytes(), said.read_bytes())


def main(worker: str, *streams: str) -> None:
    """Fork at each line of stdin; tell the child's number, then how it ended."""
    import pyoxigraph  # noqa: F401 - for the children

    spec = importlib.util.spec_from_file_location("worker", worker)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    while sys.stdin.buffer.raw.read(1):
        child = os.fork()
        if child == 0:
            os._exit(_answered(module, streams))
        os.write(1, b"%d\n" % child)
        os.write(1, b"%d\n" % os.waitpid(child, 0)[1])


def _answered(module, streams) -> int:
    for number, (name, flags) in enumerate(zip(streams, FLAGS, strict=True)):
        os.dup2(os.open(name, flags, 0o600), number)
    sys.stdin = os.fdopen(0)
    try:
        module.main()
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - as an interpreter that ends with it
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main(*sys.argv[1:])

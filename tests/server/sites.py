# SPDX-License-Identifier: Apache-2.0
"""A served store: the application in this process, or the real command in one of its own."""

from __future__ import annotations

import io
import json
import os
import re
import select
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.testclient import TestClient

from lineage.access.tokens import Role
from lineage.model.record import Batch, Edge, Node

DEMO = Batch(
    nodes=(
        Node(id="urn:m", kind="ModelVersion", label="fraud@v3", attributes={"owner": "canary-7"}),
        Node(id="urn:r", kind="Run", label="train"),
    ),
    edges=(
        Edge(relation="wasGeneratedBy", effect="urn:m", cause="urn:r"),
        Edge(relation="used", effect="urn:r", cause="urn:d"),
    ),
)
#: Entries of a served store at first: the demo, and a token of each role.
BEGUN = 1 + len(Role)


@dataclass
class Site:
    """A served application, a client of it, its tokens by role, and its log."""

    app: object
    client: TestClient
    runtime: object
    secrets: dict[str, str]
    ids: dict[str, str]
    log: io.StringIO = field(repr=False)

    def bearer(self, role="viewer"):
        return {"authorization": f"Bearer {self.secrets[role]}"}

    def lines(self):
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


@dataclass
class Process:
    """``lineage serve`` as people run it."""

    popen: subprocess.Popen
    address: str
    secret: str | None

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    def stop(self, number, within=10):
        """Send a signal; exit code, seconds it took, and what stood on stderr."""
        begun = time.monotonic()
        self.popen.send_signal(number)
        _, err = self.popen.communicate(timeout=within + 20)
        return self.popen.returncode, time.monotonic() - begun, err


@contextmanager
def running(store, *words, environ=None, files=None):
    """The command, listening on a free port; it may open so many files."""
    command = [sys.executable, "-c", "from lineage.cli import main; main()"]
    command += ["--store", str(store), "serve", "--port", "0", *words]
    if files is not None:
        command = ["sh", "-c", f'ulimit -n {files} && exec "$@"', "sh", *command]
    popen = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environ or {})},
    )
    try:
        said, deadline = "", time.monotonic() + 30
        while not (found := re.search(r"^lineage is listening on (\S+)$", said, re.MULTILINE)):
            if popen.poll() is not None or time.monotonic() > deadline:
                popen.kill()
                raise AssertionError((said, popen.communicate()[1].decode()))
            if select.select([popen.stdout], [], [], 0.2)[0]:
                said += os.read(popen.stdout.fileno(), 65536).decode()
        secret = re.search(r"lin_\w+", said)
        yield Process(popen, found[1], secret[0] if secret else None)
    finally:
        if popen.poll() is None:
            popen.kill()
        for pipe in (popen.stdout, popen.stderr):
            pipe.close()
        popen.wait()

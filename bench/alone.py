# SPDX-License-Identifier: Apache-2.0
"""A command of ours in a process of its own, and what that took: seconds, CPU seconds, and the most memory
that it ever held.

``python -m bench.alone WORD...`` is such a process: it does what ``lineage WORD...`` does, and says
at its end, in the last line of its standard error, what it took.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command wrote, and took: seconds from its first line to its last, and bytes of memory."""

    out: str
    seconds: float
    cpu: float
    peak: int


def lineage(*words: str) -> Ran:
    """Run a command of ours. Raises ``RuntimeError``, with what it said, where it fails."""
    command = [sys.executable, "-m", "bench.alone", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"lineage {' '.join(words)}: {done.stderr}")
    return Ran(done.stdout, **json.loads(done.stderr.splitlines()[-1]))


def peak(process: str = "self") -> int:
    """The most memory that a process, this one or that of a number, has held so far, in bytes."""
    # Not ru_maxrss, which begins with what the process had before it became this program.
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def main(words: list[str]) -> None:
    """The command, and what it took."""
    begun = time.perf_counter()
    from lineage.cli import main as command

    try:
        command(words)
    except SystemExit as ended:
        if ended.code:
            raise
    took = {"seconds": time.perf_counter() - begun, "cpu": time.process_time(), "peak": peak()}
    print(json.dumps(took), file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])

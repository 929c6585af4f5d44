# SPDX-License-Identifier: Apache-2.0
"""What it costs to ask the command for help."""

from __future__ import annotations

import resource
import subprocess
import sys
from statistics import median

from bench.measure import Row, below


def measure() -> list[Row]:
    """The CPU time of ``lineage --help``, the median of eleven."""
    times = []
    for _ in range(11):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-c", "from lineage.cli import main; main(['--help'])"]
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return [below("`lineage --help`, CPU", median(times), 0.100)]

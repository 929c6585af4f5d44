# SPDX-License-Identifier: Apache-2.0
"""Says when the lowest allowed share of code that tests run, ``fail_under``, can be raised.

``coverage report`` fails below it; this reads the same data and says when it has grown by a point.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def advice(share: float, lowest: float) -> str:
    """What to do about a share of code, in percent."""
    if share < lowest + 1:
        return f"tests run {share:.1f} % of the code; {lowest:g} % is the least allowed"
    return f"tests run {share:.1f} % of the code: raise fail_under in pyproject.toml from {lowest:g} to {int(share)}"


def main() -> None:
    """Print it."""
    command = [sys.executable, "-m", "coverage", "report", "--format=total", "--fail-under=0"]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    report = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["coverage"][
        "report"
    ]
    print(advice(float(told), report["fail_under"]))


if __name__ == "__main__":
    main()

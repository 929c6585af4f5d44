# SPDX-License-Identifier: Apache-2.0
"""The variables by which programs know the run that they are part of; it imports nothing but ``os``."""

from __future__ import annotations

import os

#: The identifier of the run, and its file.
RUN, FILE = "LINEAGE_RUN", "LINEAGE_RUN_FILE"
#: The step of it that a program is, where it is one: the run's identifier, a slash, and the step's.
STEP = "LINEAGE_STEP"


def is_disabled() -> bool:
    """Whether nothing is to be captured."""
    return os.environ.get("LINEAGE_DISABLED", "") not in ("", "0")


def run_around() -> str | None:
    """The run that this process is part of; ``None`` where it is part of none."""
    return None if is_disabled() else os.environ.get("LINEAGE_RUN") or None


def step_around(run: str | None) -> str | None:
    """The step of a run that this process is part of; ``None`` where it is part of none."""
    of, _, step = os.environ.get("LINEAGE_STEP", "").partition("/")
    return step if step and of == run else None

# SPDX-License-Identifier: Apache-2.0
"""What MLflow asks when it makes a run (entry point ``mlflow.run_context_provider``): the captured run around it.

MLflow loads this in every program that imports MLflow, captured or not, so that it imports nothing large, MLflow least
of all, and looks at the environment only.
"""

from __future__ import annotations

from lineage.capture.variables import run_around
from lineage.sources.captured_runs import MLFLOW_TAG


class CapturedRunContext:
    """Gives each new run of MLflow a tag with the captured run that it is part of. MLflow asks by these names."""

    def in_context(self) -> bool:
        """Whether this process is part of a captured run."""
        return run_around() is not None

    def tags(self) -> dict[str, str]:
        """The tag with the identifier of that run."""
        run = run_around()
        return {} if run is None else {MLFLOW_TAG: run}

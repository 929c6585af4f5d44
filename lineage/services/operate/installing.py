# SPDX-License-Identifier: Apache-2.0
"""Makes the environment of a run again, beside the files of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from lineage.access.secret_patterns import scrub
from lineage.errors import NotReproducible
from lineage.services.context import Context
from lineage.services.operate.workspace import REQUIREMENTS, Workspace
from lineage.services.read.recipe import Recipe
from lineage.services.read.requirements import requirements
from lineage.services.summary import listed

#: Characters that are shown of what another tool says, and names that a message has.
_LONGEST, _NAMED = 400, 5
#: The packages that venv puts into each environment.
_OF_VENV = frozenset({"pip", "setuptools"})


def made_environment(ctx: Context, first: Recipe, made: Workspace) -> Path:
    """Make the environment of a run beside it, with uv where that is on the PATH, else with venv and pip; the folder
    of its programs. Raises ``NotReproducible`` where it cannot be made.
    """
    hint = "--here runs it with the interpreter that is here, and says how its packages differ."
    if first.environment is None:
        raise NotReproducible(
            "no environment is recorded of the run, or several and none that was seen", hint=hint
        )
    told = requirements(ctx, first.environment)
    if lost := told.cannot_be_had:
        raise NotReproducible(
            f"the environment cannot be made: {listed(lost, _NAMED)} cannot be had from an index",
            hint=hint,
        )
    target, file = made.folder / "environment", made.folder / REQUIREMENTS
    python = target / "bin" / "python"
    uv, own = shutil.which("uv"), _interpreter(told.python)
    if uv is not None:
        steps = [[uv, "venv", "--quiet", "--python", own or told.python or "3", str(target)]]
        if told.packages:
            steps.append([uv, "pip", "sync", "--quiet", "--python", str(python), str(file)])
    elif own is not None:
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        steps = [[own, "-m", "venv", str(target)]]
        if told.packages:
            steps.append([*pip, "install", "--no-deps", "--requirement", str(file)])
        # What venv brought along was not there.
        if brought := sorted(_OF_VENV - told.packages.keys()):
            steps.append([*pip, "uninstall", "--yes", *brought])
    else:
        message = f"no Python {told.python} is on the PATH, and no uv that could bring it"
        raise NotReproducible(message, hint=hint)
    for step in steps:
        done = subprocess.run(step, cwd=made.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            said = " ".join((done.stderr or done.stdout).split()) or "it says nothing"
            called = Path(step[0]).name
            raise NotReproducible(
                f"the environment cannot be made: {called}: {scrub(said[-_LONGEST:])}", hint=hint
            )
    return python.parent


def _interpreter(version: str | None) -> str | None:
    """A Python of this very version on the PATH."""
    series = [] if version is None else [f"python{'.'.join(version.split('.')[:2])}"]
    for name in (*series, "python3", "python"):
        found = shutil.which(name)
        if found is None:
            continue
        ask = [found, "-c", "import platform; print(platform.python_version())"]
        said = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
        if version in (None, said):
            return found
    return None

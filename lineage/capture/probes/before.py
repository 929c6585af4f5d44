# SPDX-License-Identifier: Apache-2.0
"""The probes of what there is before a program starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lineage.capture.command import interpreter_of
from lineage.capture.found import Budget, Found
from lineage.capture.probes import machine, packages
from lineage.capture.record import Probe
from lineage.paths import expanded


def of_command(words: Sequence[str], here: Path, environ: Mapping[str, str]) -> Sequence[Probe]:
    """Those of a command, which is going to be started in a folder with an environment."""
    return _probes(interpreter_of(words, environ.get("PATH"), here), here, environ)


def of_this_process() -> Sequence[Probe]:
    """Those of the program that asks."""
    return _probes(Path(sys.executable), Path.cwd(), os.environ)


def _probes(executable: Path | None, here: Path, environ: Mapping[str, str]) -> Sequence[Probe]:
    def installed(budget: Budget) -> Found:
        return packages.probe(
            executable, budget=budget, cache=_cache(environ), environ=environ, folder=here
        )

    def hardware(budget: Budget) -> Found:
        return machine.probe(environ=environ, budget=budget)

    return [Probe(name="packages", look=installed), Probe(name="machine", look=hardware)]


def _cache(environ: Mapping[str, str]) -> Path:
    """Where it is kept what was read of packages, which other runs need too."""
    return expanded(environ.get("XDG_CACHE_HOME") or "~/.cache") / "lineagedb" / "packages"

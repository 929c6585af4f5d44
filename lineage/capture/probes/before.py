# SPDX-License-Identifier: Apache-2.0
"""The probes of what there is before a program starts, and of what became of the source when it has ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lineage.capture import spool
from lineage.capture.command import interpreter_of, script_of
from lineage.capture.found import Budget, Found
from lineage.capture.probes import ci, config, dvc, machine, packages, source, usage, who
from lineage.capture.record import Probe, working_folder
from lineage.paths import cache_folder

#: The folder of this package: where it is a repository, that says nothing of a run.
_OURS = Path(__file__).parents[3]
#: What a Python loads first that is told to tell what it opens.
_INJECTED = Path(__file__).parents[1] / "injected"


class Probes:
    """The probes of one program: of its words, the folder it starts in, and its environment. ``executable`` is the
    interpreter that it runs with, where it runs with one, and ``notebook`` the one whose cells it executes.
    """

    def __init__(
        self,
        words: Sequence[str],
        here: Path,
        environ: Mapping[str, str],
        executable: Path | None = None,
        notebook: Path | None = None,
    ) -> None:
        self._words, self._here, self._environ = words, here, environ
        self._executable, self._notebook = executable, notebook
        self._source: Found | None = None
        self._locks: dvc.Locks = {}
        #: The repositories that packages are installed out of.
        self._local: Sequence[Path] = ()

    @classmethod
    def of_command(cls, words: Sequence[str], here: Path, environ: Mapping[str, str]) -> Probes:
        """Those of a command that is going to be started."""
        return cls(words, here, environ, interpreter_of(words, environ.get("PATH"), here, environ))

    @classmethod
    def of_this_process(cls, *, is_tool: bool = False, notebook: Path | None = None) -> Probes:
        """Those of the program that asks; the words of a tool say nothing of what it executes."""
        words = [] if is_tool else sys.orig_argv
        return cls(words, working_folder(), os.environ, Path(sys.executable), notebook)

    def before(self) -> Sequence[Probe]:
        """What there is before it starts."""
        return [
            Probe(name="packages", look=self._look_at_packages, seconds=5),
            Probe(name="source", look=self._look_at_source, seconds=5),
            Probe(name="machine", look=self._look_at_machine, seconds=5),
            Probe(name="usage", look=_look_at_usage, seconds=1),
            Probe(name="who", look=self._look_at_who, seconds=1),
            Probe(name="ci", look=self._look_at_ci, seconds=1),
            Probe(name="config", look=self._look_at_config, seconds=1),
            Probe(name="dvc", look=self._look_at_locks, seconds=1),
        ]

    def watched(self) -> Mapping[str, str]:
        """The variables by which a Python that is started tells which files it opens; none for other programs. It
        has its own path again before anything of the program is loaded.
        """
        if self._executable is None:
            return {}
        own = self._environ.get("PYTHONPATH")
        if own is None:
            return {"PYTHONPATH": str(_INJECTED)}
        return {"PYTHONPATH": f"{_INJECTED}{os.pathsep}{own}", "LINEAGE_PYTHONPATH": own}

    def project(self) -> Path:
        """The folder of the project: of the repository of the program, or the one that it starts in."""
        listed = self._source.facts.get("repositories") if self._source else None
        roots = (
            [str(one["root"]) for one in listed or () if isinstance(one, dict)]
            if isinstance(listed, list)
            else []
        )
        return next((Path(root) for root in roots if self._here.is_relative_to(root)), self._here)

    def after(self) -> Sequence[Probe]:
        """What became of the source while it ran, what it was held up by, and the stages that DVC locked in it."""
        probes = [Probe(name="usage", look=_look_at_usage, seconds=1)]
        if self._source is not None and self._source.facts.get("repositories"):
            probes.insert(0, Probe(name="source", look=self._look_again, seconds=5))
        if self._locks:
            probes.append(Probe(name="dvc", look=self._look_at_locked, seconds=1))
        return probes

    def _look_at_source(self, budget: Budget) -> Found:
        places = [(self._here, "working-directory")]
        script = script_of(self._words, self._here)
        if script is not None:
            places.insert(0, (script, "script"))
        if self._notebook is not None:
            places.insert(0, (self._notebook, "notebook"))
        places += [(path, "module") for path in self._local]
        self._source = source.probe(places, budget=budget)
        return self._source

    def _look_again(self, budget: Budget) -> Found:
        assert self._source is not None
        return source.after(self._source, budget=budget)

    def _look_at_packages(self, budget: Budget) -> Found:
        found = packages.probe(
            self._executable,
            budget=budget,
            cache=cache_folder(self._environ) / "packages",
            environ=self._environ,
            folder=self._here,
        )
        local = found.facts.get("local")
        told = [one for one in local if isinstance(one, dict)] if isinstance(local, list) else []
        roots = [Path(str(one["repository"])) for one in told if one.get("repository")]
        self._local = [root for root in roots if root != _OURS]
        return found

    def _look_at_machine(self, budget: Budget) -> Found:
        return machine.probe(environ=self._environ, budget=budget)

    def _look_at_who(self, budget: Budget) -> Found:
        del budget
        listed = self._source.facts.get("repositories") if self._source else None
        first = listed[0] if isinstance(listed, list) and listed else None
        root = Path(str(first["root"])) if isinstance(first, dict) else None
        return who.probe(self._environ, root)

    def _look_at_ci(self, budget: Budget) -> Found:
        del budget
        return ci.probe(self._environ)

    def _look_at_config(self, budget: Budget) -> Found:
        del budget
        return config.probe(self._words, self._environ, spool.key(spool.folder(self._here)))

    def _look_at_locks(self, budget: Budget) -> Found:
        del budget
        found = Found()
        self._locks = dvc.locks(self._here, found)
        return found

    def _look_at_locked(self, budget: Budget) -> Found:
        del budget
        return dvc.after(self._locks)


def _look_at_usage(budget: Budget) -> Found:
    del budget
    return usage.probe()

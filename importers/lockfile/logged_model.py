# SPDX-License-Identifier: Apache-2.0
"""Reads the files that describe the environment of a run inside another tool's source, as one environment.

MLflow writes three beside a logged model (``mlflow.utils.environment``, 2.x and 3.x): ``python_env.yaml`` names the
interpreter, ``requirements.txt`` the packages, ``conda.yaml`` both once more. Capture writes one,
``installed.json``: what was really installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from importers.lockfile import installed
from importers.lockfile.conda import environment_yml, spec_name
from importers.lockfile.pinned import Reader, Resolved, table
from importers.lockfile.requirements import Include, one_line, requirements
from importers.tally import Tally
from lineage.errors import BadInput
from lineage.sources import json_reader, yaml_reader
from lineage.sources.installed import FACTS

#: The files, by their names.
REQUIREMENTS, PYTHON_ENV, CONDA = "requirements.txt", "python_env.yaml", "conda.yaml"

_TOOLS = ("python", "pip")


def environment_of_model(files: Mapping[str, bytes], tally: Tally) -> Resolved | None:
    """Make the environment that the files beside a logged model or a run describe, given by their names
    (others among them may be what ``requirements.txt`` includes). The interpreter is that of
    ``python_env.yaml``, else of ``conda.yaml``; the packages those of ``requirements.txt``, else of
    ``python_env.yaml``, else of ``conda.yaml``. ``None`` where none of them can be read; each that
    cannot is counted. What capture saw installed is believed before all that was asked for.
    """
    read = _Files(files, tally)
    if (seen := read.facts()) is not None:
        return seen
    python_env, conda = read.table(PYTHON_ENV), read.table(CONDA)
    found = read.requirements()
    if found is None:
        found = read.listed(python_env, PYTHON_ENV)
    by_conda = read.conda(conda)
    if found is None:
        found = by_conda
    elif by_conda is not None:
        others = [x.name for x in by_conda.packages if x.purl.startswith("pkg:conda/")]
        reason = "are asked of conda besides: whether conda made the environment is not said"
        tally.lose("packages", reason, count=len(others), first=next(iter(others), None))
    stated = None if python_env is None else python_env.get("python")
    python = str(stated) if stated is not None else None
    if python is None and by_conda is not None:
        python = by_conda.python
    if found is None:
        return None if python is None else Resolved(python=python)
    if by_conda is not None and by_conda.python not in (None, python):
        reason = f"{PYTHON_ENV} and {CONDA} name different ones: that of {PYTHON_ENV} is taken"
        tally.lose("versions of Python", reason, first=by_conda.python)
    found.python = python
    return found


class _Files:
    """The files of one model, each read once."""

    def __init__(self, files: Mapping[str, bytes], tally: Tally) -> None:
        self._files = files
        self._tally = tally
        self._include: Include = files.get

    def facts(self) -> Resolved | None:
        """What was installed; ``None`` where nobody looked, or where the facts cannot be read."""
        if FACTS not in self._files:
            return None
        try:
            said = table(json_reader.loads(self._files[FACTS], where=FACTS))
        except BadInput as error:
            self._tally.lose("environment files", error.what, first=FACTS)
            return None
        if "distributions" not in said:
            self._tally.lose("environment files", "hold no facts of packages", first=FACTS)
            return None
        return installed.of_facts(said, Reader(self._tally, FACTS))

    def table(self, name: str) -> dict[str, Any] | None:
        """A file of YAML; ``None`` where it is not there, or none."""
        if name not in self._files:
            return None
        try:
            said = yaml_reader.load(self._files[name], where=name)
        except BadInput as error:
            self._tally.lose("environment files", error.what, first=name)
            return None
        if isinstance(said, dict):
            return said
        self._tally.lose("environment files", "hold nothing that MLflow writes", first=name)
        return None

    def requirements(self) -> Resolved | None:
        """What requirements.txt lists."""
        if REQUIREMENTS not in self._files:
            return None
        reader = Reader(self._tally, REQUIREMENTS)
        try:
            [found] = requirements(self._files[REQUIREMENTS], reader, REQUIREMENTS, self._include)
        except BadInput as error:
            self._tally.lose("environment files", error.what, first=REQUIREMENTS)
            return None
        return found

    def listed(self, said: Mapping[str, Any] | None, name: str) -> Resolved | None:
        """The packages that python_env.yaml lists itself; mostly it names requirements.txt."""
        lines = None if said is None else said.get("dependencies")
        own = [x for x in lines if isinstance(x, str)] if isinstance(lines, list) else []
        own = [x for x in own if not x.lstrip().startswith("-r")]
        if not own:
            return None
        reader, found = Reader(self._tally, name), Resolved()
        for line in own:
            one_line(line.strip(), reader, found)
        return found

    def conda(self, said: Mapping[str, Any] | None) -> Resolved | None:
        """What conda.yaml asks for, but for the interpreter, which is no package beside it, and pip."""
        lines = None if said is None else said.get("dependencies")
        if not isinstance(lines, list):
            return None
        quiet = Tally() if REQUIREMENTS in self._files else self._tally
        reader = Reader(quiet, CONDA)
        found = Resolved()
        try:
            [whole] = environment_yml(self._files[CONDA], reader, self._include)
        except BadInput as error:
            self._tally.lose("environment files", error.what, first=CONDA)
            return None
        found.packages = [x for x in whole.packages if not _is_tool(x.purl)]
        found.unpinned = [x for x in whole.unpinned if spec_name(x) not in _TOOLS]
        found.python = whole.python or _interpreter(lines)
        return found


def _is_tool(purl: str) -> bool:
    return purl.startswith(tuple(f"pkg:conda/{name}@" for name in _TOOLS))


def _interpreter(lines: list[Any]) -> str | None:
    """The interpreter that conda.yaml asks for, also where it names no third number."""
    wanted = [x for x in lines if isinstance(x, str) and spec_name(x) == "python"]
    version = wanted[0].partition("python")[2].strip(" =") if wanted else ""
    return version or None

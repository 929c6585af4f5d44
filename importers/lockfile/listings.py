# SPDX-License-Identifier: Apache-2.0
"""Reads what ``pip list``, ``conda list`` and ``conda list --export`` print, under whatever name it was
kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from importers.lockfile.pinned import Reader, Resolved

_PIP_HEAD = re.compile(r"Package\s+Version(?:\s.*)?")
_RULE = re.compile(r"-+(?:\s+-+)*\s*")
_CONDA_HEAD = re.compile(r"# packages in environment at |#\s+Name\s+Version\s+Build", re.MULTILINE)
_EXPORT_HEAD = re.compile(r"^# \$ conda create --name ", re.MULTILINE)
_PLATFORM = re.compile(r"^# platform: (\S+)", re.MULTILINE)
_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)=(?P<version>[^=\s<>!~,|*]+)(?:=(?P<build>[^=\s<>!~,|*]+))?"
)
#: How conda names what pip installed.
_BY_PIP = frozenset({"pypi", "<pip>"})


class Row(NamedTuple):
    """One package of a list; ``sort`` is the type of its package URL, ``place`` a folder it is in."""

    name: str
    version: str
    sort: str = "pypi"
    build: str | None = None
    channel: str | None = None
    place: str | None = None


def rows(text: str) -> list[Row] | None:
    """The packages of such a list; ``None`` for another text."""
    head = text[:4096].lstrip("\ufeff")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) > 1 and _PIP_HEAD.fullmatch(lines[0]) and _RULE.fullmatch(lines[1]):
        return list(_of_pip(lines[2:]))
    if _CONDA_HEAD.search(head):
        return list(_of_conda(lines))
    if _EXPORT_HEAD.search(head):
        return [row for line in lines if (row := conda_pin(line, exact=False)) is not None]
    return None


def _of_pip(lines: list[str]) -> Iterator[Row]:
    for line in lines:
        words = line.split(maxsplit=2)
        if len(words) > 1:
            yield Row(words[0], words[1], place=words[2].strip() if len(words) > 2 else None)


def _of_conda(lines: list[str]) -> Iterator[Row]:
    for line in lines:
        words = line.split()
        if len(words) < 3:
            continue
        name, version, build, channel = (*words[:3], words[3] if len(words) > 3 else None)
        if channel == "<develop>":
            # It lies in a folder, wherever that is.
            yield Row(name, version, place="~")
        elif _BY_PIP & {build, channel}:
            yield Row(name, version)
        else:
            yield Row(name, version, "conda", build, channel)


def conda_pin(line: str, *, exact: bool = True) -> Row | None:
    """``name=version=build``, as conda exports it; without its build only where not ``exact``."""
    found = _PIN.fullmatch(line.strip())
    if found is None or (exact and found["build"] is None):
        return None
    if (found["build"] or "").startswith("pypi_"):
        return Row(found["name"], found["version"])
    return Row(found["name"], found["version"], "conda", found["build"])


def read(text: str, reader: Reader) -> Resolved | None:
    """The environment that such a list describes; ``None`` for another text."""
    listed = rows(text)
    if listed is None:
        return None
    platform = _PLATFORM.search(text[:4096])
    found = Resolved(platform=platform[1] if platform else None)
    for row in listed:
        take(row, reader, found)
    skipped = sum(bool(line.strip()) and not line.startswith("#") for line in text.splitlines())
    for _ in range(skipped - len(listed) - 2 * bool(_PIP_HEAD.match(text.lstrip("\ufeff \n")))):
        reader.lose("lines", "are no package of the list", reader.where)
    return found


def take(row: Row, reader: Reader, found: Resolved) -> None:
    """Add the package of a row to an environment."""
    if row.place is not None and row.place.startswith(("/", ".", "~")):
        if (still := reader.local(row.name, row.place)) is not None:
            found.unpinned.append(still)
        return
    name = row.name.lower() if row.sort == "conda" else row.name
    at = {"build": row.build, "channel": row.channel}
    package = reader.package(name, row.version, kind=row.sort, at=at)
    if package is not None:
        found.packages.append(package)
        if row.sort == "conda" and package.name == "python":
            found.python = package.version

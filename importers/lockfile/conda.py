# SPDX-License-Identifier: Apache-2.0
"""Reads conda-lock.yml and environment.yml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from importers.lockfile.pinned import (
    Pinned,
    Reader,
    Resolved,
    demand_version,
    no_credentials,
    table,
)
from importers.lockfile.requirements import (
    Include,
    included,
    inside,
    not_read,
    one_line,
    requirements,
)
from lineage.access.secret_patterns import scrub
from lineage.errors import BadInput, InputTruncated
from lineage.sources import yaml_reader

#: The version of conda-lock's format that is known (conda_lock/lockfile, v1).
CONDA_LOCK = 1

_LONGEST_URL = 1_000
_URL = re.compile(
    r"[a-z]+://[^/]+/(?P<channel>.+)/(?P<subdir>[a-z0-9-]+)/[^/]+?-(?P<build>[^-/]+)"
    r"(?P<type>\.conda|\.tar\.bz2)"
)
_SPEC = re.compile(
    r"(?:(?P<channel>[^\s:]+)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)\s*(?P<rest>.*)"
)
#: ``==1.2``, ``=1.2=build`` and ``1.2 build`` name one version; ``=1.2.3`` does in all but name.
_EXACT = re.compile(r"==\s*(?P<version>[^\s=<>!~,|*]+)(?:[=\s]\s*(?P<build>[^\s=<>!~,|*]+))?")
_BUILD = re.compile(r"=\s*(?P<version>[^\s=<>!~,|*]+)=(?P<build>[^\s=<>!~,|*]+)")
_SPACED = re.compile(r"(?P<version>\d[^\s=<>!~,|*]*)(?:\s+(?P<build>[^\s=<>!~,|*]+))?")
_THREE = re.compile(r"=\s*(?P<version>\d+(?:\.[^\s=<>!~,|*.]+){2,})(?P<build>)")


def conda_lock(data: bytes, reader: Reader) -> list[Resolved]:
    """Read conda-lock.yml: one environment for each of its platforms."""
    said = yaml_reader.load(data, where=reader.where)
    if not isinstance(said, dict) or not isinstance(said.get("package"), list):
        raise BadInput("this is no conda-lock.yml: it lists no packages", where=reader.where)
    demand_version(said.get("version"), CONDA_LOCK, "conda-lock", reader.where)
    stated = table(said.get("metadata")).get("platforms")
    found = {str(x): Resolved(platform=str(x)) for x in stated} if isinstance(stated, list) else {}
    entries = said["package"]
    for number, entry in enumerate(entries, 1):
        platform = table(entry).get("platform")
        if not isinstance(platform, str) or not isinstance(table(entry).get("url"), str):
            if number == len(entries):
                message = f"the last of its {number} packages breaks off"
                raise InputTruncated(message, where=reader.where)
            reader.lose("packages", "state no platform or no address", f"entry {number}")
            continue
        package = _locked(entry, reader)
        if package is not None:
            environment = found.setdefault(platform, Resolved(platform=platform))
            environment.packages.append(package)
            if package.name == "python" and package.purl.startswith("pkg:conda/"):
                environment.python = package.version
    return [found[platform] for platform in sorted(found)]


def _locked(entry: Mapping[str, Any], reader: Reader) -> Pinned | None:
    is_pip = entry.get("manager") == "pip"
    hashes = table(entry.get("hash"))
    named = (
        _URL.match((no_credentials(entry.get("url")) or "")[:_LONGEST_URL]) if not is_pip else None
    )
    return reader.package(
        entry.get("name"),
        entry.get("version"),
        kind="pypi" if is_pip else "conda",
        at={key: scrub(value).lstrip(".") for key, value in named.groupdict().items()}
        if named
        else {},
        hashes=[f"{name}:{text}" for name, text in hashes.items()],
        requires=list(table(entry.get("dependencies"))),
        groups=[entry.get("category")],
    )


def environment_yml(data: bytes, reader: Reader, include: Include) -> list[Resolved]:
    """Read environment.yml: what was asked for, which is seldom what was installed. ``include`` reads
    the files that its list for pip names.
    """
    said = yaml_reader.load(data, where=reader.where)
    if not isinstance(said, dict) or not isinstance(said.get("dependencies"), list):
        raise BadInput("this is no environment.yml: it lists no dependencies", where=reader.where)
    found = Resolved()
    for entry in said["dependencies"]:
        if isinstance(entry, str):
            _asked(entry.partition(" #")[0].strip(), reader, found)
        elif isinstance(entry, dict) and isinstance(entry.get("pip"), list):
            for line in entry["pip"]:
                _by_pip(str(line).partition(" #")[0].strip(), reader, found, include)
        else:
            reader.lose("requirements", "are neither a text nor a list for pip", repr(entry)[:60])
    for key in sorted(said.keys() & {"channels", "variables", "prefix", "platforms"}):
        reader.lose("settings", "say where to install from or to, not what", key)
    return [found]


def _by_pip(text: str, reader: Reader, found: Resolved, include: Include) -> None:
    """A line of the list for pip; one that includes a file which is not there leaves open what is in it."""
    named = included(text)
    if named is None:
        one_line(text, reader, found)
        return
    there = inside(reader.where, named, reader)
    data = None if there is None else include(there)
    if there is None or data is None:
        found.unpinned.append(not_read(named))
        return
    try:
        listed = requirements(data, Reader(reader.tally, there), there, include)
    except BadInput as error:
        reader.lose("included files", error.what, named)
        found.unpinned.append(not_read(named))
        return
    for one in listed:
        found.packages += one.packages
        found.unpinned += one.unpinned


def spec_name(text: str) -> str | None:
    """The name of the package that a spec of conda asks for."""
    spec = _SPEC.fullmatch(text.strip())
    return spec["name"].lower() if spec else None


def _asked(text: str, reader: Reader, found: Resolved) -> None:
    spec = _SPEC.fullmatch(text)
    exact = spec and (
        _EXACT.fullmatch(spec["rest"])
        or _BUILD.fullmatch(spec["rest"])
        or _THREE.fullmatch(spec["rest"])
        or _SPACED.fullmatch(spec["rest"])
    )
    if spec is None or not exact:
        found.unpinned.append(scrub(text))
        return
    package = reader.package(
        spec["name"].lower(),
        exact["version"],
        kind="conda",
        at={"channel": spec["channel"], "build": exact["build"]},
    )
    if package is not None:
        found.packages.append(package)
        if package.name == "python":
            found.python = package.version

# SPDX-License-Identifier: Apache-2.0
"""Makes an environment of what is installed in a folder of Python packages, and of such facts that were
captured: the same of both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from importers.lockfile.pinned import (
    Reader,
    Resolved,
    git_address,
    no_credentials,
    required_name,
    tables,
)
from lineage.errors import BadInput
from lineage.sources import interpreter
from lineage.sources.installed import MOST, Distribution, Origin, distribution, listed, of_json

#: The address of the environment that this program runs in.
RUNNING = "env:"

_SYSTEM = re.compile(r"(?:many|musl)?(linux|macosx|win|android|ios)(?:_?\d+(?:_\d+)*)?_?(.*)")


def looks(path: Path) -> bool:
    """Whether a folder is a virtual environment, or one that packages are installed in."""
    return (path / interpreter.CONFIG).is_file() or _has_packages(path)


def installed(path: Path, reader: Reader) -> list[Resolved]:
    """List the packages in a virtual environment or a site-packages folder."""
    if _has_packages(path):
        return [_of_folders([path], interpreter.stated_version(path), reader)]
    found = interpreter.at_prefix(path)
    if not found.folders:
        message = f"{path} has no installed packages: no *.dist-info in it or in its site-packages"
        raise BadInput(message, where=reader.where)
    return [_of_folders(found.folders, found.version, reader)]


def running(reader: Reader) -> list[Resolved]:
    """The environment this program runs in."""
    found = interpreter.running(os.environ)
    return [_of_folders(found.folders, found.version, reader)]


def of_facts(facts: Mapping[str, Any], reader: Reader) -> Resolved:
    """The environment that the probe of packages saw (``lineage/capture/probes/packages.py``)."""
    python = facts.get("python")
    members = map(of_json, tables(facts.get("distributions")))
    return _resolved(python if isinstance(python, str) else None, members, reader)


def _has_packages(path: Path) -> bool:
    return next(path.glob("*.dist-info"), None) is not None


def _of_folders(folders: Iterable[Path], version: str | None, reader: Reader) -> Resolved:
    paths = [path for folder in folders for path in listed(folder)]
    for path in paths[MOST:]:
        reader.lose("packages", f"over {MOST:,} in one environment", path.name)
    return _resolved(version, map(distribution, paths[:MOST]), reader)


def _resolved(version: str | None, members: Iterable[Distribution], reader: Reader) -> Resolved:
    found = Resolved(python=version)
    systems: set[str] = set()
    for member in members:
        name = os.path.basename(member.path)  # noqa: PTH119 - thousands of them
        if member.is_egg:
            reader.lose("packages", "were installed without a record (egg-info)", name)
        elif member.broken is not None:
            reader.lose("packages", "have no METADATA", name)
        elif _put(member, name, reader, found):
            systems.update(_systems(member.tags))
    found.platform = " ".join(sorted(systems)) or None
    return found


def _put(member: Distribution, path: str, reader: Reader, found: Resolved) -> bool:
    """Put a distribution among the packages, if it is one that others can have; else among what is open."""
    if member.origin_broken is not None:
        reader.lose("origins of packages", member.origin_broken, path)
    origin = member.origin
    if origin is not None and origin.local:
        still = reader.local(member.name, no_credentials(origin.url))
        found.unpinned += [] if still is None else [still]
        return False
    package = reader.package(
        member.name or "",
        member.version or "",
        at={} if origin is None else _address(origin),
        hashes=() if origin is None else origin.hashes,
        requires=[x for text in member.requires if (x := required_name(text))],
        installer=member.installer,
        record=member.record,
    )
    if package is None:
        return False
    found.packages.append(package)
    return True


def _address(origin: Origin) -> dict[str, str | None]:
    """The qualifiers of a package URL that say where it came from."""
    if origin.vcs or origin.commit:
        return {"vcs_url": git_address(origin.url, str(origin.commit))}
    return {"download_url": no_credentials(origin.url)}


def _systems(tags: Iterable[str]) -> Iterator[str]:
    """The systems a wheel was built for, without the versions it needs at least."""
    for tag in tags:
        for name in tag.split("-", 2)[-1].split("."):
            if known := _SYSTEM.fullmatch(name):
                yield "_".join(filter(None, known.groups()))

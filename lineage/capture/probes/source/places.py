# SPDX-License-Identifier: Apache-2.0
"""Finds the repositories around places: the script's first, whatever folder the program was started in."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lineage.capture.found import Found
from lineage.errors import LineageError
from lineage.sources.git import layout
from lineage.sources.git.layout import Layout, References


@dataclass(slots=True, kw_only=True)
class Spot:
    """A repository, for what it matters here, and the folder of its files (``None``: it has none)."""

    layout: Layout
    names: References
    root: Path
    bare: bool
    roles: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file or folder with its role, where it really lies, and the repository that it is in."""

    role: str
    path: Path
    spot: Spot | None


def located(places: Sequence[tuple[Path, str]], found: Found) -> list[Place]:
    """Each place with its repository; those in one repository share it."""
    known: dict[Path, Spot | None] = {}
    placed = []
    for given, role in places:
        try:
            path = Path(os.path.realpath(given))
            spot = _around(path, known, found)
        except ValueError:  # a name with a null byte in it
            found.miss(f"source of {given}", "no file can be called so")
            continue
        if spot is None:
            found.miss(f"source of {given}", "it is in no usable repository")
        elif role not in spot.roles:
            spot.roles.append(role)
        placed.append(Place(role=role, path=path, spot=spot))
    return placed


def _around(path: Path, known: dict[Path, Spot | None], found: Found) -> Spot | None:
    """The repository around a path; ``known`` are folders that were asked about before."""
    spot, passed = None, []
    for above in (path, *path.parents):
        if above in known:
            spot = known[above]
            break
        passed.append(above)
        if (spot := _at(above, known, found)) is not None:
            break
    known |= dict.fromkeys(passed, spot)
    return spot


def _at(path: Path, known: dict[Path, Spot | None], found: Found) -> Spot | None:
    if not layout.looks(path):
        return None
    try:
        spot = opened(path)
    except (LineageError, OSError) as error:
        found.miss(f"repository at {path}", str(error))
        return None
    # The folder of git's own files leads to the same repository as the work tree around it.
    return known.setdefault(spot.root, spot)


def opened(path: Path) -> Spot:
    """The repository at a path. Raises ``LineageError`` and ``OSError``."""
    inside = path.name == ".git" and path.is_dir()
    root = path.parent if inside else path
    found = layout.locate(root)
    names = layout.references(found, ours=False)
    return Spot(layout=found, names=names, root=root, bare=layout.is_bare(root))


def spots(places: Sequence[Place]) -> Iterator[Spot]:
    """The repositories of places, each once, in their order."""
    seen: set[Path] = set()
    for place in places:
        if place.spot is not None and place.spot.root not in seen:
            seen.add(place.spot.root)
            yield place.spot

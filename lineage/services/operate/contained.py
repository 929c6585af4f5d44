# SPDX-License-Identifier: Apache-2.0
"""Refuses to run a command again that would write over what it wrote the first time."""

from __future__ import annotations

import os
from pathlib import Path

from lineage.errors import NotReproducible
from lineage.services.operate.project import Project
from lineage.services.operate.workspace import Workspace
from lineage.services.read.recipe import Recipe
from lineage.services.summary import listed

#: Files that are larger are not looked into for the old folder's path (bytes), and names that a message has.
_LARGEST, _NAMED = 16 << 20, 5
#: Folders in a project that are no files of it.
_OWN = frozenset({".git", ".lineage"})


def demand_contained(first: Recipe, project: Project, made: Workspace) -> None:
    """Raise ``NotReproducible`` where the command would write outside of its fresh folder, as far as that is known."""
    outside = [file.path for file in first.outputs if project.inside(file) is None]
    for file in first.outputs:
        inner = project.inside(file)
        if inner and not (made.project / inner).parent.resolve().is_relative_to(made.project):
            outside.append(f"{inner}, behind a link")
    if outside:
        raise NotReproducible(
            f"the run wrote outside of its project: {listed(outside, _NAMED)}",
            hint="Running it again would write over that: --into lays it out, for you to change the command.",
        )
    if not made.start.is_relative_to(made.project) or first.here is None:
        raise NotReproducible("where in the project its command started is not known")
    named = [
        f"word {n} of the command" for n, x in enumerate(made.argv or ()) if n and project.was in x
    ]
    named += _mentions(made.project, project.was)
    if named and project.was.count("/") > 1:
        raise NotReproducible(
            f"the old folder {project.was} is named in {listed(named, _NAMED)}",
            hint="What is written there would go over what the first run wrote: --into lays it out, for you to change that.",
        )


def _mentions(root: Path, text: str) -> list[str]:
    """The files below a folder that hold a text, and the links that lead there."""
    found, sought = [], os.fsencode(text)
    for folder, inner, names in os.walk(root):
        inner[:] = [x for x in inner if x not in _OWN]
        for name in sorted({*names, *(x for x in inner if Path(folder, x).is_symlink())}):
            path = Path(folder, name)
            try:
                if path.is_symlink():
                    held = os.fsencode(path.readlink())
                elif path.stat().st_size <= _LARGEST:
                    held = path.read_bytes()
                else:
                    continue
            except OSError:
                continue
            if sought in held:
                found.append(path.relative_to(root).as_posix())
    return found

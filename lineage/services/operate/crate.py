# SPDX-License-Identifier: Apache-2.0
"""Makes the folder in which a run is laid out a crate (RO-Crate, Process Run Crate): its files with their digests, and
what is recorded of the run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from lineage.capture.found import Budget
from lineage.capture.probes.digests import digests_of
from lineage.formats import rocrate
from lineage.formats.rocrate import Listed
from lineage.services.context import Context
from lineage.services.operate.workspace import Workspace
from lineage.services.read.export import gather_around
from lineage.services.read.recipe import Recipe
from lineage.services.summary import counted

#: Files that a crate lists; readers of ours take no more out of a zip file.
MOST = 9_000
_ENDLESS = float("inf")


def make_crate(ctx: Context, recipe: Recipe, made: Workspace) -> None:
    """Write the metadata and the records into a folder that is laid out; what of it they do not list is noted."""
    paths = [*_inside(made.folder)]
    plain = [path for path in paths if path.is_file() and not path.is_symlink()]
    if len(paths) > len(plain):
        links = counted(len(paths) - len(plain), "link")
        made.notes.append(f"{links} in the folder: a crate has no words for them")
    if len(plain) > MOST:
        made.notes.append(f"{len(plain) - MOST:,} more files are not listed in the crate")
    files = [_listed(path, made.folder) for path in plain[:MOST]]
    found = gather_around(ctx, [recipe.run.id, *recipe.steps])
    title = f"What it takes to do {recipe.run.title} again"
    for name, data in rocrate.folder(found.batch, files, title).items():
        (made.folder / name).write_bytes(data)


def _inside(folder: Path) -> Iterator[Path]:
    for place, _, names in sorted(os.walk(folder)):
        yield from (Path(place, name) for name in sorted(names))


def _listed(path: Path, folder: Path) -> Listed:
    digests = digests_of(path, Budget(_ENDLESS)) or {}
    name = path.relative_to(folder).as_posix()
    return Listed(name, {"sha256": digests["sha256"]}, path.stat().st_size)

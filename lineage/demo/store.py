# SPDX-License-Identifier: Apache-2.0
"""The store of the demo's project, for those who want to ask it themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

from lineage import app
from lineage.app import Lineage
from lineage.demo import FOLDER, project
from lineage.errors import Usage
from lineage.services.read.discover import discover


def opened(folder: str | Path = FOLDER) -> Lineage:
    """Open the demo's store, with everything in it; where there is none, the project is made first,
    which takes some seconds.

    Raises ``MissingExtra`` where there is no git, ``Usage`` where the folder is something else.
    """
    path = Path(folder)
    address = path / app.FOLDER / app.FILE
    if not address.exists():
        removed(path)
        made(path)
        with app.open_here(str(address)) as store:
            _import(store, path)
    return app.open_here(str(address))


def removed(path: Path) -> None:
    """Remove an earlier demo, and only that. Raises ``Usage``."""
    if path.exists():
        if not (path / app.FOLDER / app.FILE).exists():
            raise Usage(f"{path} exists and is no demo", hint="Name another folder.")
        shutil.rmtree(path)


def made(path: Path) -> tuple[project.Project, str]:
    """Make the project and its store, and return both; the store was filled while the branches of
    the project were still there, and not since. Raises as ``project.begin``.
    """
    begun = project.begin(path)
    place = path / app.FOLDER
    place.mkdir()
    address = str(place / app.FILE)
    with app.open_here(address) as store:
        _import(store, path)
    project.finish(begun)
    return begun, address


def _import(store: Lineage, path: Path) -> None:
    for name, source in discover(path.resolve()):
        store.load(source.address, named=name)

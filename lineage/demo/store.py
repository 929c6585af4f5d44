# SPDX-License-Identifier: Apache-2.0
"""The store of the demo's project, for those who want to ask it themselves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from lineage import app
from lineage.app import Lineage
from lineage.config import make_folder
from lineage.demo import CAPTURED, FOLDER, TAMPERED, project
from lineage.errors import Usage

#: The files of a demo, as patterns of their paths in its folder; ``*`` stands for folders too.
_FILES = (
    ".git/*",
    ".dvc/cache/files/md5/*",
    ".gitignore",
    "decisions/*.md",
    *("NOTES", "README", "train.py", "uv.lock", "dvc.lock", "dvc.yaml", "params.yaml"),
    *(project.DATA, f"{project.DATA}.dvc", project.WEIGHTS, project.SCORES),
    "mlruns/1/*/artifacts/weights.json",
    *(
        f"{database}{end}"
        for database in (
            "mlflow.db",
            *(f"{app.FOLDER}/{x}" for x in (app.FILE, CAPTURED, TAMPERED)),
        )
        for end in ("", "-journal", "-wal", "-shm")
    ),
    *(f"{app.FOLDER}/{name}" for name in (".gitignore", "spool/.key", "spool/*.run")),
)
#: Names of other files that a refusal lists.
_NAMED = 5


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
            store.load(path.resolve())
    return app.open_here(str(address))


def removed(path: Path, *, whole: bool = False) -> None:
    """Remove an earlier demo; as a ``whole`` also the files that others put into its folder.

    Raises ``Usage`` where the folder is no demo, and without ``whole`` where it holds such files.
    """
    if not path.exists():
        return
    if not (path / app.FOLDER / app.FILE).exists():
        raise Usage(f"{path} exists and is no demo", hint="Name another folder.")
    if not whole and (others := sorted(_others(path))):
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        raise Usage(
            f"{path} holds files that no demo made: {', '.join(others[:_NAMED])}{more}",
            hint="Move them away, make the demo in another folder (--folder), or remove this "
            "folder with all that is in it (--clean).",
        )
    shutil.rmtree(path)


def _others(path: Path) -> Iterator[str]:
    """The files in a folder that are none of a demo's, each as its path in the folder."""
    for folder, _, names in os.walk(path):
        for name in names:
            file = (Path(folder) / name).relative_to(path).as_posix()
            if not any(fnmatchcase(file, pattern) for pattern in _FILES):
                yield file


def made(path: Path, *, captured: bool = False) -> tuple[project.Project, str]:
    """Make the project and its store, and return both; the store was filled while the branches of
    the project were still there, and not since. ``captured`` makes a store of the captured trainings beside it.
    Raises as ``project.begin``.
    """
    path.mkdir(parents=True)
    place = make_folder(path.resolve() / app.FOLDER)
    if captured:
        app.open_here(str(place / CAPTURED)).close()
    begun = project.begin(path, place / CAPTURED if captured else None)
    address = str(path / app.FOLDER / app.FILE)
    with app.open_here(address) as store:
        store.load(path.resolve())
    project.finish(begun)
    return begun, address

# SPDX-License-Identifier: Apache-2.0
"""The spool: a folder of run files, written before anything else is, and delivered from there."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lineage import config, ids
from lineage.errors import LineageError
from lineage.paths import expanded
from lineage.sources import run_file

#: Inside the folder of a project, or of a user where no project may be written to.
NAME = "spool"


def folder(start: Path) -> Path:
    """The folder that runs are spooled in: the one that is configured, else that of the project found upwards,
    else one at the root of the repository around, or here; where none of them may be written, the user's, and at
    last one for temporary files. It is there when this returns. Raises ``OSError`` where even that fails.
    """
    failed: OSError | None = None
    for place in _places(start):
        try:
            return _made(place)
        except OSError as error:
            failed = failed or error
    raise failed or FileNotFoundError(start)


def folders(start: Path) -> list[Path]:
    """All folders that runs of ours may wait in, those that are there."""
    return [place for place in dict.fromkeys(_places(start)) if _is_ours(place)]


def _places(start: Path) -> Iterator[Path]:
    with suppress(LineageError):  # a file of settings that cannot be read does not stop a run
        if named := config.value("spool", start=start).value:
            yield Path(named)
    yield _in_project(start) / config.FOLDER / NAME
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    yield expanded(state) / "lineagedb" / NAME
    yield Path(tempfile.gettempdir()) / f"lineage-{os.getuid()}" / NAME


def _in_project(start: Path) -> Path:
    above = (start, *start.parents)
    held = next((place for place in above if (place / config.FOLDER).is_dir()), None)
    return held or next((place for place in above if (place / ".git").exists()), start)


def _made(place: Path) -> Path:
    if place.parent.name == config.FOLDER:
        config.make_folder(place.parent)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_ours(place) or not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(13, "not ours to write", str(place))
    return place


def _is_ours(place: Path) -> bool:
    """Whether a folder is there and belongs to this user: others would say what ran, or read it."""
    try:
        return place.is_dir() and place.stat().st_uid == os.getuid()
    except OSError:
        return False


def new(place: Path, run: str | None = None) -> tuple[str, Path]:
    """The identifier of a new run, where it has none yet, and the file that it is going to be in."""
    run = run or ids.uuid7()
    return run, place / f"{run}{run_file.SUFFIX}"


def key(place: Path) -> bytes | None:
    """The key of a spool, by which values are known again that are not kept; ``None`` where there can be none."""
    path = place / ".key"
    try:
        with suppress(FileExistsError):
            made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(made, "wb") as file:
                file.write(secrets.token_bytes(32))
        held = path.read_bytes()
    except OSError:
        return None
    return held if len(held) == 32 else None


def waiting(place: Path) -> list[Path]:
    """The run files in a folder, the oldest first: their names begin with when they were made."""
    return sorted(place.glob(f"*{run_file.SUFFIX}"))

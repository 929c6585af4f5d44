# SPDX-License-Identifier: Apache-2.0
"""Reads small files of a working folder that somebody else may have filled: no links, nothing outside it."""

from __future__ import annotations

import stat
from pathlib import Path

from lineage.sources import yaml_reader


def inside(path: str) -> bool:
    """Whether a normalised path stays in the folder it is relative to."""
    return bool(path) and not path.startswith(("/", "../")) and path not in {".", ".."}


def small_file(root: Path, path: str, limit: int = yaml_reader.LARGEST) -> bytes | None:
    """A regular file under a folder, no link on the way; ``None`` for anything else."""
    place = root
    try:
        for part in path.split("/"):
            place = place / part
            if part in {"", ".", ".."} or place.is_symlink():
                return None
        if not stat.S_ISREG(place.stat().st_mode) or place.stat().st_size > limit:
            return None
        return place.read_bytes()
    except (OSError, ValueError):
        return None

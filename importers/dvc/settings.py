# SPDX-License-Identifier: Apache-2.0
"""Finds the caches of DVC's projects in a folder: those beside, and those that their settings name."""

from __future__ import annotations

import configparser
import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path

from importers.dvc.files import Files, Version, named
from lineage.sources.small_files import small_file

_FOLDER = ".dvc"
#: What is said later counts (dvc/config.py, LEVELS); settings of a user or a machine are not read.
_FILES = ("config", "config.local")
_LARGEST = 1 << 20


def caches(files: Files, versions: Iterable[Version]) -> list[Path]:
    """Where the projects that versions belong to keep bytes: the root, and any folder on the way."""
    folders = {""}
    for folder in {version.folder for version in versions}:
        path = folder
        while path not in folders:
            folders.add(path)
            path = posixpath.dirname(path)
    return list(dict.fromkeys(cache for path in sorted(folders) for cache in _of(files, path)))


def _of(files: Files, project: str) -> Iterator[Path]:
    """The cache of a project: ``.dvc/cache`` unless a setting names another place."""
    own = posixpath.join(project, _FOLDER)
    said = None
    for name in _FILES:
        said = _cache_dir(_text(files, posixpath.join(own, name))) or said
    if files.folder is not None:
        # What a setting names is seen from the folder of the setting.
        yield files.folder / own / (said or "cache")
    elif said is not None and Path(said).is_absolute():
        yield Path(said)


def _text(files: Files, path: str) -> str:
    """A file of settings: as it lies in the folder, of a bare clone as its newest commit has it."""
    data = None
    if files.folder is not None:
        data = small_file(files.folder, path, _LARGEST)
    elif files.repository is not None and files.repository.head is not None:
        [(_, data)] = files.read(filter(None, [named(files.repository.head, path)]))
    return (data or b"").decode("utf-8", "replace")


def _cache_dir(text: str) -> str | None:
    r"""The ``dir`` of the section ``cache``.

    >>> _cache_dir('[core]\n  remote = x\n[cache]\n    dir = "/mnt/cache"  # shared')
    '/mnt/cache'
    """
    parser = configparser.RawConfigParser(
        strict=False,
        inline_comment_prefixes=("#",),
        allow_no_value=True,
        empty_lines_in_values=False,
    )
    try:
        parser.read_string("\n".join(line.strip() for line in text.splitlines()))
    except configparser.Error:
        return None
    said = parser.get("cache", "dir", fallback=None)
    found = (said or "").strip("'\"")
    return found if found and "\0" not in found and "://" not in found else None

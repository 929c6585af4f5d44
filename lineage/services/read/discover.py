# SPDX-License-Identifier: Apache-2.0
"""Finds what in a project folder an importer can read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import importers
from importers.base import Source

#: Folders that hold other people's code or tools' own files.
_SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "mlartifacts", "venv", "env"})
#: Looked at below the project: two levels, and so many files.
_DEEP, _MOST = 2, 5_000
#: Larger files are not opened to see what they are (bytes).
_LARGEST = 64 * 1024 * 1024


def discover(root: Path) -> list[tuple[str, Source]]:
    """(importer, source) for everything found: the folder itself, then files inside it.

    A file inside a source that is a folder (a run of a file store) belongs to that source.
    """
    found: list[tuple[str, Source]] = []
    taken: list[Path] = []
    whole = Source.of(root)
    for path in (root, *_inside(root)):
        if any(path.is_relative_to(folder) for folder in taken):
            continue
        source = Source.of(path)
        names = [i.name for i in importers.available() if i.sniffs(source)]
        if path != root:
            # What the folder itself is read for is not read again file by file.
            names = [name for name in names if (name, whole) not in found]
        if path.is_dir():
            found += [(name, source) for name in names]
            if path != root and names:
                taken.append(path)
        elif names:
            found.append((names[0], source))
    return found


def _inside(root: Path) -> Iterator[Path]:
    left = _MOST
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        deep = len(here.relative_to(root).parts)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _SKIPPED and deep < _DEEP
        )
        yield from (here / name for name in folders)
        for name in sorted(names):
            file = here / name
            left -= 1
            if left < 0:
                return
            if not name.startswith(".") and file.is_file() and file.stat().st_size <= _LARGEST:
                yield file

# SPDX-License-Identifier: Apache-2.0
"""Paths as DVC names them: from the root of a repository, or of another system; nothing is opened."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from importers.locations import of_address
from lineage.access.secret_patterns import scrub

#: A path with more characters is none.
LONGEST_PATH = 4096

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


class Place(NamedTuple):
    """A path as DVC names it: in the repository (no namespace), or of another system."""

    namespace: str | None
    path: str


def lies_in(place: Place, folder: Place) -> bool:
    """Whether a path lies somewhere in a folder."""
    start = posixpath.join(folder.path, "")
    return place.namespace == folder.namespace and place.path.startswith(start)


def within(place: Place, places: Collection[Place]) -> bool:
    """Whether a path, or a folder that it lies in, is among these."""
    path = place.path
    while path and Place(place.namespace, path) not in places:
        parent = posixpath.dirname(path)
        path = parent if parent != path else ""
    return bool(path)


def place_of(path: Any, folder: str) -> Place | None:
    """Find where an entry's path leads, seen from the root of the repository; nothing is looked up.

    >>> place_of("../b.csv", "a/c"), place_of("s3://bucket/x.csv", "a")
    (Place(namespace=None, path='a/b.csv'), Place(namespace='s3://bucket', path='x.csv'))
    """
    if (
        not isinstance(path, str)
        or not path.strip()
        or len(path) > LONGEST_PATH
        or not is_text(path)
    ):
        return None
    if "://" in path:
        clean = scrub(path)
        try:
            parts = urlsplit(clean)
        except ValueError:
            return None
        if not parts.scheme or not (parts.netloc or parts.path):
            return None
        return Place(*of_address(parts.scheme, parts.netloc, parts.path or "/"))
    if path.startswith(("/", "\\\\")) or _DRIVE.match(path):
        return Place("file", path)
    return Place(None, joined(folder, path))


def joined(folder: str, path: str) -> str:
    r"""A path as written in a file of a folder, seen from where the folder is. DVC on Windows wrote
    backslashes, and reads them as slashes everywhere.

    >>> joined("a", r"..\model\m.bin")
    'model/m.bin'
    """
    return posixpath.normpath(posixpath.join(folder, path.replace("\\", "/")))


def is_text(path: str) -> bool:
    """Whether a path can be stored: lone surrogates have no bytes in UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in path

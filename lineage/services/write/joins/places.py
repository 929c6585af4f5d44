# SPDX-License-Identifier: Apache-2.0
"""Finds which file of a project an address means that a tool wrote down, on whatever machine."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

#: How sure it is, from 0 to 1: a path from the project's root; a path from the folder of the script;
#: an absolute path below the root on the machine of the run; an absolute path whose end is there.
FROM_ROOT, FROM_SCRIPT, BELOW_ROOT, BY_ITS_END = 0.95, 0.9, 0.95, 0.5

_DRIVE = re.compile(r"/?[A-Za-z]:[\\/]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


class Place(NamedTuple):
    """A path from a project's root, and how sure it is that it is meant."""

    path: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is known of a project at a commit. ``holds`` says whether something lies at a path;
    ``roots`` are folders of machines in which the project lay, ``names`` what its folder is called,
    ``script`` the folder from its root in which the program of the run lies.
    """

    holds: Callable[[str], bool]
    roots: Collection[str] = ()
    names: Collection[str] = ()
    script: str | None = None


def local(address: str) -> str | None:
    r"""The path that an address means on its machine, with slashes; ``None`` for what is no file.

    >>> local("file:///data/a%20b.csv"), local("data\\x.csv"), local("s3://b/x")
    ('/data/a b.csv', 'data/x.csv', None)
    """
    text = address.strip()
    if text.startswith(("file:", "local:")):
        text = text.partition(":")[2]
        if text.startswith("//"):
            host, slash, rest = text[2:].partition("/")
            text = slash + rest if host in ("", "localhost") else ""
        text = unquote(text)
        if _DRIVE.match(text):
            text = text.lstrip("/")
    elif (scheme := _SCHEME.match(text)) and len(scheme[1]) > 1:
        return None
    if "\\" in text and ("/" not in text or _DRIVE.match(text)):
        text = text.replace("\\", "/")
    return text.rstrip("/") or None


def placed(address: str, project: Project) -> tuple[Place, ...]:
    """The files or folders of the project that an address may mean, the surest first: none where it
    means nothing there, several where it cannot be told.
    """
    path = local(address)
    if path is None:
        return ()
    found = _absolute(path, project) if _is_absolute(path) else _relative(path, project)
    best: dict[str, float] = {}
    for place in found:
        best[place.path] = max(place.confidence, best.get(place.path, 0.0))
    ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Place(path, confidence) for path, confidence in ranked)


def _is_absolute(path: str) -> bool:
    return path.startswith(("/", "~")) or _DRIVE.match(path) is not None


def _relative(path: str, project: Project) -> list[Place]:
    found = []
    if (inner := _inside(path)) and project.holds(inner):
        found.append(Place(inner, FROM_ROOT))
    if project.script:
        beside = _inside(posixpath.join(project.script, path))
        if beside and beside != inner and project.holds(beside):
            found.append(Place(beside, FROM_SCRIPT))
    return found


def _absolute(path: str, project: Project) -> list[Place]:
    path = posixpath.normpath(path)
    for root in project.roots:
        start = root.rstrip("/") + "/"
        if path.startswith(start) and project.holds(path[len(start) :]):
            return [Place(path[len(start) :], BELOW_ROOT)]
    parts = path.strip("/").split("/")
    for first in range(1, len(parts)):
        end = "/".join(parts[first:])
        if project.holds(end):
            named = parts[first - 1] in project.names
            return [Place(end, BELOW_ROOT if named else BY_ITS_END)]
    return []


def _inside(path: str) -> str | None:
    """A path from the root, normalised; ``None`` for one that leaves it, and for the root itself."""
    inner = posixpath.normpath(path)
    return None if inner.startswith(("../", "/")) or inner in ("..", ".", "") else inner


def root_of(script: str, holds: Callable[[str], bool]) -> tuple[str | None, str | None]:
    """(folder of the machine, folder from the root) that the address of a program shows: where the
    project lay on the machine of the run, and where in it the program lies.

    >>> root_of("/home/ana/churn/src/train.py", lambda path: path == "src/train.py")
    ('/home/ana/churn', 'src')
    """
    path = local(script)
    if path is None:
        return None, None
    if not _is_absolute(path):
        inner = _inside(path)
        return None, posixpath.dirname(inner) if inner and holds(inner) else None
    parts = posixpath.normpath(path).strip("/").split("/")
    start = "/" if path.startswith("/") else ""
    for first in range(1, len(parts)):
        inner = "/".join(parts[first:])
        if holds(inner):
            return start + "/".join(parts[:first]), posixpath.dirname(inner)
    return None, None

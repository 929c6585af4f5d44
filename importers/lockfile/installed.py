# SPDX-License-Identifier: Apache-2.0
"""Reads what is installed in a Python environment from its own records; nothing of it is run."""

from __future__ import annotations

import re
import stat
import sys
import sysconfig
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from importers.lockfile.pinned import (
    Reader,
    Resolved,
    git_address,
    no_credentials,
    required_name,
    table,
)
from lineage import ids
from lineage.errors import BadInput
from lineage.sources import json_reader

#: The address of the environment that this program runs in.
RUNNING = "env:"

_LARGEST = 8 * 1024 * 1024
_MOST_DISTRIBUTIONS = 20_000
_CONFIG = "pyvenv.cfg"
_TAG = re.compile(r"^Tag: \S+?-\S+?-(\S+)$", re.MULTILINE)
_SYSTEM = re.compile(r"(?:many|musl)?(linux|macosx|win|android|ios)(?:_?\d+(?:_\d+)*)?_?(.*)")
_VERSION = re.compile(r"^version(?:_info)?\s*=\s*(\d+\.\d+(?:\.\d+)?)", re.MULTILINE)
_FOLDER = re.compile(r"python(\d+\.\d+)t?")


def looks(path: Path) -> bool:
    """Whether a folder is a virtual environment, or one that packages are installed in."""
    return (path / _CONFIG).is_file() or next(path.glob("*.dist-info/METADATA"), None) is not None


def installed(path: Path, reader: Reader) -> list[Resolved]:
    """List the packages in a virtual environment or a site-packages folder."""
    folders = _folders(path)
    if not folders:
        message = f"{path} has no installed packages: no *.dist-info in it or in its site-packages"
        raise BadInput(message, where=reader.where)
    found = Resolved(python=_python(path, folders[0]))
    systems: set[str] = set()
    names = sorted(x for folder in folders for x in folder.glob("*.dist-info"))
    for one in names[:_MOST_DISTRIBUTIONS]:
        _distribution(one, reader, found, systems)
    for _ in names[_MOST_DISTRIBUTIONS:]:
        reader.lose("packages", f"over {_MOST_DISTRIBUTIONS:,} in one environment", str(path))
    for folder in folders:
        for one in sorted(folder.glob("*.egg-info")):
            reader.lose("packages", "were installed without a record (egg-info)", one.name)
    found.platform = " ".join(sorted(systems)) or None
    return [found]


def running(reader: Reader) -> list[Resolved]:
    """The environment this program runs in."""
    root = Path(sys.prefix)
    if (root / _CONFIG).is_file():
        return installed(root, reader)
    (found,) = installed(Path(sysconfig.get_path("purelib")), reader)
    found.python = ".".join(map(str, sys.version_info[:3]))
    return [found]


def _folders(path: Path) -> list[Path]:
    if next(path.glob("*.dist-info"), None) is not None:
        return [path]
    inner = [*path.glob("lib/python*/site-packages"), *path.glob("Lib/site-packages")]
    return sorted({x.resolve() for x in inner if x.is_dir()})


def _python(path: Path, folder: Path) -> str | None:
    """The interpreter's version as the environment states it, else as its folders are named."""
    if found := _VERSION.search((_read(path / _CONFIG) or b"").decode("utf-8", "replace")):
        return found[1]
    named = (_FOLDER.fullmatch(part) for part in reversed(folder.parts))
    return next((x[1] for x in named if x), None)


def _distribution(path: Path, reader: Reader, found: Resolved, systems: set[str]) -> None:
    data = _read(path / "METADATA")
    if data is None:
        reader.lose("packages", "have no METADATA", path.name)
        return
    about = BytesHeaderParser().parsebytes(data)
    record = _read(path / "RECORD")
    at, hashes, local = _origin(path, reader)
    if local is not None:
        if (still := reader.local(about.get("Name"), local)) is not None:
            found.unpinned.append(still)
        return
    package = reader.package(
        _one(about.get("Name")),
        _one(about.get("Version")),
        at=at,
        hashes=hashes,
        requires=[x for text in about.get_all("Requires-Dist") or () if (x := required_name(text))],
        installer=_one((_read(path / "INSTALLER") or b"").decode("utf-8", "replace")) or None,
        record=f"sha256:{ids.sha256(record)}" if record is not None else None,
    )
    if package is not None:
        found.packages.append(package)
        systems |= _systems(_read(path / "WHEEL") or b"")


def _origin(path: Path, reader: Reader) -> tuple[dict[str, str | None], list[str], str | None]:
    """Where it came from, if not out of an index (PEP 610): qualifiers, hashes, a local folder."""
    data = _read(path / "direct_url.json")
    if data is None:
        return {}, [], None
    try:
        said = table(json_reader.loads(data, where=str(path)))
    except BadInput as error:
        reader.lose("origins of packages", error.what, path.name)
        return {}, [], None
    url, vcs, archive = str(said.get("url")), table(said.get("vcs_info")), said.get("archive_info")
    if vcs:
        return {"vcs_url": git_address(url, str(vcs.get("commit_id")))}, [], None
    if "dir_info" in said or url.startswith("file:"):
        return {}, [], no_credentials(url)
    return {"download_url": no_credentials(url)}, _hashes(table(archive)), None


def _hashes(archive: dict[str, Any]) -> list[str]:
    listed = [f"{name}:{text}" for name, text in table(archive.get("hashes")).items()]
    old = archive.get("hash")
    return listed or ([old.replace("=", ":", 1)] if isinstance(old, str) else [])


def _systems(wheel: bytes) -> set[str]:
    """The systems a wheel was built for, without the versions it needs at least."""
    tags = (x for tag in _TAG.findall(wheel.decode("utf-8", "replace")) for x in tag.split("."))
    found = (_SYSTEM.fullmatch(tag) for tag in tags)
    return {"_".join(filter(None, x.groups())) for x in found if x}


def _one(value: Any) -> str:
    return str(value or "").strip()


def _read(path: Path) -> bytes | None:
    """A small regular file; ``None`` for anything else."""
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > _LARGEST:
            return None
        return path.read_bytes()
    except OSError:
        return None

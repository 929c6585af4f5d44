# SPDX-License-Identifier: Apache-2.0
"""Reads what is installed in a folder of Python packages from their own records, as facts: nothing of it is
run, and what is broken is listed too.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage.errors import BadInput

#: What a file with the facts of an environment is called, where it stands for one.
FACTS = "installed.json"
#: Why there are no facts of what has no metadata.
NO_METADATA = "has no METADATA"

#: More distributions than these are no environment.
MOST = 20_000
#: Larger files are not read (bytes).
LARGEST = 8 * 1024 * 1024
#: The files that say something of a distribution, beside its METADATA.
PARTS = ("METADATA", "RECORD", "INSTALLER", "WHEEL", "direct_url.json")

_TAG = re.compile(r"^Tag: (\S+)[ \t]*$", re.MULTILINE)
_HEAD_ENDS = re.compile(rb"\r?\n\r?\n")
#: What only somebody needs who asked for an extra.
_OF_EXTRA = re.compile(r";[^;]*\bextra\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a distribution came from, if not out of an index (PEP 610). ``local`` is a folder or a file of
    the machine that it was installed on.
    """

    url: str
    local: bool = False
    editable: bool | None = None
    vcs: str | None = None
    commit: str | None = None
    revision: str | None = None
    subdirectory: str | None = None
    hashes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """What the records of one installed distribution say. ``requires`` are the requirements that stand in
    its metadata, those of extras left out; ``record`` is the digest of its RECORD, ``tags`` are those of the
    wheel. ``broken`` says why there is no more than a path; ``origin_broken`` why there is no origin.
    """

    path: str
    name: str | None = None
    version: str | None = None
    requires: tuple[str, ...] = ()
    installer: str | None = None
    record: str | None = None
    origin: Origin | None = None
    origin_broken: str | None = None
    tags: tuple[str, ...] = ()
    broken: str | None = None

    @property
    def is_egg(self) -> bool:
        """Whether it was installed without a record."""
        return self.path.endswith(".egg-info")


def listed(folder: Path) -> list[Path]:
    """List what records of distributions a folder has, sorted by name: ``*.dist-info``, ``*.egg-info``.
    Raises ``OSError``.
    """
    with os.scandir(folder) as entries:
        names = [x.name for x in entries if x.name.endswith((".dist-info", ".egg-info"))]
    return [folder / name for name in sorted(names)]


def distribution(path: Path) -> Distribution:
    """Read the records of one distribution. It never raises for what stands in them."""
    if path.name.endswith(".egg-info"):
        data = read(path / "PKG-INFO") or read(path)
        about = _headers(data or b"")
        return Distribution(
            path=str(path), name=_one(about, "name"), version=_one(about, "version")
        )
    data = read(path / "METADATA")
    if data is None:
        return Distribution(path=str(path), broken=NO_METADATA)
    about = _headers(data)
    record = read(path / "RECORD")
    origin, fault = _origin(read(path / "direct_url.json"), path)
    installer = (read(path / "INSTALLER") or b"").decode("utf-8", "replace").strip()
    wheel = (read(path / "WHEEL") or b"").decode("utf-8", "replace")
    return Distribution(
        path=str(path),
        name=_one(about, "name"),
        version=_one(about, "version"),
        requires=tuple(x for x in about.get("requires-dist", ()) if not _OF_EXTRA.search(x)),
        installer=installer or None,
        record=f"sha256:{hashlib.sha256(record).hexdigest()}" if record is not None else None,
        origin=origin,
        origin_broken=fault,
        tags=tuple(_TAG.findall(wheel)),
    )


def read(path: Path, largest: int = LARGEST) -> bytes | None:
    """A regular file of at most so many bytes; ``None`` for anything else."""
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > largest:
            return None
        return path.read_bytes()
    except OSError:
        return None


def as_json(found: Distribution) -> dict[str, Any]:
    """The facts of a distribution as JSON has them, without those that are not known."""
    said = {name: getattr(found, name) for name in found.__slots__ if name != "origin"}
    if found.origin is not None:
        said["origin"] = _known({x: getattr(found.origin, x) for x in found.origin.__slots__})
    return _known(said)


def of_json(said: Mapping[str, Any]) -> Distribution:
    """The distribution that such facts are of."""
    origin = said.get("origin")
    return Distribution(
        path=_text(said.get("path")) or "",
        name=_text(said.get("name")),
        version=_text(said.get("version")),
        requires=_texts(said.get("requires")),
        installer=_text(said.get("installer")),
        record=_text(said.get("record")),
        origin=_origin_of(origin) if isinstance(origin, Mapping) else None,
        origin_broken=_text(said.get("origin_broken")),
        tags=_texts(said.get("tags")),
        broken=_text(said.get("broken")),
    )


def _origin_of(said: Mapping[str, Any]) -> Origin:
    editable = said.get("editable")
    return Origin(
        url=_text(said.get("url")) or "",
        local=said.get("local") is True,
        editable=editable if isinstance(editable, bool) else None,
        vcs=_text(said.get("vcs")),
        commit=_text(said.get("commit")),
        revision=_text(said.get("revision")),
        subdirectory=_text(said.get("subdirectory")),
        hashes=_texts(said.get("hashes")),
    )


def _known(said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in said.items()
        if value not in (None, ()) and not (key == "local" and value is False)
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(x for x in value if isinstance(x, str)) if isinstance(value, Sequence) else ()


def _headers(data: bytes) -> dict[str, list[str]]:
    """The headers of core metadata by their names in small letters, without the description behind them."""
    from email.parser import BytesHeaderParser

    head = _HEAD_ENDS.split(data, maxsplit=1)[0]
    found: dict[str, list[str]] = {}
    for name, value in BytesHeaderParser().parsebytes(head).items():
        found.setdefault(name.lower(), []).append(str(value))
    return found


def _one(about: Mapping[str, list[str]], header: str) -> str | None:
    return about.get(header, [""])[0].strip() or None


def _origin(data: bytes | None, path: Path) -> tuple[Origin | None, str | None]:
    """What direct_url.json says, or why it says nothing."""
    if data is None:
        return None, None
    from lineage.sources import json_reader

    try:
        said = _table(json_reader.loads(data, where=str(path)))
    except BadInput as error:
        return None, error.what
    vcs, folder = _table(said.get("vcs_info")), _table(said.get("dir_info"))
    url, editable = str(said.get("url")), folder.get("editable")
    return Origin(
        url=url,
        local=not vcs and ("dir_info" in said or url.startswith("file:")),
        editable=editable if isinstance(editable, bool) else None,
        vcs=_text(vcs.get("vcs")),
        commit=_text(vcs.get("commit_id")),
        revision=_text(vcs.get("requested_revision")),
        subdirectory=_text(said.get("subdirectory")),
        hashes=_hashes(_table(said.get("archive_info"))),
    ), None


def _hashes(archive: Mapping[str, Any]) -> tuple[str, ...]:
    found = tuple(f"{name}:{text}" for name, text in _table(archive.get("hashes")).items())
    old = archive.get("hash")
    return found or ((old.replace("=", ":", 1),) if isinstance(old, str) else ())


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

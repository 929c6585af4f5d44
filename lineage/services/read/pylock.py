# SPDX-License-Identifier: Apache-2.0
"""Writes packages as a ``pylock.toml`` (PEP 751): each with the files that it can be installed from, and their digests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from packageurl import PackageURL
from packaging.markers import InvalidMarker, Marker
from packaging.pylock import (
    Package,
    PackageArchive,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    Pylock,
    PylockValidationError,
)
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from lineage.model.record import Edge
from lineage.model.value import each

#: Why a package is left out.
_NO_FILE = "none of its files is recorded with its address and its digest"
#: What is not known of the packages whose files another environment names.
BORROWED = (
    "from which of these files a package was installed: they are those that the declared lock file names for the "
    "same version, and the digest of an installed RECORD is none of a file"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One package of an environment as a lock file has it. ``files`` are addresses, each with the digest of its
    bytes behind it (``URL#sha256=...``), ``hashes`` the digests of which it is not said what file they are of.
    """

    purl: str
    marker: str | None = None
    files: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()


def locked(member: Edge) -> Locked:
    """The package at the other end of an edge from its environment."""
    marker = member.attributes.get("marker")
    return Locked(
        purl=member.cause,
        marker=marker if isinstance(marker, str) else None,
        files=tuple(str(x) for x in each(member.attributes.get("file", ()))),
        hashes=tuple(str(x) for x in each(member.attributes.get("hash", ()))),
    )


def document(python: str | None, members: Iterable[Locked]) -> tuple[str, Sequence[str], int]:
    """The packages as TOML, those that are left out with the reason, and how many are in it."""
    packages: list[Package] = []
    left: list[str] = []
    for one in members:
        purl = PackageURL.from_string(one.purl)
        if purl.type != "pypi":
            continue
        found = _package(one, purl)
        if isinstance(found, str):
            left.append(f"{purl.name} {purl.version or ''}".strip() + f" ({found})")
        else:
            packages.append(found)
    packages.sort(key=lambda one: (one.name, str(one.version), str(one.marker)))
    lock = Pylock(
        lock_version=Version("1.0"),
        created_by="lineagedb",
        requires_python=_range(python),
        packages=packages,
    )
    return "\n".join(_toml(lock.to_dict())), left, len(packages)


def _package(one: Locked, purl: PackageURL) -> Package | str:
    """A package as the format has it, or why it has not."""
    at = purl.qualifiers if isinstance(purl.qualifiers, dict) else {}
    try:
        given: dict[str, Any] = {
            "name": canonicalize_name(purl.name),
            "version": Version(purl.version) if purl.version else None,
            "marker": Marker(one.marker) if one.marker else None,
        }
    except (InvalidVersion, InvalidMarker) as error:
        return str(error).splitlines()[0]
    if "vcs_url" in at:
        url, _, commit = at["vcs_url"].removeprefix("git+").rpartition("@")
        return Package(**given, vcs=PackageVcs(type="git", url=url, commit_id=commit))
    if "download_url" in at:
        digests = dict(text.partition(":")[::2] for text in one.hashes)
        if not digests:
            return _NO_FILE
        return Package(**given, archive=PackageArchive(url=at["download_url"], hashes=digests))
    given |= _files(one)
    if not given["wheels"] and given["sdist"] is None:
        return _NO_FILE
    found = Package(**given)
    try:
        Pylock(lock_version=Version("1.0"), created_by="", packages=[found]).validate()
    except PylockValidationError as error:
        return str(error)
    return found


def _files(one: Locked) -> dict[str, Any]:
    """The wheels of a package, and the archive of its source."""
    digests: dict[str, dict[str, str]] = {}
    for file in one.files:
        url, _, digest = file.rpartition("#")
        algorithm, _, text = digest.partition("=")
        digests.setdefault(url, {})[algorithm] = text
    wheels, sources = [], []
    for url, hashes in sorted(digests.items()):
        name = unquote(urlsplit(url).path.rpartition("/")[2])
        if _is(parse_wheel_filename, name):
            wheels.append(PackageWheel(name=name, url=url, hashes=hashes))
        elif _is(parse_sdist_filename, name):
            sources.append(PackageSdist(name=name, url=url, hashes=hashes))
    return {"wheels": wheels, "sdist": sources[0] if sources else None}


def _is(parse: Any, name: str) -> bool:
    try:
        parse(name)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return False
    return True


def _range(python: str | None) -> SpecifierSet | None:
    """The versions of Python that a lock file was made for; one version is only what was there."""
    try:
        return SpecifierSet(python) if python and not python[:1].isdigit() else None
    except InvalidSpecifier:
        return None


def _toml(said: Mapping[str, Any]) -> Iterator[str]:
    """TOML of a lock file: plain values, then its packages, each a table of its own."""
    for key, value in said.items():
        if key != "packages" or not value:
            yield f"{key} = {_value(value)}"
    for package in said["packages"]:
        yield from ("", "[[packages]]")
        for key, value in package.items():
            if key == "wheels":
                yield from ("wheels = [", *(f"    {_value(one)}," for one in value), "]")
            else:
                yield f"{key} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + "}"
    # A basic string of TOML escapes what one of JSON does, and DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

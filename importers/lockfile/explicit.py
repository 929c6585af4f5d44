# SPDX-License-Identifier: Apache-2.0
"""Reads conda's explicit lists: the addresses of archives, the most exact that conda writes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from importers.lockfile.pinned import Pinned, Reader, Resolved, no_credentials, text_of
from lineage.access.secret_patterns import scrub
from lineage.errors import BadInput

#: The line that makes a list one.
MARK = re.compile(rb"^@EXPLICIT\s*$", re.MULTILINE)

_PLATFORM = re.compile(r"#\s*platform:\s*(\S+)")
_ARCHIVE = re.compile(
    r"(?P<base>.*/)?(?:(?P<channel>[^/]+)/)?(?P<subdir>[a-z0-9-]+)/"
    r"(?P<name>[^/]+)-(?P<version>[^-/]+)-(?P<build>[^-/]+)(?P<type>\.conda|\.tar\.bz2)"
)
_URL_HOST = re.compile(r"[a-z][a-z0-9+.-]*://[^/]*/")
#: What conda-lock adds for pip, as a comment.
_PIP = re.compile(r"#\s*pip\s+(?P<name>[A-Za-z0-9._-]+)\s*(?:@\s*(?P<url>\S+)|==(?P<version>\S+))")
_LONGEST = 2_000
_DIGESTS = {32: "md5", 64: "sha256"}


def conda_explicit(data: bytes, reader: Reader) -> list[Resolved]:
    """Read an explicit list: one environment of one platform."""
    found = Resolved()
    subdirs: set[str] = set()
    for line in text_of(data, reader.where).splitlines():
        text = line.strip()
        if not text or text == "@EXPLICIT":
            continue
        if text.startswith("#"):
            _comment(text, reader, found)
            continue
        package = archive(text, reader)
        if package is None:
            continue
        found.packages.append(package)
        if package.name == "python":
            found.python = package.version
        if (subdir := _subdir(package)) is not None:
            subdirs.add(subdir)
    if not found.packages:
        raise BadInput("this explicit list names no package", where=reader.where)
    if found.platform is None and len(subdirs) == 1:
        found.platform = subdirs.pop()
    return [found]


def _subdir(package: Pinned) -> str | None:
    found = re.search(r"[?&]subdir=([^&]+)", package.purl)
    return None if found is None or found[1] == "noarch" else found[1]


def archive(
    address: str,
    reader: Reader,
    *,
    hashes: list[str] | None = None,
    requires: Sequence[str] = (),
) -> Pinned | None:
    """The package in an archive of conda, by its address; ``None``, and counted, for another."""
    shown, _, digest = address[:_LONGEST].partition("#")
    clean = no_credentials(shown) or ""
    host = _URL_HOST.match(clean)
    named = _ARCHIVE.fullmatch(clean[host.end() :] if host else clean.lstrip("/"))
    if named is None:
        reader.lose("packages", "have an address that is no archive of conda's", clean[:80])
        return None
    channel = "/".join(filter(None, ((named["base"] or "").strip("/"), named["channel"])))
    digest = digest.rpartition(":")[2]
    listed = [f"{_DIGESTS[len(digest)]}:{digest}"] if len(digest) in _DIGESTS else []
    return reader.package(
        named["name"],
        named["version"],
        kind="conda",
        at={
            "channel": scrub(channel) if host and not clean.startswith("file:") else None,
            "subdir": named["subdir"],
            "build": named["build"],
            "type": named["type"].lstrip("."),
        },
        hashes=listed if hashes is None else hashes,
        requires=requires,
    )


def _comment(text: str, reader: Reader, found: Resolved) -> None:
    if (platform := _PLATFORM.fullmatch(text)) is not None:
        found.platform = platform[1]
    pip = _PIP.match(text)
    if pip is None:
        return
    url, _, fragment = (pip["url"] or "").partition("#")
    version = pip["version"] or wheel_version(url)
    if version is None:
        found.unpinned.append(scrub(f"{pip['name']} @ {no_credentials(url)}"))
        return
    hashes = [fragment.replace("=", ":", 1)] if "=" in fragment else []
    package = reader.package(pip["name"], version, at={}, hashes=hashes)
    if package is not None:
        found.packages.append(package)


def wheel_version(address: str) -> str | None:
    """The version in the name of a wheel, or of a source archive."""
    name = address.partition("#")[0].rpartition("/")[2]
    try:
        return str(parse_wheel_filename(name)[1])
    except InvalidWheelFilename:
        found = re.fullmatch(r"[A-Za-z0-9._-]+?-(\d[A-Za-z0-9.!+_]*)(?:\.tar\.gz|\.zip)", name)
        return found[1] if found else None

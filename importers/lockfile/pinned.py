# SPDX-License-Identifier: Apache-2.0
"""The packages at versions that a lock file lists, and the requirements that it leaves open."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from packageurl import PackageURL
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from importers.tally import Tally
from lineage.access.secret_patterns import scrub
from lineage.errors import BadInput, InputTooNew, InputTruncated, LimitExceeded
from lineage.sources.text import decode, demand_merged

#: Lock files larger than this are refused (bytes).
LARGEST = 64 * 1024 * 1024
#: Requirements without a version that are named in the environment; the rest is counted.
MOST_UNPINNED = 200

_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,200}[A-Za-z0-9_])?")
_VERSION = re.compile(r"[!-~]{1,200}")
_HASH = re.compile(r"(md5|sha1|sha224|sha256|sha384|sha512|blake2[bs]):([0-9a-f]{32,128})")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_AT = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pinned:
    """One package at one version, and how it belongs to its environment."""

    purl: str
    name: str
    version: str | None
    hashes: tuple[str, ...] = ()
    #: Where its files are, each with its digest behind it as an index of packages writes it (PEP 503).
    files: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    marker: str | None = None
    installer: str | None = None
    record: str | None = None


@dataclass(kw_only=True, slots=True)
class Resolved:
    """One environment that a file describes."""

    python: str | None = None
    platform: str | None = None
    packages: list[Pinned] = field(default_factory=list)
    unpinned: list[str] = field(default_factory=list)
    #: The extras and groups that make it this of several environments that exclude each other.
    chosen: tuple[str, ...] = ()


class Reader:
    """Collects the packages of one file, and counts what is wrong with them."""

    def __init__(self, tally: Tally, where: str) -> None:
        self.tally = tally
        self.where = where

    def package(
        self,
        name: Any,
        version: Any,
        *,
        kind: str = "pypi",
        at: Mapping[str, str | None],
        **more: Any,
    ) -> Pinned | None:
        """A package that can be named; ``None``, and counted, for one that cannot.

        ``at`` are the purl qualifiers (package-url/purl-spec) that say which build it is.
        """
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self.lose("packages", "have no name that a registry could have", repr(name)[:60])
            return None
        if version is not None and not (isinstance(version, str) and _VERSION.fullmatch(version)):
            self.lose("packages", "have a version that is no text", name)
            return None
        if kind == "pypi":
            name, version = canonicalize_name(name), _normal(version)
            # What it needs is called as the members of its environment are.
            wanted = more.get("requires") or ()
            more["requires"] = [_canonical(x) for x in wanted if isinstance(x, str)]
        qualifiers = {key: value for key, value in at.items() if value}
        try:
            purl = PackageURL(kind, None, name, version, qualifiers).to_string()
        except ValueError:
            self.lose("packages", "cannot be written as a package URL", name)
            return None
        given = more.pop("hashes", ())
        listed = given if isinstance(given, list | tuple | set) else (given,)
        said = (self._hash(text, name) for text in listed)
        hashes = tuple(sorted({x for x in said if x is not None}))
        return Pinned(purl=purl, name=name, version=version, hashes=hashes, **_texts(more))

    def lose(self, what: str, reason: str, first: str) -> None:
        """Count what is no record."""
        self.tally.lose(what, reason, first=f"{scrub(first)} in {self.where}")

    def lost(self, what: str) -> bool:
        """Whether anything of this sort was counted."""
        return any(loss.what == what for loss in self.tally.losses())

    def local(self, name: Any, path: Any) -> str | None:
        """A package out of a folder, as the requirement that stays open; the project itself, which
        is no part of its environment, is only counted.
        """
        if isinstance(path, str) and path in {".", ""}:
            self.lose("packages", "are the project itself, which no registry has", str(name))
            return None
        return f"{scrub(str(name))[:200]} (local folder)"

    def _hash(self, text: Any, name: str) -> str | None:
        said = text.lower() if isinstance(text, str) else ""
        if _HASH.fullmatch(said):
            return said
        self.lose("hashes", "are none that is known", name)
        return None


def _texts(more: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as sorted texts, the rest as scrubbed text."""
    shown: dict[str, Any] = {}
    for key, value in more.items():
        if isinstance(value, list | tuple | set | frozenset | dict):
            shown[key] = tuple(sorted({scrub(str(x)) for x in value if isinstance(x, str)}))
        elif value is not None:
            shown[key] = scrub(str(value))[:1_000]
    return shown


_canonical = lru_cache(maxsize=10_000)(canonicalize_name)


def required_name(text: Any) -> str | None:
    """The name in a requirement; those of extras were not asked for by everybody."""
    try:
        said = Requirement(str(text))
    except (InvalidRequirement, RecursionError):
        return None
    return None if said.marker and "extra" in str(said.marker) else said.name


def _normal(version: str | None) -> str | None:
    try:
        return str(Version(version)) if version is not None else None
    except InvalidVersion:
        return version


def git_address(url: str, commit: str) -> str | None:
    """The ``vcs_url`` of a purl: a repository at a commit, without credentials."""
    if not _COMMIT.fullmatch(commit):
        return None
    clean = scrub(url.removeprefix("git+").partition("#")[0].partition("?")[0])
    return f"git+{clean}@{commit}"


def no_credentials(url: Any) -> str | None:
    """An address without user, query and fragment: those carry tokens and say nothing of bytes."""
    return scrub(url).partition("#")[0].partition("?")[0] if isinstance(url, str) else None


def file_address(url: Any, digest: Any) -> str | None:
    """Where a file of a package is, with the digest of its bytes: ``URL#sha256=...`` (PEP 503)."""
    said = digest.lower() if isinstance(digest, str) else ""
    address = no_credentials(url)
    if address is None or "://" not in address or not _HASH.fullmatch(said):
        return None
    return f"{address}#{said.replace(':', '=', 1)}"


# --- formats --------------------------------------------------------------------------------------


def text_of(data: bytes, where: str) -> str:
    """Read a text file of any of the encodings that tools write. Raises ``BadInput``."""
    if len(data) > LARGEST:
        raise LimitExceeded(f"{len(data)} bytes, more than {LARGEST}", where=where)
    marked = data[:2] in {b"\xff\xfe", b"\xfe\xff"}  # PowerShell redirects as UTF-16
    text = decode(data, where=where, encoding="utf-16" if marked else "utf-8-sig")
    if not text.strip():
        raise InputTruncated("the file is empty", where=where)
    demand_merged(text, where=where, hint="Resolve the merge and lock again.")
    return text


def toml(data: bytes, where: str) -> dict[str, Any]:
    """Read a TOML file. Raises ``BadInput``, ``InputTruncated``, ``LimitExceeded``."""
    text = text_of(data, where)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        line = int(found[1]) if found and found[1] else None
        problem = _AT.sub("", str(error)).strip()
        if line is None or line >= len(text.rstrip().splitlines()):
            raise InputTruncated(f"the TOML ends too early: {problem}", where=where) from error
        raise BadInput(f"not TOML: {problem}", where=f"{where}:{line}") from error
    except RecursionError as error:
        raise LimitExceeded("nested too deep", where=where) from error
    except ValueError as error:  # a date that no calendar has, a number of too many digits
        raise BadInput(f"not TOML: {error}", where=where) from error


def demand_version(found: Any, known: int, tool: str, where: str) -> None:
    """Refuse the lock files of a newer tool, and those that state no version at all."""
    major = str(found).partition(".")[0]
    if isinstance(found, bool) or not major.isdecimal() or len(major) > 9:
        message = f"this is no lock file of {tool}: it states no version of its format"
        raise BadInput(message, where=where)
    if int(major) > known:
        message = f"it has version {str(found)[:20]} of the format of {tool}, {known} is known"
        raise InputTooNew(message, where=where)


def tables(value: Any) -> list[dict[str, Any]]:
    """The tables of a list of tables."""
    return [x for x in value if isinstance(x, dict)] if isinstance(value, list) else []


def table(value: Any) -> dict[str, Any]:
    """A table, empty where there is none."""
    return value if isinstance(value, dict) else {}

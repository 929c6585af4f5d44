# SPDX-License-Identifier: Apache-2.0
"""Reads requirements files as pip does, without fetching anything and never leaving the folder."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from packaging.requirements import InvalidRequirement, Requirement

from importers.lockfile import listings
from importers.lockfile.pinned import (
    Reader,
    Resolved,
    git_address,
    no_credentials,
    text_of,
)
from lineage.access.secret_patterns import scrub
from lineage.errors import BadInput, InputTruncated, LimitExceeded

_MOST_FILES = 100
_LONGEST_LINE = 100_000

_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$")
_HASH = re.compile(r"\s--hash[=\s]\s*(\S+)")
_OPTION = re.compile(r"(?P<name>--[A-Za-z][\w-]*|-[A-Za-z])[=\s]*(?P<value>.*)")
_INCLUDES = ("-r", "--requirement")
_EDITABLE = ("-e", "--editable")
_GIT = re.compile(
    r"git\+(?P<url>[a-z+]+://[^#\s]+?|[^#\s]+?)@(?P<commit>[0-9a-f]{40})(?:#(?P<about>\S*))?"
)
_EGG = re.compile(r"(?:^|&)egg=([A-Za-z0-9._-]+)")
_FRAGMENT_HASH = re.compile(r"#(?:.*&)?((?:sha256|sha512|sha384|md5)=[0-9a-f]+)")

#: Where conda builds what ``pip freeze`` then says is from a folder.
_BY_CONDA = re.compile(
    r"file:///(?:\S*/)?(?:conda-bld|croot|tmp/build|feedstock_root/build_artifacts|build_artifacts)/"
)
#: What pip of Debian and Ubuntu once listed.
_DEBIAN = ("pkg-resources", "0.0.0")

#: Reads an included file by its path inside the folder; ``None`` when there is none.
Include = Callable[[str], bytes | None]


def requirements(data: bytes, reader: Reader, path: str, include: Include) -> list[Resolved]:
    """Read a requirements file with those that it includes, or a list of what is installed under
    that name.
    """
    listed = listings.read(text_of(data, reader.where), reader)
    if listed is not None:
        return [listed]
    found = Resolved()
    todo, seen = [(path, data)], {path}
    gone: list[tuple[str, str]] = []
    while todo:
        here, content = todo.pop(0)
        for line in _lines(content, here):
            named = included(line)
            if named is None:
                one_line(line, reader, found)
                continue
            there = inside(here, named, reader)
            if there is None:
                found.unpinned.append(not_read(named))
                continue
            if there in seen:
                continue
            seen.add(there)
            if len(seen) > _MOST_FILES:
                raise LimitExceeded(f"includes over {_MOST_FILES} files", where=here)
            if (inner := include(there)) is None:
                gone.append((here, named))
                found.unpinned.append(not_read(named))
                continue
            todo.append((there, inner))
    if gone and not found.packages and len(found.unpinned) == len(gone):
        here, named = gone[0]
        message = f"{here} includes {named}, which is not there"
        raise BadInput(message, where=here, hint="Bring the file back, or mend -r.")
    for here, named in gone:
        reader.lose(
            "included files", "are not there: the environment is open", f"{named} of {here}"
        )
    if not (found.packages or found.unpinned) and reader.lost("lines"):
        raise BadInput("this is no requirements file: no line is one", where=reader.where)
    return [found]


def _lines(data: bytes, where: str) -> Iterator[str]:
    """Logical lines: comments taken out, continued ones joined."""
    held = ""
    number = 0
    for number, raw in enumerate(text_of(data, where).splitlines(), 1):
        if len(held) + len(raw) > _LONGEST_LINE:
            raise LimitExceeded("a line is too long", where=f"{where}:{number}")
        line = held + _COMMENT.sub("", raw).rstrip()
        if line.endswith("\\") and not raw.lstrip().startswith("#"):
            held = line[:-1] + " "
            continue
        held = ""
        if line.strip():
            yield line.strip()
    if held.strip():
        raise InputTruncated(
            "the last line is continued on one that is not there", where=f"{where}:{number}"
        )


def not_read(named: str) -> str:
    """What an included file leaves open that could not be read."""
    return scrub(f"-r {named.strip()} (not read)")


def included(line: str) -> str | None:
    """The file that a line includes, if it does."""
    option = _OPTION.fullmatch(line) if line.startswith("-") else None
    return option["value"].strip() if option is not None and option["name"] in _INCLUDES else None


def inside(here: str, value: str, reader: Reader) -> str | None:
    """Where an include leads, seen from the folder of the first file."""
    there = posixpath.normpath(posixpath.join(posixpath.dirname(here), value.strip()))
    if there.startswith(("/", "../")) or "://" in value or there == "..":
        reader.lose("included files", "lie outside the folder and are not opened", value)
        return None
    return there


def one_line(line: str, reader: Reader, found: Resolved) -> None:
    """A line that is a requirement with its options, or an option."""
    option = _OPTION.fullmatch(line) if line.startswith("-") else None
    if option is not None and option["name"] in _EDITABLE:
        _editable(option["value"], reader, found)
    elif option is not None:
        reader.lose("options", "say how pip works, not what is installed", option["name"])
    elif (pin := listings.conda_pin(line)) is not None:
        listings.take(pin, reader, found)
    else:
        text = re.split(r"\s--", line, maxsplit=1)[0].strip()
        _requirement(text, _HASH.findall(line), reader, found)


def _requirement(text: str, hashes: list[str], reader: Reader, found: Resolved) -> None:
    """One requirement, pinned or left open."""
    try:
        said = Requirement(text)
    except InvalidRequirement:
        _address(text, reader, found)
        return
    except RecursionError:
        reader.lose("lines", "are no requirement that pip knows", text[:80])
        return
    marker = str(said.marker) if said.marker else None
    if said.url is not None:
        _at_url(said.name, said.url, marker, hashes, reader, found)
        return
    exact = [
        x.version
        for x in said.specifier
        if x.operator in {"==", "==="} and not x.version.endswith(".*")
    ]
    if len(said.specifier) != 1 or not exact:
        found.unpinned.append(scrub(str(said)))
        return
    if (said.name, exact[0]) == _DEBIAN:
        reader.lose("packages", "are none: Debian's pip lists itself so", text)
        return
    package = reader.package(
        said.name, exact[0], at={}, hashes=hashes, marker=marker, extras=said.extras
    )
    if package is not None:
        found.packages.append(package)


def _at_url(
    name: str, url: str, marker: str | None, hashes: list[str], reader: Reader, found: Resolved
) -> None:
    """A requirement at an address: pinned by a commit or a hash, else open."""
    git = _GIT.fullmatch(url)
    at = {"vcs_url": git_address(git["url"], git["commit"])} if git else {}
    if not git:
        hashes = hashes + [x.replace("=", ":") for x in _FRAGMENT_HASH.findall(url)]
        if _BY_CONDA.match(url):
            found.unpinned.append(f"{name} (built by conda, at a version that is not said)")
            return
        if url.startswith("file:") or not hashes:
            found.unpinned.append(scrub(f"{name} @ {no_credentials(url)}"))
            return
        at = {"download_url": no_credentials(url)}
    package = reader.package(name, None, at=at, hashes=hashes, marker=marker)
    if package is not None:
        found.packages.append(package)


def _editable(value: str, reader: Reader, found: Resolved) -> None:
    text = value.strip().strip("\"'")
    if "://" in text or text.startswith("git+"):
        _address(text, reader, found)
    else:
        path = posixpath.normpath(text)
        if (still := reader.local(posixpath.basename(path), path)) is not None:
            found.unpinned.append(still)


def _address(text: str, reader: Reader, found: Resolved) -> None:
    """A bare address or path."""
    git = _GIT.fullmatch(text.partition(";")[0].strip())
    egg = _EGG.search(git["about"] or "") if git else None
    name = egg[1] if egg else (posixpath.basename(git["url"]).removesuffix(".git") if git else "")
    if git:
        _at_url(name, text.partition(";")[0].strip(), None, [], reader, found)
    elif "://" in text or text.startswith((".", "/")) or text.endswith((".whl", ".tar.gz", ".zip")):
        found.unpinned.append(no_credentials(text) or "")
    else:
        reader.lose("lines", "are no requirement that pip knows", text[:80])

# SPDX-License-Identifier: Apache-2.0
"""Reads pixi.lock: an environment for each that the project has, on each platform."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from importers.lockfile.explicit import archive, wheel_version
from importers.lockfile.pinned import (
    Pinned,
    Reader,
    Resolved,
    demand_version,
    git_address,
    no_credentials,
    required_name,
    table,
    tables,
)
from lineage.access.secret_patterns import scrub
from lineage.errors import BadInput, InputTruncated
from lineage.sources import yaml_reader

#: The versions of the format that are known (rattler_lock): from the first with environments on.
OLDEST, PIXI = 4, 6

_HASHES = ("sha256", "md5")


def pixi(data: bytes, reader: Reader) -> list[Resolved]:
    """Read pixi.lock."""
    said = yaml_reader.load(data, where=reader.where)
    about = said if isinstance(said, dict) else {}
    demand_version(about.get("version"), PIXI, "pixi", reader.where)
    if int(str(about["version"])) < OLDEST:
        message = f"version {about['version']} of the format of pixi lists no environments"
        raise BadInput(message, where=reader.where, hint="Lock again with a newer pixi.")
    if not isinstance(about.get("environments"), dict):
        raise BadInput("this is no pixi.lock: it has no environments", where=reader.where)
    if not isinstance(about.get("packages"), list):
        raise InputTruncated("the pixi.lock ends before its packages", where=reader.where)
    known = {address: one for one in tables(about["packages"]) if (address := _address(one))}
    read: dict[str, Pinned | str | None] = {}
    found: dict[tuple[str, frozenset[str]], Resolved] = {}
    for name, environment in sorted(about["environments"].items()):
        listed = table(table(environment).get("packages"))
        for platform, packages in sorted(listed.items()):
            one = Resolved(platform=str(platform), chosen=(str(name),))
            for reference in tables(packages):
                _take(reference, known, read, reader, one)
            same = found.setdefault(
                (one.platform or "", frozenset(x.purl for x in one.packages)), one
            )
            if same is not one:
                same.chosen = (f"{same.chosen[0]} or {name}",)
    return list(found.values())


def _address(entry: Mapping[str, Any]) -> str | None:
    for key in ("conda", "pypi", "url", "path"):
        if isinstance(entry.get(key), str):
            return str(entry[key])
    return None


def _take(
    reference: Mapping[str, Any],
    known: Mapping[str, Mapping[str, Any]],
    read: dict[str, Pinned | str | None],
    reader: Reader,
    found: Resolved,
) -> None:
    """Add the package that an environment refers to; each is read once."""
    address = _address(reference)
    if address is None or address not in known:
        reader.lose("packages", "are referred to and not described", str(address)[:80])
        return
    if address not in read:
        is_conda = isinstance(reference.get("conda"), str)
        make = _conda if is_conda else _pypi
        read[address] = make(address, known[address], reader)
    package = read[address]
    if isinstance(package, str):
        found.unpinned.append(package)
    elif package is not None:
        found.packages.append(package)
        if package.name == "python" and package.purl.startswith("pkg:conda/"):
            found.python = package.version


def _hashes(said: Mapping[str, Any]) -> list[str]:
    return [f"{name}:{said[name]}" for name in _HASHES if isinstance(said.get(name), str)]


def _conda(address: str, said: Mapping[str, Any], reader: Reader) -> Pinned | str | None:
    if "://" not in address:
        return reader.local(said.get("name") or address, posixpath.normpath(address))
    depends = said.get("depends")
    asked = (
        [str(x).split(maxsplit=1)[0] for x in depends if str(x).strip()]
        if isinstance(depends, list)
        else []
    )
    return archive(address, reader, hashes=_hashes(said), requires=asked)


def _pypi(address: str, said: Mapping[str, Any], reader: Reader) -> Pinned | str | None:
    name = said.get("name")
    url = address.removeprefix("direct+")
    if url.startswith("git+"):
        place, _, commit = url.partition("#")
        commit = commit or place.rpartition("@")[2]
        plain = place.removesuffix("@" + commit)
        at: dict[str, str | None] = {"vcs_url": git_address(plain, commit)}
    elif "://" not in url:
        return reader.local(name or url, posixpath.normpath(url))
    else:
        at = {"download_url": no_credentials(url)} if address != url else {}
    version = said.get("version") or wheel_version(url)
    if version is None and not any(at.values()):
        return f"{scrub(str(name))} @ {no_credentials(url)}"
    wanted = said.get("requires_dist")
    return reader.package(
        name,
        version,
        at=at,
        hashes=_hashes(said),
        requires=[x for text in wanted if (x := required_name(text))]
        if isinstance(wanted, list)
        else [],
    )

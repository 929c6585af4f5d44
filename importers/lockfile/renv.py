# SPDX-License-Identifier: Apache-2.0
"""Reads renv.lock: the packages of R."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from importers.lockfile.pinned import (
    Reader,
    Resolved,
    git_address,
    no_credentials,
    table,
    tables,
)
from lineage.errors import BadInput
from lineage.sources import json_reader

#: Repositories that serve what CRAN has.
_CRAN = frozenset({"CRAN", "RSPM", "P3M", "PPM", "RENV", "CRANextra"})
_BIOCONDUCTOR = "https://bioconductor.org"
_HOSTS = {
    "github": "https://github.com",
    "gitlab": "https://gitlab.com",
    "bitbucket": "https://bitbucket.org",
}
#: What R itself is: a recommended package of it is one like others, its base has no version apart.
_R = "R"


def renv(data: bytes, reader: Reader) -> list[Resolved]:
    """Read renv.lock; the version of R is a package of the environment."""
    said = json_reader.loads(data, where=reader.where)
    about = table(said)
    if not isinstance(about.get("Packages"), dict) or not isinstance(about.get("R"), dict):
        message = "this is no renv.lock: it states no version of R, or no packages"
        raise BadInput(message, where=reader.where)
    found = Resolved(python=_text(table(about.get("Python")).get("Version")))
    repositories = {
        str(one.get("Name")): str(one.get("URL")) for one in tables(about["R"].get("Repositories"))
    }
    interpreter = reader.package(_R, about["R"].get("Version"), kind="generic", at={})
    if interpreter is not None:
        found.packages.append(interpreter)
    for name, package in sorted(about["Packages"].items()):
        _package(name, table(package), repositories, reader, found)
    return [found]


def _package(
    key: str,
    said: Mapping[str, Any],
    repositories: Mapping[str, str],
    reader: Reader,
    found: Resolved,
) -> None:
    name, source = said.get("Package", key), str(said.get("Source"))
    at = _origin(said, source, repositories)
    if at is None:
        still = reader.local(name, str(said.get("RemoteUrl") or source))
        found.unpinned.extend([still] if still else [])
        return
    if said.get("Hash"):
        reader.lose("hashes", "are of a package's description, not of its bytes", str(name))
    asked = said.get("Requirements")
    package = reader.package(
        name,
        said.get("Version"),
        kind="cran",
        at=at,
        requires=[x for x in asked if x != _R] if isinstance(asked, list) else [],
    )
    if package is not None:
        found.packages.append(package)


def _origin(
    said: Mapping[str, Any], source: str, repositories: Mapping[str, str]
) -> dict[str, str | None] | None:
    """Where a package is from, as qualifiers; ``None`` for a folder or what renv does not know."""
    if source == "Bioconductor" or str(said.get("Repository", "")).startswith("Bioc"):
        return {"repository_url": _BIOCONDUCTOR}
    if source in {"Repository", "CRAN", "RSPM"}:
        name = str(said.get("Repository") or "CRAN")
        if name in _CRAN:
            return {}
        place = name if "://" in name else repositories.get(name)
        is_cran = place is None or "cran" in place.lower() or "packagemanager" in place
        return {} if is_cran else {"repository_url": no_credentials(place)}
    sha = str(said.get("RemoteSha") or "")
    host = _HOSTS.get(source.lower())
    if host is not None and said.get("RemoteUsername") and said.get("RemoteRepo"):
        url = f"{host}/{said['RemoteUsername']}/{said['RemoteRepo']}"
        return {"vcs_url": git_address(url, sha)} if git_address(url, sha) else None
    if source.lower() == "git" and isinstance(said.get("RemoteUrl"), str):
        address = git_address(said["RemoteUrl"], sha)
        return {"vcs_url": address} if address else None
    if source.lower() == "url" and isinstance(said.get("RemoteUrl"), str):
        return {"download_url": no_credentials(said["RemoteUrl"])}
    return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None

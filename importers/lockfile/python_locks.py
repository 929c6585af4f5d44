# SPDX-License-Identifier: Apache-2.0
"""Reads uv.lock, pylock.toml, poetry.lock, pdm.lock and Pipfile.lock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from packaging.pylock import Package, Pylock, PylockUnsupportedVersionError, PylockValidationError
from packaging.utils import canonicalize_name

from importers.lockfile import uv_choices
from importers.lockfile.pinned import (
    Pinned,
    Reader,
    Resolved,
    demand_version,
    file_address,
    git_address,
    no_credentials,
    required_name,
    table,
    tables,
    toml,
)
from importers.lockfile.records import merged
from lineage.errors import BadInput, InputTooNew, InputTruncated
from lineage.sources import json_reader

#: The versions of each format that are known.
UV, POETRY, PDM, PIPFILE = 1, 2, 4, 6


def uv(data: bytes, reader: Reader) -> list[Resolved]:
    """Read uv.lock: one environment for every platform and Python it was solved for; of extras and
    groups that exclude each other, one for each that can be chosen.
    """
    said = toml(data, reader.where)
    demand_version(said.get("version"), UV, "uv", reader.where)
    members = uv_choices.Members(said)
    alternatives = members.alternatives()
    if len(alternatives) > uv_choices.MOST:
        reader.lose("alternatives", f"over {uv_choices.MOST} of one lock file", reader.where)
    if any(members.excluding):
        named = " or ".join(sorted({str(c) for items in members.excluding for c in items}))
        reader.lose("alternatives", "exclude each other: each is an environment of its own", named)
    python = _text(said.get("requires-python"))
    packages: dict[int, Pinned | str | None] = {}
    found: dict[frozenset[str], Resolved] = {}
    for chosen in alternatives[: uv_choices.MOST]:
        one = Resolved(python=python, chosen=tuple(map(str, sorted(chosen))))
        for number, why in sorted(uv_choices.by_choice(members, chosen).items()):
            if number not in packages:
                where = members.markers.get(number)
                packages[number] = _uv_package(members.packages[number], where, reader)
            package = packages[number]
            if isinstance(package, Pinned):
                one.packages.append(_chosen(package, why) if why else package)
            else:
                _open(one, package)
        same = found.setdefault(frozenset(x.purl for x in one.packages), one)
        if same is not one:
            same.chosen = (" or ".join(", ".join(x.chosen) or "neither" for x in (same, one)),)
            same.packages = merged([*same.packages, *one.packages])
    return list(found.values())


def _chosen(package: Pinned, why: Sequence[uv_choices.Choice]) -> Pinned:
    """A package with the extras and groups by which it is there."""
    by = {
        sort: tuple(sorted({c.name for c in why if c.sort == sort})) for sort in ("extra", "group")
    }
    return replace(package, extras=by["extra"], groups=by["group"])


def _uv_package(
    package: Mapping[str, Any], where: str | None, reader: Reader
) -> Pinned | str | None:
    """A package of uv.lock, and ``where`` it is needed; the requirement that stays open, for one in a
    folder.
    """
    source = table(package.get("source"))
    if (path := _local(source, ("editable", "virtual", "directory", "path"))) is not None:
        return reader.local(package.get("name"), path)
    files = tables([package.get("sdist"), *tables(package.get("wheels"))])
    return reader.package(
        package.get("name"),
        package.get("version"),
        at=_uv_source(source),
        hashes=[x["hash"] for x in files if "hash" in x],
        files=[file_address(x.get("url"), x.get("hash")) for x in files],
        requires=[x.get("name") for x in tables(package.get("dependencies"))],
        marker=_joined(package.get("resolution-markers")) or where,
    )


def _uv_source(source: Mapping[str, Any]) -> dict[str, str | None]:
    if isinstance(url := source.get("git"), str):
        return {"vcs_url": git_address(url, url.rpartition("#")[2])}
    return {"download_url": no_credentials(source.get("url"))}


def pylock(data: bytes, reader: Reader) -> list[Resolved]:
    """Read pylock.toml (PEP 751)."""
    said = toml(data, reader.where)
    try:
        lock = Pylock.from_dict(said)
    except PylockUnsupportedVersionError as error:
        raise InputTooNew(f"pylock.toml: {error}", where=reader.where) from error
    except (PylockValidationError, RecursionError) as error:
        raise BadInput(f"this is no pylock.toml: {error}", where=reader.where) from error
    found = Resolved(python=str(lock.requires_python) if lock.requires_python else None)
    for package in lock.packages:
        if package.directory is not None:
            _open(found, reader.local(package.name, package.directory.path))
            continue
        version = str(package.version) if package.version else None
        address = _pylock_source(package)
        if version is None and not any(address.values()):
            _open(found, package.name)
            continue
        _add(
            found,
            reader.package(
                package.name,
                version,
                at=address,
                hashes=_pylock_hashes(package),
                files=_pylock_files(package),
                requires=[x.get("name") for x in package.dependencies or ()],
                marker=package.marker,
            ),
        )
    return [found]


def _pylock_source(package: Package) -> dict[str, str | None]:
    if package.vcs is not None:
        url = package.vcs.url or package.vcs.path or ""
        return {"vcs_url": git_address(url, package.vcs.commit_id)}
    if package.archive is not None:
        return {"download_url": no_credentials(package.archive.url or package.archive.path)}
    return {}


def _pylock_hashes(package: Package) -> list[str]:
    files = [package.archive, package.sdist, *(package.wheels or ())]
    return [f"{name}:{text}" for x in files if x is not None for name, text in x.hashes.items()]


def _pylock_files(package: Package) -> list[str | None]:
    files = [package.sdist, *(package.wheels or ())]
    return [
        file_address(x.url, f"{name}:{text}")
        for x in files
        if x is not None
        for name, text in x.hashes.items()
    ]


def poetry(data: bytes, reader: Reader) -> list[Resolved]:
    """Read poetry.lock, of poetry 1 and 2."""
    said = toml(data, reader.where)
    about = table(said.get("metadata"))
    if not about and tables(said.get("package")):
        message = "the poetry.lock ends before its [metadata]"
        raise InputTruncated(message, where=reader.where)
    demand_version(
        about.get("lock-version", "1.0" if about else None), POETRY, "poetry", reader.where
    )
    found = Resolved(python=_text(about.get("python-versions")))
    elsewhere = table(about.get("files"))
    extras = _poetry_extras(said)
    for package in tables(said.get("package")):
        source, name = table(package.get("source")), package.get("name")
        url, kind = source.get("url"), source.get("type")
        if str(kind) in {"directory", "file"}:
            _open(found, reader.local(name, url))
            continue
        files = tables(package.get("files")) or tables(elsewhere.get(str(name)))
        commit = str(source.get("resolved_reference") or "")
        _add(
            found,
            reader.package(
                name,
                package.get("version"),
                at={
                    "vcs_url": git_address(str(url), commit) if kind == "git" else None,
                    "download_url": no_credentials(url) if kind == "url" else None,
                },
                hashes=[x.get("hash") for x in files],
                requires=list(table(package.get("dependencies"))),
                groups=package.get("groups") or [package.get("category")],
                extras=extras.get(canonicalize_name(str(name)), ()),
                marker=_joined(package.get("markers")),
            ),
        )
    return [found]


def _poetry_extras(said: Mapping[str, Any]) -> Mapping[str, list[str]]:
    """Package -> the extras of the project that ask for it."""
    found: dict[str, list[str]] = {}
    for extra, asked in table(said.get("extras")).items():
        for text in _strings(asked if isinstance(asked, list) else []):
            name = canonicalize_name(re.split(r"[\s\[(;<>=!~]", text, maxsplit=1)[0])
            found.setdefault(name, []).append(extra)
    return found


def pdm(data: bytes, reader: Reader) -> list[Resolved]:
    """Read pdm.lock."""
    said = toml(data, reader.where)
    about = table(said.get("metadata"))
    demand_version(about.get("lock_version"), PDM, "pdm", reader.where)
    targets = [x.get("requires_python") for x in tables(about.get("targets"))]
    wanted = sorted({x for x in (*targets, about.get("requires_python")) if isinstance(x, str)})
    found = Resolved(python=wanted[0] if len(wanted) == 1 else None)
    elsewhere = table(about.get("files"))
    for package in tables(said.get("package")):
        _pdm_package(found, reader, package, elsewhere)
    # Of a package that is asked for with extras there is an entry more for each set of them.
    found.packages = merged(found.packages)
    return [found]


def _pdm_package(
    found: Resolved, reader: Reader, said: Mapping[str, Any], elsewhere: Mapping[str, Any]
) -> None:
    name, version = said.get("name"), said.get("version")
    if (path := _local(said, ("path",))) is not None:
        _open(found, reader.local(name, path))
        return
    files = tables(said.get("files")) or tables(elsewhere.get(f"{name} {version}"))
    asked = said.get("dependencies")
    _add(
        found,
        reader.package(
            name,
            version,
            at={
                "vcs_url": git_address(str(said.get("git")), str(said.get("revision"))),
                "download_url": no_credentials(said.get("url")),
            },
            hashes=[x.get("hash") for x in files],
            requires=[x for text in asked if (x := required_name(text)) and x != name]
            if isinstance(asked, list)
            else [],
            groups=said.get("groups") or (),
            marker=_text(said.get("marker")),
        ),
    )


def pipfile(data: bytes, reader: Reader) -> list[Resolved]:
    """Read Pipfile.lock."""
    said = json_reader.loads(data, where=reader.where)
    about = table(said.get("_meta")) if isinstance(said, dict) else {}
    spec = about.get("pipfile-spec")
    demand_version(spec, PIPFILE, "pipenv", reader.where)
    wanted = table(about.get("requires"))
    found = Resolved(
        python=_text(wanted.get("python_full_version")) or _text(wanted.get("python_version"))
    )
    for group in sorted(said.keys() - {"_meta"}):
        for name, package in sorted(table(said[group]).items()):
            _pipfile_package(found, reader, group, name, table(package))
    return [found]


def _pipfile_package(
    found: Resolved, reader: Reader, group: str, name: str, said: Mapping[str, Any]
) -> None:
    if (path := _local(said, ("path", "file"))) is not None and "://" not in path:
        _open(found, reader.local(name, path))
        return
    version = said.get("version")
    exact = isinstance(version, str) and version.startswith("==")
    address = {
        "vcs_url": git_address(str(said.get("git")), str(said.get("ref"))),
        "download_url": no_credentials(said.get("file") or said.get("path")),
    }
    if not exact and not any(address.values()):
        _open(found, f"{name}{version if isinstance(version, str) else ''}")
        return
    _add(
        found,
        reader.package(
            name,
            version.lstrip("=") if exact and isinstance(version, str) else None,
            at=address,
            hashes=said.get("hashes") or (),
            groups=[group],
            marker=said.get("markers"),
        ),
    )


def _add(found: Resolved, package: Pinned | None) -> None:
    if package is not None:
        found.packages.append(package)


def _open(found: Resolved, requirement: str | None) -> None:
    if requirement is not None:
        found.unpinned.append(requirement)


def _local(source: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((x for key in keys if isinstance(x := source.get(key), str)), None)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _joined(value: Any) -> str | None:
    """Markers, several of which a lock file may state as a list or by group."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return " or ".join(f"({x})" for x in _strings(value)) or None
    return _text(value)


def _strings(value: list[Any]) -> Iterator[str]:
    return (x for x in value if isinstance(x, str))

# SPDX-License-Identifier: Apache-2.0
"""Writes an environment that is recorded in the formats by which tools make one, and says what they cannot hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from packageurl import PackageURL

from lineage.errors import NotReproducible
from lineage.model.record import Edge, Node
from lineage.model.value import each
from lineage.services.context import Context
from lineage.services.read import pylock
from lineage.store.base import NOW, Hop

#: pip's requirements, conda's environment.yml, a file that Docker builds an image of, the lock file of PEP 751.
Format: TypeAlias = Literal["requirements", "conda", "dockerfile", "pylock"]
_MEMBERS = Hop(relations=frozenset({"hadMember"}))
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What an environment is made of: ``python`` is the version of its interpreter, ``packages`` are the versions or
    addresses of Python's packages by name, ``hashes`` those that are known of each, ``conda`` the packages of conda,
    and ``left`` what no index has, with the reason. ``locked`` are Python's packages each with its files, as far as
    a lock file names them; where that is another environment's, ``borrowed`` says so.
    """

    python: str | None
    packages: Mapping[str, str]
    hashes: Mapping[str, tuple[str, ...]]
    conda: tuple[PackageURL, ...]
    left: tuple[str, ...]
    locked: tuple[pylock.Locked, ...] = ()
    borrowed: bool = False

    def with_files_of(self, declared: Iterable[Requirements]) -> Requirements:
        """The same, with the files that declared environments name for the same versions."""
        known = {one.purl: one.files for other in declared for one in other.locked if one.files}
        found = tuple(
            one if one.files else replace(one, files=known.get(one.purl, ())) for one in self.locked
        )
        return replace(self, locked=found, borrowed=found != self.locked)

    @property
    def cannot_be_had(self) -> tuple[str, ...]:
        """What pip cannot bring: neither an index nor an address of Python's packages has it."""
        return tuple(_left(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An environment as a file: its text, and what the format cannot hold, which stands in the text as comments."""

    text: str
    left: tuple[str, ...]


def requirements(ctx: Context, environment: Node) -> Requirements:
    """What an environment that is recorded is made of."""
    edges = (row.edge() for row in ctx.store.edges([environment.id], _MEMBERS, NOW))
    return of_records(environment, edges)


def of_records(environment: Node, members: Iterable[Edge]) -> Requirements:
    """The same out of the records of an environment: its node, and the edges to its packages."""
    packages: dict[str, str] = {}
    hashes: dict[str, tuple[str, ...]] = {}
    conda: list[PackageURL] = []
    left = [str(one) for one in each(environment.attributes.get("unpinned", ()))]
    locked: list[pylock.Locked] = []
    for edge in members:
        purl = PackageURL.from_string(edge.cause)
        at = _qualifiers(purl)
        said = at.get("vcs_url") or at.get("download_url") or purl.version
        if purl.type == "conda" and purl.version is not None:
            conda.append(purl)
        elif purl.type == "pypi" and said is not None:
            locked.append(pylock.locked(edge))
            packages[purl.name] = said
            if "vcs_url" not in at:  # pip takes no hash of what it clones
                hashes[purl.name] = tuple(str(x) for x in each(edge.attributes.get("hash", ())))
        else:
            left.append(f"{purl.name} (a package of {purl.type})")
    python = environment.attributes.get("python")
    return Requirements(
        python=python if isinstance(python, str) else None,
        packages=packages,
        hashes={name: found for name, found in hashes.items() if found},
        conda=tuple(sorted(conda, key=lambda purl: purl.name)),
        left=tuple(sorted(left)),
        locked=tuple(locked),
    )


def written(told: Requirements, to: Format) -> Written:
    """An environment in a format. Raises ``NotReproducible`` where the format needs what is not known."""
    return _WRITERS[to](told)


def _as_requirements(told: Requirements) -> Written:
    left = (*_left(told), *_unhashed(told))
    head = [f"# Python {told.python}"] if told.python else []
    return Written(text=_text([*head, *_comments(left), *_lines(told)]), left=left)


def _as_conda(told: Requirements) -> Written:
    left = list(told.left)
    if told.hashes:
        left.append("the hashes of packages of pip (this format has no place for them)")
    if any("build" in _qualifiers(purl) for purl in told.conda):
        left.append("other platforms (builds of conda are of one)")
    channels = [x for purl in told.conda if (x := _qualifiers(purl).get("channel"))]
    lines = ["channels:", *(f"  - {x}" for x in dict.fromkeys(channels))] if channels else []
    lines.append("dependencies:")
    names = {purl.name for purl in told.conda}
    if told.python and _VERSION.fullmatch(told.python) and "python" not in names:
        lines.append(f"  - python={told.python}")
    lines += [f"  - {_spec(purl)}" for purl in told.conda]
    if told.packages:
        lines += [] if "pip" in names else ["  - pip"]
        lines += ["  - pip:", *(f"      - {_line(told, name)}" for name in sorted(told.packages))]
    return Written(text=_text([*_comments(left), *lines]), left=tuple(left))


def _as_dockerfile(told: Requirements) -> Written:
    if told.python is None or not _VERSION.fullmatch(told.python):
        raise NotReproducible(
            f"the version of the interpreter is not known: {told.python or 'none is recorded'}",
            hint="An image begins with one: export the requirements instead.",
        )
    left = (*_left(told), *_unhashed(told))
    lines = ["# syntax=docker/dockerfile:1", f"FROM python:{told.python}-slim", *_comments(left)]
    if told.packages:
        lines.append("RUN pip install --no-cache-dir --no-deps --requirement /dev/stdin <<'EOF'")
        lines += [*_lines(told), "EOF"]
    return Written(text=_text(lines), left=left)


def _as_pylock(told: Requirements) -> Written:
    text, lost, count = pylock.document(told.python, told.locked)
    if told.locked and not count:
        raise NotReproducible(
            "no package of this environment is recorded with its files, which a pylock.toml names by address and digest",
            hint="Import the uv.lock or pylock.toml of the run with --for RUN, or export the requirements instead.",
        )
    left = (*_left(told), *lost, *([pylock.BORROWED] if told.borrowed else []))
    head = [f"# Python {told.python}"] if told.python else []
    return Written(text=_text([*head, *_comments(left), text]), left=left)


_WRITERS: Mapping[str, Callable[[Requirements], Written]] = {
    "requirements": _as_requirements,
    "conda": _as_conda,
    "dockerfile": _as_dockerfile,
    "pylock": _as_pylock,
}


def _left(told: Requirements) -> Iterator[str]:
    """What pip cannot bring."""
    yield from told.left
    for purl in told.conda:
        if purl.name != "python":  # whoever makes an environment of pip brings the interpreter
            yield f"{purl.name} {purl.version} (a package of conda)"


def _unhashed(told: Requirements) -> Iterator[str]:
    if told.hashes and not _all_hashed(told):
        yield f"the hashes of {len(told.hashes)} packages (pip takes them of all packages or of none)"


def _all_hashed(told: Requirements) -> bool:
    return told.packages.keys() == told.hashes.keys()


def _comments(left: Iterable[str]) -> Iterator[str]:
    for one in left:
        yield f"# not in it: {' '.join(one.split())}"


def _lines(told: Requirements) -> Iterator[str]:
    """The packages as lines of pip's requirements, with their hashes."""
    for name in sorted(told.packages):
        hashes = told.hashes[name] if _all_hashed(told) else ()
        yield " \\\n    ".join([_line(told, name), *(f"--hash={one}" for one in hashes)])


def _line(told: Requirements, name: str) -> str:
    said = told.packages[name]
    return f"{name} @ {said}" if "://" in said else f"{name}=={said}"


def _spec(purl: PackageURL) -> str:
    """A package as conda asks for it: channel, name, version, build."""
    at = _qualifiers(purl)
    channel = f"{at['channel']}::" if "channel" in at else ""
    return channel + "=".join(filter(None, [purl.name, purl.version, at.get("build")]))


def _qualifiers(purl: PackageURL) -> Mapping[str, str]:
    return purl.qualifiers if isinstance(purl.qualifiers, dict) else {}


def _text(lines: Iterable[str]) -> str:
    return "\n".join([*lines, ""])

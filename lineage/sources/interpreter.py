# SPDX-License-Identifier: Apache-2.0
"""Finds what belongs to a Python interpreter from the files around it: its prefix, its version, and the
folders that it has packages in. Nothing is run.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lineage.paths import is_file, is_folder
from lineage.sources.git.layout import plain_text

#: The file that makes a folder a virtual environment (PEP 405).
CONFIG = "pyvenv.cfg"

_SETTING = re.compile(r"^([a-z-]+(?:_info)?)[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")
_FOLDER = re.compile(r"(?:python|pypy)(\d+\.\d+)t?")
_NAMED = re.compile(r"(?:python|pypy)(\d+\.\d+)?")
_PATCH_LEVEL = re.compile(r'^#define PY_VERSION\s+"(\d+\.\d+\.\d+)', re.MULTILINE)
_OF_CONDA = re.compile(r"python-(\d+\.\d+\.\d+)-[^-]+\.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """An interpreter: ``folders`` hold its packages, in the order in which it looks into them."""

    prefix: Path
    folders: tuple[Path, ...]
    version: str | None = None
    implementation: str | None = None
    virtual: bool = False


def at_prefix(
    prefix: Path, variables: Mapping[str, str] | None = None, version: str | None = None
) -> Interpreter:
    """The interpreter of a virtual environment, or of an installation, by the folder that it is in; of an
    installation of several versions, that of this one. ``variables`` are the variables that it is started
    with: they can add folders.
    """
    settings = _settings(prefix)
    base = prefix
    if settings is None:
        version = _installed_version(prefix, version)
        own, isolated = _site_folders(prefix, version), False
    else:
        said = _VERSION.match(settings.get("version") or settings.get("version_info") or "")
        version = said[0] if said else None
        own = _site_folders(prefix, version)
        isolated = settings.get("include-system-site-packages", "").lower() != "true"
        base = Path(settings.get("home") or prefix / "bin").parent
        if not isolated:
            own = [*own, *_site_folders(base, version or _named_version(own))]
    version = version or _named_version(own)
    first, users = _added(variables or {}, version)
    return Interpreter(
        prefix=prefix,
        folders=tuple(dict.fromkeys([*first, *(() if isolated else users), *own])),
        version=version,
        implementation=_implementation(settings or {}, base, version),
        virtual=settings is not None,
    )


def of_executable(executable: Path, variables: Mapping[str, str]) -> Interpreter | None:
    """The interpreter that a program of this path is; ``None`` where nothing around it says what it is."""
    if not is_file(executable):
        return None
    for folder in (executable.parent, executable.parent.parent):
        if is_file(folder / CONFIG):
            return at_prefix(folder, variables)
    real = executable.resolve()
    version = _version_of(real)
    if home := variables.get("PYTHONHOME"):
        return at_prefix(Path(home.partition(":")[0]), variables, version)
    for prefix in real.parents[1:-1]:
        if next(_libraries(prefix, version), None) is not None:
            return at_prefix(prefix, variables, version)
    return None


def running(variables: Mapping[str, str]) -> Interpreter:
    """The interpreter that this program runs in."""
    found = of_executable(Path(sys.executable), variables) if sys.executable else None
    return found or at_prefix(Path(sys.prefix), variables)


def stated_version(folder: Path) -> str | None:
    """The version that the names of a folder of packages state, and of those it lies in.

    >>> stated_version(Path("/x/lib/python3.12/site-packages"))
    '3.12'
    """
    named = (_FOLDER.fullmatch(part) for part in reversed(folder.parts))
    return next((x[1] for x in named if x), None)


def _settings(prefix: Path) -> dict[str, str] | None:
    """What a virtual environment says of itself; ``None`` where a folder is none."""
    text = plain_text(prefix / CONFIG)
    return None if text is None else dict(_SETTING.findall(text))


def _named_version(folders: list[Path]) -> str | None:
    return next((x for folder in folders if (x := stated_version(folder))), None)


def _version_of(executable: Path) -> str | None:
    found = _NAMED.match(executable.name)
    return found[1] if found else None


def _libraries(prefix: Path, version: str | None) -> Iterator[Path]:
    """The folders of the standard library in an installation, of this version if it is known."""
    short = _short(version)
    for pattern in ("lib/python*/os.py", "lib/pypy*/os.py", "lib64/python*/os.py"):
        for landmark in sorted(prefix.glob(pattern)):
            if short in (None, stated_version(landmark.parent)):
                yield landmark.parent


def _short(version: str | None) -> str | None:
    return None if version is None else ".".join(version.split(".")[:2])


def _site_folders(prefix: Path, version: str | None) -> list[Path]:
    """The folders below a prefix that packages are installed in. One that was made anew for another
    version of Python keeps the folder of the old one, which counts no more.
    """
    inner = [
        *sorted(prefix.glob("lib*/python*/site-packages")),
        *sorted(prefix.glob("lib/pypy*/site-packages")),
        *prefix.glob("Lib/site-packages"),
    ]
    # Debian's own (PEP 668 calls it a scheme): what pip installs there comes before what apt does.
    local = prefix / "local" if prefix == Path("/usr") else prefix
    inner += sorted(local.glob("lib*/python*/dist-packages"))
    inner += [prefix / "lib/python3/dist-packages"]
    if local != prefix:
        inner += sorted(prefix.glob("lib/python*/dist-packages"))
    found = list(dict.fromkeys(x.resolve() for x in inner if is_folder(x)))
    short = _short(version)
    of_it = [x for x in found if stated_version(x) in (short, None)]
    return of_it if short is not None and of_it else found


def _installed_version(prefix: Path, version: str | None) -> str | None:
    """The version of an installation: all of it where conda or its headers tell, or where it is ours."""
    ours = ".".join(map(str, sys.version_info[:3]))
    if prefix.resolve() == Path(sys.base_prefix).resolve() and version in (None, _short(ours)):
        return ours
    known = (_OF_CONDA.fullmatch(x.name) for x in prefix.glob("conda-meta/python-*.json"))
    if found := next((x[1] for x in known if x), None):
        return found
    libraries = list(_libraries(prefix, version))
    if len(libraries) != 1:
        return version
    header = plain_text(prefix / "include" / libraries[0].name / "patchlevel.h") or ""
    said = _PATCH_LEVEL.search(header)
    return said[1] if said else stated_version(libraries[0])


def _implementation(settings: Mapping[str, str], base: Path, version: str | None) -> str | None:
    """The name of the implementation, as ``sys.implementation`` writes it; ``None`` where nothing tells."""
    if said := settings.get("implementation"):
        return said.lower()
    if base.resolve() == Path(sys.base_prefix).resolve():
        return sys.implementation.name
    for library in _libraries(base, version):
        if library.name.startswith("pypy"):
            return "pypy"
        if next(library.glob("_sysconfigdata_*.py"), None) is not None:
            return "cpython"
    return None


def _added(variables: Mapping[str, str], version: str | None) -> tuple[list[Path], list[Path]]:
    """The folders that variables add, where they are there: those of PYTHONPATH, and the user's own."""
    first = [Path(x) for x in variables.get("PYTHONPATH", "").split(os.pathsep) if x]
    base = variables.get("PYTHONUSERBASE")
    if not base and variables.get("HOME"):
        base = f"{variables['HOME']}/.local"
    users = []
    if base and version and not variables.get("PYTHONNOUSERSITE"):
        users = [Path(base, "lib", f"python{_short(version)}", "site-packages")]
    return [x.resolve() for x in first if is_folder(x)], [
        x.resolve() for x in users if is_folder(x)
    ]

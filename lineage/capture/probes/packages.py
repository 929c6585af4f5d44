# SPDX-License-Identifier: Apache-2.0
"""Sees the environment that a program runs in: its interpreter, and what is installed for it, as the metadata
of the packages says. Nothing is run, nothing is fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from lineage.access.secret_patterns import scrub
from lineage.capture.found import Budget, Found, Json
from lineage.capture.probes.package_cache import Facts, PackageCache
from lineage.paths import is_file, is_there
from lineage.sources import installed, interpreter
from lineage.sources.file_names import governing_names

#: Lock files that are larger get no digest (bytes).
_LARGEST_LOCK = 64 * 1024 * 1024
#: Records of conda that are larger are not read (bytes): they list every file of a package.
_LARGEST_CONDA = 64 * 1024 * 1024
_MOST_FOLDERS_UP = 40
#: Files of a package that are looked at, where two claim to be it.
_MOST_LOOKED_AT = 200

#: What MLflow is installed as.
_MLFLOW = frozenset({"mlflow", "mlflow-skinny"})
_FILE = "file://"
_SAME_NAME = re.compile(r"[-_.]+")
_NOT_UTF8 = re.compile("[\ud800-\udfff]")


def probe(
    executable: Path | None,
    *,
    budget: Budget,
    cache: Path | None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Found:
    """See the environment of an interpreter, ``None`` where the program has none that is known.

    ``cache`` is a folder in which is kept what was read, ``environ`` are the variables that the program is
    started with, and ``folder`` is where it starts: the lock file of its project lies there or above.
    """
    found = Found()
    if folder is not None:
        _lock(folder, found)
    if executable is None:
        found.miss(
            "packages", "the command starts no Python that could be found without running it"
        )
        return found
    executable = Path(os.path.abspath(executable))  # noqa: PTH100 - resolved it is no longer in its environment
    try:
        seen = interpreter.of_executable(executable, environ or {})
    except OSError as error:
        seen = None
        found.miss("interpreter", f"{_safe(str(executable))}: {error.strerror}")
    found.facts["executable"] = _safe(str(executable))
    if seen is None:
        found.miss("packages", f"nothing around {_safe(str(executable))} says what Python it is")
        return found
    found.facts |= {
        "python": seen.version,
        "implementation": seen.implementation,
        "prefix": _safe(str(seen.prefix)),
        "resolved": _safe(os.path.realpath(executable)),
        "virtual": seen.virtual,
        "folders": [_safe(str(x)) for x in seen.folders],
    }
    for what in ("python", "implementation"):
        if found.facts[what] is None:
            found.miss(what, f"nothing in {_safe(str(seen.prefix))} states it")
    distributions = _distributions(seen, found, budget, cache)
    found.facts["distributions"] = [dict(x) for x in distributions]
    if twice := _twice(distributions, budget):
        found.facts["twice"] = twice
    if local := list(_local(distributions)):
        found.facts["local"] = local
    _conda(seen.prefix, found, budget, cache)
    _trackers(distributions, found)
    return found


def _distributions(
    seen: interpreter.Interpreter, found: Found, budget: Budget, cache: Path | None
) -> list[Facts]:
    """The facts of every distribution, in the order in which the interpreter looks for it."""
    facts: list[Facts] = []
    if not seen.folders:
        found.miss("packages", f"{_safe(str(seen.prefix))} has no folder of packages")
    for folder in seen.folders:
        try:
            paths = installed.listed(folder)
        except OSError as error:
            found.miss(f"packages in {_safe(str(folder))}", error.strerror or str(error))
            continue
        paths = paths[: installed.MOST - len(facts)]
        known = PackageCache(cache, folder)
        for number, path in enumerate(paths):
            if budget.over:
                reason = f"{len(paths) - number} of {len(paths)} were not read in {budget.seconds:g} seconds"
                found.miss(f"packages in {_safe(str(folder))}", reason)
                break
            parts = ("PKG-INFO",) if path.suffix == ".egg-info" else installed.PARTS
            facts.append(known.facts(path, parts, _facts))
        known.save()
    if len(facts) == installed.MOST:
        found.miss("packages", f"only the first {installed.MOST:,} are listed")
    return facts


def _facts(path: Path) -> Facts:
    return {x: _clean(y) for x, y in installed.as_json(installed.distribution(path)).items()}


def _clean(value: Json) -> Json:
    """The same without secrets, in text that every encoding can write."""
    if isinstance(value, str):
        return scrub(_safe(value))
    if isinstance(value, list):
        return [_clean(x) for x in value]
    if isinstance(value, dict):
        return {x: _clean(y) for x, y in value.items()}
    return value


def _trackers(distributions: list[Facts], found: Found) -> None:
    """MLflow asks only what is installed beside it which run it is part of (``capture/mlflow_context.py``)."""
    names = {_SAME_NAME.sub("-", str(one.get("name"))).lower() for one in distributions}
    is_whole = not any(what.startswith("packages") for what in found.unseen)
    if is_whole and not names.isdisjoint(_MLFLOW) and "lineagedb" not in names:
        reason = "lineagedb is not installed beside MLflow, so that they do not name this run"
        found.miss("runs of MLflow", reason)


def _safe(text: str) -> str:
    """A path as text, the bytes in it that are no UTF-8 written out."""
    if not _NOT_UTF8.search(text):
        return text
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def _twice(distributions: list[Facts], budget: Budget) -> list[Json]:
    """The packages that are there more than once, and of which their files are (``intact``): of two in one
    folder, that one is imported; of two in two, the one in the first.
    """
    same: dict[str, list[Facts]] = defaultdict(list)
    for one in distributions:
        if isinstance(name := one.get("name"), str):
            same[_SAME_NAME.sub("-", name).lower()].append(one)
    return [
        {
            "name": name,
            "records": [
                {
                    "path": x["path"],
                    "version": x.get("version"),
                    "intact": None if budget.over else _intact(Path(str(x["path"]))),
                }
                for x in several
            ],
        }
        for name, several in sorted(same.items())
        if len(several) > 1
    ]


def _intact(path: Path) -> bool | None:
    """Whether the modules that lie there are those that a distribution came with; ``None`` where its RECORD
    does not tell.
    """
    record = installed.read(path / "RECORD")
    if record is None:
        return None
    looked = 0
    for line in record.decode("utf-8", "replace").splitlines():
        name, _, rest = line.strip().partition(",sha256=")
        if not rest or not name.endswith(".py") or looked == _MOST_LOOKED_AT:
            continue
        looked += 1
        data = installed.read(path.parent / name)
        digest = hashlib.sha256(data or b"").digest()
        if (
            data is None
            or base64.urlsafe_b64encode(digest).decode().rstrip("=") != rest.split(",")[0]
        ):
            return False
    return True if looked else None


def _local(distributions: list[Facts]) -> Iterator[Json]:
    """The packages out of a folder of this machine, with the repository that the folder lies in."""
    for one in distributions:
        origin = one.get("origin")
        if not isinstance(origin, dict) or not origin.get("local"):
            continue
        url = str(origin.get("url"))
        path = Path(unquote(url.removeprefix(_FILE))) if url.startswith(_FILE) else None
        above = [] if path is None else [path, *path.parents]
        repository = next((x for x in above if is_there(x / ".git")), None)
        yield {
            "name": one.get("name"),
            "version": one.get("version"),
            "path": None if path is None else _safe(str(path)),
            "editable": origin.get("editable"),
            "repository": None if repository is None else _safe(str(repository)),
        }


def _conda(prefix: Path, found: Found, budget: Budget, cache: Path | None) -> None:
    """What conda installed there, apart from what Python packages say: it has other things too."""
    folder = prefix / "conda-meta"
    try:
        names = sorted(x for x in os.listdir(folder) if x.endswith(".json"))  # noqa: PTH208
    except FileNotFoundError:
        return
    except OSError as error:
        found.miss("packages of conda", error.strerror or str(error))
        return
    known, facts = PackageCache(cache, folder), []
    for number, name in enumerate(names[: installed.MOST]):
        if budget.over:
            reason = (
                f"{len(names) - number} of {len(names)} were not read in {budget.seconds:g} seconds"
            )
            found.miss("packages of conda", reason)
            break
        facts.append(known.facts(folder / name, (), _conda_facts))
    known.save()
    found.facts["conda"] = [dict(x) for x in facts]


def _conda_facts(path: Path) -> Facts:
    """What a record of conda says of a package, and which distributions of Python came with it."""
    data = installed.read(path, _LARGEST_CONDA)
    try:
        said = json.loads(data or b"")
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return {"path": _safe(str(path)), "broken": "is no record of conda"}
    facts: Facts = {"path": _safe(str(path))}
    for key in ("name", "version", "build", "channel", "subdir", "sha256", "md5", "url"):
        if isinstance(said.get(key), str):
            facts[key] = _clean(said[key])
    files = said.get("files")
    inside = {
        part
        for file in (files if isinstance(files, list) else ())
        if isinstance(file, str)
        for part in file.split("/")[:-1]
        if part.endswith((".dist-info", ".egg-info"))
    }
    if inside:
        facts["distributions"] = [_clean(x) for x in sorted(inside)]
    return facts


def _lock(folder: Path, found: Found) -> None:
    """The lock file of the project that a folder belongs to: the most exact in the nearest folder that has
    any, up to the top of the repository.
    """
    for above in [folder, *folder.parents][:_MOST_FOLDERS_UP]:
        there = [above / name for name in governing_names() if is_file(above / name)]
        if there:
            found.facts["lock"] = _digested(there[0], found)
            found.facts["other_locks"] = [_safe(str(x)) for x in there[1:]]
            return
        if is_there(above / ".git"):
            break
    found.facts["lock"] = None


def _digested(path: Path, found: Found) -> Json:
    data = installed.read(path.resolve(), _LARGEST_LOCK)
    if data is None:
        found.miss("digest of the lock file", f"{_safe(str(path))} cannot be read, or is too large")
        return {"path": _safe(str(path))}
    digest = hashlib.sha256(data).hexdigest()
    return {"path": _safe(str(path)), "sha256": digest, "size": len(data)}

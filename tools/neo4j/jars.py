# SPDX-License-Identifier: Apache-2.0
"""Download or lock jars with all that they need; ``server.py`` runs this where jgo is installed."""

from __future__ import annotations

import hashlib
import importlib
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

maven: Any = importlib.import_module("jgo.maven")  # jgo lives in the cache, not where mypy looks

THREADS = 8
TRIES = 4


def fetch(lock: Path, folder: Path) -> None:
    """Fill ``folder`` with every jar of ``lock``; a jar with another sha256 is refused."""
    wanted = [line.split() for line in lock.read_text().splitlines() if not line.startswith("#")]
    with tempfile.TemporaryDirectory(dir=folder.parent) as repository:
        context = maven.MavenContext(repo_cache=Path(repository), timeout=60)

        def one(entry: list[str]) -> None:
            coordinates, expected = entry
            jar = download(artifact(context, coordinates))
            if sha256(jar) != expected:
                raise SystemExit(f"{coordinates}: sha256 is {sha256(jar)}, not {expected}; refused")
            jar.replace(folder / jar.name)

        in_parallel(one, wanted)


def lock(coordinates: Iterable[str]) -> list[str]:
    """Resolve artifacts (``group:artifact:version``) and return the lines of their lock."""
    with tempfile.TemporaryDirectory() as repository:
        context = maven.MavenContext(repo_cache=Path(repository), timeout=60)
        top = [maven.Dependency(artifact(context, named)) for named in coordinates]
        inputs, rest = context.resolver.resolve(top)
        found = [dependency.artifact for dependency in (*inputs, *rest)]
        jars = in_parallel(download, found)
        if len({jar.name for jar in jars}) != len(jars):
            raise SystemExit("two jars share a file name; they cannot lie in one folder")
        return sorted(f"{name(a)} {sha256(jar)}" for a, jar in zip(found, jars, strict=True))


def artifact(context: Any, coordinates: str) -> Any:
    """The jar that ``group:artifact:version[:classifier]`` names."""
    group, project, version, classifier, *_ = (*coordinates.split(":"), "")
    return context.project(group, project).at_version(version).artifact(classifier)


def name(jar: Any) -> str:
    """The inverse of ``artifact``."""
    parts = (jar.groupId, jar.artifactId, jar.version, jar.classifier)
    return ":".join(part for part in parts if part)


def download(jar: Any) -> Path:
    """Download one jar; a try that broke off leaves nothing behind for the next."""
    for last in (*[False] * (TRIES - 1), True):
        try:
            return Path(jar.resolve())
        except (OSError, RuntimeError):
            Path(jar.cached_path).unlink(missing_ok=True)
            if last:
                raise
    raise AssertionError("unreachable")


def in_parallel(function: Any, items: Iterable[Any]) -> list[Any]:
    """Call ``function`` on every item; the first failure ends all."""
    with ThreadPoolExecutor(THREADS) as pool:
        tasks = [pool.submit(function, item) for item in items]
        try:
            return [task.result() for task in tasks]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def sha256(path: Path) -> str:
    """The hexadecimal sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    if sys.argv[1] == "fetch":
        fetch(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        print("\n".join(lock(sys.argv[2:])))

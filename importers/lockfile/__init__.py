# SPDX-License-Identifier: Apache-2.0
"""Imports environments: lock files of Python and conda, and what is installed in a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from importers.base import Importer, Options, Source
from importers.batching import batches
from importers.lockfile import (
    conda,
    explicit,
    finding,
    installed,
    pixi,
    python_locks,
    records,
    renv,
)
from importers.lockfile.logged_model import environment_of_model
from importers.lockfile.pinned import LARGEST, Reader, Resolved
from importers.lockfile.requirements import requirements
from importers.tally import Tally
from lineage.errors import BadInput, InputMissing, UnknownFormat
from lineage.model.record import Batch, Edge, Node, Record, line
from lineage.paths import as_text
from lineage.sources.file_names import EXPLICIT

__all__ = ["IMPORTER", "LockfileImporter", "environment_of_model", "environments_in"]

#: Formats that are one file each; requirements may include others.
PARSERS: Final[Mapping[str, Callable[[bytes, Reader], list[Resolved]]]] = {
    "uv.lock": python_locks.uv,
    "pylock.toml": python_locks.pylock,
    "poetry.lock": python_locks.poetry,
    "Pipfile.lock": python_locks.pipfile,
    "pdm.lock": python_locks.pdm,
    "pixi.lock": pixi.pixi,
    "renv.lock": renv.renv,
    "conda-lock.yml": conda.conda_lock,
    EXPLICIT: explicit.conda_explicit,
}


class LockfileImporter(Importer):
    """Reads which packages an environment has; installs, resolves and fetches nothing."""

    name = "lockfile"
    summary = "Environments: uv, pylock, poetry, pdm, Pipfile, conda, pixi, renv, requirements, a venv, or env:"

    def sniffs(self, source: Source) -> bool:
        """Whether it is a lock file, a folder with one, or a folder that packages are in."""
        path = source.path
        try:
            if source.data is not None:
                return finding.format_of("-", source.data) is not None
            if path is None:
                return False
            if path.is_dir():
                return installed.looks(path) or next(finding.lock_files(path), None) is not None
            if not path.exists():
                return path.name == installed.RUNNING
            return finding.format_at(path) is not None
        except OSError:
            return False

    def read(self, source: Source, options: Options) -> Iterator[Batch]:
        """Yield environments, packages and the files that list them; then counts and losses.

        Raises ``InputMissing``, ``BadInput`` and the kinds of it.
        """
        del options
        reading = _Reading()
        try:
            reading.read(source)
        except OSError as error:
            message = f"cannot read it: {error.strerror or error}"
            raise BadInput(message, where=source.address) from error
        found = list(reading.found.values())
        yield from batches(
            [record for record in found if isinstance(record, Node)],
            [record for record in found if isinstance(record, Edge)],
        )
        yield Batch(seen=reading.seen, losses=reading.tally.losses())

    def lasting(self, record: Record) -> bool:
        """What a lock file listed was an environment, whatever it lists now."""
        del record
        return True


def environments_in(
    name: str, data: bytes, tally: Tally, include: Callable[[str], bytes | None]
) -> list[Resolved]:
    """Find the environments that a lock file of this name describes; ``include`` reads the files
    beside it that it names. Raises ``UnknownFormat``, ``BadInput`` and the kinds of it.
    """
    reader = Reader(tally, name)
    kind = finding.format_of(name, data)
    if kind is None:
        raise UnknownFormat(f"{name} is no lock file that is known", where=name)
    if kind == "requirements.txt":
        return requirements(data, reader, name, include)
    if kind == "environment.yml":
        return conda.environment_yml(data, reader, include)
    return PARSERS[kind](data, reader)


class _Reading:
    """One reading of a source: records, each once, and counts."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.seen: Counter[str] = Counter()
        self.found: dict[bytes, Record] = {}

    def read(self, source: Source) -> None:
        path = source.path
        if source.data is not None or path is None:
            self._file(source.address, source.read(), None)
        elif path.name == installed.RUNNING and not path.exists():
            self._take(installed.running(Reader(self.tally, installed.RUNNING)), ())
        elif not path.exists():
            raise InputMissing(f"there is no {path}", where=source.address)
        elif not path.is_dir():
            self._file(as_text(Path(path.name)), source.read(), path)
        elif installed.looks(path) or not any(finding.lock_files(path)):
            self._take(installed.installed(path, Reader(self.tally, path.name)), ())
        else:
            self._folder(path)

    def _folder(self, folder: Path) -> None:
        """Every lock file of a folder; one that cannot be read does not hide the others."""
        first: BadInput | None = None
        for path in finding.lock_files(folder):
            try:
                self._file(as_text(Path(path.name)), Source.of(path).read(), path)
            except BadInput as error:
                first = first or error
                self.tally.lose("lock files", error.what, first=path.name)
        if first is not None and not self.found:
            raise first

    def _file(self, name: str, data: bytes, path: Path | None) -> None:
        files = [] if path is None else [(path, data)]
        resolved = environments_in(name, data, self.tally, _including(path, files))
        idents = []
        for where, content in files:
            namespace, inner = finding.place(where)
            ident, said = records.file(namespace, inner, content)
            idents.append(ident)
            self._put(said)
        self.seen["lock files"] += len(files)
        self._take(resolved, idents)

    def _take(self, resolved: list[Resolved], files: list[str] | tuple[()]) -> None:
        for one in resolved:
            self._put(records.records(one, files, self.tally))
            self.seen["environments"] += 1
            self.seen["packages"] += len(one.packages)
            self.seen["requirements left open"] += len(one.unpinned)

    def _put(self, said: Iterator[Record] | list[Record]) -> None:
        for record in said:
            self.found.setdefault(line(record), record)


def _including(path: Path | None, files: list[tuple[Path, bytes]]) -> Callable[[str], bytes | None]:
    """Reads what a requirements file includes, inside its folder, and notes that it was read."""

    def include(inner: str) -> bytes | None:
        if path is None:
            return None
        root = path.parent.resolve()
        there = (root / inner).resolve()
        if not there.is_relative_to(root) or not there.is_file():
            return None
        if there.stat().st_size > LARGEST:
            return None
        data = there.read_bytes()
        files.append((there, data))
        return data

    return include


IMPORTER = LockfileImporter()

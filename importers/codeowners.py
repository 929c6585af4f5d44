# SPDX-License-Identifier: Apache-2.0
"""Imports CODEOWNERS: the file of a repository that says who answers for which paths, as its newest commit has it.

An importer sees no store: it keeps the file with its text, and the project that it is of. Who answers for what is here
follows from it with every import (``lineage.services.write.owners``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from importers import owners_file
from importers.base import Importer, Options, Source
from importers.tally import Tally
from lineage.access.mask import masked
from lineage.errors import BadInput, InputMissing, LineageError
from lineage.model.record import Batch
from lineage.model.value import Value
from lineage.sources import code_owners
from lineage.sources.code_owners import LARGEST, PLACES, CodeOwners, Dialect
from lineage.sources.git import layout
from lineage.sources.git.reader import GitReader

_ASSUMED = "neither its place nor the origin says which: GitHub's is assumed"
_NAMES: dict[Dialect, str] = {"github": "GitHub", "gitlab": "GitLab"}
_ALL = tuple(dict.fromkeys(place for places in PLACES.values() for place in places))


class _Found(NamedTuple):
    """The file that counts: its place and what git calls it, the dialect, and what tells that."""

    place: str
    oid: str
    dialect: Dialect
    because: str


class CodeownersImporter(Importer):
    """Reads who answers for the paths of a repository, in the dialect of GitHub or of GitLab."""

    name = "codeowners"
    summary = "CODEOWNERS of GitHub or GitLab: who answers for which paths of a repository."
    of_now = True

    def sniffs(self, source: Source) -> bool:
        """Whether it is a repository whose newest commit has such a file."""
        path = source.path
        try:
            if path is None or not path.is_dir() or not layout.looks(path):
                return False
            is_bare = not (path / ".git").exists()
            if not is_bare and not any((path / place).is_file() for place in _ALL):
                return False
            with GitReader.open(path) as repository:
                return _found(repository) is not None
        except (OSError, LineageError):
            return False

    def read(self, source: Source, options: Options) -> Iterator[Batch]:
        """Yield the file, with its project; then the lines that are invalid.

        Raises ``InputMissing``, and ``BadInput`` where there is no such file in the newest commit.
        """
        del options
        path = source.path
        if path is None:
            message = f"{source.address} is not a folder on this machine"
            raise BadInput(message, where=source.address, hint="Clone it, then import the clone.")
        if not path.exists():
            raise InputMissing(f"there is no {path}", where=str(path))
        with GitReader.open(path) as repository:
            found = _found(repository)
            if found is None or repository.head is None:
                raise BadInput(
                    f"the newest commit of {path} has no CODEOWNERS",
                    where=str(path),
                    hint=f"GitHub and GitLab look for {', '.join(_ALL)}: commit it.",
                )
            held = dict(repository.blobs([found.oid]))[found.oid]
            namespace, head = repository.namespace, repository.head
            called = owners_file.called(repository, path)
        tally = Tally()
        if held is None or len(held) > LARGEST:
            tally.lose("CODEOWNERS", "is missing in this copy, or too large", first=found.place)
            yield Batch(losses=tally.losses(), partial=True)
            return
        text = held.decode("utf-8", "replace")
        rules = _rules(found, text, tally)
        says: dict[str, Value] = {
            "text": text,
            "dialect": found.dialect,
            "dialect_because": found.because,
        }
        file = owners_file.file(namespace, found.place, found.oid, head, says)
        project = owners_file.project(namespace, called, codeowners=file.id)
        seen = {f"rules, read as {_NAMES[found.dialect]} does": len(rules.rules)}
        yield masked(Batch(nodes=(project, file), seen=seen, losses=tally.losses()))


def _rules(found: _Found, text: str, tally: Tally) -> CodeOwners:
    """The rules of the file; what is invalid in it is counted, with its line."""
    rules = code_owners.parse(text, found.dialect)
    if found.because == _ASSUMED:
        tally.lose("dialects of CODEOWNERS", found.because, first=found.place)
    for problem in rules.problems:
        what = "words of lines" if problem.in_part else "lines"
        reason = f"are invalid for {_NAMES[found.dialect]} and were skipped: one {problem.message}"
        tally.lose(f"{what} of CODEOWNERS", reason, first=f"{found.place}:{problem.line}")
    return rules


def _found(repository: GitReader) -> _Found | None:
    """The file of the newest commit that counts; ``None`` where there is none."""
    if repository.head is None:
        return None
    there = {
        entry.path: entry.oid
        for entry in repository.tree(repository.head, *_ALL)
        if entry.path in _ALL and entry.mode.startswith("100")
    }
    host = (repository.origin or "").partition("/")[0]
    known: tuple[Dialect, ...] = tuple(one for one in PLACES if one in host)
    for dialect in known:
        for place in PLACES[dialect]:
            if place in there:
                return _Found(place, there[place], dialect, f"the origin is {host}")
    for dialect in PLACES:
        if (place := f".{dialect}/CODEOWNERS") in there:
            return _Found(place, there[place], dialect, f"it lies in .{dialect}")
    for place in PLACES["github"]:
        if place in there:
            return _Found(place, there[place], "github", _ASSUMED)
    return None


IMPORTER = CodeownersImporter()

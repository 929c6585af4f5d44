# SPDX-License-Identifier: Apache-2.0
"""Reads files into decisions, each with all its versions, whatever its file was called at the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from importers.decisions.files import Files, FileVersion
from importers.tally import Tally
from lineage.errors import BadInput
from lineage.sources.decision_records import record
from lineage.sources.decision_records.record import DecisionRecord

#: Why a file is left out that is not meant to be a record.
BY_NAME = "are an index, a template or hidden, by their names"


@dataclass(kw_only=True, slots=True)
class Version:
    """A text that a decision had, the commits that brought it in, and what git calls the texts before it."""

    record: DecisionRecord
    name: str
    commits: list[str] = field(default_factory=list)
    before: set[str] = field(default_factory=set)


@dataclass(kw_only=True, slots=True)
class FoundDecision:
    """A decision: what it is known by (the identifier that it gives itself, else the path of its first file), its
    versions, oldest first, the one that stands there now, and the commit that removed its file.
    """

    key: str
    versions: list[Version]
    current: Version | None
    removed: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unread:
    """A file that is there now and holds no record, or one that cannot be read, or whose identifier another has."""

    path: str
    error: BadInput
    id_twice: bool = False


def read(files: Files, tally: Tally) -> Sequence[FoundDecision]:
    """Read all versions of all records; what cannot be read is told and left out. Raises ``BadInput`` where nothing
    of it can be read, or nothing is there.
    """
    found, unread = read_all(files, tally)
    if not found and files.current is not None:
        if unread:
            raise unread[0].error
        raise BadInput(
            f"{files.where} has no decision records, now or in its history",
            where=files.where,
            hint="Name the folder that they lie in.",
        )
    for one in unread:
        tally.lose("records", f"{one.error.what}", first=one.error.where or one.path)
    for decision in found:
        for problem in decision.current.record.problems if decision.current else ():
            place = f"{decision.current.record.path}:{problem.line}" if decision.current else ""
            if problem.code == "decision-status":
                tally.lose(
                    "statuses", "mean none that there is: kept as they are written", first=place
                )
            elif problem.code == "decision-placeholder":
                tally.lose("values of records", "are still what the template says", first=place)
            else:
                tally.lose("values of records", problem.message, first=place)
    return found


def read_all(files: Files, tally: Tally) -> tuple[Sequence[FoundDecision], Sequence[Unread]]:
    """Read all versions of all records, and what of the files that are there now is none."""
    unread: list[Unread] = []
    rooted = list(_rooted(files))
    records = dict(_records(files, [one for _, one in rooted], unread, tally))
    by_root: dict[str, dict[str, Version]] = {}
    for root, one in rooted:
        held = records.get((one.path, one.name))
        if held is None:
            continue
        version = by_root.setdefault(root, {}).setdefault(
            f"{one.path}:{one.name}", Version(record=held, name=one.name)
        )
        if one.commit is not None:
            version.commits.append(one.commit)
        version.before.update(filter(None, one.before))
    found: dict[str, FoundDecision] = {}
    for root, versions in by_root.items():
        _add(found, _decision(root, list(versions.values()), files), unread)
    return list(found.values()), unread


def _rooted(files: Files) -> Iterator[tuple[str, FileVersion]]:
    """Every state of a file with the path that its decision began with, oldest first."""
    moves: dict[str, dict[str, str]] = {}
    for move in files.moves:
        moves.setdefault(move.commit, {})[move.new] = move.old
    roots: dict[str, str] = {}
    for one in files.versions:
        old = moves.get(one.commit or "", {}).get(one.path)
        if old is not None:
            roots[one.path] = roots.get(old, old)
        yield roots.setdefault(one.path, one.path), one


def _records(
    files: Files, versions: Sequence[FileVersion], unread: list[Unread], tally: Tally
) -> Iterator[tuple[tuple[str, str], DecisionRecord]]:
    unique = {(one.path, one.name): one for one in versions}
    current = files.current or {}
    for one, data in files.read(unique.values()):
        is_there = current.get(one.path) == one.name
        if not record.may_be_record(one.path):
            if is_there:
                tally.lose("files", BY_NAME, first=one.path)
            continue
        if data is None:
            tally.lose(
                "versions of records", "are missing in this copy, or too large", first=one.path
            )
            continue
        try:
            yield (one.path, one.name), record.read(data, one.path)
        except BadInput as error:
            if is_there:
                unread.append(Unread(path=one.path, error=error))
            else:
                tally.lose(
                    "versions of records", "cannot be read", first=f"{one.path} at {one.commit}"
                )


def _decision(root: str, versions: list[Version], files: Files) -> FoundDecision:
    named = [one.record.id for one in versions if one.record.id]
    current = versions[-1] if files.current is None else None
    for one in versions:
        if files.current is not None and files.current.get(one.record.path) == one.name:
            current = one
    last = versions[-1].record.path
    removed = None if current is not None else files.removed.get(last)
    key = named[-1] if named else root
    return FoundDecision(key=key, versions=versions, current=current, removed=removed)


def _add(found: dict[str, FoundDecision], one: FoundDecision, unread: list[Unread]) -> None:
    """Add a decision. Of two files with one identifier the later one is left out; a file that is gone was the same
    decision under another name.
    """
    other = found.get(one.key)
    if other is None:
        found[one.key] = one
        return
    if one.current is not None and other.current is not None:
        path, line = one.current.record.path, one.current.record.lines.get("id", 1)
        error = BadInput(
            f"it has the id {one.key!r}, and so has {other.current.record.path}",
            where=f"{path}:{line}",
            hint="An id is given once: write a new one into the record that was copied.",
        )
        unread.append(Unread(path=path, error=error, id_twice=True))
        return
    first, last = (one, other) if other.current is not None else (other, one)
    found[one.key] = FoundDecision(
        key=one.key,
        versions=[*first.versions, *last.versions],
        current=last.current,
        removed=last.removed,
    )


def by_path(found: Sequence[FoundDecision]) -> Mapping[str, FoundDecision]:
    """Path of the file that is there now -> the decision."""
    return {one.current.record.path: one for one in found if one.current is not None}

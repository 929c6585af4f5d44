# SPDX-License-Identifier: Apache-2.0
"""Imports everything that is found in a folder: one source that cannot be read costs that source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import importers
from importers.base import Source
from lineage.errors import BadInput, UnknownFormat
from lineage.model.record import Loss
from lineage.progress import Progress, silent
from lineage.services.context import Context
from lineage.services.read import imported
from lineage.services.read.discover import Discovery, discover
from lineage.services.write.import_source import import_source, taken_back
from lineage.services.write.ingest import Report

#: Importers of which a range of commits can be asked for.
_WITH_HISTORY = frozenset({"git", "dvc", "decisions"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderImport:
    """What became of a folder: a report for each source, and what was found and could not be read."""

    root: Path
    reports: tuple[Report, ...]
    problems: tuple[tuple[str, BadInput], ...]
    discovery: Discovery

    @property
    def told(self) -> tuple[Report, ...]:
        """The reports, and one more of what was seen in the folder and not read, where there is any."""
        losses = self._losses()
        if not losses:
            return self.reports
        unread = Report(
            source=f"folder:{self.root}",
            importer="folder",
            added=0,
            unchanged=0,
            retracted=0,
            entries=(),
            seen={},
            losses=losses,
        )
        return (*self.reports, unread)

    def _losses(self) -> tuple[Loss, ...]:
        unread = [
            Loss(
                one.what,
                1,
                f"{one.path}: {one.reason}" + (f": {one.command}" if one.command else ""),
            )
            for one in self.discovery.unread
        ]
        failed = [Loss("sources", 1, f"{where}: {error.what}") for where, error in self.problems]
        cut = [Loss("search", 1, self.discovery.cut)] if self.discovery.cut else []
        return (*unread, *failed, *cut)


def import_folder(
    ctx: Context,
    root: Path,
    *,
    revisions: str | None = None,
    submodules: bool = False,
    runs: Sequence[str] = (),
    progress: Progress = silent,
) -> FolderImport:
    """Import each source that is found in a folder. Raises ``UnknownFormat`` where there is nothing to
    read, and the first error where no source could be read.
    """
    found = discover(root, submodules=submodules, progress=progress)
    if not found.found and not found.unread:
        raise UnknownFormat(
            f"nothing in {root} is anything that an importer reads",
            where=str(root),
            hint="Name a file, or a reader with --as.",
        )
    reports: list[Report] = []
    problems: list[tuple[str, BadInput]] = []
    for name, source in found.found:
        only = revisions if name in _WITH_HISTORY else None
        try:
            reports += import_source(
                ctx, source, named=name, revisions=only, runs=runs, progress=progress
            )
        except BadInput as error:
            problems.append((source.address, error))
    reports += _gone(ctx, root, found, progress)
    if problems and not reports:
        raise problems[0][1]
    return FolderImport(
        root=root, reports=tuple(reports), problems=tuple(problems), discovery=found
    )


def _gone(ctx: Context, root: Path, found: Discovery, progress: Progress) -> list[Report]:
    """Take back what was read in a folder another time, holds only while it is there, and is there no more."""
    here = {(name, str(source.path)) for name, source in found.found}
    reports: list[Report] = []
    for held in list(imported.every(ctx)):
        if (held.importer, held.path) in here:
            continue
        importer, source = importers.named(held.importer), Source.of(held.path)
        is_inside = Path(held.path).resolve().is_relative_to(root.resolve())
        if importer.of_now and is_inside and not importer.sniffs(source):
            reports += taken_back(ctx, importer, source, progress)
    return reports

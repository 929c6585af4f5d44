# SPDX-License-Identifier: Apache-2.0
"""Imports DVC: locked stages as runs, tracked data as versions, over all of a repository's history."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path

from importers.base import Importer, Options, Source
from importers.batching import batches
from importers.dvc import contents
from importers.dvc.files import Files, Version, committed, uncommitted, working
from importers.dvc.folders import learn
from importers.dvc.parts import Parts
from importers.dvc.reading import Reading
from importers.dvc.records import MOST_INNER, Graph
from importers.dvc.settings import caches
from importers.tally import Tally
from lineage.errors import BadInput, InputMissing, LineageError
from lineage.model.record import Batch, Loss, Record
from lineage.progress import told
from lineage.sources.file_names import OF_DVC
from lineage.sources.git import layout
from lineage.sources.git.reader import GitReader

#: Names by which a folder, or the newest commit of a repository, shows that DVC is used.
_SIGNS = ("dvc.lock", "dvc.yaml", "Dvcfile", ".dvc/config")
_MOST_TIPS = 20
_INSIDE = "repositories inside"


class DvcImporter(Importer):
    """Reads what DVC wrote down; neither DVC nor any command of a stage is ever run."""

    name = "dvc"
    summary = "DVC: dvc.lock, dvc.yaml, *.dvc, Dvcfile of all commits (a repository or a folder)."

    def sniffs(self, source: Source) -> bool:
        """Whether DVC's files lie in the folder, one below, in a submodule, or in the history."""
        path = source.path
        if path is None or not path.is_dir():
            return False
        try:
            if _signs(path) or any(_signs(path / inner) for inner in layout.submodules(path)):
                return True
            return layout.looks(path) and _in_history(path)
        except (OSError, LineageError):
            return False

    def read(self, source: Source, options: Options) -> Iterator[Batch]:
        """Yield runs, versions and what connects them; the last batch has counts and losses.

        Raises ``InputMissing``, ``BadInput`` and the kinds of it.
        """
        path = source.path
        if path is None:
            message = f"{source.address} is not a folder on this machine"
            raise BadInput(message, where=source.address, hint="Clone it, then import the clone.")
        if not path.exists():
            raise InputMissing(f"there is no folder {path}", where=str(path))
        _demand_root(path)
        try:
            with ExitStack() as stack:
                repository = None
                if layout.looks(path):
                    repository = stack.enter_context(GitReader.open(path))
                yield from _batches(path, repository, options)
        except OSError as error:
            message = f"reading it failed: {error.strerror or error}"
            raise BadInput(message, where=source.address) from error

    def lasting(self, record: Record) -> bool:
        """Stages that were run and data that was tracked stay so, whatever is locked now."""
        del record
        return True


def _signs(path: Path) -> bool:
    """Whether a folder, or one in it that is no repository of its own, has files of DVC."""
    patterns = (*OF_DVC, *(f"*/{x}" for x in OF_DVC))
    found = (x for pattern in patterns for x in path.glob(pattern))
    own = (x for x in islice(found, 100) if x.parent == path or not layout.looks(x.parent))
    return any(x.is_file() for x in own) or (path / _SIGNS[-1]).is_file()


def _in_history(path: Path) -> bool:
    with GitReader.open(path) as repository:
        tips = sorted({*repository.tips[:_MOST_TIPS], *filter(None, (repository.head,))})
        names = [f"{tip}:{sign}" for tip in tips for sign in _SIGNS]
        if any(data is not None for _, data in repository.blobs(names)):
            return True
        return repository.touched(*OF_DVC)


def _demand_root(path: Path) -> None:
    """Refuse a file, and a part of a repository: paths are named from its root."""
    above = layout.around(path)
    if above == path:
        return
    if above is not None or not path.is_dir():
        raise BadInput(
            f"{path} is not the folder that DVC's paths start from",
            where=str(path),
            hint=f"Import {above or path.parent}.",
        )


def _batches(path: Path, repository: GitReader | None, options: Options) -> Iterator[Batch]:
    tally = Tally()
    folder = path if repository is None or (path / ".git").exists() else None
    namespace = _namespace(path, repository, tally)
    versions = _versions(folder, repository, options, tally)
    if not versions:
        yield Batch(losses=_nothing(path, options, tally), partial=options.revisions is not None)
        return
    files = Files(repository, folder, options.progress)
    cache = contents.Cache(caches(files, versions), tally)
    found = Reading(files, versions, tally).found()
    learn(found.runs.values(), files, cache)
    parts = Parts(found, repository, cache, tally).found()
    experiments = repository.experiments if repository is not None else {}
    graph = Graph(namespace, found, cache.members, parts, experiments)
    metrics = contents.metrics(found.runs.values(), files, cache, tally)
    nodes, edges = graph.records(metrics)
    reason = f"over {MOST_INNER:,} links to runs: only the folder names the run that made it"
    tally.lose("files of folders", reason, count=graph.untold)
    partial = options.revisions is not None
    for batch in batches(nodes, edges):
        yield replace(batch, partial=partial)
    seen = {
        **Counter(f"versions of {version.sort}" for version in versions),
        "stages": len(found.runs),
        "versions of data": graph.versions,
        "metrics files": len(metrics),
    }
    yield Batch(seen=seen, losses=tally.losses(), partial=partial)


def _nothing(path: Path, options: Options, tally: Tally) -> tuple[Loss, ...]:
    """What is said of a project of DVC without a file to read. Raises ``BadInput`` for what is none."""
    where = "in these commits" if options.revisions is not None else "now or in its history"
    what = f"no dvc.lock, dvc.yaml, Dvcfile or .dvc file, {where}"
    if not IMPORTER.sniffs(Source.of(path)):
        raise BadInput(
            f"{path} has {what}",
            where=str(path),
            hint="Check that it is the root of the project; other importers may read it.",
        )
    if not any(loss.what == _INSIDE for loss in tally.losses()):
        tally.lose("project", f"nothing to read yet: {what}")
    return tally.losses()


def _tell_inside(folder: Path, inner: Iterable[str], tally: Tally) -> None:
    """Name the repositories inside that use DVC, each with the command that reads it."""
    for path in inner:
        if IMPORTER.sniffs(Source.of(folder / path)):
            place = folder / path
            said = place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place
            command = f"lineage import {shlex.quote(str(said))}"
            tally.lose(_INSIDE, f"{path} is a repository of its own, with DVC: {command} reads it")


def _namespace(path: Path, repository: GitReader | None, tally: Tally) -> str:
    if repository is None:
        return path.name or "folder"
    if not repository.tips:
        reason = "there are no commits yet: paths are named after the folder"
        tally.lose("history", reason)
        return path.name or "folder"
    if repository.layout.shallow:
        reason = "history is shallow: git fetch --unshallow completes it"
        tally.lose("earlier history", reason)
    return repository.namespace


def _versions(
    folder: Path | None, repository: GitReader | None, options: Options, tally: Tally
) -> Sequence[Version]:
    """DVC's files in the history, and those of the working folder that are in no commit."""
    history = () if repository is None else committed(repository, options.revisions)
    known = tuple(told(history, options.progress, "looking for DVC's files in the history"))
    if folder is None or options.revisions is not None:
        return known
    inner: list[str] = []
    found = working(folder, tally, inner)
    if repository is not None:
        found = uncommitted(folder, found, known, repository.layout.algorithm)
    versions = (*known, *found)
    _tell_inside(folder, inner, tally)
    return versions


IMPORTER = DvcImporter()

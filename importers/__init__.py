# SPDX-License-Identifier: Apache-2.0
"""The table of importers; a new importer needs a row here and a file beside it."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from importers.base import Importer, Options, Source
from lineage.errors import InputMissing, InputTruncated, UnknownFormat, Usage

#: The first that recognises a file reads it; the strict ones stand first.
BUILTIN: tuple[str, ...] = (
    "captured",
    "git",
    "dvc",
    "mlflow",
    "lockfile",
    "openlineage",
    "decisions",
    "codeowners",
    "backstage",
    "rocrate",
    "document",
)

__all__ = ["BUILTIN", "Importer", "Options", "Source", "available", "named", "sniff"]


@cache
def available() -> tuple[Importer, ...]:
    """List our importers and those that installed packages offer (entry points
    ``lineage.importers``), looked up once a process: the look reads a file of every installed
    package.
    """
    from importlib.metadata import entry_points

    ours = tuple(_load(name) for name in BUILTIN)
    theirs = tuple(point.load()() for point in entry_points(group="lineage.importers"))
    return ours + theirs


def _load(name: str) -> Importer:
    importer: Importer = import_module(f"importers.{name}").IMPORTER
    return importer


def named(name: str) -> Importer:
    """Find the importer of this name. Raises ``Usage`` listing the names there are."""
    if name in BUILTIN:
        return _load(name)
    for importer in available():
        if importer.name == name:
            return importer
    raise Usage(f"no importer is called {name!r}", hint=f"There are: {', '.join(BUILTIN)}.")


def sniff(source: Source) -> tuple[Importer, ...]:
    """Find the importers that recognise the source: a file has one reader, the first in the table;
    a folder may hold several things at once. Raises ``InputMissing``, ``UnknownFormat``.
    """
    found = tuple(importer for importer in available() if importer.sniffs(source))
    if not found and source.path is not None and not source.path.exists():
        raise InputMissing(f"there is no {source.address}", where=source.address)
    if not found and source.empty:
        raise InputTruncated("the input is empty", where=source.address)
    if not found:
        hint = f"Name the reader with --as: {', '.join(BUILTIN)}."
        raise UnknownFormat(f"nothing here reads {source.address}", where=source.address, hint=hint)
    return found if source.path is not None and source.path.is_dir() else found[:1]

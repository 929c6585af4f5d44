# SPDX-License-Identifier: Apache-2.0
"""The code of the project that a run really imported, by its bytes: that which git has, and that which it has not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lineage.capture import watch
from lineage.capture.found import Budget, Found, Json
from lineage.capture.probes import files
from lineage.capture.record import Record
from lineage.errors import LineageError
from lineage.sources.git.reader import GitReader

#: The layer's name, as a witness.
WITNESS = "imported"
#: Modules of one run that are told.
MOST = 500


def imported(
    record: Record, events: Iterable[Mapping[str, Any]], found: Found, budget: Budget
) -> list[Json]:
    """The files of the modules that ``events`` tell of, below the folders of the run, with their digests:
    ``is_committed`` says that the commit of the run has the same bytes. Those that changed since are missed.
    """
    known: dict[str, Any] = {}
    for event in events:
        known.setdefault(event["path"], event["about"])
    begun = next(iter(record.events("started")), {})
    listed = (begun.get("facts", {}).get("source") or {}).get("repositories") or ()
    states = {one["root"]: one.get("state") for one in listed if one.get("root")}
    roots = [*states, *([begun["here"]] if "here" in begun else [])]
    inside = [path for path in known if any(Path(path).is_relative_to(root) for root in roots)]
    if len(inside) > MOST:
        found.miss(f"{len(inside) - MOST:,} more modules", f"only {MOST} are told")
    told: dict[str, dict[str, Any]] = {}
    for path in inside[:MOST]:
        if (one := _bytes(path, known[path], found, budget)) is not None:
            told[path] = one
    for root, state in states.items():
        _compare(root, state, told)
    return [*told.values()]


def _bytes(path: str, about: Any, found: Found, budget: Budget) -> dict[str, Any] | None:
    """A module as files are told, where its bytes are those that were imported."""
    try:
        same = about is not None and watch.marks(Path(path).stat()) == about
    except OSError:
        same = False
    if not same:
        found.miss(f"module {path}", "its file may have changed since it was imported, or is gone")
        return None
    seen = files.probe([path], Path("/"), budget)
    found.unseen |= seen.unseen
    listed = seen.facts["files"]
    one = listed[0] if isinstance(listed, list) and listed else None
    return {**one, "witness": [WITNESS]} if isinstance(one, dict) and "digests" in one else None


def _compare(root: str, state: str | None, told: Mapping[str, dict[str, Any]]) -> None:
    """Say of the modules in a repository whether the commit of the run has them so."""
    names = {
        Path(path).relative_to(root).as_posix(): one
        for path, one in told.items()
        if Path(path).is_relative_to(root)
    }
    if not names or state is None:
        return
    try:
        with GitReader.open(Path(root)) as reader:
            for entry in reader.tree(state, *names):
                one = names.get(entry.path)
                if one is not None and one["digests"].get("git") == entry.oid:
                    one["is_committed"] = True
    except (LineageError, OSError):
        return  # then nothing is said of them

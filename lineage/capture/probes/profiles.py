# SPDX-License-Identifier: Apache-2.0
"""What is in the tables that a run, or a step of it, read and wrote, Parquet and CSV, when it is over: columns, rows, and
the numbers in them. They are looked at in a second, all together; what is not reached in it is said.

Values are data, which does not belong into a record that others read. So of texts there are lengths only, of a column
that is called as a secret is nothing, and no number that may be the number of somebody: a telephone, an account.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage.access.secret_patterns import scrub, scrub_value
from lineage.capture.found import Budget, Found, Json
from lineage.capture.probes import files
from lineage.capture.record import Probe, Record
from lineage.errors import LineageError

if TYPE_CHECKING:
    from lineage.sources.tables import Column, Table

#: Tables of one run that are looked at, and the seconds for all of them.
MOST, SECONDS = 50, 1.0
#: How their names end.
SUFFIXES = frozenset({".csv", ".tsv", ".parquet", ".pq"})
#: Whole numbers of so many digits may be those of people or things, and characters of the name of a column.
_IDENTIFIER, _LONGEST = 10**8, 100
#: What a secret may look like.
_ODD = "a8Fk20qLmZ91xPq7Rt5W"


def after(
    record: Record, outputs: Sequence[str] = (), here: Path = Path(), step: str | None = None
) -> Probe:
    """The probe of the tables of a run or of one step: those that its events tell of, and what was declared as
    ``outputs`` in the folder ``here``.
    """
    look = partial(_look, record, outputs, here, step)
    return Probe(name="tables", look=look, seconds=SECONDS)


def _look(
    record: Record, outputs: Sequence[str], here: Path, step: str | None, budget: Budget
) -> Found:
    events = record.events("started", "step", "noted", "ended")
    known = {_version(table) for event in events for table in _tables(event)}
    if step is not None:
        events = [event for event in events if event.get("step") == step]
    told = (path for event in events for path in _paths(event))
    paths = [*dict.fromkeys((*told, *files.named(outputs, here)))]
    return probe([path for path in paths if _is_table(path)], budget, known)


def probe(
    paths: Sequence[str], budget: Budget, known: frozenset[Any] | set[Any] = frozenset()
) -> Found:
    """What is in some tables, as ``{"tables": [...]}``, each with its path, size, and when it was changed: a version of a
    file that differs in these is another. Those that are ``known`` already are left out.
    """
    found = Found()
    told: list[Json] = []
    for path in paths[:MOST]:
        if budget.over:
            found.miss(f"table {path}", "there was no time to look at it")
            continue
        try:
            about = Path(path).stat()
            said: dict[str, Json] = {
                "path": path,
                "size": about.st_size,
                "changed": about.st_mtime_ns,
            }
            if _version(said) not in known:
                table = _read(Path(path), lambda: budget.over)
                told.append({**said, **_facts(table)})
                for what in table.cut:
                    found.miss(f"table {path}", what)
        except (OSError, LineageError) as error:
            found.miss(f"table {path}", getattr(error, "strerror", None) or str(error))
    if len(paths) > MOST:
        found.miss(f"{len(paths) - MOST:,} more tables", f"only {MOST} are looked at")
    found.facts["tables"] = told
    return found


def _read(path: Path, over: Callable[[], bool]) -> Table:
    from lineage.sources import delimited, parquet

    is_parquet = path.suffix.lower() in {".parquet", ".pq"}
    return parquet.read(path, over) if is_parquet else delimited.read(path, over)


def _is_table(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in SUFFIXES  # noqa: PTH122 - there may be thousands


def _version(said: Mapping[str, Any]) -> tuple[Any, ...]:
    return said["path"], said["size"], said["changed"]


def _tables(event: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    facts = event.get("facts")
    tables = facts.get("tables") if isinstance(facts, dict) else None
    return (tables or {}).get("tables") or ()


def _paths(event: Mapping[str, Any]) -> Iterator[str]:
    """The files that an event tells of."""
    facts = event.get("facts")
    for name in ("inputs", "outputs"):
        listed = [event.get(name) or ()]
        if isinstance(facts, dict):
            listed.append((facts.get(name) or {}).get("files") or ())
        for file in (one for some in listed for one in some if "path" in one):
            yield file["path"]
            yield from (f"{file['path']}/{one['path']}" for one in file.get("files") or ())


def _facts(table: Table) -> dict[str, Json]:
    said = {"rows": table.rows, "looked_at": table.looked_at}
    known: dict[str, Json] = {name: value for name, value in said.items() if value is not None}
    return {"columns": [_column(column) for column in table.columns], **known}


def _column(column: Column) -> dict[str, Json]:
    numbers: dict[str, Json] = {"nulls": column.nulls}
    ends = (column.least, column.most)
    if scrub_value(column.name, _ODD) == _ODD:
        if not any(isinstance(one, int) and abs(one) >= _IDENTIFIER for one in ends):
            numbers |= dict(zip(("min", "max"), ends, strict=True))
            numbers |= dict(zip(("q1", "median", "q3"), column.quartiles, strict=False))
        if column.lengths is not None:
            numbers |= dict(zip(("shortest", "longest"), column.lengths, strict=True))
    known = {name: value for name, value in numbers.items() if value is not None}
    return {"name": scrub(column.name)[:_LONGEST], "type": column.type, **known}

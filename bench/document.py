# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/performance.md: each stands between two comments, and says when, where and at which
commit it was measured; the prose around them is written by people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.machine import ROOT, commit, machine, today
from bench.measure import markdown

PAGE = ROOT / "docs" / "performance.md"
#: The table that is made out of the others.
BOUNDS = "bounds"
_BOUNDS_HEAD = ("table", "what", "ours", "ratio", "bound", "")
_MISSING = "not measured"


class Promised(NamedTuple):
    """A bound that we set ourselves: its table, how its row begins, and the column of our figure."""

    table: str
    what: str
    column: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """What a part of the bench measured: lines of cells under a head, and on which graph."""

    head: Sequence[str]
    lines: Sequence[Sequence[str]]
    graph: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A page with tables in it. Raises ``ValueError`` for a table that it has no place for."""

    path: Path = PAGE

    def write(self, name: str, table: Table, told: str) -> str:
        """Put a table in its place, with what is ``told`` of the machine; the text of it."""
        where = f"{machine()}{f'; {table.graph}' if table.graph else ''}"
        head = f"Measured on {today()} at {commit()}, on {where}. {told}"
        text = f"{head}\n\n{markdown(table.head, table.lines)}"
        self._put(name, text)
        return text

    def tables(self) -> Mapping[str, Sequence[Sequence[str]]]:
        """The name of each table that is there, with its lines."""
        page = self.path.read_text("utf-8")
        found = re.findall(r"<!-- bench: (\w+) -->\n(.*?)<!-- end of \1 -->", page, re.DOTALL)
        return {name: list(_lines(text)) for name, text in found}

    def bounds(self, promised: Sequence[Promised]) -> None:
        """Write what became of the bounds that we set ourselves."""
        tables = self.tables()
        lines = []
        for table, what, column in promised:
            rows = [row for row in tables.get(table, ()) if row[0].startswith(what)]
            if not rows:
                lines.append((table, what, "", "", "", _MISSING))
            lines += [(table, row[0], row[column], *row[-3:]) for row in rows]
        verdicts = [line[-1] for line in lines]
        held = sum(verdict.startswith("held") for verdict in verdicts)
        missed = sum("missed" in verdict for verdict in verdicts)
        said = f"Of {len(lines)} bounds {held} are held and {missed} missed; "
        said += f"{len(lines) - held - missed} are not measured."
        self._put(BOUNDS, f"{said}\n\n{markdown(_BOUNDS_HEAD, lines)}")

    def _put(self, name: str, text: str) -> None:
        page = self.path.read_text("utf-8")
        begin, end = f"<!-- bench: {name} -->\n", f"<!-- end of {name} -->"
        before, found, rest = page.partition(begin)
        _, ended, after = rest.partition(end)
        if not found or not ended:
            raise ValueError(f"{self.path} has no place for the table {name!r}")
        self.path.write_text(f"{before}{begin}\n{text}\n\n{end}{after}", "utf-8")


def _lines(text: str) -> Iterator[Sequence[str]]:
    """The cells of the lines of a table, without its head."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    for row in rows[2:]:
        yield [cell.strip() for cell in row.strip().removeprefix("|").removesuffix("|").split("|")]

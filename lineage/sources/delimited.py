# SPDX-License-Identifier: Apache-2.0
"""Reads what is in the columns of a CSV file, with bounds: the first rows of a large one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from lineage.errors import BadInput
from lineage.sources.tables import MOST_COLUMNS, Column, Number, Table, range_of

#: Bytes that are read of a file at most.
LARGEST = 64 << 20
#: Characters of the first line.
_LONGEST = 1 << 20
#: Rows after which it is looked whether there is time left.
_OFTEN = 500
#: Numbers of a column that are kept for its quartiles: of twice as many every second one stays.
_KEPT = 10_000
#: What stands between cells; the first line says which.
_BETWEEN = ",;\t|"
#: What stands for no value.
_NULLS = frozenset({"", "na", "n/a", "nan", "null", "none"})


class _Cells:
    """What was seen of one column until now."""

    def __init__(self) -> None:
        self.nulls = 0
        self.lengths: tuple[int, int] | None = None
        self.is_number = self.is_whole = True
        self._kept: list[Number] = []
        self._range: list[Number] = []
        self._seen, self._each = 0, 1

    def add(self, cell: str) -> None:
        if cell.strip().lower() in _NULLS:
            self.nulls += 1
            return
        size = len(cell)
        least, most = self.lengths or (size, size)
        self.lengths = min(least, size), max(most, size)
        if self.is_number:
            number = _number(cell)
            if number is None:
                self.is_number = False
                self._kept.clear()
            else:
                self._number(number)

    def _number(self, number: Number) -> None:
        self.is_whole = self.is_whole and isinstance(number, int)
        if not self._range:
            self._range = [number, number]
        elif number < self._range[0]:
            self._range[0] = number
        elif number > self._range[1]:
            self._range[1] = number
        if self._seen % self._each == 0:
            self._kept.append(number)
            if len(self._kept) == 2 * _KEPT:
                del self._kept[1::2]
                self._each *= 2
        self._seen += 1

    def column(self, name: str) -> Column:
        if self.lengths is None:
            return Column(name=name, type="unknown", nulls=self.nulls)
        if not self.is_number:
            return Column(name=name, type="string", nulls=self.nulls, lengths=self.lengths)
        least, most = range_of(self._range)
        return Column(
            name=name,
            type="integer" if self.is_whole else "number",
            nulls=self.nulls,
            least=least,
            most=most,
            quartiles=() if least is None else _quartiles(self._kept),
        )


def read(path: Path, over: Callable[[], bool]) -> Table:
    """The table of a file, as far as there is time (``over``). The first line has the names of the columns where one of
    them is in numbers below, and has none there; else it is not known what it is, and columns go by their numbers.
    Raises ``OSError``, and ``BadInput`` for what is no CSV.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        text = io.TextIOWrapper(
            io.BufferedReader(_Part(file, LARGEST)),
            encoding="utf-8-sig",
            errors="replace",
            newline="",
        )
        first = text.readline(_LONGEST)
        if "\0" in first or len(first) == _LONGEST:
            raise BadInput("this is no CSV: its first line is no line of text", where=str(path))
        rows = csv.reader(chain([first], text), delimiter=max(_BETWEEN, key=first.count))
        try:
            head = next(rows, [])
            columns = [_Cells() for _ in head[:MOST_COLUMNS]]
            count, complete = _rows(rows, columns, over, whole=size <= LARGEST)
        except csv.Error as error:
            raise BadInput(f"this is no CSV: {error}", where=str(path)) from error
    return _table(head, columns, count, complete=complete)


def _rows(
    rows: Iterator[list[str]], columns: Sequence[_Cells], over: Callable[[], bool], *, whole: bool
) -> tuple[int, bool]:
    """How many rows were read, and whether these are all; of what is not the ``whole`` file the last one is half."""
    count, held = 0, next(rows, None)
    while held is not None:
        row, held = held, next(rows, None)
        if not row or (held is None and not whole):
            continue
        for cells, cell in zip(columns, row, strict=False):
            cells.add(cell)
        for cells in columns[len(row) :]:
            cells.nulls += 1
        count += 1
        if count % _OFTEN == 0 and over():
            return count, held is None and whole
    return count, whole


def _table(head: Sequence[str], columns: Sequence[_Cells], count: int, *, complete: bool) -> Table:
    cut = [f"{len(head) - len(columns):,} more columns"] if len(head) > len(columns) else []
    is_head = any(
        cells.is_number and cells.lengths is not None and _number(name) is None and name.strip()
        for name, cells in zip(head, columns, strict=False)
    )
    names = head
    if not is_head:
        names = [f"column {number}" for number in range(1, len(head) + 1)]
        cut.append("names of columns: it cannot be told whether the first line has them")
    if not complete:
        cut.append(f"all but the first {count:,} rows")
    return Table(
        rows=count if complete and is_head else None,
        columns=[cells.column(name) for name, cells in zip(names, columns, strict=False)],
        looked_at=None if complete and is_head else count,
        cut=cut,
    )


def _number(cell: str) -> Number | None:
    """A number as people write it; what begins with a zero is a code."""
    text = cell.strip()
    digits = text.lstrip("+-")
    begins = digits[:1].isdecimal() or digits[:1] == "."
    if not begins or not text.isascii() or "_" in text:
        return None
    if digits[0] == "0" and digits[1:].isdecimal():
        return None
    try:
        return int(text) if digits.isdecimal() and len(digits) < 20 else float(text)
    except ValueError:
        return None


def _quartiles(numbers: Sequence[Number]) -> tuple[Number, ...]:
    held = sorted(numbers)
    return tuple(held[round(share * (len(held) - 1))] for share in (0.25, 0.5, 0.75))


class _Part(io.RawIOBase):
    """The first bytes of a file."""

    def __init__(self, file: io.BufferedReader, size: int) -> None:
        self._file, self._left = file, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._file.read(min(len(buffer), self._left))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)

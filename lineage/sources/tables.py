# SPDX-License-Identifier: Apache-2.0
"""What is told of a table: its columns with their types, how many rows it has, and of each column in numbers what is in
it. No value of a text is told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: Columns that are told.
MOST_COLUMNS = 200
Number = int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: what is not known is ``None``. ``lengths`` are the least and the most characters of a text."""

    name: str
    type: str
    nulls: int | None = None
    least: Number | None = None
    most: Number | None = None
    quartiles: tuple[Number, ...] = ()
    lengths: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table: ``rows`` is ``None`` where they were not counted to the end, ``looked_at`` says of how many the columns
    tell, where that is not all. ``cut`` says what was not read, and why.
    """

    rows: int | None
    columns: Sequence[Column] = ()
    looked_at: int | None = None
    cut: Sequence[str] = ()


def range_of(numbers: Sequence[Number | None]) -> tuple[Number, Number] | tuple[None, None]:
    """The least and the most of numbers, where all of them are known."""
    known = [one for one in numbers if one is not None and math.isfinite(one)]
    if not known or len(known) < len(numbers):
        return None, None
    return min(known), max(known)

# SPDX-License-Identifier: Apache-2.0
"""Reads what the footer of a Parquet file says of its table: columns, rows, and the statistics of its parts. No data is
read, and no library: a program of which this is a part has its own.

The footer is a structure in Thrift's compact protocol (Apache Parquet, ``parquet.thrift``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lineage.errors import BadInput, InputTruncated, LimitExceeded
from lineage.sources.tables import MOST_COLUMNS, Column, Number, Table, range_of

MAGIC = b"PAR1"
#: Larger footers are not read (bytes), and structures that are nested deeper.
LARGEST, _DEEPEST = 16 << 20, 32
#: Values after which it is looked whether there is time left.
_OFTEN = 5_000
_TYPES = ("boolean", "int32", "int64", "int96", "float", "double", "binary", "fixed_len_binary")
#: LogicalType, by the field that is set.
_LOGICAL = {
    1: "string",
    4: "enum",
    5: "decimal",
    6: "date",
    7: "time",
    8: "timestamp",
    12: "json",
    13: "bson",
    14: "uuid",
    15: "float16",
}
#: ConvertedType of older files, by its number.
_CONVERTED = (
    *("string", "map", "map", "list", "enum", "decimal", "date", "time", "time"),
    *("timestamp", "timestamp", "uint8", "uint16", "uint32", "uint64"),
    *("int8", "int16", "int32", "int64", "json", "bson", "interval"),
)
#: How the numbers of a type are written in statistics.
_WRITTEN = {"float": "<f", "double": "<d"}


class _OutOfTime(Exception):
    """There is no time to read the rest."""


def read(path: Path, over: Callable[[], bool]) -> Table:
    """The table of a file, as far as there is time (``over``). Raises ``OSError``, and ``BadInput`` for what is no Parquet."""
    footer = _footer(path)
    told: dict[int, Any] = {}
    cut: list[str] = []
    try:
        # One by one: those before the end of the time are known.
        told.update(_Compact(footer, over).fields())
    except _OutOfTime:
        cut.append("statistics of its parts: there is no time to read them")
    except (IndexError, struct.error, RecursionError, ValueError) as error:
        raise BadInput("the footer of this Parquet file is damaged", where=str(path)) from error
    try:
        return _table(told, cut)
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise BadInput("the footer of this Parquet file is damaged", where=str(path)) from error


def _footer(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size < 12:
            raise InputTruncated("too short for a Parquet file", where=str(path))
        file.seek(size - 8)
        length, magic = struct.unpack("<I4s", file.read(8))
        if magic != MAGIC:
            raise BadInput("this is no Parquet file, or its footer is encrypted", where=str(path))
        if length > LARGEST:
            raise LimitExceeded(f"a footer of {length:,} bytes", where=str(path))
        if length > size - 12:
            raise InputTruncated("the footer is longer than the file", where=str(path))
        file.seek(size - 8 - length)
        return file.read(length)


def _table(told: Mapping[int, Any], cut: list[str]) -> Table:
    # A column has a name and a type also where the statistics were not read.
    leaves = dict(_leaves(told[2]))
    chunks: dict[str, list[Mapping[int, Any]]] = {}
    for group in told.get(4, ()):
        for chunk in group[1]:
            about = chunk[3]
            chunks.setdefault(".".join(map(_text, about[3])), []).append(about.get(12, {}))
    names = list(leaves)[:MOST_COLUMNS]
    if len(leaves) > len(names):
        cut.append(f"{len(leaves) - len(names):,} more columns")
    complete = 4 in told
    return Table(
        rows=int(told[3]),
        columns=[
            _column(name, leaves[name], chunks.get(name, ()) if complete else ()) for name in names
        ],
        cut=cut,
    )


def _leaves(schema: list[Mapping[int, Any]]) -> Iterator[tuple[str, str]]:
    """The columns that hold values: the schema is a tree in depth-first order, each node with the number of its children."""
    nodes = iter(schema[1:])

    def below(count: int, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        if len(path) > _DEEPEST:
            raise RecursionError
        for _ in range(count):
            node = next(nodes, None)
            if node is None:
                return
            inner = (*path, _text(node[4]))
            if node.get(5):
                yield from below(node[5], inner)
            else:
                yield ".".join(inner), _type(node)

    yield from below(schema[0].get(5, 0), ())


def _type(node: Mapping[int, Any]) -> str:
    logical = node.get(10) or {}
    if 10 in logical:
        whole = logical[10]
        return f"{'int' if whole[2] else 'uint'}{whole[1]}"
    known = next((_LOGICAL[number] for number in logical if number in _LOGICAL), None)
    return known or (_CONVERTED[node[6]] if 6 in node else _TYPES[node[1]])


def _column(name: str, kind: str, parts: Any) -> Column:
    nulls = [part.get(3) for part in parts]
    # Those of older files compare unsigned numbers as if they had a sign.
    fields = (5, 6) if kind.startswith("uint") else (5, 6, 1, 2)
    ends = [[part[number] for number in fields if number in part][:2] for part in parts]
    known = [_number(kind, end) for two in ends for end in two or [None]]
    least, most = range_of(known)
    return Column(
        name=name,
        type=kind,
        nulls=sum(nulls) if nulls and None not in nulls else None,
        least=least,
        most=most,
    )


def _number(kind: str, data: Any) -> Number | None:
    if not isinstance(data, bytes):
        return None
    if kind in _WRITTEN:
        found: float = struct.unpack(_WRITTEN[kind], data)[0]
        return found
    if kind.startswith(("int", "uint")) and kind not in {"int96", "interval"}:
        return int.from_bytes(data, "little", signed=not kind.startswith("u"))
    return None


def _text(data: Any) -> str:
    return bytes(data).decode("utf-8", "replace")


class _Compact:
    """Values of Thrift's compact protocol, out of bytes."""

    def __init__(self, data: bytes, over: Callable[[], bool]) -> None:
        self._data, self._at = data, 0
        self._over, self._count = over, 0

    def fields(self, depth: int = 0) -> Iterator[tuple[int, Any]]:
        """The fields of a structure, each with its number."""
        number = 0
        while head := self._byte():
            delta, kind = head >> 4, head & 15
            number = number + delta if delta else self._whole()
            yield number, self._value(kind, depth, in_list=False)

    def _value(self, kind: int, depth: int, *, in_list: bool) -> Any:
        self._count += 1
        if self._count % _OFTEN == 0 and self._over():
            raise _OutOfTime
        if depth > _DEEPEST:
            raise RecursionError
        if kind in (1, 2):
            return self._byte() == 1 if in_list else kind == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._whole()
        if kind == 7:
            return struct.unpack("<d", self._take(8))[0]
        if kind == 8:
            return self._take(self._varint())
        if kind in (9, 10):
            head = self._byte()
            size = head >> 4 if head >> 4 < 15 else self._varint()
            return [self._value(head & 15, depth + 1, in_list=True) for _ in range(size)]
        if kind == 12:
            return dict(self.fields(depth + 1))
        raise ValueError(kind)  # maps are in no footer

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _take(self, size: int) -> bytes:
        if size > len(self._data) - self._at:
            raise IndexError(size)
        self._at += size
        return self._data[self._at - size : self._at]

    def _varint(self) -> int:
        found = shift = 0
        while True:
            byte = self._byte()
            found |= (byte & 127) << shift
            if byte < 128:
                return found
            shift += 7
            if shift > 63:
                raise ValueError(shift)

    def _whole(self) -> int:
        found = self._varint()
        return (found >> 1) ^ -(found & 1)

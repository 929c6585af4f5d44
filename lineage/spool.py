# SPDX-License-Identifier: Apache-2.0
"""Keeps more than memory should hold in a temporary file, which nobody else can open and which is gone
with its last user, however that ends.
"""

from __future__ import annotations

import os
import weakref
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import Generic, TypeVar, overload

import orjson

from lineage.closeable import Closeable

K = TypeVar("K")
T = TypeVar("T")

#: Items that are held in memory before they are written, of all keys together.
HELD = 2_000
#: Bytes of a text that stay in memory, and of one that are handed on at once.
_SHORT, _PIECE = 1 << 20, 1 << 18


class Spool(Closeable, Generic[K, T]):
    """Items under keys; what was put under a key comes back in its order, any number of times. Items are
    what JSON has: texts, numbers, lists (tuples come back as such), and objects.

    >>> with Spool() as spool:
    ...     for number in range(5):
    ...         spool.put(number % 2, number)
    ...     list(spool), list(spool.of(1)), spool.number(0)
    ([0, 1], [1, 3], 3)
    """

    def __init__(self) -> None:
        # Without a name and for its owner only, from its first byte on.
        self._file = TemporaryFile(buffering=0)  # noqa: SIM115 - closed with the spool
        self._end = 0
        #: Key -> where its blocks are: place, length.
        self._blocks: dict[K, list[tuple[int, int]]] = {}
        self._numbers: dict[K, int] = {}
        self._open: dict[K, list[T]] = {}
        self._held = 0

    def put(self, key: K, item: T) -> None:
        """Put an item behind the others of its key. Raises ``OSError`` where the disk is full."""
        found = self._open.get(key)
        if found is None:
            found = self._open[key] = []
            self._blocks.setdefault(key, [])
        found.append(item)
        self._held += 1
        if self._held >= HELD:
            self.flush()

    def flush(self) -> None:
        """Write what is still in memory."""
        for key, items in self._open.items():
            data = orjson.dumps(items)
            self._numbers[key] = self._numbers.get(key, 0) + len(items)
            self._blocks[key].append((self._end, len(data)))
            self._file.seek(self._end)
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
            self._end += len(data)
        self._open, self._held = {}, 0

    def of(self, key: K) -> Iterator[T]:
        """Yield the items of a key, a block of them in memory at a time."""
        self.flush()
        for place, length in self._blocks.get(key, ()):
            self._file.seek(place)
            data = self._file.read(length)
            yield from orjson.loads(data)

    def number(self, key: K) -> int:
        """How many items were put under a key."""
        return self._numbers.get(key, 0) + len(self._open.get(key, ()))

    def __iter__(self) -> Iterator[K]:
        """The keys, in the order in which they first came."""
        return iter(self._blocks)

    def close(self) -> None:
        """See ``Closeable``: the file is gone."""
        self._file.close()


class MadeSequence(Sequence[T]):
    """A sequence whose items are made each time that somebody looks at one, so that they are not all in
    memory: ``item`` makes the one of a number from 0 on.
    """

    @abstractmethod
    def item(self, number: int) -> T:
        """Make an item."""

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        if isinstance(at, slice):
            return [self.item(number) for number in range(*at.indices(len(self)))]
        return self.item(range(len(self))[at])


class Text:
    """Bytes in a temporary file, or, if they are few, in memory; gone with the last who knows of them."""

    def __init__(self, pieces: Iterable[bytes] = ()) -> None:
        self._file = SpooledTemporaryFile(max_size=_SHORT)  # noqa: SIM115 - closed with this
        weakref.finalize(self, self._file.close)
        some, size = [], 0
        for piece in pieces:
            some.append(piece)
            size += len(piece)
            if size >= _PIECE:
                self._file.write(b"".join(some))
                some, size = [], 0
        self._file.write(b"".join(some))

    def __len__(self) -> int:
        return self._file.seek(0, os.SEEK_END)

    def __bytes__(self) -> bytes:
        self._file.seek(0)
        return self._file.read()

    def __iter__(self) -> Iterator[bytes]:
        """The bytes, piece by piece."""
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            yield piece

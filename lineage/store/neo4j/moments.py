# SPDX-License-Identifier: Apache-2.0
"""Reads that belong together: the head of the ledger that each of them saw, thread by thread.

Neo4j has no snapshot over several statements. Each of our reads is of one head (``commits``); where all of one
answer saw the same, it is an answer of that head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import local

from lineage.ledger.merkle import Frontier
from lineage.store.base import Moment
from lineage.store.neo4j.rows import head_of


class _Seen(local):
    """What the reads of this thread have seen, while an answer is being read."""

    heads: list[Frontier | None] | None = None


class Moments:
    """The heads seen by the answers that are being read; ``head`` reads the head by itself."""

    def __init__(self, head: Callable[[], Frontier]) -> None:
        self._seen = _Seen()
        self._head = head

    @contextmanager
    def moment(self) -> Iterator[Moment]:
        """See ``Store.moment``. One inside another is a part of it."""
        read = Moment()
        if self._seen.heads is not None:
            yield read
            return
        self._seen.heads = []
        try:
            yield read
            read.head = self._steady()
        finally:
            self._seen.heads = None

    def saw(self, begun: str | None, size: int | None, peaks: str | None) -> None:
        """A statement looked at the head before and after."""
        if self._seen.heads is not None:
            found = None
            with suppress(TypeError, ValueError, AttributeError):
                found = head_of(size, peaks) if begun == peaks else None
            self._seen.heads.append(found)

    def head(self) -> Frontier:
        """The head that all reads of the answer so far saw, which is no worse than one read now."""
        if self._seen.heads and (seen := self._steady()) is not None:
            return seen
        return self._head()

    def _steady(self) -> Frontier | None:
        heads = self._seen.heads or []
        last = heads[-1] if heads else None
        return last if last and all(head and head.size == last.size for head in heads) else None

# SPDX-License-Identifier: Apache-2.0
"""Reads a page at a time what a store holds many of: entries, and values kept under names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lineage.ledger.log import Entry, Header
from lineage.store.base import NOW, Store

#: Records that the entries of one page hold, unless it is one entry.
_RECORDS = 8_000


def pages(store: Store, size: int = 256, after: int = 0) -> Iterator[Entry]:
    """Yield all entries of a store behind a sequence number, in order, read a page at a time."""
    while headers := store.headers(after, size, NOW):
        for some in _bounded(headers):
            bodies = dict(store.bodies([header.seq for header in some]))
            for header in some:
                shown = {name: getattr(header, name) for name in Header.__dataclass_fields__}
                yield Entry(**shown, body=bodies.pop(header.seq, b""))
        after = headers[-1].seq


def _bounded(headers: Iterable[Header]) -> Iterator[list[Header]]:
    """The same entries in groups whose bodies may be in memory together."""
    group: list[Header] = []
    held = 0
    for header in headers:
        size = header.added + header.retracted
        if group and held + size > _RECORDS:
            yield group
            group, held = [], 0
        group.append(header)
        held += size
    yield group


def values_under(store: Store, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Yield all values whose names begin so, by name, read a page at a time."""
    after: str | None = None
    while found := store.values_under(prefix, after):
        yield from found
        after = found[-1][0]

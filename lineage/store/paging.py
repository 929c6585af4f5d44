# SPDX-License-Identifier: Apache-2.0
"""Reads a page at a time what a store holds many of: entries, and values kept under names."""

from __future__ import annotations

from collections.abc import Iterator

from lineage.ledger.log import Entry, Header
from lineage.store.base import NOW, Store


def pages(store: Store, size: int = 256, after: int = 0) -> Iterator[Entry]:
    """Yield all entries of a store behind a sequence number, in order, read a page at a time."""
    while headers := store.headers(after, size, NOW):
        bodies = store.bodies([header.seq for header in headers])
        for header in headers:
            shown = {name: getattr(header, name) for name in Header.__dataclass_fields__}
            yield Entry(**shown, body=bodies.get(header.seq, b""))
        after = headers[-1].seq


def values_under(store: Store, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Yield all values whose names begin so, by name, read a page at a time."""
    after: str | None = None
    while found := store.values_under(prefix, after):
        yield from found
        after = found[-1][0]

# SPDX-License-Identifier: Apache-2.0
"""Reads a page at a time what a store holds many of: entries, things, and values kept under names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lineage.ledger.log import Entry, Header
from lineage.store.base import NOW, Filter, Page, Store, View
from lineage.store.rows import NodeRow

#: Records that the entries of one page hold, unless it is one entry.
_RECORDS = 8_000
#: Things of one page.
_THINGS = 2_000


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


def find_pages(
    store: Store, where: Filter, view: View = NOW, size: int = _THINGS
) -> Iterator[Sequence[NodeRow]]:
    """Yield all things that a filter finds, by identifier, in pages of some size; none is empty."""
    after: str | None = None
    while True:
        page = store.find(where, Page(limit=size, after=after), view)
        if page.rows:
            yield page.rows
        if (after := page.after) is None:
            return


def find_all(store: Store, where: Filter, view: View = NOW) -> Iterator[NodeRow]:
    """Yield all things that a filter finds, by identifier."""
    for rows in find_pages(store, where, view):
        yield from rows


def values_under(store: Store, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Yield all values whose names begin so, by name, read a page at a time."""
    after: str | None = None
    while found := store.values_under(prefix, after):
        yield from found
        after = found[-1][0]

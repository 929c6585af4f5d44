# SPDX-License-Identifier: Apache-2.0
"""Copies a store to another engine, and draws its graph anew; the ledger's root proves both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lineage.errors import CopyDiffers, Usage
from lineage.ledger.merkle import Frontier
from lineage.model.vocabulary import KEPT, Vocabulary
from lineage.progress import Progress, silent
from lineage.services.context import Context
from lineage.services.read import known_gaps
from lineage.store import unfinished
from lineage.store.base import Store
from lineage.store.kept import PERSON_KEY, remembered
from lineage.store.paging import pages, values_under

#: What is kept that moves with the ledger: identities depend on the key, and without what was sent to
#: partners and taken from them a replay would pass for a first time.
MOVED = (PERSON_KEY, "exchange/")
#: What is kept of what is not known: a copy says it as the source does now.
FOLLOWED = (known_gaps.KEPT, known_gaps.WEAK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """How many entries were written, and the root that both ledgers have."""

    entries: int
    total: int
    root: str

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage copy`` and ``lineage rebuild``."""
        return {"entries": self.entries, "total": self.total, "root": self.root}


def copy(
    source: Store,
    target: Store,
    progress: Progress = silent,
    *,
    moved: Sequence[str] = MOVED,
    command: str = "copy",
    arguments: str = "SOURCE TARGET",
) -> Replication:
    """Replay one ledger into another store, up to the entry at which this begins, going on where an
    interrupted copy stopped. Until it has ended nobody else opens the target (``StoreUnfinished``):
    ``command`` and ``arguments`` say how it is gone on with. Others may write to the source, and copy
    into the same target, meanwhile. ``moved`` are the values kept beside the ledger that move with it,
    by how their names begin.

    Raises ``StoreTooNew`` where the source holds terms that this version does not know, ``Usage``
    where the target holds anything that is not a beginning of the source, and
    ``CopyDiffers`` where the roots differ afterwards.
    """
    Vocabulary.of_values(dict(values_under(source, KEPT))).demand_known()
    begun = target.head().size
    head = source.head()
    if begun and source.leaves(begun - 1, 1) != target.leaves(begun - 1, 1):
        raise Usage("the target store holds other entries", hint="Copy into a new, empty store.")
    # Before the mark: a store that is refused stays as it was, and one that is unfinished stays marked.
    for name, value in _moving(source, moved):
        _demand_same(name, target.values([name]).get(name, value), value)
    mark = unfinished.begin(target, command, arguments, head.size)
    for name, value in _moving(source, moved):
        _demand_same(name, remembered(target, name, value), value)
    for entry in pages(source, after=begun):
        if entry.seq > head.size:
            break
        target.replay(entry)
        progress("copying entries", entry.seq, head.size)
    for prefix in FOLLOWED:
        _follow(source, target, prefix)
    if log_of(target, head.size) != head:
        raise CopyDiffers("the copy's root differs from the source's")
    unfinished.end(target, mark)
    return Replication(entries=head.size - begun, total=head.size, root=head.root.hex())


def _moving(source: Store, moved: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The values that move with the ledger; terms and what is not known follow in their own ways."""
    for prefix in moved:
        for name, value in values_under(source, prefix):
            if name != unfinished.KEPT and not name.startswith((KEPT, *FOLLOWED)):
                yield name, value


def _demand_same(name: str, held: bytes, wanted: bytes) -> None:
    if held != wanted:
        raise Usage(f"the target store has another {name}", hint="Copy into a new store.")


def log_of(store: Store, size: int) -> Frontier:
    """The log of the first entries of a store, computed from their leaf hashes; a shorter one where
    there are fewer.
    """
    grown = Frontier()
    while grown.size < size and (found := store.leaves(grown.size, min(size - grown.size, 10_000))):
        for leaf in found:
            grown = grown.append(leaf)
    return grown


def _follow(source: Store, target: Store, prefix: str) -> None:
    wanted = dict(values_under(source, prefix))
    held = dict(values_under(target, prefix))
    changes: dict[str, bytes | None] = {name: None for name in held if name not in wanted}
    changes |= {name: value for name, value in wanted.items() if held.get(name) != value}
    if changes:
        target.keep(changes)


def rebuild(ctx: Context, progress: Progress = silent) -> Replication:
    """Draw the graph anew from the ledger, which stays as it is."""
    head = ctx.store.rebuild_graph(partial(progress, "drawing entries"))
    return Replication(entries=head.size, total=head.size, root=head.root.hex())

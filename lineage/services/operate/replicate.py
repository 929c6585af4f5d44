# SPDX-License-Identifier: Apache-2.0
"""Copies a store to another engine, and draws its graph anew; the ledger's root proves both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lineage.errors import CopyDiffers, Usage
from lineage.model.vocabulary import KEPT, Vocabulary
from lineage.progress import Progress, silent
from lineage.services.context import Context
from lineage.services.read import known_gaps
from lineage.store.base import PERSON_KEY, Store, remembered
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


def copy(source: Store, target: Store, progress: Progress = silent) -> Replication:
    """Replay one ledger into another store, going on where an interrupted copy stopped.

    Raises ``StoreTooNew`` where the source holds terms that this version does not know, ``Usage``
    where the target holds anything that is not a beginning of the source, and
    ``CopyDiffers`` where the roots differ afterwards.
    """
    Vocabulary.of_values(dict(values_under(source, KEPT))).demand_known()
    head, begun = source.head(), target.head().size
    if begun:
        _demand_beginning(source, target, begun)
    for prefix in MOVED:
        for name, value in values_under(source, prefix):
            if remembered(target, name, value) != value:
                raise Usage(f"the target store has another {name}", hint="Copy into a new store.")
    for entry in pages(source, after=begun):
        target.replay(entry)
        progress("copying entries", entry.seq, head.size)
    for prefix in FOLLOWED:
        _follow(source, target, prefix)
    root = target.head().root
    if root != source.head().root:
        raise CopyDiffers("the copy's root differs from the source's")
    return Replication(entries=head.size - begun, total=head.size, root=root.hex())


def _follow(source: Store, target: Store, prefix: str) -> None:
    wanted = dict(values_under(source, prefix))
    held = dict(values_under(target, prefix))
    changes: dict[str, bytes | None] = {name: None for name in held if name not in wanted}
    changes |= {name: value for name, value in wanted.items() if held.get(name) != value}
    if changes:
        target.keep(changes)


def _demand_beginning(source: Store, target: Store, begun: int) -> None:
    if source.leaves(begun - 1, 1) != target.leaves(begun - 1, 1):
        raise Usage("the target store holds other entries", hint="Copy into a new, empty store.")


def rebuild(ctx: Context, progress: Progress = silent) -> Replication:
    """Draw the graph anew from the ledger, which stays as it is."""
    head = ctx.store.head()
    ctx.store.rebuild_graph(lambda seq: progress("drawing entries", seq, head.size))
    return Replication(entries=head.size, total=head.size, root=head.root.hex())

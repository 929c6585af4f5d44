# SPDX-License-Identifier: Apache-2.0
"""Keeps the batches of a source in a temporary file until all of it is read, one of them in memory."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lineage.gc_pause import gc_disabled
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Attributes, from_json, wire
from lineage.services.read import known_gaps
from lineage.spool import MadeSequence, Spool

_Row = tuple[Any, ...]
#: Records that stay in memory, of the first batches: that many cost less than the time of a file does.
HELD = 50_000


class SpooledBatches(MadeSequence[Batch]):
    """Batches, of which the first ones and the last are in memory, and others are read from a file each
    time that somebody looks at one. ``told`` is what they say beside their records, ``sizes`` how many these are, ``weak``
    whether any is an edge that walks do not follow.
    """

    def __init__(self, batches: Iterable[Batch] = ()) -> None:
        self._spool: Spool[int, tuple[list[_Row], list[_Row]]] | None = None
        #: Batches by number that are in memory: the first ones, and the last.
        self._held: dict[int, Batch] = {}
        self._room = HELD
        self.told: list[Batch] = []
        self.sizes: list[int] = []
        self.weak: bool = False
        for batch in batches:
            self.append(batch)

    def append(self, batch: Batch) -> None:
        """Add a batch behind the others. Raises ``OSError`` where the disk is full."""
        number = len(self.told)
        if number:
            self._room -= self.sizes[-1]
            if self._room < 0:
                self._write(number - 1)
        self._held[number] = batch
        self.told.append(replace(batch, nodes=(), edges=()))
        self.sizes.append(len(batch))
        self.weak = self.weak or known_gaps.any_weak(batch.edges)

    @gc_disabled()
    def _write(self, number: int) -> None:
        """Put a batch into the file."""
        if self._spool is None:
            self._spool = Spool()
            weakref.finalize(self, self._spool.close)
        batch = self._held.pop(number)
        nodes = [(n.id, n.kind, n.label, wire(n.attributes), n.bundle) for n in batch.nodes]
        edges = [
            (e.relation, e.effect, e.cause, wire(e.attributes), e.id, e.bundle) for e in batch.edges
        ]
        self._spool.put(number, (nodes, edges))
        self._spool.flush()

    @gc_disabled()
    def item(self, number: int) -> Batch:
        """See ``MadeSequence``: out of memory or the file."""
        if number in self._held:
            return self._held[number]
        assert self._spool is not None
        ((nodes, edges),) = self._spool.of(number)
        return replace(
            self.told[number],
            nodes=tuple(
                Node(id=ident, kind=kind, label=label, attributes=_attributes(said), bundle=bundle)
                for ident, kind, label, said, bundle in nodes
            ),
            edges=tuple(
                Edge(
                    relation=relation,
                    effect=effect,
                    cause=cause,
                    attributes=_attributes(said),
                    id=ident,
                    bundle=bundle,
                )
                for relation, effect, cause, said, ident, bundle in edges
            ),
        )

    def __len__(self) -> int:
        return len(self.told)


def _attributes(said: dict[str, Any]) -> Attributes:
    """Attributes out of a row; most are JSON as they stand."""
    for value in said.values():
        if type(value) is not str:
            return from_json(said)
    return said

# SPDX-License-Identifier: Apache-2.0
"""What is written at once, and what a write did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lineage.ledger.log import Draft
from lineage.model.record import Batch, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a write did: the entry it made (``None``: nothing was new) and how many records were
    added, retracted, or stood there already; ``things`` counts the nodes that nobody had spoken of.
    """

    seq: int | None
    things: int = 0
    added: int = 0
    retracted: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Write:
    """One entry to be made: who says it, what is asserted, what is taken back."""

    draft: Draft
    batch: Batch
    retract: Sequence[Record] = ()

    def __len__(self) -> int:
        return len(self.batch) + len(self.retract)


def ignored(number: int) -> None:
    """Tell nobody how far it is."""
    del number

# SPDX-License-Identifier: Apache-2.0
"""Groups many records into batches of a bounded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lineage.model.record import Batch, Edge, Node

#: How many records an importer puts into one batch, where the source does not say.
BATCH_RECORDS = 4_000


def batches(
    nodes: Sequence[Node], edges: Sequence[Edge], size: int = BATCH_RECORDS
) -> Iterator[Batch]:
    """Group many records into batches of a bounded size: all nodes first, then the edges between
    them.
    """
    for start in range(0, len(nodes), size):
        yield Batch(nodes=tuple(nodes[start : start + size]))
    for start in range(0, len(edges), size):
        yield Batch(edges=tuple(edges[start : start + size]))

# SPDX-License-Identifier: Apache-2.0
"""Imports OpenLineage: events in JSON, in lists and lines of it, and in what tools keep them in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from importers.base import Importer, Options, Source
from importers.batching import batches
from importers.openlineage.event import batch_of
from importers.openlineage.reading import HEAD, MOST_SNIFFED, events, looks_like_events
from importers.tally import Tally
from lineage.errors import BadInput, Rejected
from lineage.model.record import Batch, Edge, Node, Record, line
from lineage.progress import told

__all__ = ["IMPORTER", "OpenLineageImporter", "batch_of"]

_KINDS = {"Run": "runs", "Dataset": "datasets", "DatasetVersion": "versions"}


class OpenLineageImporter(Importer):
    """Reads events as their producers wrote them; addresses of schemas are never fetched."""

    name = "openlineage"
    summary = "OpenLineage events: JSON, lists or lines of it, answers of Marquez, topics, logs"

    def sniffs(self, source: Source) -> bool:
        """The words of an event near the top, or further on where what is before them is one."""
        try:
            if source.data is not None:
                return looks_like_events(
                    source.data[:HEAD], iter((source.data[HEAD:MOST_SNIFFED],))
                )
            if source.path is None or not source.path.is_file():
                return False
            with source.path.open("rb") as file:
                head = file.read(HEAD)
                return looks_like_events(head, _pieces(file))
        except OSError:
            return False

    def read(self, source: Source, options: Options) -> Iterator[Batch]:
        """Yield what the events say; the last batch has counts, and what was refused and why.

        Raises ``BadInput`` and the kinds of it; ``Rejected`` when no event can be taken.
        """
        tally, nodes, edges = Tally(), dict[bytes, Node](), dict[bytes, Edge]()
        lost: dict[tuple[str, str], int] = {}
        refused: list[Rejected] = []
        count = 0
        for place, event in told(events(source, tally), options.progress, "reading events"):
            count += 1
            try:
                batch = batch_of(event, person_key=options.person_key)
            except Rejected as error:
                refused.append(error)
                tally.lose("events", "refused", first=f"{place}: {error}")
                continue
            nodes.update((line(node), node) for node in batch.nodes)
            edges.update((line(edge), edge) for edge in batch.edges)
            for loss in batch.losses:
                key = (loss.what, loss.reason)
                lost[key] = lost.get(key, 0) + loss.number
        if not count:
            raise BadInput("there is no event in it", where=source.address)
        if len(refused) == count:
            raise Rejected(refused[0].what, where=source.address, hint=refused[0].hint)
        for (what, reason), number in lost.items():
            tally.lose(what, reason, count=number)
        yield from batches(tuple(nodes.values()), tuple(edges.values()))
        yield Batch(seen=_seen(count, nodes), losses=tally.losses())

    def reads_one_file(self, source: Source) -> bool:
        """See ``Importer``: nothing that a document names is looked at."""
        return source.path is not None and source.path.is_file()

    def lasting(self, record: Record) -> bool:
        """What has happened stays so, whatever a file holds later."""
        del record
        return True


def _seen(events: int, nodes: dict[bytes, Node]) -> dict[str, int]:
    """How many events, and how many different things they name."""
    kinds = {node.id: node.kind for node in nodes.values()}
    counted = Counter(_KINDS[kind] for kind in kinds.values() if kind in _KINDS)
    jobs = sum(ident.startswith("urn:lineage:job:") for ident in kinds)
    return {"events": events, "jobs": jobs, **counted}


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """What follows the head of a file, up to where a look at it ends."""
    while file.tell() < MOST_SNIFFED and (piece := file.read(16 * HEAD)):
        yield piece


IMPORTER = OpenLineageImporter()

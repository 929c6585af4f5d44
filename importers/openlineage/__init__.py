# SPDX-License-Identifier: Apache-2.0
"""Imports OpenLineage: files of events, one event, a list of them, or one a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from importers.base import Importer, Options, Source
from importers.batching import batches
from importers.openlineage.event import batch_of
from importers.tally import Tally
from lineage.errors import BadInput, Rejected
from lineage.model.record import Batch, Edge, Node, Record, line
from lineage.sources import json_reader

__all__ = ["IMPORTER", "OpenLineageImporter", "batch_of"]

_HEAD = 65_536
_KINDS = {"Run": "runs", "Dataset": "datasets", "DatasetVersion": "versions"}


class OpenLineageImporter(Importer):
    """Reads events as their producers wrote them; addresses of schemas are never fetched."""

    name = "openlineage"
    summary = "OpenLineage events: one, a JSON list, or one a line (.json, .ndjson)."

    def sniffs(self, source: Source) -> bool:
        """JSON with the words of an event near its top."""
        try:
            data = source.data
            if data is None and source.path is not None and source.path.is_file():
                with source.path.open("rb") as file:
                    data = file.read(_HEAD)
        except OSError:
            return False
        head = (data or b"")[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
        if head[:1] not in (b"{", b"["):
            return False
        parts = any(word in head for word in (b'"run"', b'"job"', b'"dataset"'))
        return parts and (b'"eventType"' in head or b'"eventTime"' in head)

    def read(self, source: Source, options: Options) -> Iterator[Batch]:
        """Yield what the events say; the last batch has counts, and what was refused and why.

        Raises ``BadInput`` and the kinds of it; ``Rejected`` when no event can be taken.
        """
        tally, nodes, edges = Tally(), dict[bytes, Node](), dict[bytes, Edge]()
        lost: dict[tuple[str, str], int] = {}
        refused: list[Rejected] = []
        events = 0
        for events, event in enumerate(_events(source), 1):
            try:
                batch = batch_of(event, person_key=options.person_key)
            except Rejected as error:
                refused.append(error)
                tally.lose("events", "refused", first=f"event {events}: {error}")
                continue
            nodes.update((line(node), node) for node in batch.nodes)
            edges.update((line(edge), edge) for edge in batch.edges)
            for loss in batch.losses:
                key = (loss.what, loss.reason)
                lost[key] = lost.get(key, 0) + loss.number
        if not events:
            raise BadInput("there is no event in it", where=source.address)
        if len(refused) == events:
            raise Rejected(refused[0].what, where=source.address, hint=refused[0].hint)
        for (what, reason), number in lost.items():
            tally.lose(what, reason, count=number)
        yield from batches(tuple(nodes.values()), tuple(edges.values()))
        yield Batch(seen=_seen(events, nodes), losses=tally.losses())

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


def _events(source: Source) -> Iterator[Any]:
    """Each event of a file. One a line where the first line is a whole value by itself."""
    data, where = source.read(), source.address
    lines = [text for text in data.splitlines() if text.strip()]
    if len(lines) > 1 and _whole(lines[0], where):
        for number, text in enumerate(lines, 1):
            yield json_reader.loads(text, where=f"{where}:{number}")
        return
    value = json_reader.loads(data, where=where)
    yield from value if isinstance(value, list) else (value,)


def _whole(text: bytes, where: str) -> bool:
    try:
        json_reader.loads(text, where=where)
    except BadInput:
        return False
    return True


IMPORTER = OpenLineageImporter()

# SPDX-License-Identifier: Apache-2.0
"""Imports captured runs, and rewritten commits: the files of the spool."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from importers.base import Importer, Options, Source
from importers.captured import rewrites
from importers.captured.records import Run
from importers.tally import Tally
from lineage.errors import BadInput, InputTooNew, InputTruncated, LineageError
from lineage.model.record import Batch
from lineage.sources import run_file

_EVENT = re.compile(run_file.EVENT)


class CapturedImporter(Importer):
    """Reads one run file: the run, what it used and made, and what could not be seen of it; or which commits git
    rewrote, where that is what it tells.
    """

    name = "captured"
    summary = "Runs that were captured, and commits that git rewrote: the files in .lineage/spool."

    def sniffs(self, source: Source) -> bool:
        """Whether the file begins with an event."""
        try:
            return (source.path is None or source.path.is_file()) and bool(
                _EVENT.match(source.head())
            )
        except (LineageError, OSError):
            return False

    def read(self, source: Source, options: Options) -> Iterator[Batch]:
        """Yield what is known of the run so far. Raises ``InputTruncated`` where nothing is, ``BadInput``,
        ``InputTooNew``.
        """
        found = run_file.parse(source.read())
        if not found.events:
            raise InputTruncated("there is no whole event in it", where=source.address)
        newest = max(event.get("format", 0) for event in found.events)
        if newest > run_file.FORMAT:
            message = (
                f"it has version {newest} of the format of run files, {run_file.FORMAT} is known"
            )
            raise InputTooNew(message, where=source.address)
        tally = Tally()
        tally.lose("events", "were cut off or damaged", count=found.damaged)
        try:
            read = _records([_event(event) for event in found.events], options)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"this is no run file: {type(error).__name__}: {error}"
            raise BadInput(message, where=source.address) from error
        yield read
        yield Batch(losses=tally.losses(), source=read.source)

    def reads_one_file(self, source: Source) -> bool:
        """All that is known of a run is in its file."""
        del source
        return True


def _event(said: dict[str, Any]) -> dict[str, Any]:
    """An event that can be stored, with the words of its command as JSON beside: no byte of them is lost there."""
    told: dict[str, Any] = _readable(said)
    return {**told, "argv": json.dumps(said["words"])} if said.get("words") else told


def _records(events: list[dict[str, Any]], options: Options) -> Batch:
    """What a file tells. The run is the source: wherever its file lies, what it says replaces what it said before."""
    key = str(events[0]["run"])
    if told := [event for event in events if event["event"] == "rewritten"]:
        nodes = rewrites.records(told)
        return Batch(nodes=nodes, seen={"rewritten commits": len(nodes)}, source=key)
    found, edges = Run(events, options).records()
    return Batch(nodes=tuple(found), edges=tuple(edges), seen={"runs": 1}, source=key)


def _readable(said: Any) -> Any:
    """The same with texts that can be stored: bytes that are no UTF-8 are written out."""
    if isinstance(said, dict):
        return {_readable(key): _readable(value) for key, value in said.items()}
    if isinstance(said, list):
        return [_readable(item) for item in said]
    if not isinstance(said, str) or said.isascii():
        return said
    return said.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


IMPORTER = CapturedImporter()

# SPDX-License-Identifier: Apache-2.0
"""Imports decision records: markdown files of MADR, Nygard's form, log4brains' and ours, with their history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

from importers.base import Importer, Options, Source
from importers.batching import batches
from importers.decisions.files import Files, holds_records
from importers.decisions.reading import read
from importers.decisions.records import DecisionRecords, is_lasting
from importers.tally import Tally
from lineage.access.mask import masked
from lineage.errors import BadInput, InputMissing, LineageError
from lineage.model.record import Batch, Record
from lineage.sources.decision_records import record
from lineage.sources.git import layout
from lineage.sources.git.reader import GitReader


class DecisionsImporter(Importer):
    """Reads decision records as their files say them; what they name is joined afterwards."""

    name = "decisions"
    summary = "decision records (MADR, Nygard, log4brains, ours): a repository, a folder or a file."

    def sniffs(self, source: Source) -> bool:
        """Whether a folder of records lies there, now or in the history, or a file is one."""
        path = source.path
        try:
            if path is None or not path.is_dir():
                return _is_record(source)
            return holds_records(path)
        except (OSError, LineageError):
            return False

    def read(self, source: Source, options: Options) -> Iterator[Batch]:
        """Yield decisions with all their versions; the last batch has counts and losses.

        Raises ``InputMissing``, and ``BadInput`` for a file that is no record.
        """
        path = source.path
        if path is None:
            message = f"{source.address} is not a folder or file on this machine"
            raise BadInput(message, where=source.address, hint="Clone it, then import the clone.")
        if not path.exists():
            raise InputMissing(f"there is no {path}", where=str(path))
        tally = Tally()
        with ExitStack() as stack:
            root = layout.around(path)
            repository = None if root is None else stack.enter_context(GitReader.open(root))
            files = Files(root or path, path, repository, options, tally)
            found = read(files, tally)
            records = DecisionRecords(files.namespace, found, options.person_key)
            nodes, edges = records.records(files.people())
        partial = options.revisions is not None
        for batch in batches(nodes, edges):
            yield masked(replace(batch, partial=partial))
        seen = {"decisions": len(found), "versions": sum(len(one.versions) for one in found)}
        yield Batch(seen=seen, losses=tally.losses(), partial=partial)

    def lasting(self, record: Record) -> bool:
        """What was written once was written, whatever the file says now."""
        return is_lasting(record)


def _is_record(source: Source) -> bool:
    """Whether a file is a record by its name and its text."""
    if not record.may_be_record(source.address):
        return False
    record.read(source.read(), source.address)
    return True


IMPORTER = DecisionsImporter()

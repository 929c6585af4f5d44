# SPDX-License-Identifier: Apache-2.0
"""Imports any PROV document, by the table of formats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from importers.base import Importer, Options, Source
from lineage import formats
from lineage.access.mask import masked
from lineage.errors import LineageError
from lineage.formats.prov_jsonld import contexts
from lineage.model.record import Batch

#: Records that are read, checked and written at a time.
TOGETHER = 20_000


class DocumentImporter(Importer):
    """Reads PROV documents; what they name keeps its own identifier."""

    name = "document"
    summary = "a PROV document: PROV-JSON, PROV-N, PROV-XML, PROV-O in any syntax of RDF"

    def sniffs(self, source: Source) -> bool:
        """A file that one of the formats recognises, or that is called like its documents."""
        if source.data is None and (source.path is None or not source.path.is_file()):
            return False
        try:
            found = formats.sniff(source.head())
        except LineageError:
            return False
        if found is None:
            return formats.is_named(source.address)
        # A crate is more than its document: it has an importer of its own.
        return found.name != "rocrate"

    def read(self, source: Source, options: Options) -> Iterator[Batch]:
        """Yield the document in batches, or as one where its format has to be read as a whole."""
        found = formats.sniff(source.head())
        if isinstance(found, formats.Batched):
            with source.open() as file:
                for batch in found.batches(file, source.address, TOGETHER):
                    yield _told(batch)
            return
        data = contexts.inlined(source.read(), options.contexts, where=source.address)
        found = formats.recognised(data, source.address)
        yield _told(found.loads(data, source.address))

    def reads_one_file(self, source: Source) -> bool:
        """See ``Importer``: nothing that a document names is looked at."""
        return source.path is not None and source.path.is_file()


def _told(batch: Batch) -> Batch:
    """A batch without secrets, and how much is in it."""
    seen = {"nodes": len(batch.nodes), "edges": len(batch.edges)}
    if batch.bundles:
        seen["bundles"] = len(batch.bundles)
    return masked(replace(batch, seen=seen))


IMPORTER = DocumentImporter()

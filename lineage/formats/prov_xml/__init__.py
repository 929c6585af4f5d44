# SPDX-License-Identifier: Apache-2.0
"""PROV-XML (W3C Working Group Note of 2013-04-30) read and written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lineage.formats.document import Document, crowded
from lineage.formats.prov_xml.read import Reader
from lineage.formats.prov_xml.write import Writer
from lineage.gc_pause import gc_disabled
from lineage.model import namespaces
from lineage.model.record import Batch, Loss
from lineage.sources.xml_guard import without_doctype

_ROOT = re.compile(rb"<(?:[\w.\-]+:)?document[\s>/]")


class ProvXml:
    """The PROV-XML format."""

    name = "xml"

    def sniffs(self, data: bytes) -> bool:
        """A root called ``document`` in the namespace of PROV."""
        head = data[:65536]
        return _ROOT.search(head) is not None and namespaces.PROV.encode() in head

    @gc_disabled()
    def loads(self, data: bytes, where: str = "document") -> Batch:
        """Read a document, bundles and all."""
        without_doctype(data, where=where)
        reader = Reader(data, where)
        reader.document(data)
        return reader.batch()

    @gc_disabled()
    def dumps(self, batch: Batch) -> bytes:
        """Write a document: same batch, same bytes."""
        return b"".join(self.pieces(Document.of(batch)))

    def pieces(self, document: Document) -> Iterator[bytes]:
        """See ``formats.Streamed``."""
        return Writer(document).document()

    def losses(self, batch: Batch | Document) -> tuple[Loss, ...]:
        """What others read a part of: what the schema has no place for is held by ours."""
        return crowded(batch, "others read the first")


FORMAT = ProvXml()

# SPDX-License-Identifier: Apache-2.0
"""PROV-N (W3C Recommendation of 2013-04-30), the notation for people, read and written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lineage.formats.document import Document, crowded
from lineage.formats.prov_n.read import Reader
from lineage.formats.prov_n.write import Writer
from lineage.gc_pause import gc_disabled
from lineage.model.record import Batch, Loss

_DOCUMENT = re.compile(rb"(?s)(?:\xef\xbb\xbf)?(?:\s++|//[^\n]*+\n|/\*.*?\*/)*+document\b")


class ProvN:
    """The PROV-N format."""

    name = "provn"

    def sniffs(self, data: bytes) -> bool:
        """The word ``document``, comments before it aside."""
        return _DOCUMENT.match(data[:65536]) is not None

    @gc_disabled()
    def loads(self, data: bytes, where: str = "document") -> Batch:
        """Read a document, bundles and all."""
        reader = Reader(data, where)
        reader.document()
        return reader.batch()

    @gc_disabled()
    def dumps(self, batch: Batch) -> bytes:
        """Write a document: same batch, same bytes."""
        return b"".join(self.pieces(Document.of(batch)))

    def pieces(self, document: Document) -> Iterator[bytes]:
        """See ``formats.Streamed``."""
        return Writer(document).document()

    def losses(self, batch: Batch | Document) -> tuple[Loss, ...]:
        """What others do not read as what it is; attributes of relations that PROV-N gives none are
        written as others do.
        """
        return crowded(batch, "they are attributes to others")


FORMAT = ProvN()

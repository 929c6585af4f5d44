# SPDX-License-Identifier: Apache-2.0
"""PROV-N (W3C Recommendation of 2013-04-30), the notation for people, read and written."""

from __future__ import annotations

import re

from lineage.formats.gc_pause import gc_disabled
from lineage.formats.prov_n.read import Reader
from lineage.formats.prov_n.write import Writer
from lineage.formats.prov_terms import crowded
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
        return "".join(Writer(batch).document()).encode()

    def losses(self, batch: Batch) -> tuple[Loss, ...]:
        """What others do not read as what it is; attributes of relations that PROV-N gives none are
        written as others do.
        """
        return crowded(batch, "they are attributes to others")


FORMAT = ProvN()

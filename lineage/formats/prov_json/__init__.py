# SPDX-License-Identifier: Apache-2.0
"""PROV-JSON (W3C Member Submission of 2013-04-24) read and written without loss."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from lineage.formats import json_marks
from lineage.formats.document import Document, crowded
from lineage.formats.prov_json.read import Reader
from lineage.formats.prov_json.write import Writer
from lineage.formats.prov_terms import ELEMENTS
from lineage.gc_pause import gc_disabled
from lineage.model import terms
from lineage.model.record import Batch, Loss

#: The members of PROV-JSON, which are objects: other JSON has keys of these names with other values.
_WORDS = frozenset(
    word.encode()
    for word in ("prefix", "bundle", *ELEMENTS, *(r.name for r in terms.TABLE if r.base is None))
)


class ProvJson:
    """The PROV-JSON format."""

    name = "json"

    def sniffs(self, data: bytes) -> bool:
        """A JSON object of which a member is called by a word of PROV-JSON, and no JSON-LD."""
        head = data[:65536].lstrip(b"\xef\xbb\xbf \t\r\n")
        if head[:1] != b"{":
            return False
        own = json_marks.objects(head)
        return head.rstrip() == b"{}" or any(name in _WORDS for name in own)

    @gc_disabled()
    def loads(self, data: bytes, where: str = "document") -> Batch:
        """Read a document, bundles and all."""
        [batch] = self.batches(BytesIO(data), where, sys.maxsize)
        return batch

    def batches(self, file: BinaryIO, where: str, size: int) -> Iterator[Batch]:
        """See ``formats.Batched``."""
        return Reader(file, where).batches(file, size)

    @gc_disabled()
    def dumps(self, batch: Batch) -> bytes:
        """Write a document: same batch, same bytes."""
        return b"".join(self.pieces(Document.of(batch)))

    def pieces(self, document: Document) -> Iterator[bytes]:
        """See ``formats.Streamed``."""
        return Writer(document).document()

    def losses(self, batch: Batch | Document) -> tuple[Loss, ...]:
        """What other readers may refuse: PROV-JSON holds all that a batch can."""
        return crowded(batch, "other readers may refuse it")


FORMAT = ProvJson()

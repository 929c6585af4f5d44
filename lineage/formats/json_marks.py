# SPDX-License-Identifier: Apache-2.0
"""What a document of JSON says of itself: its context, that it is a crate, its own members."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from lineage.errors import LineageError
from lineage.sources import json_stream

_METADATA = re.compile(rb'"@id"\s*:\s*"[^"]*ro-crate-metadata\.json')
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[{}\[\]:,]', re.DOTALL)


def describes_crate(data: bytes) -> bool:
    """Whether JSON-LD has an entity for the metadata of a crate (RO-Crate 1.1, section 3.1)."""
    return b"ro-crate-metadata.json" in data and _METADATA.search(data) is not None


def contexts(data: bytes) -> list[Any]:
    """The contexts at the top of JSON-LD; none where it is no JSON."""
    try:
        for key, section in json_stream.sections(BytesIO(data), where=""):
            if key == "@context":
                value = section.whole()
                return value if isinstance(value, list) else [value]
    except LineageError:
        pass
    return []


def objects(head: bytes) -> Iterator[bytes]:
    """The members of the object that JSON begins with whose values are objects, by their names; of
    a document that goes on, as far as the bytes go.
    """
    depth, before = 0, [b"", b""]
    for found in _TOKEN.finditer(head):
        token = found[0]
        if token == b"{" and depth == 1 and before[1] == b":":
            yield before[0][1:-1]
        depth += (token in (b"{", b"[")) - (token in (b"}", b"]"))
        before = [before[1], token]

# SPDX-License-Identifier: Apache-2.0
"""Contexts that a document of JSON-LD names, out of files that somebody handed over: nothing is ever
fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from lineage.sources import json_reader


def inlined(data: bytes, given: Mapping[str, bytes], *, where: str) -> bytes:
    """JSON-LD with the contexts in it that it names, by their addresses; other documents as they are.
    Raises ``BadInput`` for a context that is no JSON.
    """
    if not given or data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return data
    known = {
        address: _parts(json_reader.loads(text, where=address)) for address, text in given.items()
    }
    value = json_reader.loads(data, where=where)
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            if "@context" in item:
                parts = [part for one in _each(item["@context"]) for part in _known(one, known)]
                item["@context"] = parts
            todo += item.values()
        elif isinstance(item, list):
            todo += item
    return orjson.dumps(value)


def _parts(document: Any) -> list[Any]:
    """The contexts of a document of contexts, or of one that is no more than these."""
    return _each(
        document["@context"] if isinstance(document, dict) and "@context" in document else document
    )


def _known(one: Any, known: Mapping[str, list[Any]]) -> list[Any]:
    return known.get(one, [one]) if isinstance(one, str) else [one]


def _each(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else [raw]

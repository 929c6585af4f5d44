# SPDX-License-Identifier: Apache-2.0
"""Attributes that the schema of a syntax has no place for, as texts: JSON of their key and value.

They stand in an attribute of ours, ``lineage:attribute``, which readers that do not know it may read as
a text.
"""

from __future__ import annotations

import orjson

from lineage.errors import BadInput
from lineage.model import namespaces
from lineage.model.value import Scalar, unwired_scalar, wired
from lineage.sources import json_reader

#: The key under which they stand.
KEY = "attribute"


def written(key: str, value: Scalar) -> str:
    """An attribute as a text.

    >>> written("prov:role", "writer")
    '{"key":"http://www.w3.org/ns/prov#role","value":"writer"}'
    """
    return orjson.dumps({"key": namespaces.expand(key), "value": wired(value)}).decode()


def read(text: str, *, where: str) -> tuple[str, Scalar]:
    """The key and the value of an attribute out of such a text. Raises ``BadInput``."""
    shown = json_reader.loads(text.encode(), where=where)
    key = shown.get("key") if isinstance(shown, dict) else None
    value = unwired_scalar(shown.get("value")) if isinstance(shown, dict) else None
    if not isinstance(key, str) or value is None:
        message = "lineage:attribute is JSON of a key, which is text, and one value"
        raise BadInput(message, where=where)
    return namespaces.compact(key), value

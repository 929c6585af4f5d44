# SPDX-License-Identifier: Apache-2.0
"""JSON read without surprises: repeated keys, NaN, bad encodings and bombs are errors with a place."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from lineage.errors import BadInput, InputTruncated, LimitExceeded

#: Deepest nesting accepted; PROV-JSON needs six levels.
DEEPEST = 100


def loads(data: bytes, *, where: str) -> Any:
    """The JSON value in some bytes.

    Raises ``BadInput`` (not UTF-8, not JSON, a key twice, NaN), ``InputTruncated`` and
    ``LimitExceeded`` (nested deeper than ``DEEPEST``).
    """
    text = decode(data, where=where)
    if not text.strip():
        raise InputTruncated("the input is empty", where=where)
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_constant, parse_float=_float
        )
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}:{error.colno}"
        if not text[error.pos :].strip() or error.msg.startswith("Unterminated"):
            raise InputTruncated(f"the JSON ends too early: {error.msg}", where=place) from error
        raise BadInput(f"not JSON: {error.msg}", where=place) from error
    except RecursionError as error:
        raise LimitExceeded(f"nested deeper than {DEEPEST} levels", where=where) from error
    except ValueError as error:
        raise BadInput(str(error), where=where) from error
    if _deeper(value, DEEPEST):
        raise LimitExceeded(f"nested deeper than {DEEPEST} levels", where=where)
    return value


def decode(data: bytes, *, where: str, encoding: str = "utf-8-sig") -> str:
    """The text in some bytes. Raises ``BadInput`` naming the first byte that is none."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        message = f"not UTF-8 (byte 0x{data[error.start]:02x} at offset {error.start})"
        raise BadInput(message, where=where, hint="Save it as UTF-8.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"key {twice!r} appears twice in one object")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large for a number")
    return value


def _deeper(value: Any, left: int) -> bool:
    level = [value]
    for _ in range(left):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return any(isinstance(item, dict | list) for item in level)

# SPDX-License-Identifier: Apache-2.0
"""Reads JSON strictly: repeated keys, NaN, bad encodings and bombs are errors with a place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import orjson

from lineage.errors import BadInput, InputTruncated, LimitExceeded
from lineage.sources.text import decode

#: Deepest nesting accepted; PROV-JSON needs six levels.
DEEPEST = 100

_SURROGATE = re.compile("[\ud800-\udfff]")


def loads(data: bytes, *, where: str) -> Any:
    """Read the JSON value in some bytes.

    Raises ``BadInput`` (not UTF-8, not JSON, a key twice, NaN), ``InputTruncated`` and
    ``LimitExceeded`` (nested deeper than ``DEEPEST``).
    """
    text = decode(data, where=where)
    demand_some(text, where)
    with told(where):
        value = DECODER.decode(text)
    check(value, where, escaped="\\u" in text)
    return value


def text_of(raw: Any) -> str:
    """The text of a typed literal in JSON, which other writers leave a number or a truth."""
    if isinstance(raw, str):
        return raw
    try:
        return orjson.dumps(raw).decode()
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(raw, ensure_ascii=False)


def demand_some(text: str, where: str) -> None:
    """Raise ``InputTruncated`` where there is nothing to read."""
    if not text or text.isspace():
        raise InputTruncated("the input is empty", where=where)


@contextmanager
def told(where: str) -> Iterator[None]:
    """What the parser of JSON raises, as errors of ours."""
    try:
        yield
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}:{error.colno}"
        if not error.doc[error.pos :].strip() or error.msg.startswith("Unterminated"):
            raise InputTruncated(f"the JSON ends too early: {error.msg}", where=place) from error
        raise BadInput(f"not JSON: {error.msg}", where=place) from error
    except RecursionError as error:
        raise LimitExceeded(f"nested deeper than {DEEPEST} levels", where=where) from error
    except ValueError as error:
        raise BadInput(str(error), where=where) from error


def check(value: Any, where: str, *, escaped: bool) -> None:
    """Refuse what can be neither walked nor written."""
    if _deeper(value, DEEPEST):
        raise LimitExceeded(f"nested deeper than {DEEPEST} levels", where=where)
    if escaped and any(map(_SURROGATE.search, _texts(value))):
        raise BadInput("a text holds a lone surrogate, which no encoding can write", where=where)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"key {twice!r} appears twice in one object")
    return value


def no_constant(name: str) -> NoReturn:
    """Refuse NaN and the infinities, which are no JSON. Raises ``ValueError``."""
    raise ValueError(f"{name} is not a JSON number")


def finite(text: str) -> float:
    """A number that a double can hold. Raises ``ValueError`` for a larger one."""
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large for a number")
    return value


#: Reads JSON as everybody should write it.
DECODER: json.JSONDecoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=no_constant, parse_float=finite
)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, keys too."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            todo += item
            todo += item.values()
        elif isinstance(item, list):
            todo += item


def _deeper(value: Any, most: int) -> bool:
    """Whether a value is nested deeper than so many levels."""
    level = [value] if type(value) is dict or type(value) is list else []
    for _ in range(most):
        level = [
            child
            for item in level
            for child in (item.values() if type(item) is dict else item)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return bool(level)

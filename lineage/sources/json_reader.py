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

_SPACE = re.compile(r"[ \t\n\r]*")
_SURROGATE = re.compile("[\ud800-\udfff]")


def loads(data: bytes, *, where: str) -> Any:
    """Read the JSON value in some bytes.

    Raises ``BadInput`` (not UTF-8, not JSON, a key twice, NaN), ``InputTruncated`` and
    ``LimitExceeded`` (nested deeper than ``DEEPEST``).
    """
    text = decode(data, where=where)
    with _told(text, where):
        value = _DECODER.decode(text)
    _check(value, where, escaped="\\u" in text)
    return value


def members(text: str, *, where: str) -> Iterator[tuple[str, Any]]:
    """Yield the members of the object that a text is, as ``loads`` reads them, one after the other:
    only the tree of one of them is in memory at a time. What is wrong further on is found further
    on.
    """
    seen: set[str] = set()
    escaped = "\\u" in text
    with _told(text, where):
        at = _space(text, 0)
        if text[at : at + 1] != "{":
            _DECODER.decode(text)
            raise BadInput("the document is not an object", where=where)
        at = _space(text, at + 1)
        while seen or text[at : at + 1] != "}":
            if text[at : at + 1] != '"':
                raise json.JSONDecodeError("Expecting a key in double quotes", text, at)
            key, at = _DECODER.raw_decode(text, at)
            at = _space(text, at)
            if text[at : at + 1] != ":":
                raise json.JSONDecodeError("Expecting ':' delimiter", text, at)
            value, at = _DECODER.raw_decode(text, _space(text, at + 1))
            if key in seen:
                raise ValueError(f"key {key!r} appears twice in one object")
            seen.add(key)
            _check({key: value}, where, escaped=escaped)
            yield key, value
            at = _space(text, at)
            if text[at : at + 1] != ",":
                break
            at = _space(text, at + 1)
        if text[at : at + 1] != "}":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
        if _space(text, at + 1) < len(text):
            raise json.JSONDecodeError("Extra data", text, _space(text, at + 1))


def text_of(raw: Any) -> str:
    """The text of a typed literal in JSON, which other writers leave a number or a truth."""
    if isinstance(raw, str):
        return raw
    try:
        return orjson.dumps(raw).decode()
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(raw, ensure_ascii=False)


@contextmanager
def _told(text: str, where: str) -> Iterator[None]:
    """What the parser of JSON raises about a text, as errors of ours."""
    if not text or text.isspace():
        raise InputTruncated("the input is empty", where=where)
    try:
        yield
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}:{error.colno}"
        if not text[error.pos :].strip() or error.msg.startswith("Unterminated"):
            raise InputTruncated(f"the JSON ends too early: {error.msg}", where=place) from error
        raise BadInput(f"not JSON: {error.msg}", where=place) from error
    except RecursionError as error:
        raise LimitExceeded(f"nested deeper than {DEEPEST} levels", where=where) from error
    except ValueError as error:
        raise BadInput(str(error), where=where) from error


def _space(text: str, at: int) -> int:
    """Where the white space ends that begins there, if any."""
    return _SPACE.match(text, at).end()  # type: ignore[union-attr] # it matches nothing, too


def _check(value: Any, where: str, *, escaped: bool) -> None:
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


_DECODER = json.JSONDecoder(
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

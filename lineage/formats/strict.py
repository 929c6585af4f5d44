# SPDX-License-Identifier: Apache-2.0
"""JSON read without surprises: repeated keys, NaN, bad encodings and bombs are errors with a place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn
from xml.parsers import expat

from lineage.errors import BadInput, InputTruncated, LimitExceeded

#: Deepest nesting accepted; PROV-JSON needs six levels.
DEEPEST = 100

_SURROGATE = re.compile("[\ud800-\udfff]")


def loads(data: bytes, *, where: str) -> Any:
    """The JSON value in some bytes.

    Raises ``BadInput`` (not UTF-8, not JSON, a key twice, NaN), ``InputTruncated`` and
    ``LimitExceeded`` (nested deeper than ``DEEPEST``).
    """
    text = decode(data, where=where)
    if not text or text.isspace():
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
    if "\\u" in text and any(map(_SURROGATE.search, _texts(value))):
        raise BadInput("a text holds a lone surrogate, which no encoding can write", where=where)
    return value


def without_doctype(data: bytes, *, where: str) -> None:
    """Refuse XML that declares a document type: entities are how a small file becomes a large one.

    Looks no further than the root element. Raises ``BadInput``.
    """
    parser = expat.ParserCreate()

    def refuse(*_declared: object) -> NoReturn:
        raise BadInput(
            "the XML declares a document type, and entities are never expanded",
            where=where,
            hint="Take the <!DOCTYPE ...> out of it.",
        )

    def root(*_element: object) -> NoReturn:
        raise StopIteration

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = root
    try:
        parser.Parse(data, True)
    except StopIteration:
        return
    except expat.ExpatError as error:
        place = f"{where}:{error.lineno}:{error.offset + 1}"
        message = f"not XML: {expat.ErrorString(error.code)}"
        if error.code in _ENDS_EARLY or not data.strip():
            raise InputTruncated(message, where=place) from error
        raise BadInput(message, where=place) from error
    except (ValueError, LookupError) as error:
        raise BadInput(f"not XML: {error}", where=where) from error


#: "no element found", "unclosed token": what expat says of a file that was cut.
_ENDS_EARLY = frozenset({3, 5})


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


def _deeper(value: Any, left: int) -> bool:
    """Whether a value is nested deeper than so many levels, looking at one branch at a time."""
    branches: list[Iterator[Any]] = [iter((value,))]
    while branches:
        for item in branches[-1]:
            if type(item) is dict or type(item) is list:
                branches.append(iter(item.values() if type(item) is dict else item))
                break
        else:
            branches.pop()
        if len(branches) > left + 1:
            return True
    return False

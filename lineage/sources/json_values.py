# SPDX-License-Identifier: Apache-2.0
"""Reads JSON that came over a wire or out of a log: one value, or many one after another.

A member that is written twice with equal content is read once. Where the contents differ the object
is a ``Conflict`` in a value that is ``Doubtful``, so that what stands around it can be read. A value
that is broken costs that value: reading goes on where the next one begins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from lineage.errors import BadInput, InputTruncated, LimitExceeded
from lineage.sources.json_reader import finite, no_constant
from lineage.sources.text import decode

#: What stands between values: white space, the separator of RFC 7464, and the marks of a list.
_BETWEEN = re.compile(rb"(?:[ \t\r\n\x1e,\]]|\[(?=[ \t\r\n]*[\[{\]]))*")
_SPACES = b" \t\r\n\x1e,"
_TEXT_SPACES = _SPACES.decode()
#: Marks of a key that is not counted by ``":`` (see ``_repeats``).
_ODD_KEYS = re.compile(rb'"[ \t\r\n]+:|\\u0022')
#: Without one of these there is none.
_ODD_MARKS = (b'" ', b'"\n', b'"\t', b'"\r', b"\\u0022")
#: An escape that may be half of a pair.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
#: How often what looks like the beginning of the next value may be a part of this one.
_MOST_JOINED = 10
#: Places in a line of a log that are tried.
_MOST_TRIED = 20


class Conflict(NamedTuple):
    """An object in which one member is written twice, with different contents."""

    key: str


class Doubtful(NamedTuple):
    """A value with a conflict somewhere in it."""

    value: Any


class Found(NamedTuple):
    """A value, or why there is none, and the line where it begins. It is not ``alone`` in a line that
    begins with other ``text``.
    """

    line: int
    value: Any = None
    error: BadInput | None = None
    alone: bool = True
    text: bytes = b""


def value(data: bytes) -> Any:
    """The one value in some bytes. Raises ``BadInput`` and ``InputTruncated`` with line and column,
    ``LimitExceeded`` for what is nested deeper than Python reads.
    """
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _told(error.msg, error.lineno, error.colno, cut=error.pos >= len(error.doc)) from None
    if not _repeats(data, found):
        return found
    try:
        text = data.decode()
        return _settled(_DECODER.decode(text), text)
    except RecursionError as error:
        raise LimitExceeded("the JSON is nested too deep", where="line 1") from error
    except ValueError as error:
        raise BadInput(f"not JSON: {error}", where="line 1") from error


def conflict(found: Any) -> Conflict | None:
    """The first conflict anywhere in a value."""
    todo = [found]
    while todo:
        item = todo.pop()
        if isinstance(item, Conflict):
            return item
        if isinstance(item, dict):
            todo += item.values()
        elif isinstance(item, list):
            todo += item
    return None


def values(data: bytes) -> Iterator[Found]:
    """The values in some bytes, whatever stands between them: lines, blanks, commas of a list,
    record separators, or text before them in a line.
    """
    joined, at, line = 0, 0, 1
    while True:
        start = _BETWEEN.match(data, at).end()  # type: ignore[union-attr] # it matches nothing, too
        line += data.count(b"\n", at, start)
        if start == len(data):
            return
        if data[start : start + 1] == b"{":
            end = _next(data, start)
            found = list(_read(data[start:end], line))
            if isinstance(found[0].error, InputTruncated) and joined < _MOST_JOINED:
                joined += 1
                if (whole := _whole(data[start:], line)) is not None:
                    found, end = [whole[0]], start + whole[1]
            yield from found
        else:
            end = _line_end(data, start)
            yield _in_line(data[start:end], line)
        line += data.count(b"\n", start, end)
        at = end


# --- one value -----------------------------------------------------------------------------------


def _repeats(data: bytes, found: Any) -> bool:
    """Whether a member may be written twice, told by the number of keys: exact where it says no."""
    keys = data.count(b'":')
    try:
        if keys != orjson.dumps(found).count(b'":'):
            return True
    except TypeError:
        return True
    return any(mark in data for mark in _ODD_MARKS) and _ODD_KEYS.search(data) is not None


def _settled(found: Any, text: str = "") -> Any:
    if _SURROGATE.search(text):
        found = _writable(found)
    return found if conflict(found) is None else Doubtful(found)


def _writable(found: Any) -> Any:
    """The same value, with U+FFFD for halves of surrogate pairs: no encoding can write them (RFC 8259,
    section 8.2).
    """
    if isinstance(found, str):
        return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(found, list):
        return [_writable(item) for item in found]
    if isinstance(found, dict):
        return {_writable(key): _writable(item) for key, item in found.items()}
    return found


def _members(pairs: list[tuple[str, Any]]) -> Any:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: dict[str, str] = {}
        for key, item in pairs:
            content = json.dumps(item, sort_keys=True)
            if seen.setdefault(key, content) != content:
                return Conflict(key)
    return made


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_constant=no_constant, parse_float=finite
)


def _told(message: str, line: int, column: int | None = None, *, cut: bool) -> BadInput:
    place = f"line {line}" if column is None else f"line {line}, column {column}"
    if cut or message.startswith("Unterminated"):
        # A text that is not closed before its line ends is told as a line break in it.
        why = "" if message.startswith("Invalid control") else f": {message}"
        return InputTruncated(f"the JSON ends too early{why}", where=place)
    return BadInput(f"not JSON: {message}", where=place)


# --- many values ---------------------------------------------------------------------------------


def _line_end(data: bytes, start: int) -> int:
    end = data.find(b"\n", start)
    return len(data) if end < 0 else end


def _next(data: bytes, start: int) -> int:
    """Where the next value seems to begin: an object in a line of its own, as far in as this one,
    or one behind a separator.
    """
    before = data[data.rfind(b"\n", 0, start) + 1 : start].lstrip(b"\x1e[,")
    margin = before if not before.strip(b" \t") else b""
    line = data.find(b"\n" + margin + b"{", start)
    end = len(data) if line < 0 else line
    separator = data.find(b"\x1e", start, end)
    return end if separator < 0 else separator


def _whole(rest: bytes, line: int) -> tuple[Found, int] | None:
    """A value that goes on where the next one seemed to begin, and its length in bytes."""
    try:
        found, end = _DECODER.raw_decode(text := decode(rest, where=f"line {line}"))
    except (ValueError, RecursionError, BadInput):
        return None
    return Found(line, _settled(found, text[:end])), len(text[:end].encode())


def _read(piece: bytes, line: int) -> Iterator[Found]:
    """The values in a piece that begins with an object; at least one, of which the last may be
    broken.
    """
    try:
        whole = value(piece.strip(_SPACES))
    except BadInput:
        pass
    else:
        yield Found(line, whole)
        return
    try:
        yield from _one_by_one(decode(piece, where=f"line {line}"), line)
    except BadInput as error:
        yield Found(line, error=error)


def _one_by_one(text: str, line: int) -> Iterator[Found]:
    at = 0
    while at < len(text):
        here = line + text.count("\n", 0, at)
        try:
            found, end = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            cut = not text[error.pos :].strip(_TEXT_SPACES)
            reason = _told(error.msg, line + error.lineno - 1, error.colno, cut=cut)
            yield Found(here, error=reason)
            return
        except (ValueError, RecursionError) as error:
            message = str(error) if isinstance(error, ValueError) else "it is nested too deep"
            yield Found(here, error=BadInput(f"not JSON: {message}", where=f"line {here}"))
            return
        at = len(text) - len(text[end:].lstrip(_TEXT_SPACES + "[]"))
        # What stands before a tab is the key of what follows it.
        if at == len(text) or "\t" not in text[end:at] or "\n" in text[end:at]:
            yield Found(here, _settled(found, text))


def _in_line(text: bytes, line: int) -> Found:
    """An object that stands somewhere in a line of text: behind a key and a tab, in a log."""
    start, first = -1, None
    for _ in range(_MOST_TRIED):
        start = text.find(b"{", start + 1)
        if start < 0:
            break
        found = next(_read(text[start:], line))
        if found.error is None:
            return found._replace(alone=False, text=text)
        first = first or found.error
    error = first or BadInput("there is no JSON object in the line", where=f"line {line}")
    return Found(line, error=error, alone=False, text=text)

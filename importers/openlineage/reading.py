# SPDX-License-Identifier: Apache-2.0
"""Finds events in what people keep them in: JSON and lists of it, files of lines, answers of
Marquez, topics of Kafka, logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from importers.base import Source
from importers.tally import Tally
from lineage.errors import BadInput
from lineage.sources import json_values
from lineage.sources.json_values import Conflict, Doubtful, Found, conflict
from lineage.sources.text import as_utf8

#: How much is looked at to recognise a source: its head, and the rest of events whose head is wide.
HEAD, MOST_SNIFFED = 65_536, 8 * 1024 * 1024
_PARTS = (b'"run"', b'"job"', b'"dataset"')
_TIMES = (b'"eventTime"', b'"eventType"')
#: JSON by itself: an object, or a list that may hold some.
_JSON = re.compile(rb"\{|\[[ \t\r\n]*[\[{\]]")
#: What events have before the words that tell them from other JSON.
_HINTS = (b'"_producer"', b'"producer"', b'"schemaURL"', b'"inputs"', b'"outputs"', b'"events"')


def looks_like_events(head: bytes, more: Iterator[bytes]) -> bool:
    """Whether bytes begin as events do; ``more`` is what follows the head, a piece at a time."""
    start = as_utf8(head).lstrip(b" \t\r\n\x1e")
    if not _JSON.match(start):
        return any(map(_line_says_so, start.splitlines(keepends=True)))
    if not any(hint in start for hint in (*_HINTS, *_TIMES)):
        return False
    words = _words(start)
    while not _enough(words) and (piece := next(more, None)) is not None:
        seen = start[-16:] + piece.replace(b"\0", b"")
        words |= _words(seen)
        start = seen
    return _enough(words)


def _line_says_so(line: bytes) -> bool:
    """Whether there is an event in a line of other text; of one that was cut, as it seems."""
    if not _enough(_words(line)):
        return False
    found = next(json_values.values(line), None)
    if not line.endswith(b"\n") and found is not None and found.error is not None:
        return b"{" in line
    return found is not None and any(map(_is_event, unwrapped(found.value)))


def _words(text: bytes) -> set[bytes]:
    return {word for word in (*_PARTS, *_TIMES) if word in text}


def _enough(words: set[bytes]) -> bool:
    return not words.isdisjoint(_PARTS) and not words.isdisjoint(_TIMES)


def events(source: Source, tally: Tally) -> Iterator[tuple[str, Any]]:
    """The events of a source, each with its place. What is none costs itself, and is counted.

    Raises ``BadInput`` and the kinds of it where there is none at all.
    """
    data = as_utf8(source.read())
    number, first = 0, None
    for found in _found(data):
        if found.error is not None:
            first = first or found.error
            _lose(found, tally)
            continue
        for event in unwrapped(found.value):
            if not found.alone and not _is_event(event):
                _lose(found, tally)
                continue
            number += 1
            yield f"event {number} (line {found.line})", event
    if first is not None and not number:
        where = f"{source.address}: {first.where}"
        raise type(first)(first.what, where=where, hint=first.hint)


def _found(data: bytes) -> Iterator[Found]:
    """One value, or as many as there are."""
    first, _, rest = data.strip(b" \t\r\n\x1e").partition(b"\n")
    if rest and _is_value(first):
        return json_values.values(data)
    try:
        return iter([Found(1, json_values.value(data.strip(b"\x1e")))])
    except BadInput:
        return json_values.values(data)


def _is_value(text: bytes) -> bool:
    try:
        json_values.value(text)
    except BadInput:
        return False
    return True


def unwrapped(value: Any) -> Iterator[Any]:
    """The events in a value: a list of them, an answer of Marquez, or the one that it is; where a
    member of one is written twice, the conflict.
    """
    if isinstance(value, Doubtful):
        for event in unwrapped(value.value):
            yield conflict(event) or event
        return
    if isinstance(value, dict) and isinstance(value.get("events"), list) and not _is_event(value):
        value = value["events"]
    yield from value if isinstance(value, list) else (value,)


def _is_event(value: Any) -> bool:
    if isinstance(value, Conflict):
        return True
    return isinstance(value, dict) and not value.keys().isdisjoint({"run", "job", "dataset"})


def _lose(found: Found, tally: Tally) -> None:
    place = f"line {found.line}"
    if found.error is None or not (found.alone or _words(found.text)):
        tally.lose("lines", "there is no event in them", first=place)
    else:
        tally.lose("events", "broken or cut off", first=f"{place}: {found.error.what}")

# SPDX-License-Identifier: Apache-2.0
"""Splits PROV-N into tokens (W3C Recommendation of 2013-04-30, section 4): names, texts, times,
marks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

from lineage.errors import BadInput, InputTruncated


class Token(NamedTuple):
    """One word: its kind, its text with escapes taken out, and its offset in the document."""

    kind: str
    text: str
    at: int


#: Characters of a local name that need a backslash before them (PN_CHARS_ESC).
ESCAPED = frozenset("='(),:;[].-")
_NAME = r"(?:\\[=\x27(),\-:;\[\].\\]|%[0-9A-Fa-f]{2}|[\w\-.:/@~&+*?#$!\u00b7\U00010000-\U000effff])"
_TOKENS = re.compile(
    rf"""
    (?P<space>\s+ | //[^\n]* | /\*.*?\*/)
  | (?P<long>\"\"\"(?:[^"\\]++|\\.|"(?!""))*+\"\"\")
  | (?P<text>"[^"\\\n\r]*+(?:\\.[^"\\\n\r]*+)*+")
  | (?P<quoted>'(?:{_NAME})+')
  | (?P<iri><[^<>"{{}}|^`\\\x00-\x20]*>)
  | (?P<typed>%%)
  | (?P<time>-?\d{{4,}}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+\-]\d\d:\d\d)?)
  | (?P<tag>@[A-Za-z]+(?:[\-_][A-Za-z0-9]+)*)
  | (?P<mark>[(),;=\[\]{{}}])
  | (?P<absent>-(?=\s*[,);\]]))
  | (?P<name>{_NAME}+)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})|(.))", re.DOTALL)
_LOCAL_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CHARACTERS = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"} | {c: c for c in "\"'\\"}
_SURROGATES = range(0xD800, 0xE000)
#: The kinds of texts, and how many quotes each has at both ends.
_TEXTS = {"text": 1, "long": 3}


def place(text: str, at: int) -> str:
    """Turn an offset into line and column, counted from one."""
    return f"{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


def tokens(text: str, where: str) -> Iterator[Token]:
    """Split a document into tokens. Raises ``BadInput`` with line and column for what is no token."""
    at, end = 0, len(text)
    match = _TOKENS.match
    while at < end:
        found = match(text, at)
        if found is None:
            shown = f"{where}:{place(text, at)}"
            rest = text[at : at + 20].split("\n", maxsplit=1)[0]
            if text[at] in "\"'<" or text.startswith("/*", at):
                raise InputTruncated(f"what begins with {rest!r} does not end", where=shown)
            raise BadInput(f"{rest!r} is no PROV-N", where=shown)
        kind, word = found.lastgroup or "", found.group()
        if kind in _TEXTS and "\\" in word:
            odd = next((m for m in _ESCAPE.finditer(word) if _character(m) is None), None)
            if odd is not None:
                message = f"{odd.group()!r} is no escape of PROV-N"
                hint = "A backslash itself is written twice."
                raise BadInput(message, where=f"{where}:{place(text, at + odd.start())}", hint=hint)
        if kind != "space":
            yield Token(kind, _plain(kind, word), at)
        at = found.end()


def _plain(kind: str, text: str) -> str:
    if kind in _TEXTS:
        quotes = _TEXTS[kind]
        inner = text[quotes:-quotes]
        return _ESCAPE.sub(lambda m: _character(m) or "", inner) if "\\" in inner else inner
    if kind == "iri":
        return text[1:-1]
    if kind == "quoted":
        return text[1:-1]
    return text[1:] if kind == "tag" else text


def _character(escape: re.Match[str]) -> str | None:
    """What an escape stands for: ECHAR of SPARQL, and its codepoint escapes (19.2); no surrogates."""
    if escape[1] is None:
        return _CHARACTERS.get(escape[2])
    code = int(escape[1][1:], 16)
    return (
        chr(code)
        if code < _SURROGATES.start or _SURROGATES.stop <= code <= sys.maxunicode
        else None
    )


def name(text: str) -> tuple[str | None, str]:
    """The prefix and local part of a qualified name, escapes taken out."""
    prefix, colon, local = text.partition(":")
    if not colon or "\\" in prefix:
        return None, _LOCAL_ESCAPE.sub(r"\1", text)
    return prefix, _LOCAL_ESCAPE.sub(r"\1", local)

# SPDX-License-Identifier: Apache-2.0
"""The words of PROV-N (W3C Recommendation of 2013-04-30, section 4): names, texts, times, marks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lineage.errors import BadInput, InputTruncated


class Token(NamedTuple):
    """One word: its kind, its text with escapes taken out, and its offset in the document."""

    kind: str
    text: str
    at: int


#: Characters of a local name that need a backslash before them (PN_CHARS_ESC).
ESCAPED = frozenset("='(),:;[].-\\")
_NAME = r"(?:\\[=\x27(),\-:;\[\].\\]|%[0-9A-Fa-f]{2}|[\w\-.:/@~&+*?#$!\u00b7\U00010000-\U000effff])"
_TOKENS = re.compile(
    rf"""
    (?P<space>\s+ | //[^\n]* | /\*.*?\*/)
  | (?P<long>\"\"\"(?:\\.|[^\\])*?\"\"\")
  | (?P<text>"(?:\\.|[^"\\\n\r])*")
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
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CHARACTERS = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}


def place(text: str, at: int) -> str:
    """An offset as line and column, counted from one."""
    return f"{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


def tokens(text: str, where: str) -> Iterator[Token]:
    """The words of a document. Raises ``BadInput`` with line and column for what is none."""
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
        kind = found.lastgroup or ""
        if kind != "space":
            yield Token(kind, _plain(kind, found.group()), at)
        at = found.end()


def _plain(kind: str, text: str) -> str:
    if kind == "long":
        return _unescaped(text[3:-3])
    if kind == "text":
        return _unescaped(text[1:-1])
    if kind == "iri":
        return text[1:-1]
    if kind == "quoted":
        return text[1:-1]
    return text[1:] if kind == "tag" else text


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda m: _CHARACTERS.get(m[1], m[1]), text) if "\\" in text else text


def name(text: str) -> tuple[str | None, str]:
    """The prefix and local part of a qualified name, escapes taken out."""
    prefix, colon, local = text.partition(":")
    if not colon or "\\" in prefix:
        return None, _ESCAPE.sub(r"\1", text)
    return prefix, _ESCAPE.sub(r"\1", local)

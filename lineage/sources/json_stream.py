# SPDX-License-Identifier: Apache-2.0
"""Reads a JSON object of objects piece by piece, as strictly as ``json_reader`` does: however long it is,
some of its members are in memory.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

from lineage.errors import BadInput
from lineage.sources.json_reader import DECODER, check, demand_some, told
from lineage.sources.text import undecoded

#: Bytes that are read at once, and characters of an inner object that are parsed together; how many places
#: are tried where a member may end.
_PIECE, _SLICE, _TRIES = 1 << 20, 1 << 18, 8
#: Characters before the end of what was read in which a value may be cut: the longest word of JSON, or the
#: rest of a number that is a number already.
_CUT = 32
_SPACE = re.compile(r"[ \t\n\r]*")
#: What follows the end of a member whose value is an object.
_NEXT = re.compile(r'[ \t\n\r]*,[ \t\n\r]*"(?:[^"\\]|\\.)*+"[ \t\n\r]*:[ \t\n\r]*[\[{]')


class Section:
    """One member of the outer object: its value as it is read, or as a whole."""

    def __init__(self, text: _Text, where: str) -> None:
        self._text, self._where = text, where
        self._begun = False

    def whole(self) -> Any:
        """The value. Raises the errors of ``json_reader.loads``."""
        self._begun = True
        with told(self._where):
            return self._text.value()

    def slices(self) -> Iterator[dict[str, Any]] | None:
        """The members of the value, some at a time; ``None`` where it is no object. Raises the errors of
        ``json_reader.loads``, where what is wrong stands.
        """
        return self._slices() if self._text.sign() == "{" else None

    def _slices(self) -> Iterator[dict[str, Any]]:
        self._begun = True
        with told(self._where):
            yield from self._text.members()

    def skip(self) -> None:
        """Go past what was not read."""
        if self._begun:
            return
        if (left := self.slices()) is None:
            self.whole()
            return
        for _ in left:
            pass


def sections(file: BinaryIO, *, where: str) -> Iterator[tuple[str, Section]]:
    """Yield the members of the object in a file, from its beginning, one after the other; each is read before
    the next is asked for, or skipped. What is wrong further on is found further on.

    Raises ``BadInput`` (not UTF-8, not JSON, a key twice, NaN), ``InputTruncated`` and ``LimitExceeded``.
    """
    file.seek(0)
    text = _Text(file, where)
    with told(where):
        demand_some(text.sign(), where)
        if text.sign() != "{":
            text.value()
            raise BadInput("the document is not an object", where=where)
        for word in text.names():
            section = Section(text, where)
            yield word, section
            section.skip()
        if text.sign():
            raise text.error("Extra data")


class _Text:
    """The text of a file as far as it was read and not yet left behind."""

    def __init__(self, file: BinaryIO, where: str) -> None:
        self._file, self._where = file, where
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._bytes = 0
        self._whole = self._escaped = False
        self._text, self._at = "", 0
        #: Where the text that is held begins in the file.
        self._line, self._column = 1, 0
        self._more()

    def _more(self) -> None:
        """Read another piece, as long as what is held: a long value is not begun too often."""
        piece = self._file.read(max(_PIECE, len(self._text) - self._at))
        pending = len(self._decoder.getstate()[0])
        try:
            new = self._decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            raise undecoded(error, self._bytes - pending, where=self._where) from error
        self._bytes += len(piece)
        self._whole = not piece
        left = self._text[: self._at]
        if lines := left.count("\n"):
            self._line += lines
            self._column = len(left) - left.rindex("\n") - 1
        else:
            self._column += len(left)
        self._text, self._at = self._text[self._at :] + new, 0

    def sign(self) -> str:
        """The next character that is no white space; "" at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr] # it matches nothing, too
            if self._at < len(self._text) or self._whole:
                return self._text[self._at : self._at + 1]
            self._more()

    def names(self) -> Iterator[str]:
        """Read an object, of which the value of each member is read before the next name."""
        seen: set[str] = set()
        self._pass("{", "an object")
        more = self.sign() != "}"
        while more:
            name = self._name()
            _once([name], seen)
            yield name
            more = self._another()
        if not seen:
            self._pass("}", "'}'")

    def members(self) -> Iterator[dict[str, Any]]:
        """Read an object, some members at a time."""
        seen: set[str] = set()
        self._pass("{", "an object")
        more = self.sign() != "}"
        while more:
            found, more = self._many() or self._one()
            _once(found, seen)
            check(found, self._where, escaped=self._escaped)
            yield found
        if not seen:
            self._pass("}", "'}'")

    def _one(self) -> tuple[dict[str, Any], bool]:
        """Read one member, and whether another one follows."""
        name = self._name()
        self.sign()
        return {name: self._decoded()}, self._another()

    def _many(self) -> tuple[dict[str, Any], bool] | None:
        """Read many members in one go, and whether others follow; ``None`` where that cannot be done. What
        reads as an object when a brace is put behind it ends where a member does.
        """
        if self.sign() != '"':
            return None
        while len(self._text) - self._at < _SLICE and not self._whole:
            self._more()
        end = self._at + _SLICE
        for _ in range(_TRIES):
            rest = self._whole and end >= len(self._text)
            end = len(self._text) if rest else self._text.rfind("}", self._at, end) + 1
            if not end:
                break
            if not rest and not _NEXT.match(self._text, end):
                end -= 1
                continue
            part = "{" + self._text[self._at : end] + ("" if rest else "}")
            try:
                found, size = DECODER.raw_decode(part)
            except json.JSONDecodeError:
                end -= 1
                continue
            self._escaped = "\\u" in part
            if size < len(part) or rest:
                self._at += size - 1
                return found, False
            self._at = end
            return found, self._another()
        return None

    def _name(self) -> str:
        if self.sign() != '"':
            raise self.error("Expecting property name enclosed in double quotes")
        name = self._decoded()
        self._pass(":", "':' delimiter")
        return str(name)

    def _another(self) -> bool:
        """Whether another member follows; the end of the object is passed."""
        if self.sign() == ",":
            self._at += 1
            return True
        self._pass("}", "',' delimiter")
        return False

    def _pass(self, sign: str, what: str) -> None:
        if self.sign() != sign:
            raise self.error(f"Expecting {what}")
        self._at += 1

    def value(self) -> Any:
        """Read a value. Raises what ``json_reader.loads`` refuses."""
        self.sign()
        found = self._decoded()
        check(found, self._where, escaped=self._escaped)
        return found

    def _decoded(self) -> Any:
        while True:
            try:
                found, end = DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                near = error.pos > len(self._text) - _CUT
                if self._whole or not (near or error.msg.startswith("Unterminated")):
                    raise self.error(error.msg, error.pos) from error
            else:
                if self._whole or end < len(self._text) - _CUT:
                    self._escaped = self._text.find("\\u", self._at, end) >= 0
                    self._at = end
                    return found
            self._more()

    def error(self, message: str, at: int | None = None) -> json.JSONDecodeError:
        """What is wrong with the text, where the file has it."""
        return _Misplaced(
            message, self._text, self._at if at is None else at, self._line, self._column
        )


def _once(names: Collection[str], seen: set[str]) -> None:
    """Add names to those seen. Raises ``ValueError`` for one that is there."""
    if not seen.isdisjoint(names):
        twice = next(name for name in names if name in seen)
        raise ValueError(f"key {twice!r} appears twice in one object")
    seen.update(names)


class _Misplaced(json.JSONDecodeError):
    """An error in a text that is not the whole of it."""

    def __init__(self, message: str, text: str, at: int, line: int, column: int) -> None:
        super().__init__(message, text, at)
        if self.lineno == 1:
            self.colno += column
        self.lineno += line - 1

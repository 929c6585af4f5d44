# SPDX-License-Identifier: Apache-2.0
"""XML literals (RDF 1.1 Concepts, section 5.2) as their document spells them: prefixes are part of
what they say, so no parser that resolves them may come between.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

_TYPE = re.compile(r"(?:.*:)?type")
_PREFIXED = re.compile(r"([^\W\d][\w.\-\u00b7]*):")
_DECLARATION = re.compile(r"xmlns(?::(.+))?")


class _Contents:
    """The contents of elements that have elements in them and say their type, by their number in the
    order of the document; of those in one another, the outermost.
    """

    def __init__(self) -> None:
        self.found: dict[int, str] = {}
        self._number = -1
        self._scopes: list[dict[str, str]] = [{}]
        self._out: list[str] = []
        #: Number, depth, and whether there are elements in it, of the element that is looked at.
        self._at, self._top, self._elements = -1, 0, False
        self._open = False

    def of(self, data: bytes) -> Mapping[int, str]:
        """Read a document that is known to be well-formed."""
        parser = expat.ParserCreate()
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.CommentHandler = lambda text: self._raw(f"<!--{text}-->")
        parser.ProcessingInstructionHandler = lambda target, text: self._raw(f"<?{target} {text}?>")
        parser.Parse(data, True)
        return self.found

    def _start(self, name: str, listed: list[str]) -> None:
        self._number += 1
        attributes = dict(zip(listed[::2], listed[1::2], strict=True))
        own = {
            found[1] or "": value
            for key, value in attributes.items()
            if (found := _DECLARATION.fullmatch(key))
        }
        if self._at < 0 and any(map(_TYPE.fullmatch, attributes)):
            self._at, self._top, self._elements, self._out = (
                self._number,
                len(self._scopes),
                False,
                [],
            )
        elif self._at >= 0:
            self._elements = True
            if len(self._scopes) == self._top + 1:
                attributes = {**self._needed(name, attributes, own), **attributes}
            shown = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
            self._raw(f"<{name}{shown}")
            self._open = True
        self._scopes.append({**self._scopes[-1], **own} if own else self._scopes[-1])

    def _needed(
        self, name: str, attributes: Mapping[str, str], own: Mapping[str, str]
    ) -> dict[str, str]:
        """Declarations from around the literal of the prefixes that its outer elements use, also in
        the values of attributes, so that it stands for itself.
        """
        scope = self._scopes[-1]
        used = {found for text in (name, *attributes, *attributes.values())
                for found in _PREFIXED.findall(text)}  # fmt: skip
        if ":" not in name and scope.get(""):
            used.add("")
        return {
            f"xmlns:{prefix}" if prefix else "xmlns": scope[prefix]
            for prefix in sorted(used - own.keys())
            if prefix in scope
        }

    def _end(self, name: str) -> None:
        self._scopes.pop()
        if self._at < 0:
            return
        if len(self._scopes) == self._top:
            if self._elements:
                self.found[self._at] = "".join(self._out)
            self._at = -1
        elif self._open:
            self._out.append("/>")
            self._open = False
        else:
            self._out.append(f"</{name}>")

    def _text(self, text: str) -> None:
        self._raw(escape(text, {"\r": "&#13;"}))

    def _raw(self, text: str) -> None:
        if self._at < 0:
            return
        if self._open:
            self._out.append(">")
            self._open = False
        self._out.append(text)


def contents(data: bytes) -> Mapping[int, str]:
    """The content, as XML, of each element that has elements in it and says its type, by its number
    in the order of the document.
    """
    return _Contents().of(data)


def written(text: str) -> bool:
    """Whether a text, written as the content of an element, reads back as the same literal."""
    if "<" not in text:
        return False
    try:
        return contents(f'<x type="">{text}</x>'.encode()).get(0) == text and _bound(text)
    except (expat.ExpatError, ValueError):
        return False


def _bound(text: str) -> bool:
    """Whether the text declares each prefix that it uses in names."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.Parse(f"<x>{text}</x>".encode(), True)
    return True

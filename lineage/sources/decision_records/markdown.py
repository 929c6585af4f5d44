# SPDX-License-Identifier: Apache-2.0
"""The outline of a record: its title, what stands before its first section, and its sections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

#: What is not shown, and what a text says under a name.
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
PAIR = re.compile(r"\**_*([A-Za-z][A-Za-z /-]{0,40})\**_*\s*:\**\s*(.+)", re.DOTALL)
#: What ends a line in CommonMark; other separators of Unicode do not.
LINE_END = re.compile(r"\r\n?|\n")
_TITLE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A value that the text itself gives under a name, as ``- Status: accepted`` does, at a line from 1."""

    name: str
    value: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, its level, the lines below it up to the next heading of its level or above, and the lines at which it
    and its text begin.
    """

    title: str
    level: int
    text: str
    line: int
    text_line: int

    @property
    def shown(self) -> list[str]:
        """The lines of its text, without comments, which may go on over several lines."""
        text = COMMENT.sub(lambda found: "\n" * found[0].count("\n"), self.text)
        return text.split("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What a record is made of."""

    title: str | None
    title_line: int
    said: Sequence[Said]
    sections: Sequence[Section]

    def section(self, *titles: str) -> Section | None:
        """The first section with one of these titles, in any case."""
        wanted = {title.lower() for title in titles}
        return next((one for one in self.sections if one.title.lower() in wanted), None)


def outline(body: str, before: int = 0) -> Outline:
    """Read the markdown of a record (CommonMark), which begins after ``before`` lines of its file."""
    tokens = MarkdownIt("commonmark").parse(body)
    lines = LINE_END.split(body)
    heads = [*_headings(tokens, lines, before)]
    first = next(iter(heads), None)
    titled = first if first is not None and first.level == _TITLE else None
    sections = [head for head in heads if head is not titled]
    end = sections[0].line if sections else before + len(lines) + 1
    said = [one for one in _said(tokens, before) if one.line < end]
    return Outline(
        title=plain(titled.title) or None if titled else None,
        title_line=titled.line if titled else before + 1,
        said=said,
        sections=sections,
    )


def plain(text: str) -> str:
    """A text without comments, on one line.

    >>> plain("accepted <!-- optional -->")
    'accepted'
    """
    return " ".join(COMMENT.sub("", text).split())


def lead(text: str) -> str:
    r"""The first paragraph of a text of markdown, as it is read: on one line, without emphasis and addresses of links.

    >>> lead("We take **PyTorch**, see [why](a.md).\n\n### More")
    'We take PyTorch, see why.'
    """
    tokens = MarkdownIt("commonmark").parse(COMMENT.sub("", text))
    inline = next((one for one in tokens if one.type == "inline"), None)
    children = (inline.children or ()) if inline is not None else ()
    parts = (" " if one.type in {"softbreak", "hardbreak"} else one.content for one in children)
    return " ".join("".join(parts).split())


def _headings(tokens: Sequence[Token], lines: Sequence[str], before: int) -> Iterator[Section]:
    heads = [
        (int(token.tag[1:]), plain(inline.content), token.map)
        for token, inline in pairwise(tokens)
        if token.type == "heading_open" and token.map and not token.level
    ]
    for number, (level, title, (start, end)) in enumerate(heads):
        following = (place[0] for other, _, place in heads[number + 1 :] if other <= level)
        below = lines[end : next(following, len(lines))]
        blank = next((place for place, line in enumerate(below) if line.strip()), 0)
        yield Section(
            title=title,
            level=level,
            text="\n".join(below).strip(),
            line=before + start + 1,
            text_line=before + end + blank + 1,
        )


def _said(tokens: Sequence[Token], before: int) -> Iterator[Said]:
    """What paragraphs and items of lists give under a name, one a line where they have several."""
    for token in tokens:
        if token.type != "inline" or token.map is None:
            continue
        for number, line in enumerate(token.content.split("\n")):
            if found := PAIR.fullmatch(line.strip()):
                value = plain(found[2])
                at = before + token.map[0] + number + 1
                yield Said(name=found[1].strip().lower(), value=value, line=at)

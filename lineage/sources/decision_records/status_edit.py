# SPDX-License-Identifier: Apache-2.0
"""Changes the status in the text of a record, and no other byte of it.

The status is one word, in front matter, in a line such as ``- Status: accepted`` or in a section. Where it is not clear
which word that is, or what is written beside it may not be true of another status, nothing is changed.
"""

from __future__ import annotations

import codecs
import posixpath
import re
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import quote

import yaml

from lineage.errors import BadInput, LineageError
from lineage.sources import yaml_reader
from lineage.sources.decision_records import record, statuses
from lineage.sources.decision_records.markdown import COMMENT, LINE_END, PAIR
from lineage.sources.decision_records.record import DecisionRecord
from lineage.sources.decision_records.statuses import STATUSES, Status
from lineage.sources.text import decode

Form: TypeAlias = Literal["front", "line", "section"]
#: A status alone, with a mark or a sentence of its own behind it.
_ALONE = re.compile(rf"(?P<word>{'|'.join(STATUSES)})(?:\.(?:\s.*)?)?", re.IGNORECASE)
#: What a value may be that is no status, and still nothing but the value: ``on hold``.
_WORDS = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)?")
#: Titles that are the words of a link as they are.
_PLAIN_TITLE = re.compile(r"[^\[\]<>\\\n]+")
#: Characters of a path that cannot stand in a link.
_NOT_IN_A_LINK = re.compile(r"[^\w./~-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEdit:
    """The bytes of a record after its status was changed, the line on which that was, and its words before and after."""

    data: bytes
    line: int
    old: str
    new: str


class _Place(NamedTuple):
    """Where the words of a status stand in a text, and in which form."""

    start: int
    end: int
    form: Form


def with_status(
    data: bytes, path: str, status: Status, by: DecisionRecord | None = None
) -> StatusEdit:
    """The record with another status; for ``superseded``, ``by`` is the one that takes its place, of a path from the
    same root. Where the record has that status already, its bytes are the same. Raises ``BadInput`` with the line
    where its status cannot be changed without changing more, and the errors of ``record.read``.
    """
    before = record.read(data, path)
    text = decode(data, where=path)
    line = before.lines.get("status", 1)
    wanted: str = status
    try:
        place = _place(text, before)
        old = text[place.start : place.end]
        if by is not None:
            wanted = f"superseded by {_link(before, by, place.form)}"
        if _says(before, status, wanted):
            return StatusEdit(data=data, line=line, old=old, new=old)
        new = _cased(wanted, _word(old, place.form))
    except _UnclearError as error:
        raise _refused(str(error), f"{path}:{line}", wanted) from error
    end = place.start + len(_word(old, place.form))
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    edited = mark + (text[: place.start] + new + text[end:]).encode()
    if not _is_the_same_but(before, edited, status, wanted):
        message = "with another status it would be read as something else"
        raise _refused(message, f"{path}:{line}", wanted)
    return StatusEdit(data=edited, line=line, old=old, new=new + text[end : place.end])


class _UnclearError(Exception):
    """Why the place of a status is not clear."""


def _refused(why: str, where: str, wanted: str) -> BadInput:
    hint = f"Take the step without --edit, and write {wanted!r} there in an editor."
    return BadInput(f"the file cannot be edited: {why}", where=where, hint=hint)


def _says(before: DecisionRecord, status: Status, wanted: str) -> bool:
    """Whether a record has the status already, and names what took its place."""
    if before.status != status:
        return False
    if status != "superseded" or wanted == status:
        return True
    word, space, rest = (before.status_written or "").strip("*_ ").partition(" ")
    return (word.lower() + space + rest).startswith(wanted)


# --- where it stands ------------------------------------------------------------------------------


def _place(text: str, before: DecisionRecord) -> _Place:
    matter, body, number = record.split(text)
    written = before.status_written
    if written is None:
        raise _UnclearError("its status is missing, or still what the template says")
    line = before.lines["status"]
    section = before.outline.section("status")
    in_section = section is not None and line >= section.text_line
    others = [one.line for one in before.outline.said if one.name == "status" and one.line != line]
    if section is not None and not in_section and _is_status(section.text):
        others.append(section.text_line)
    if others:
        raise _UnclearError(f"line {others[0]} says a status too")
    if matter is not None and line <= number:
        place = _in_front(matter, len(text.splitlines(keepends=True)[0]))
    else:
        start, end = _line(body, line - number)
        offset = len(text) - len(body)
        found = (
            None if in_section else PAIR.fullmatch(body[start:end].lstrip(" \t>*+-0123456789.)"))
        )
        if not in_section and found is None:
            raise _UnclearError("its status is not where it can be found")
        start = end - len(found[2]) if found else start
        start, end = _core(body, start, end)
        place = _Place(offset + start, offset + end, "section" if in_section else "line")
    if " ".join(text[place.start : place.end].split()) != written.strip("*_ "):
        raise _UnclearError("its status is not where it can be found")
    return place


def _is_status(text: str) -> bool:
    """Whether the first line of a section is a status."""
    first = text.partition("\n")[0]
    return statuses.normal(COMMENT.sub("", first).lstrip("*- ")) is not None


def _in_front(matter: str, offset: int) -> _Place:
    node = yaml_reader.compose(matter, where="")
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    found = [value for key, value in pairs if key.value == "status"]
    if len(found) != 1:
        raise _UnclearError("its status stands twice")
    [value] = found
    start, end = value.start_mark.index, value.end_mark.index
    quotes = value.style or ""
    inner = matter[start + len(quotes) : end - len(quotes)]
    if quotes not in {"", "'", '"'} or inner != value.value or "\n" in inner:
        raise _UnclearError(
            "its status is written over several lines, or in signs that stand for others"
        )
    start, end = _core(matter, start + len(quotes), end - len(quotes))
    return _Place(offset + start, offset + end, "front")


def _line(body: str, number: int) -> tuple[int, int]:
    """Where a line begins and ends, as CommonMark has lines; the first is 1."""
    ends = [*LINE_END.finditer(body)]
    start = ends[number - 2].end() if number > 1 else 0
    return start, ends[number - 1].start() if number <= len(ends) else len(body)


def _core(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the words of a value stand in it: without comments, emphasis and what makes it an item of a list."""
    shown = COMMENT.sub(lambda found: "\0" * len(found[0]), text[start:end])
    left, right = shown.lstrip("\0 \t*_-"), shown.rstrip("\0 \t*_")
    if "\0" in shown[len(shown) - len(left) : len(right)]:
        raise _UnclearError("a comment stands in its status")
    return start + len(shown) - len(left), start + len(right)


# --- what stands there then -----------------------------------------------------------------------


def _word(old: str, form: Form) -> str:
    """The part of a value that is its status."""
    if found := _ALONE.fullmatch(old):
        return found["word"]
    if statuses.is_suggested(old) or (form != "section" and _WORDS.fullmatch(old)):
        return old
    raise _UnclearError(
        f"its status says more than one word, and all of it may not be true then: {old!r}"
    )


def _cased(new: str, old: str) -> str:
    """New words, in capitals as the old ones."""
    word, space, rest = new.partition(" ")
    if len(old) > 1 and old.isupper():
        word = word.upper()
    elif old[:1].isupper():
        word = word.capitalize()
    return word + space + rest


def _link(before: DecisionRecord, by: DecisionRecord, form: Form) -> str:
    """A link to another record, as tools write it: ``[12. Title](..)`` where the status is a section (adr-tools), else
    ``[ADR-0012](..)`` (MADR), or the name of a file without number (log4brains).
    """
    folder = posixpath.dirname(before.path) or "."
    href = _NOT_IN_A_LINK.sub(lambda at: quote(at[0]), posixpath.relpath(by.path, folder))
    title = by.title if _PLAIN_TITLE.fullmatch(by.title) else ""
    if form == "section" and by.number and title:
        words = f"{int(by.number)}. {title}"
    elif by.number:
        words = f"ADR-{by.number}"
    else:
        words = posixpath.basename(href).rpartition(".")[0]
    return f"[{words}]({href})"


def _is_the_same_but(before: DecisionRecord, edited: bytes, status: Status, wanted: str) -> bool:
    """Whether edited bytes are read as the same record with another status."""
    try:
        after = record.read(edited, before.path)
    except LineageError:
        return False
    links = {*before.links, *statuses.named(wanted)}
    return (
        after.status == status
        and {*after.links} == links
        and {**after.front, "status": None} == {**before.front, "status": None}
        and [p.code for p in after.problems]
        == [p.code for p in before.problems if p.code != "decision-status"]
    )

# SPDX-License-Identifier: Apache-2.0
"""Reads one decision record: MADR 2 to 4, Nygard's form, log4brains' and ours, from the bytes of its file."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from lineage.errors import BadInput, LimitExceeded
from lineage.sources import yaml_reader
from lineage.sources.decision_records import fields, statuses
from lineage.sources.decision_records.markdown import Outline, outline, plain
from lineage.sources.decision_records.shapes import Problem, Reading, pairs
from lineage.sources.decision_records.statuses import Named, Status
from lineage.sources.placeholder import is_placeholder
from lineage.sources.text import decode, demand_merged

#: A record larger than this is none (bytes): it is text that people write.
LARGEST = 512 * 1024
#: Characters of an identifier that a record gives itself.
_LONGEST = 200
_FENCE = re.compile(r"---[ \t]*")
#: A line of front matter behind a fence.
_OPEN = re.compile(r"---[ \t]*\r?\n[A-Za-z][\w-]*:[ \t]")
_NUMBER = re.compile(r"(?:adr[-_ ]?)?(\d{1,6})(?:\s*[-_.):\u2013\u2014]+\s*|\s+|$)", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[^\s\"'<>{}|\\^`]+")
#: Files beside records that are none, by the beginning of their names.
_NO_RECORDS = re.compile(
    r"(?:readme|index|.*template.*|contributing|changelog|_.*|\..*)\.md", re.IGNORECASE
)
#: Sections by which a file without a status is a record.
_SECTIONS = frozenset(
    {
        "context", "decision", "consequences", "context and problem statement", "decision drivers",
        "considered options", "decision outcome", "pros and cons of the options", "status",
    }
)  # fmt: skip
#: What bullets under the title and paragraphs are called, and the key of front matter that says the same.
_BULLETS = {
    "status": "status",
    "date": "date",
    "deciders": "decision-makers",
    "decision-makers": "decision-makers",
    "decision makers": "decision-makers",
    "consulted": "consulted",
    "informed": "informed",
    "owner": "owner",
    "tags": "tags",
}
_LISTS = re.compile(r"\s*[,;]\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """One record as its file says it. ``path`` is relative to the root of what it was read of.

    ``front`` holds the front matter by key, every scalar as it is written but the numbers that the schema
    wants; what only the text says of the same (``- Status: accepted``) stands there too. ``status`` is what
    ``status_written`` means, ``None`` where it means none of those there are. ``lines`` has where keys stand.
    """

    path: str
    data: bytes
    front: Mapping[str, Any]
    outline: Outline
    status_written: str | None
    status: Status | None
    links: Sequence[Named]
    lines: Mapping[str, int]
    problems: Sequence[Problem] = field(default=())

    @property
    def id(self) -> str | None:
        """The identifier that it gives itself."""
        return self.text_of("id")

    @property
    def slug(self) -> str:
        """The name of its file without number and suffix."""
        stem = posixpath.basename(self.path).rpartition(".")[0]
        found = _NUMBER.match(stem)
        return stem[found.end() :] or stem if found else stem

    @property
    def number(self) -> str | None:
        """The number in the name of its file, or before its title, with its zeros. It is a label: two records
        may have the same.
        """
        return number_of(self.path) or _number(_NUMBER.match(self.outline.title or ""))

    @property
    def title(self) -> str:
        """Its title without number; else what its file is called."""
        title = self.outline.title
        if title is None:
            return self.slug.replace("-", " ").replace("_", " ")
        found = _NUMBER.match(title)
        # "3D rendering" has no number, "3. Use rendering" has.
        return title[found.end() :].strip() or title if found and _is_numbered(title) else title

    def text_of(self, key: str) -> str | None:
        """The text of a key of front matter, where it is one."""
        found = self.front.get(key)
        return found if isinstance(found, str) else None

    def texts(self, key: str) -> Sequence[str]:
        """The texts of a key of front matter, or of a part of one (``links.supersedes``)."""
        found = self.at(key)
        if isinstance(found, str):
            return (found,)
        return [item for item in found if isinstance(item, str)] if isinstance(found, list) else ()

    def at(self, path: str) -> Any:
        """What stands at a path of front matter (``plan.seeds``); of a list, what its items have there."""
        return _at(self.front, path.split("."))


def _at(value: Any, names: Sequence[str]) -> Any:
    for place, name in enumerate(names):
        if isinstance(value, list):
            found = [_at(item, names[place:]) for item in value]
            flat = [x for one in found for x in (one if isinstance(one, list) else [one])]
            return [item for item in flat if item is not None] or None
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def may_be_record(path: str) -> bool:
    """Whether a file may hold a record by its name: no index, no template, no hidden file."""
    name = posixpath.basename(path)
    return name.lower().endswith(".md") and _NO_RECORDS.fullmatch(name) is None


def number_of(path: str) -> str | None:
    """The number in the name of a file, with its zeros.

    >>> number_of("decisions/0112-one-store.md"), number_of("adr/20200924-a.md"), number_of("adr/3d-models.md")
    ('0112', None, None)
    """
    return _number(_NUMBER.match(posixpath.basename(path).rpartition(".")[0]))


def _number(found: re.Match[str] | None) -> str | None:
    return found[1] if found else None


def _is_numbered(title: str) -> bool:
    return (
        re.match(r"(?:adr[-_ ]?)?\d{1,6}[.):]?(?:\s|$)|adr[-_ ]?\d", title, re.IGNORECASE)
        is not None
    )


def read(data: bytes, path: str) -> DecisionRecord:
    """Read a record. What is wrong with it is told in ``problems``; raises ``BadInput`` (and what is one: not
    UTF-8, merge conflicts, front matter that is no YAML, no record at all) and ``LimitExceeded`` for what
    cannot be read, with the line.
    """
    if len(data) > LARGEST:
        raise LimitExceeded(f"{len(data)} bytes, more than {LARGEST}: no record is", where=path)
    text = decode(data, where=path)
    demand_merged(text, where=path, hint="Resolve the merge, then run the same command.")
    matter, body, before = split(text)
    if matter is None and _OPEN.match(text):
        raise BadInput(
            "its front matter begins and does not end",
            where=f"{path}:1",
            hint="Write a line of --- behind the last key.",
        )
    reading = Reading(before=1)
    front, lines = _front(matter, path, reading)
    said = outline(body, before)
    if matter is None and not _is_record(said):
        raise BadInput(
            "it is no decision record: it has neither front matter, nor a status, nor a section of one",
            where=path,
            hint="Records are written as MADR or Nygard's template say.",
        )
    _add_said(front, lines, said, reading)
    written = _status_written(front, said, lines)
    if written is not None and is_placeholder(written):
        written = None
        front.pop("status", None)
    if said.title is not None and is_placeholder(said.title):
        _tell(
            reading,
            said.title_line,
            "decision-placeholder",
            "the title is still what the template says",
        )
    status = None if written is None else statuses.normal(written)
    links = [*_links(front, written, said)]
    record = DecisionRecord(
        path=path,
        data=data,
        front=front,
        outline=said,
        status_written=written,
        status=status,
        links=links,
        lines=lines,
        problems=(),
    )
    reading.problems += _told(record)
    told = sorted(reading.problems, key=lambda one: (one.line, one.column or 0, one.code))
    return replace(record, problems=tuple(told))


def split(text: str) -> tuple[str | None, str, int]:
    """The front matter of a text without a byte order mark (``None``: it has none), the rest, and how many lines stand before that."""
    lines = text.splitlines(keepends=True)
    if not lines or not _FENCE.fullmatch(lines[0].rstrip("\r\n")):
        return None, text, 0
    for number, line in enumerate(lines[1:], 1):
        if _FENCE.fullmatch(line.rstrip("\r\n")):
            return "".join(lines[1:number]), "".join(lines[number + 1 :]), number + 1
    return None, text, 0


def _front(
    matter: str | None, path: str, reading: Reading
) -> tuple[dict[str, Any], dict[str, int]]:
    if matter is None or not matter.strip():
        return {}, {}
    try:
        node = yaml_reader.compose(matter, where=path, first=2)
    except BadInput as error:
        hint = "Put the value in quotes, if it has @, {, [, # or a colon in it."
        raise type(error)(
            f"its front matter: {error.what}", where=error.where, hint=hint
        ) from error
    if node is None:
        return {}, {}
    if not isinstance(node, yaml.MappingNode):
        raise BadInput("the front matter has no keys", where=f"{path}:2", hint="Write key: value.")
    front: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key, value in pairs(node, "the front matter", reading):
        name = fields.ALSO.get(key, key)
        lines[name] = value.start_mark.line + 2
        read_ = fields.shape_of(name if "." not in name else "tags").read(value, name, reading)
        if read_ is None or read_ == []:
            continue
        outer, _, inner = name.partition(".")
        if inner:
            front[outer] = {**front.get(outer, {}), inner: read_}
        else:
            front[name] = read_
    _check_id(front, lines, reading)
    return front, lines


def _check_id(front: dict[str, Any], lines: Mapping[str, int], reading: Reading) -> None:
    """An identifier that cannot be one is none: the record is then known by its path."""
    ident = front.get("id")
    if isinstance(ident, str) and (
        len(ident) > _LONGEST or not ident.isprintable() or not _IDENTIFIER.fullmatch(ident)
    ):
        del front["id"]
        message = f"id is {ident[:60]!r}, which can be no identifier"
        hint = "Write a word of at most 200 letters, digits, dots and hyphens, such as dec-01jd3k."
        _tell(reading, lines.get("id", 1), "decision-value", message, hint)


def _is_record(said: Outline) -> bool:
    named = {one.name for one in said.said}
    titles = {section.title.lower() for section in said.sections}
    return bool(named & _BULLETS.keys()) or bool(titles & _SECTIONS)


def _add_said(
    front: dict[str, Any], lines: dict[str, int], said: Outline, reading: Reading
) -> None:
    """What the text says under a name that front matter could say too; front matter goes first."""
    for one in said.said:
        key = _BULLETS.get(one.name)
        if key is None or key in front:
            continue
        if is_placeholder(one.value):
            message = f"{one.name} is still what the template says"
            _tell(reading, one.line, "decision-placeholder", message)
            continue
        many = key in {"decision-makers", "consulted", "informed", "tags"}
        front[key] = [x for x in _LISTS.split(one.value) if x] if many else one.value
        lines[key] = one.line


def _status_written(front: Mapping[str, Any], said: Outline, lines: dict[str, int]) -> str | None:
    found = front.get("status")
    if isinstance(found, str):
        return found
    section = said.section("status")
    if section is None:
        return None
    for number, line in enumerate(section.shown, section.text_line):
        if text := plain(line).lstrip("*- ").strip():
            lines["status"] = number
            return text
    return None


def _links(front: Mapping[str, Any], written: str | None, said: Outline) -> Iterator[Named]:
    """The records that this one names as replaced, amended, replacing or amending."""
    links = front.get("links")
    for key, link in (("supersedes", "supersedes"), ("amends", "amends")):
        for text in links.get(key, ()) if isinstance(links, Mapping) else ():
            yield _linked(link, text)  # type: ignore[arg-type]
    seen = set()
    texts = [written] if written else []
    for title in ("Status", "Links", "More Information"):
        if section := said.section(title):
            texts += section.shown
    for text in texts:
        for one in statuses.named(plain(text)):
            if one not in seen:
                seen.add(one)
                yield one


def _linked(link: statuses.Link, text: str) -> Named:
    found = re.fullmatch(r"\[([^\]]*)\]\(([^()\s]+)\)", text)
    if found:
        return Named(link, found[1], found[2])
    return Named(link, text, text if text.lower().endswith(".md") else None)


def _told(record: DecisionRecord) -> Iterator[Problem]:
    """What is unclear about a record that could be read."""
    line = record.lines.get("status", 1)
    if record.status_written is not None and record.status is None:
        meant = statuses.suggested(record.status_written)
        known = f"There are: {', '.join(statuses.STATUSES)}."
        yield Problem(
            code="decision-status",
            line=line,
            message=f"the status {record.status_written!r} is none of those there are",
            hint=f"Did you mean {meant}? {known}" if meant else known,
        )


def _tell(reading: Reading, line: int, code: str, message: str, hint: str = "Replace it.") -> None:
    reading.problems.append(Problem(code=code, line=line, message=message, hint=hint))

# SPDX-License-Identifier: Apache-2.0
"""Parses commit objects: headers, dates, people and trailers, out of whatever bytes they hold."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple

#: Character sets of the ``encoding`` header that are honoured; others are read as UTF-8.
_CHARSETS = frozenset(
    {"latin1", "latin-1", "cp1251", "cp1252", "cp437", "cp850", "windows-1251", "windows-1252"}
    | {f"iso-8859-{n}" for n in range(1, 17) if n != 12}
    | {f"iso8859-{n}" for n in range(1, 17) if n != 12}
    | {"koi8-r", "koi8-u", "euc-jp", "eucjp", "shift_jis", "shift-jis", "sjis", "iso-2022-jp"}
    | {"gbk", "gb2312", "gb18030", "big5", "euc-kr", "cp932", "cp936", "cp949", "utf-16"}
)
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_SIGNED_BY = re.compile(r"([^<]*)<([^>]*)>?(?:.*?(-?\d{1,18}) ([+-]\d{4}))?")
_TRAILER = re.compile(r"([A-Za-z0-9-]+)[ \t]*:[ \t]*(\S.*)")
_CHANGE_ID = re.compile(r"[\w.-]{4,100}")
_LONGEST_LINE = 4096
_DECISION = "decision"
#: A decision by identifier, number or file.
_REFERENCE = re.compile(r"dec-[\w.-]+|(?:ADR[- ]?)?\d{1,6}|\S+\.md", re.IGNORECASE)
#: Trailers that say what a change is for (R66).
_BRIEF = {
    "outcome": "outcome",
    "intended-outcome": "outcome",
    "impact": "impact",
    "expected-impact": "impact",
    "trade-off": "tradeoffs",
    "trade-offs": "tradeoffs",
    "tradeoffs": "tradeoffs",
}


class Identity(NamedTuple):
    """A name and an e-mail address, as a commit states them."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitObject:
    """What one commit says. Dates are ISO 8601 with the offset it was written with. ``decisions`` are those that its
    message names, ``brief`` what it says of the change: its outcome, impact and trade-offs.
    """

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Identity | None
    authored: str | None
    committer: Identity | None
    committed: str | None
    subject: str
    has_body: bool
    change_id: str | None
    coauthors: tuple[Identity, ...]
    decisions: tuple[str, ...]
    brief: Mapping[str, str]
    signed: bool

    @property
    def is_merge(self) -> bool:
        """Whether it joins lines of history, so that its change is not one patch."""
        return len(self.parents) > 1


def is_genuine(sha: str, kind: str, data: bytes) -> bool:
    """Whether bytes are the object of this name: an index of packed objects can lie."""
    digest = hashlib.sha256() if len(sha) == 64 else hashlib.sha1(usedforsecurity=False)
    digest.update(f"{kind} {len(data)}".encode() + b"\0")
    digest.update(data)
    return digest.hexdigest() == sha


def parse(sha: str, data: bytes) -> CommitObject:
    """Parse a commit object. Raises ``ValueError`` for bytes that are none."""
    head, _, rest = data.partition(b"\n\n")
    headers = _headers(head)
    tree = headers.get(b"tree", [b""])[0].decode("ascii", "replace")
    if len(tree) != len(sha):
        raise ValueError("a commit without a tree")
    charset = headers.get(b"encoding", [b""])[0].decode("ascii", "replace").strip().lower()
    message = _text(rest, charset)
    subject, _, body = message.strip("\n").partition("\n")
    change_id, coauthors, brief = _trailers(body)
    author, authored = _signature(headers.get(b"author"), charset)
    committer, committed = _signature(headers.get(b"committer"), charset)
    header_id = headers.get(b"change-id", [b""])[0].decode("ascii", "replace")
    return CommitObject(
        sha=sha,
        tree=tree,
        parents=tuple(
            dict.fromkeys(x.decode("ascii", "replace") for x in headers.get(b"parent", ()))
        ),
        author=author,
        authored=authored,
        committer=committer,
        committed=committed,
        subject=visible(subject),
        has_body=bool(body.strip()),
        change_id=change_id or (header_id if _CHANGE_ID.fullmatch(header_id) else None),
        coauthors=coauthors,
        decisions=_decisions(body),
        brief=brief,
        signed=b"gpgsig" in headers or b"gpgsig-sha256" in headers,
    )


def visible(text: str) -> str:
    """Put a text on one line, without characters that nobody sees or that change its direction."""
    return _INVISIBLE.sub(" ", text).strip()


def _headers(head: bytes) -> dict[bytes, list[bytes]]:
    headers: dict[bytes, list[bytes]] = {}
    for line in head.split(b"\n"):
        if line.startswith(b" "):  # the rest of a signature or of another long header
            continue
        key, _, value = line.partition(b" ")
        headers.setdefault(key, []).append(value)
    return headers


def _text(data: bytes, charset: str) -> str:
    if charset in _CHARSETS:
        return data.decode(charset, "replace")
    return data.decode("utf-8", "replace")


def _signature(lines: list[bytes] | None, charset: str) -> tuple[Identity | None, str | None]:
    """Who and when, out of an author or committer line."""
    if not lines:
        return None, None
    found = _SIGNED_BY.match(_text(lines[0][:_LONGEST_LINE], charset))
    if not found:
        return None, None
    identity = Identity(visible(found[1]), visible(found[2]))
    moment = _moment(int(found[3]), found[4]) if found[3] else None
    return (identity if identity.name or identity.email else None), moment


@lru_cache(maxsize=1024)
def _zone(offset: str) -> timezone:
    minutes = int(offset[1:3]) * 60 + int(offset[3:5])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def _moment(seconds: int, offset: str) -> str | None:
    """ISO 8601 with the offset; ``None`` for a date that no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, _zone(offset)).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _trailers(body: str) -> tuple[str | None, tuple[Identity, ...], Mapping[str, str]]:
    """Change-Id, co-authors and what is said of the change, out of the last paragraph (git help interpret-trailers)."""
    change_id: str | None = None
    people: dict[Identity, None] = {}
    brief: dict[str, str] = {}
    for key, value in _pairs(_last(body)):
        if (part := _BRIEF.get(key)) is not None:
            brief[part] = visible(f"{brief.get(part, '')} {value}")
        elif key == "change-id" and _CHANGE_ID.fullmatch(value):
            change_id = value
        elif key == "co-authored-by" and (found := _SIGNED_BY.match(value)):
            people[Identity(visible(found[1]), visible(found[2]))] = None
    return change_id, tuple(x for x in people if x.name or x.email), brief


def _decisions(body: str) -> tuple[str, ...]:
    """The decisions that a message names in its trailers; and, on lines of their own, where a description of a pull
    request became the message and stands before the trailers.
    """
    last = [value for key, value in _pairs(_last(body)) if key == _DECISION]
    named = [
        value for key, value in _pairs(body) if key == _DECISION and _REFERENCE.fullmatch(value)
    ]
    return tuple(dict.fromkeys(map(visible, (*named, *last))))


def _last(body: str) -> str:
    return body.rstrip().rsplit("\n\n", 1)[-1]


def _pairs(paragraph: str) -> Iterator[tuple[str, str]]:
    # A line that begins with a space goes on with the one before it.
    for line in re.sub(r"\n[ \t]+(?=\S)", " ", paragraph).splitlines():
        if len(line) < _LONGEST_LINE and (found := _TRAILER.fullmatch(line.strip())):
            yield found[1].lower(), found[2]

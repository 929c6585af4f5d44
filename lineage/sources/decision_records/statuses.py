# SPDX-License-Identifier: Apache-2.0
"""The status of a record: what people write, what it means, and the records that it names."""

from __future__ import annotations

import posixpath
import re
from typing import Literal, NamedTuple, TypeAlias, get_args

Status: TypeAlias = Literal["draft", "proposed", "rejected", "accepted", "deprecated", "superseded"]
#: What a status may be: those of MADR, and log4brains' draft.
STATUSES: tuple[Status, ...] = get_args(Status)
#: Of these, those under which a decision is followed by nobody yet, or by nobody any more.
OPEN = frozenset({"draft", "proposed"})

#: What others write for them, for a suggestion: what was meant is for its author to say.
_SUGGESTED: dict[str, Status] = {
    "adopted": "accepted",
    "agreed": "accepted",
    "amended": "accepted",
    "approved": "accepted",
    "decided": "accepted",
    "done": "accepted",
    "implemented": "accepted",
    "declined": "rejected",
    "denied": "rejected",
    "in review": "proposed",
    "open": "proposed",
    "pending": "proposed",
    "proposal": "proposed",
    "under review": "proposed",
    "wip": "draft",
    "obsolete": "deprecated",
    "retired": "deprecated",
    "replaced": "superseded",
    "superceded": "superseded",
}
#: What may stand behind the word: who replaced it, a remark in brackets, a date.
_WRITTEN = re.compile(
    rf"(?P<word>{'|'.join(STATUSES)})(?P<rest>\s*(?:$|[(\[,;.:\u2013\u2014-].*|(?:by|on|in|since|as of|with)\b.*))",
    re.IGNORECASE | re.DOTALL,
)
_MARKDOWN_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<href>[^()\s]*)[^)]*\)")
#: A record named by its number or its identifier.
_NAMED = re.compile(r"(?:ADR[- ]?)?(\d{1,7})\b|\bdec-[\w.-]+", re.IGNORECASE)
_ISSUE = re.compile(r"#\d+|https?://\S+")
_SUPERSEDED = re.compile(
    r"(?:superseded|superceded|replaced)(?:\s+in\s+part)?\s+(?:by|with)\b", re.IGNORECASE
)
_SUPERSEDES = re.compile(r"\b(?:supersedes|supercedes|replaces)\b", re.IGNORECASE)
_AMENDED = re.compile(r"\bamended(?:[- ]in[- ]part)?\s+by\b", re.IGNORECASE)
_AMENDS = re.compile(r"\bamends\b", re.IGNORECASE)

Link: TypeAlias = Literal["supersedes", "superseded-by", "amends", "amended-by"]
_LINKS: tuple[tuple[Link, re.Pattern[str]], ...] = (
    ("superseded-by", _SUPERSEDED),
    ("supersedes", _SUPERSEDES),
    ("amended-by", _AMENDED),
    ("amends", _AMENDS),
)


class Named(NamedTuple):
    """A record that another one names: how, in which words, and the file that a link leads to."""

    link: Link
    text: str
    href: str | None = None

    def from_root(self, path: str) -> str:
        """As the record at this path says it, with the place from the root: a link of markdown, or its words where it
        is no link to a file.

        >>> Named("amends", "A", "../b/a.md#why").from_root("docs/adr/c.md"), Named("amends", "ADR-2").from_root("c.md")
        ('[A](docs/b/a.md)', 'ADR-2')
        """
        if self.href is None or "://" in self.href:
            return self.text
        place = posixpath.join(posixpath.dirname(path), self.href.partition("#")[0])
        return f"[{self.text}]({posixpath.normpath(place.lstrip('/'))})"


def normal(written: str) -> Status | None:
    """What a status means; ``None`` for what is none of them.

    >>> normal("Accepted (#12)"), normal("superseded by [A](a.md)"), normal("on hold"), normal("Approved")
    ('accepted', 'superseded', None, None)
    """
    found = _WRITTEN.fullmatch(written.strip().strip("*_").strip())
    if found is None:
        return None
    return next(status for status in STATUSES if status == found["word"].lower())


def suggested(written: str) -> Status | None:
    """The status that somebody who wrote something else may have meant.

    >>> suggested("Approved"), suggested("on hold")
    ('accepted', None)
    """
    text = written.strip().lower()
    return next((status for word, status in _SUGGESTED.items() if text.startswith(word)), None)


def is_suggested(written: str) -> bool:
    """Whether a text is one of those words alone that stand for a status elsewhere.

    >>> is_suggested("Approved"), is_suggested("Approved by Ana")
    (True, False)
    """
    return written.strip().lower() in _SUGGESTED


def named(text: str) -> list[Named]:
    """The records that a line of a record names as those that it replaces or amends, or that replace it.

    >>> named("superseded by [A](a.md)")
    [Named(link='superseded-by', text='A', href='a.md')]
    """
    found = next(((link, said) for link, form in _LINKS if (said := form.search(text))), None)
    if found is None:
        return []
    link, said = found
    rest = text[said.end() :]
    links = [Named(link, at["text"], at["href"]) for at in _MARKDOWN_LINK.finditer(rest)]
    return links or [Named(link, at.group()) for at in _NAMED.finditer(rest)]


def issues(written: str) -> list[str]:
    """The issues or pull requests that a status names.

    >>> issues("Accepted (#12)")
    ['#12']
    """
    return _ISSUE.findall(_MARKDOWN_LINK.sub("", written))

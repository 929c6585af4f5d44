# SPDX-License-Identifier: Apache-2.0
"""The blocks of code on the pages of the documentation, and what is said of them in comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.house.test_house import ROOT
from tools.reference.markdown import HEAD

#: Every page that people read.
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
#: The pages that people write; tests/house compares the others with the code that writes them.
WRITTEN = [page for page in PAGES if not page.read_text("utf-8").startswith(HEAD)]

_FENCE = re.compile(r"^( *)```(\w*)(.*)$")
_SAID = re.compile(r"^ *<!-- (not run|session): (.*) -->$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of code."""

    page: Path
    line: int
    language: str
    #: The file that the block is, where it is one: ```python title="train.py".
    title: str | None
    text: str
    #: Why it is not run, where it is not.
    reason: str | None
    #: The session that begins with it, where one does.
    session: str | None

    def __str__(self) -> str:
        return f"{name(self.page)}:{self.line}"


def name(page: Path) -> str:
    """A page as people speak of it."""
    return page.relative_to(ROOT).as_posix() if page.is_relative_to(ROOT) else str(page)


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order. A comment before a block says why it is not run
    (``<!-- not run: REASON -->``), or in what place it and those after it run
    (``<!-- session: NAME -->``).
    """
    lines = enumerate(page.read_text("utf-8").splitlines(), 1)
    said: dict[str, str] = {}
    for number, line in lines:
        if found := _SAID.match(line):
            said[found[1]] = found[2]
        elif opened := _FENCE.match(line):
            indent, language, rest = opened.groups()
            body = []
            for _, inside in lines:
                if inside == f"{indent}```":
                    break
                body.append(inside.removeprefix(indent))
            title = re.search(r'title="([^"]+)"', rest)
            yield Block(
                page=page,
                line=number,
                language=language,
                title=title and title[1],
                text="".join(f"{inside}\n" for inside in body),
                reason=said.pop("not run", None),
                session=said.pop("session", None),
            )
        elif line.strip():
            assert not said, f"{name(page)}:{number}: a comment about no block"


def outside(page: Path) -> Iterator[tuple[int, str]]:
    """The lines of a page that stand in no fenced block."""
    within = False
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if not fence and not within:
            yield number, line
        within ^= bool(fence)

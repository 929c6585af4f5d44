# SPDX-License-Identifier: Apache-2.0
"""Reads what tools that rewrite history write down of it: which commit became which."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lineage.sources.git.layout import Layout, is_oid, plain_text

#: A map of more bytes than this is not read (about 1.5 million commits), nor are more of BFG's reports.
_LARGEST = 1 << 27
_MOST_REPORTS = 100


class Map(NamedTuple):
    """One file of pairs; ``odd`` counts its lines that are none, ``pairs`` leaves out what was
    dropped and what stayed as it was.
    """

    where: str
    pairs: tuple[tuple[str, str], ...]
    odd: int


def maps(layout: Layout) -> Iterator[Map]:
    """Every map there is: that of git-filter-repo, and those of the BFG beside the repository."""
    for path in _files(layout):
        text = plain_text(path, _LARGEST)
        if text is not None:
            yield parsed(str(path), text)


def _files(layout: Layout) -> Iterator[Path]:
    yield layout.common / "filter-repo" / "commit-map"
    top = layout.common.parent if layout.common.name == ".git" else layout.common
    # The BFG writes its report beside what it was given; given a dot, into the folder itself.
    for folder in (top.parent / f"{top.name}.bfg-report", top / "..bfg-report"):
        found = sorted(folder.glob("*/*/object-id-map.old-new.txt"))
        yield from found[:_MOST_REPORTS]


def parsed(where: str, text: str) -> Map:
    """The pairs in a text, a line each."""
    pairs, odd = [], 0
    for number, line in enumerate(text.splitlines()):
        words = line.split()
        if len(words) == 2 and is_oid(words[0]) and is_oid(words[1]):
            if words[0] != words[1] and words[1].strip("0"):
                pairs.append((words[0], words[1]))
        elif words and (number or words != ["old", "new"]):
            odd += 1
    return Map(where, tuple(pairs), odd)

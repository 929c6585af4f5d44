# SPDX-License-Identifier: Apache-2.0
"""Judges whether the first line of a commit's message says what the commit does (R39)."""

from __future__ import annotations

import re

#: Before a message by the rules of Conventional Commits 1.0.0: a type, and perhaps a scope.
_TYPE = re.compile(r"(?:[a-z]+(?:\([^)]*\))?!?:\s*)+", re.IGNORECASE)
_TO_BE_JOINED = re.compile(r"(?:fixup|squash|amend)! ")
#: Words that say nothing without others.
_NOTHING = frozenset(
    {
        *(
            "bug",
            "bugfix",
            "bugs",
            "change",
            "changed",
            "changes",
            "cleanup",
            "code",
            "commit",
            "edit",
        ),
        *("edits", "final", "fix", "fixed", "fixes", "foo", "minor", "misc", "more", "new", "done"),
        *("progress", "save", "saved", "small", "some", "stuff", "temp", "test", "tests", "tmp"),
        *(
            "todo",
            "tweak",
            "tweaks",
            "update",
            "updated",
            "updates",
            "various",
            "wip",
            "work",
            "in",
        ),
        *("a", "the", "this", "that", "it", "and", "again", "things", "file", "files"),
    }
)


def lack(subject: str) -> str | None:
    """What the first line of a message lacks; ``None`` where it says something.

    >>> lack("WIP: more fixes"), lack("fix: take the seed of each fold"), lack("")
    ("'WIP: more fixes' says nothing of what was done", None, 'it is empty')
    """
    if not subject.strip():
        return "it is empty"
    if _TO_BE_JOINED.match(subject):
        return f"{subject!r} waits to be joined with another commit"
    said = _TYPE.sub("", subject)
    words = re.findall(r"\w+", said.lower())
    if all(word in _NOTHING or len(word) == 1 or word.isdecimal() for word in words):
        return f"{subject!r} says nothing of what was done"
    return None

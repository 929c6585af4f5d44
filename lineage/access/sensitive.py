# SPDX-License-Identifier: Apache-2.0
"""Decides what no wildcard releases: facts about people, and text that somebody wrote freely."""

from __future__ import annotations

import re

from lineage.model import kinds
from lineage.model.value import Literal, Scalar, Value, each

#: The attribute name under which policies speak of labels.
LABEL = "label"

#: Kinds that are people, or of which nobody knows that they are not.
PEOPLE = frozenset(
    name
    for name in kinds.KINDS
    if name == "Agent" or any(f.metadata[kinds.PERSONAL] for f in kinds.fields_of(name))
)

#: Last words of attribute names under which people write what they like.
_FREE = frozenset(
    {
        LABEL,
        "abstract",
        "args",
        "arguments",
        "argv",
        "body",
        "command",
        "comment",
        "comments",
        "content",
        "definition",
        "description",
        "diff",
        "documentation",
        "failure",
        "message",
        "note",
        "notes",
        "query",
        "reason",
        "remark",
        "retirement",
        "sourcecode",
        "sql",
        "stacktrace",
        "subject",
        "summary",
        "text",
        "title",
        "traceback",
        "value",
    }
)
_ENVIRONMENT = ("env.", "environ.", "environment.")
_LAST_WORD = re.compile(r"[^./#:]*$")
#: A value longer than this (characters), or of several lines, is free text under any name.
LONGEST = 200


def personal(kind: str) -> bool:
    """Whether every attribute of this kind is about a person."""
    return kind in PEOPLE


def free_text(name: str, value: Value) -> bool:
    """Whether a value is text that somebody wrote freely, by its name or by its form.

    >>> free_text("message", "fix"), free_text("metric.auc", 0.9), free_text("tag.x", "a" * 300)
    (True, False, True)
    """
    lowered = name.lower()
    if lowered.startswith(_ENVIRONMENT):
        return True
    last = _LAST_WORD.search(lowered)
    if last is not None and last.group().replace("_", "").replace("-", "") in _FREE:
        return True
    return any(map(_prose, each(value)))


def _prose(value: Scalar) -> bool:
    text = value.value if isinstance(value, Literal) else value
    return isinstance(text, str) and (len(text) > LONGEST or "\n" in text)

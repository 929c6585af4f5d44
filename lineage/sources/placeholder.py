# SPDX-License-Identifier: Apache-2.0
"""Knows what a template says in place of a value, and nobody replaced: there the value is missing."""

from __future__ import annotations

import re

#: What people write where they have nothing to say, and what templates write to be replaced.
_PLACEHOLDER = re.compile(
    r"\$?[{\[](?![^\]]*\]\()[^)]*[}\]]?|[{\[].* \| .*|<[^<>]+>|\.\.\.|…|TODO\b.*|tbd",
    re.DOTALL | re.IGNORECASE,
)


def is_placeholder(text: str) -> bool:
    """Whether a text is what a template says, to be replaced.

    >>> is_placeholder("{YYYY-MM-DD}"), is_placeholder("${{ values.owner }}"), is_placeholder("[A](a.md)")
    (True, True, False)
    """
    return _PLACEHOLDER.fullmatch(text.strip()) is not None

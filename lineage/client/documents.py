# SPDX-License-Identifier: Apache-2.0
"""The GraphQL documents beside this file: one operation a verb, with the fragments it spreads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

#: What may be asked; each is an operation in the file of its name. The other files are fragments.
OPERATIONS = (
    "ask",
    "compare",
    "explain",
    "find",
    "impact",
    "ingest",
    "produced",
    "show",
    "stats",
    "trace",
    "why",
)
_SPREAD = re.compile(r"\.\.\.(\w+)")


@cache
def document(name: str) -> str:
    """An operation, and every fragment that it needs, once."""
    return "\n".join(_texts(name, set()))


def _texts(name: str, seen: set[str]) -> Iterator[str]:
    if name not in seen:
        seen.add(name)
        text = files("lineage.client").joinpath(f"{name}.graphql").read_text("utf-8")
        yield text
        for fragment in _SPREAD.findall(text):
            yield from _texts(fragment.lower(), seen)

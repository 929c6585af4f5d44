# SPDX-License-Identifier: Apache-2.0
"""The GraphQL documents beside this file: one operation a verb, with the fragments it spreads.

Fragments that list the groups of an answer are made from the kinds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from lineage.model.kinds import GROUPS

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
#: Fragments by their lower-case names.
_GENERATED: Mapping[str, str] = {
    "groupednodes": f"fragment GroupedNodes on Groups {{ {' '.join(GROUPS)} }}\n",
    "groupedthings": "fragment GroupedThings on Things {"
    + " ".join(f"{group} {{ ...Thing }}" for group in GROUPS)
    + "}\n",
}


@cache
def document(name: str) -> str:
    """An operation, and every fragment that it needs, once."""
    return "\n".join(_texts(name, set()))


def _texts(name: str, seen: set[str]) -> Iterator[str]:
    if name not in seen:
        seen.add(name)
        text = _GENERATED.get(name) or _file(name)
        yield text
        for fragment in _SPREAD.findall(text):
            yield from _texts(fragment.lower(), seen)


def _file(name: str) -> str:
    return files("lineage.client").joinpath(f"{name}.graphql").read_text("utf-8")

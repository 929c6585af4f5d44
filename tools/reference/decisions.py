# SPDX-License-Identifier: Apache-2.0
"""docs/reference/decisions.md: the front matter of decision records, and the decisions that shaped this house."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from lineage.sources.decision_records import fields, record
from tools.reference.markdown import HEAD, table

_OURS = Path(__file__).parents[2] / "decisions"
_ABOUT = """\
# Decision records

[Decisions](../how-to/decisions.md) says how records are written. All keys are optional; those of MADR 4 come first, and keys that are not here are
kept as they are written. `decision-record.schema.json` beside this page is the JSON Schema of the front matter, for editors: write
`# yaml-language-server: $schema=` and its address into a record.

## Front matter

"""
_ROLES = """
## What each role says at least

`lineage decision check` names what is missing of it, where a record has a `role`.

"""
_HOUSE = """
## The decisions that shaped this house

They are the first records, in `decisions/` of the repository; `make lint` checks them.

"""


def page() -> str:
    """The page as Markdown."""
    keys = table(("key", "what for"), _keys())
    roles = table(
        ("role", "keys"),
        ((role, ", ".join(f"`{x}`" for x in said)) for role, said in fields.MINIMUM.items()),
    )
    ours = table(("decision", "believed", "decided"), _ours())
    return f"{HEAD}\n{_ABOUT}{keys}{_ROLES}{roles}{_HOUSE}{ours}"


def schema() -> str:
    """The JSON Schema of the front matter."""
    return json.dumps(fields.json_schema(), indent=2, ensure_ascii=False) + "\n"


def _keys() -> Iterator[tuple[str, ...]]:
    for key, (shape, says) in fields.FIELDS.items():
        yield f"`{key}`", says
        told = shape.schema()
        parts = {**told, **told.get("anyOf", [{}, {}])[1]}.get("properties") or {}
        for name, part in parts.items():
            yield f"`{key}.{name}`", part["description"]


def _ours() -> Iterator[tuple[str, ...]]:
    for path in sorted(_OURS.glob("*.md")):
        one = record.read(path.read_bytes(), path.name)
        outcome = one.outline.section("Decision Outcome")
        text = outcome.text.partition("\n\n### ")[0] if outcome else ""
        told = (
            f"{one.number} {one.title}",
            one.text_of("hypothesis") or "",
            " ".join(text.split()),
        )
        yield tuple(cell.replace("|", "\\|") for cell in told)

# SPDX-License-Identifier: Apache-2.0
"""The pages of docs/reference that are written from the code that they describe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from lineage.formats import ontology
from tools.reference import audit, commands, decisions, errors, kinds, relations, settings, verbs

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
#: Name of the page -> what writes its text, in Markdown.
PAGES: Mapping[str, Callable[[], str]] = {
    "audit.md": audit.page,
    "commands.md": commands.page,
    "decision-record.schema.json": decisions.schema,
    "decisions.md": decisions.page,
    "errors.md": errors.page,
    "kinds.md": kinds.page,
    "lineage.ttl": lambda: ontology.turtle().decode(),
    "relations.md": relations.page,
    "settings.md": settings.page,
    "verbs.md": verbs.page,
}

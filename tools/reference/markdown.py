# SPDX-License-Identifier: Apache-2.0
"""Markdown out of docstrings and tables, as the pages of the reference need it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence

#: The first lines of every page.
HEAD = "<!-- Written by `make reference` from the code: change the code, then run it. -->\n"


def first_paragraph(thing: type) -> str:
    """The first paragraph of a docstring as one line of Markdown. Raises ``ValueError`` where
    there is none.
    """
    text = thing.__dict__.get("__doc__")
    if not text:
        raise ValueError(f"{thing.__qualname__} has no docstring")
    paragraph = inspect.cleandoc(text).partition("\n\n")[0]
    return " ".join(paragraph.replace("``", "`").split())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; bars and tags in its cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("<", "&lt;")

# SPDX-License-Identifier: Apache-2.0
"""Everything that commands print for people goes through here: others wrote the texts in it, and a
terminal obeys some characters (CWE-150), or shows others in another order (CVE-2021-42574).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

#: Spaces and joiners that Python does not call printable, and that scripts and emoji need.
_HARMLESS = frozenset("\n\t\u00a0\u2009\u200c\u200d\u202f\u3000")
#: What stands for the beginning of a colour until it is printed: nobody else knows it.
_MARK = f"\x1b{os.urandom(8).hex()}"
_SHOWN = "\N{REPLACEMENT CHARACTER}"
#: What JSON may hold as it is, and a terminal obeys or shows in another order.
_OBEYED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def printable(text: str) -> str:
    """Replace the characters of a text that a terminal would obey, or that would hide or turn others."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _HARMLESS else _SHOWN for c in text)


def one_line(text: str) -> str:
    """The same text without breaks but at its ends: a name could pass for a line of ours."""
    inner = text.strip("\n")
    return text.replace(inner, " ".join(inner.splitlines())) if "\n" in inner else text


def style(text: object, **styles: Any) -> str:
    """Style a text (``click.style``) for ``echo``, in what others wrote nothing."""
    return click.style(printable(str(text)), **styles).replace("\x1b", _MARK)


def echo(
    text: object = "", *, err: bool = False, nl: bool = True, several_lines: bool = False
) -> None:
    """Print a line, of which a terminal obeys only what ``style`` put into it."""
    parts = (str(text) if several_lines else one_line(str(text))).split(_MARK)
    shown = printable(parts[0])
    for part in parts[1:]:
        colour, end, rest = part.partition("m")
        shown += f"\x1b{colour}{end}{printable(rest)}"
    click.echo(shown, err=err, nl=nl)


def echo_json(document: str, *, err: bool = False, nl: bool = True) -> None:
    """Print JSON that says the same, with what a terminal would obey escaped."""
    click.echo(_OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", document), err=err, nl=nl)


def console(*, err: bool = False, width: int | None = None) -> Console:
    """Make a console of rich on stdout or stderr, in colour where that is a terminal (NO_COLOR and
    FORCE_COLOR are honoured). Texts are no markup, and nothing in them is obeyed.
    """
    from rich.console import Console
    from rich.segment import Segment
    from rich.text import Text

    class Output(Console):
        def on_broken_pipe(self) -> None:
            """The command knows the code to end with."""
            raise BrokenPipeError

        def render(self, renderable: Any, *options: Any, **more: Any) -> Iterable[Segment]:
            """What is printed, but for the codes of styles; a text is a line, behind empty ones."""
            if isinstance(renderable, Text):
                renderable.plain = one_line(renderable.plain)
            for text, look, control in super().render(renderable, *options, **more):
                yield Segment(text if control else printable(text), look, control)

    return Output(stderr=err, width=width, markup=False, highlight=False, soft_wrap=not err)
